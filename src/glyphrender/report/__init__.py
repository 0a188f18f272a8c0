"""Reports: one look (`look.py`, `colors.py`), tables (`tables.py`) and plots (`plots.py`), as HTML, SVG and text.

This room knows nothing of pages, ratios or searches. The rooms above decide what a report says, and this room decides
how it looks: light and dark, on a phone and on paper, and that no text of a report can become an element of it.
"""
