"""Reading a page without a vision-language model: Tesseract, RapidOCR, and the error rates that they give a θ.

- `comparison`: the characters of a text that a reader is judged by, and the edit distance between two texts.
- `legibility`: the error rate of any reader on sampled pages of a document.
- `tesseract`, `rapidocr`: two readers that install from wheels.
"""
