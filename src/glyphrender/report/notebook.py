"""The views of our values in notebooks: paragraphs, tables, plots and strips of images, as HTML of bounded size.

A notebook is a page of somebody else, so nothing here sets a color of text, runs a script or gives an id. Plots are
images, so their style sheets stay in them. A notebook is saved with its outputs: tables and strips are cut, and say so.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from html import escape
from typing import Final

from glyphrender.report.tables import ReportTable

__all__ = ["MOST_ROWS", "cell", "plot_image", "strip"]

MOST_ROWS: Final = 50
"""Rows of a table that a notebook shows."""


def cell(*parts: str | ReportTable) -> str:
    """Return what a notebook shows: texts as paragraphs, tables, and HTML of `plot_image` and `strip`.

    >>> cell("3 < 4")
    '<div class="glyphrender"><p>3 &lt; 4</p></div>'
    """
    return f'<div class="glyphrender">{"".join(_part(part) for part in parts if part)}</div>'


class Html(str):
    """HTML that is finished: `cell` does not escape it."""


def plot_image(svg: str, *, alt: str) -> Html:
    """Return a plot as an image, which follows the scheme of the reader on a ground of its own."""
    data = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    return Html(f'<p><img alt="{escape(alt)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}"></p>')


def strip(images: Iterable[tuple[bytes, str]]) -> Html:
    """Return images side by side, each with its caption below.

    Args:
        images: (bytes of a PNG file, caption) of each.
    """
    figures = "".join(
        f'<figure style="margin:0;flex:1 1 160px;max-width:320px"><img alt="{escape(caption)}" '
        f'style="width:100%;outline:1px solid #8c959f" src="data:image/png;base64,'
        f'{base64.b64encode(png).decode("ascii")}"><figcaption>{escape(caption)}</figcaption></figure>'
        for png, caption in images
    )
    return Html(f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start">{figures}</div>')


def _part(part: str | ReportTable) -> str:
    if isinstance(part, ReportTable):
        left = len(part.rows) - MOST_ROWS
        note = f"<p>… and {left:,} more rows</p>" if left > 0 else ""
        return replace(part, rows=part.rows[:MOST_ROWS], links=())._repr_html_() + note
    return part if isinstance(part, Html) else f"<p>{escape(part)}</p>"
