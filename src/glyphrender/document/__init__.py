"""Documents: text → pages (`render.py`, `document.py`, `stream.py`, `layout.py`), one page (`page.py`) and the places
of its text (`span.py`, `words.py`, `find.py`), files (`saving.py`), an HTML sheet to look at pages (`sheet.py`).
"""
