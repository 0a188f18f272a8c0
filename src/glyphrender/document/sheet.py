"""Pages → one HTML file to look at them. It holds the images, and offers zoom and the text under the pointer.

The frame is that of all reports (`report.look`). Words and lines are stored as arrays,
and a script searches them for the one under the pointer. One element for each word would mean 1,800 elements a page.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphrender._system.regular_file import read_bytes
from glyphrender.document.manifest import dpi_of, read_manifest
from glyphrender.errors import DataError
from glyphrender.report.look import details, image, json_data, report_page

if TYPE_CHECKING:
    from glyphrender.document.page import Page
    from glyphrender.document.span import Span

_HINT = "Point at a word."
# Characters of a page that its alternative text begins with.
_ALT = 200
_TOOLS = (
    '<div class="tools" role="toolbar" aria-label="View">'
    '<button type="button" id="smaller" aria-label="smaller">−</button>'
    '<output id="zoom">100%</output><button type="button" id="larger" aria-label="larger">+</button>'
    '<button type="button" id="actual">1:1</button>'
    '<button type="button" id="boxes" aria-pressed="false">boxes</button>'
    '<span class="keys"><kbd>←</kbd> <kbd>→</kbd> page <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom '
    "<kbd>b</kbd> boxes</span></div>"
)
_NO_SPANS = "These are pages without their text. Run glyphrender show on the text to see words and lines."


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetPage:
    """One page of a sheet.

    Attributes:
        number: number of the page; the first is 1.
        size: width and height in pixels.
        span: (start, end) in the source, in characters.
        png: the image.
        lines, words: the spans to show under the pointer; empty if they are not known.
    """

    number: int
    size: tuple[int, int]
    span: tuple[int, int]
    png: bytes
    lines: tuple[Span, ...] = ()
    words: tuple[Span, ...] = ()

    @classmethod
    def of(cls, page: Page) -> SheetPage:
        """Draw a page, and return its picture."""
        return cls(
            number=page.number,
            size=page.size,
            span=page.span,
            png=page.png(),
            lines=page.lines,
            words=page.words,
        )


def sheet(pictures: Iterable[SheetPage], *, title: str, note: str, zoom: float = 1.0) -> str:
    """Return the HTML of a sheet.

    Args:
        pictures: the pages.
        title, note: texts of the header.
        zoom: the size at which pages are shown at first, 0.125 to 8; 1 is a CSS pixel for each pixel of a page.
    """
    shown = list(pictures)
    hint = _HINT if any(picture.lines for picture in shown) else _NO_SPANS
    status = f'<p id="status">{html.escape(hint)}</p>'
    # The script reads the zoom from here, because the policy of the page allows one script, whose text is fixed.
    start = f'<input id="start" type="hidden" value="{zoom:g}">'
    return report_page(
        title,
        [*map(_figure, shown), status, start],
        about=note,
        tools=_TOOLS,
        style=_own("sheet.css"),
        script=_own("sheet.js"),
    )


def frame(sheet: str, *, height: int = 640) -> str:
    """Return HTML that shows a sheet inside another page, such as a notebook. Neither can change the other.

    Args:
        sheet: the HTML of the sheet.
        height: height of the frame in CSS pixels.
    """
    return (
        f'<iframe title="Pages" sandbox="allow-scripts" style="width:100%;height:{height}px;border:0" '
        f'srcdoc="{html.escape(sheet)}"></iframe>'
    )


def saved(directory: Path, first: int, last: int) -> tuple[list[SheetPage], int]:
    """Return pages `first` to `last` of a document that was saved into `directory`, and the number of all its pages.

    Raises:
        DataError: the manifest or a page is missing or damaged.
    """
    manifest = read_manifest(directory)
    pictures = []
    for number, entry in enumerate(manifest["pages"][first - 1 : last], first):
        path = directory / entry["file"]
        try:
            png = read_bytes(path) if path.suffix != ".npy" else _png_of_array(path, dpi_of(manifest))
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}). Render the pages again.", path=path) from error
        except (ValueError, EOFError) as error:
            raise DataError(f"{path} is damaged ({error}). Render the pages again.", path=path) from error
        size, span = (entry["width"], entry["height"]), (entry["start"], entry["end"])
        pictures.append(SheetPage(number=number, size=size, span=span, png=png))
    return pictures, len(manifest["pages"])


def _png_of_array(path: Path, dpi: float) -> bytes:
    import numpy as np

    from glyphrender.raster import png

    pixels = np.load(BytesIO(read_bytes(path)), allow_pickle=False)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or not pixels.size:
        raise ValueError("it holds no pixels")
    return png.encode(pixels, dpi=dpi)


def _figure(picture: SheetPage) -> str:
    width, height = picture.size
    about = f"page {picture.number}, {width}×{height} px, characters {picture.span[0]}–{picture.span[1]}"
    text = "".join(line.text for line in picture.lines)
    alt = f"{about}: {' '.join(text.split())[:_ALT]}" if text else about
    return (
        f'<figure id="page-{picture.number}"><div class="sheet"><div class="page">'
        f"{image(picture.png, alt=alt, size=picture.size)}"
        f'<svg aria-hidden="true" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        '<path class="all"/><path class="line"/><path class="word"/></svg></div></div>'
        f"<figcaption>{about}</figcaption>"
        f"{details('text of this page', f'<pre>{html.escape(text)}</pre>') if text else ''}"
        f"{json_data({'lines': _rows(picture.lines), 'words': _rows(picture.words)})}</figure>"
    )


def _own(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _rows(spans: Iterable[Span]) -> list[list[Any]]:
    return [[*(round(side, 2) for side in span.box), span.start, span.end, span.text] for span in spans]
