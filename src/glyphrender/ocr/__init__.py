"""Read a page without a vision-language model, by Tesseract or RapidOCR, and measure their error rate under a θ.

- `comparison`: the characters of a text that count when a reader is judged, and the edit distance of two texts.
- `legibility`: the error rate of any reader on sampled pages of a document.
- `priorless`: texts without language priors, on which a reader cannot guess.
- `tesseract`, `rapidocr`: two readers that install from wheels.
"""
