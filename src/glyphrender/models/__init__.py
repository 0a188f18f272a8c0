"""Images and requests that a vision-language model takes, and the tokens that it charges for images and text.

`vision.py` finds a vision model by name. `families/` has one file for each way of turning an image into tokens, with
the open models that use it; `hosted.py` has the models whose providers count the tokens. `limits.py` says what a model
takes. `preprocessor.py` makes a model from a local config file, and `calibration.py` corrects one by a provider's
counts. `tokenizers.py` counts text tokens. `vision_table.py` writes the table of `docs/vision.md`.
"""
