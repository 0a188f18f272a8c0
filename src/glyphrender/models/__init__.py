"""Vision-language models: the images and requests that they take, and the tokens that they charge.

`vision.py` finds a vision model by name. `families/` has one file for each way of turning an image into tokens, with
the open models that use this way. `hosted.py` has the models whose providers count the tokens. `limits.py` says what a
model takes. `preprocessor.py` makes a model from a local config file. `calibration.py` corrects a model by a provider's
counts. `tokenizers.py` counts text tokens. `vision_table.py` writes the table of `docs/vision.md`.
"""
