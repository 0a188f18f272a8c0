"""Documents: a lazy sequence of pages (`document.py`, `page.py`), saved to disk (`saving.py`), shown (`sheet.py`)."""
