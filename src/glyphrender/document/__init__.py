"""Documents: text → pages (`document.py`, `stream.py`, `layout.py`), one page (`page.py`), files (`saving.py`), an
HTML sheet to look at pages (`sheet.py`).
"""
