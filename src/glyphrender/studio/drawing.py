"""The page that a visitor sees: drawn at once for the page in view, and for no other.

A keystroke must show its page within a moment, so only the pages up to the one in view are laid out. Markup is read
from the whole text, which takes a second for a book. So the first page of a text with markup is made from the beginning
of the text, if this holds more than the page.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from glyphrender.document.page import Page
from glyphrender.errors import FontError, GlyphRenderError, ThetaError
from glyphrender.rich.door import has_markup
from glyphrender.studio.fields import Problem, problems_of
from glyphrender.studio.source import Source
from glyphrender.theta import PARAMETERS, Theta

__all__ = ["MOST_MEGAPIXELS", "check_page", "page_of", "problem_list"]

#: Megapixels of the largest page that the studio draws. Figures are computed for larger ones too.
MOST_MEGAPIXELS: Final = 16
# Characters of the beginning of a text with markup. Pages of the presets hold up to 12,000.
_BEGINNING: Final = 24_000


def page_of(source: Source, theta: Theta, number: int = 1) -> Page | None:
    """Return a page of `source`, laid out and not yet drawn; the last one if there are fewer, None if there is none.

    Args:
        source: the text, folder or chat.
        theta: the rendering parameters.
        number: the number of the page; the first is 1.

    Raises:
        ThetaError, FontError, DataError: see `Source.document`.
        ThetaError: the page has more than `MOST_MEGAPIXELS`.

    >>> page_of(Source(text="one\\ftwo"), Theta(form_feed="PAGE"), 9).text
    'two'
    >>> page_of(Source(), Theta()) is None
    True
    """
    check_page(theta)
    if number == 1 and has_markup(theta):
        beginning = source.excerpt(_BEGINNING)
        if beginning is not source:
            page = next(iter(beginning.document(theta)), None)
            if page is not None and page.span[1] < len(beginning.text):
                return page
    page = None
    for page in islice(source.document(theta), max(1, number)):  # noqa: B007 -- the last one is returned
        pass
    return page


def check_page(theta: Theta) -> None:
    """Refuse pages that are too large for a browser to show while a person types.

    Raises:
        ThetaError: the page has more than `MOST_MEGAPIXELS`.
    """
    width, height = theta.page_pixels
    if width * height > MOST_MEGAPIXELS * 1e6:
        raise ThetaError(
            f"dpi={theta.dpi:g} makes pages of {width * height / 1e6:.0f} megapixels; the studio draws up to "
            f"{MOST_MEGAPIXELS}. Lower dpi or page_size. The command line draws larger pages.",
            field="dpi",
        )


def problem_list(error: GlyphRenderError, theta: Theta | None = None) -> tuple[Problem, ...]:
    """Return what an error means for a visitor, at the field that it is about.

    >>> problem_list(ThetaError("dpi=0 is out of range.", field="dpi"))[0].field
    'dpi'
    """
    if isinstance(error, ThetaError):
        return problems_of(error)
    if isinstance(error, FontError):
        named = theta is not None and error.family in theta.fallback
        return (Problem(field="fallback" if named else "font", message=str(error)),)
    field = next((name for name in PARAMETERS if str(error).startswith(f"{name}=")), "")
    return (Problem(field=field, message=str(error)),)
