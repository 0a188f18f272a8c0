"""Parts of pages, drawn again from their source: all of a part larger, or some phrases of a page.

Nothing is enlarged that was drawn before. A part is laid out again under a larger θ, and phrases become spans of rich
text. Drawing only the evidence larger helps models that find it and do not use it (AGAR, arXiv 2606.12898, which finds
the phrases by the attention of the model; here the model names them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.rich import RichText, Style
from glyphrender.theta import Leading, PageNumber, ParagraphIds, Theta

__all__ = ["enlarged_page", "larger_theta"]

#: Characters on either side of a phrase that are drawn larger with it, if no line of the source ends between.
AROUND = 120
# The fields of θ without which a part of a page is drawn: its furniture would count from its beginning.
_BARE: Final[dict[str, Any]] = {"page_number": PageNumber.NONE, "page_header": "", "paragraph_ids": ParagraphIds.NONE}


def larger_theta(theta: Theta, *, font_pixels: float = 14.0) -> Theta:
    """Return θ with type of `font_pixels`, or twice as large as it is if that is larger; all spacing grows alike.

    Pages of it have no page numbers, headers and paragraph ids, because they show a part of a page.

    >>> larger_theta(Theta(font_size=6, line_height=7)).font_size
    14.0

    Raises:
        ThetaError: the page of θ is too small for such type.
    """
    factor = max(2.0, font_pixels / theta.font_pixels)
    names = ("font_size", "line_height", "letter_spacing", "word_spacing", "space_before", "space_after")
    return theta.replace(**_BARE, **{name: getattr(theta, name) * factor for name in names})


def enlarged_page(page: Page, spans: Sequence[tuple[int, int]], *, font_pixels: float = 14.0) -> tuple[Page, ...]:
    """Return the text of a page again, with some ranges and the words around them in larger type.

    >>> from glyphrender import render
    >>> page = render("The parcel of Ada is 8841. The parcel of Emil is 2207.", "scan-8")[0]
    >>> again = enlarged_page(page, [(14, 17)])
    >>> "".join(each.text for each in again) == page.text, again[0].size > page.size
    (True, True)

    Args:
        page: the page.
        spans: (start, end) of each range, in characters of the source.
        font_pixels: size of the larger type in pixels; twice the size of the text if that is larger.

    Raises:
        ThetaError, LayoutError: the larger type does not fit the page.
    """
    text, first = page.text, page.span[0]
    size = max(2.0, font_pixels / page.theta.font_pixels)
    wide: list[list[int]] = []
    for start, end in sorted(_widened(text, start - first, end - first) for start, end in spans):
        if wide and start <= wide[-1][1]:
            wide[-1][1] = max(end, wide[-1][1])
        else:
            wide.append([start, end])
    rich = RichText(text, spans=[(start, end, Style(size=size)) for start, end in wide])
    theta = page.theta.replace(leading=Leading.FIT, **_BARE)
    return tuple(Document(rich, theta))


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a range with the words around it, up to the ends of its lines of the source."""
    start, end = max(0, start), min(len(text), end)
    first = max(text.rfind("\n", 0, start) + 1, start - AROUND)
    behind = text.find("\n", end)
    last = min(len(text) if behind < 0 else behind, end + AROUND)
    while first > 0 and first < start and not text[first - 1].isspace():
        first += 1
    while end < last < len(text) and not text[last].isspace():
        last -= 1
    return first, last
