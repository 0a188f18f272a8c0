"""The view of a document in a notebook: a strip of its first pages, with figures, of bounded size.

A notebook is saved with its outputs. So large pages are made smaller here, and the pages after the first few are only
counted: nothing is laid out for them. `glyphrender.document.sheet` makes a page to look at all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from glyphrender.report.notebook import cell, strip

if TYPE_CHECKING:
    from glyphrender.document.page import Page
    from glyphrender.theta import Theta

__all__ = ["document_strip"]

# The longest side of a page in a strip, in pixels, and the colors that a page keeps there: 16 grey levels suffice.
_SIDE: Final = 842
_LEVELS: Final = 16


def document_strip(pages: Sequence[Page], *, theta: Theta, characters: int, more: bool) -> str:
    """Return HTML of pages side by side, below a line of figures.

    Args:
        pages: the pages to show.
        theta: the rendering parameters.
        characters: number of characters of the whole text.
        more: whether more pages follow.
    """
    count = f"the first {len(pages)} pages" if more else f"{len(pages)} page{'s'[: len(pages) != 1]}"
    about = f"Document of {characters:,} characters, θ {theta.digest[:8]}: {count}"
    after = "; there are more, which document.save(…) writes" if more else ""
    return cell(f"{about}{after}.", strip((_small(page), _caption(page)) for page in pages))


def _caption(page: Page) -> str:
    width, height = page.size
    return f"page {page.number}: {width} × {height} px, characters {page.span[0]:,}–{page.span[1]:,}"


def _small(page: Page) -> bytes:
    """Return a page as PNG bytes, at its own size or reduced to `_SIDE`."""
    scale = _SIDE / max(page.size)
    if scale >= 1:
        return page.png(bits=4 if page.array.ndim == 2 else None)
    from io import BytesIO

    from PIL.Image import Resampling

    size = (max(1, round(page.size[0] * scale)), max(1, round(page.size[1] * scale)))
    reduced, buffer = page.image.resize(size, Resampling.BOX).quantize(_LEVELS), BytesIO()
    reduced.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
