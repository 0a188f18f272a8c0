"""Reading a page without a vision-language model: Tesseract, RapidOCR, and the error rates they give a θ."""
