"""The studio: a page in the browser that shows a text, its page images and their figures while θ moves.

`state.py` says what a visitor has chosen, as a value that fits into a link. `fields.py` describes the fields of θ for
widgets, `figures.py` computes ρ and prices, and `page_view.py` makes HTML of a page. These modules are plain functions
and need no Gradio. `app.py` wires them to widgets (extra `studio`), and `serving.py` starts the server.
"""

from __future__ import annotations
