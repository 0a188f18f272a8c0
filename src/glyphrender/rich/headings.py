"""Headings of a rich text, and the section that a page is in.

The section of a page is the heading in force where the page begins: the last one that begins there or before. A page
before all headings takes the first heading on it. A part, such as a file, begins without a section.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glyphrender.rich.drawn_text import DrawnText
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import PartSpan


class Heading(NamedTuple):
    """A heading: where its block begins in the source, and the text that is drawn for it."""

    start: int
    text: str


def headings(text: RichText, drawn: DrawnText) -> list[Heading]:
    """Return the headings of a rich text, in their order.

    >>> from glyphrender.rich import BlockStyle
    >>> rich = RichText("Birds\\nfly.", blocks=[(0, 6, BlockStyle(heading=1))])
    >>> headings(rich, DrawnText(rich))
    [Heading(start=0, text='Birds')]
    """
    blocks = [block for block in text.blocks if block.style.heading]
    if not blocks:
        return []
    edges = drawn.places_of(np.array([block[:2] for block in blocks], np.int64)).tolist()
    found = [
        Heading(block.start, " ".join(drawn.text[lo:hi].split())) for block, (lo, hi) in zip(blocks, edges, strict=True)
    ]
    return sorted(heading for heading in found if heading.text)


def section_of(headings: Sequence[Heading], parts: Sequence[PartSpan], start: int, end: int) -> str:
    """Return the section of a page with characters `start` to `end - 1` of a source; "" if it has none."""
    at = bisect_right(headings, start, key=lambda heading: heading.start)
    begins = max((part.start for part in parts if part.start <= start), default=0)
    if at and headings[at - 1].start >= begins:
        return headings[at - 1].text
    at = bisect_left(headings, start, key=lambda heading: heading.start)
    return headings[at].text if at < len(headings) and headings[at].start < end else ""
