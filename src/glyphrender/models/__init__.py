"""What a vision-language model accepts and charges: visual tokens, text tokens, limits.

`vision.py` finds a model by name. `families/` has one file for each way of turning an image into tokens;
`catalogue.py` and `hosted.py` list the models; `tokenizers.py` counts text tokens.
"""
