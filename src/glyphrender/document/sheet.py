"""Pages → one HTML file to look at them. It holds the images, and offers zoom and the text under the pointer.

The file needs no other file, and its Content-Security-Policy lets it load none. Words and lines are stored as arrays,
and a script searches them for the one under the pointer. One element for each word would mean 1,800 elements a page.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphrender.document.manifest import dpi_of, read_manifest
from glyphrender.errors import DataError

if TYPE_CHECKING:
    from glyphrender.document.page import Page, Span

_HINT = "Point at a word."
_NO_SPANS = "These are pages without their text. Run glyphrender show on the text to see words and lines."


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
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
    def of(cls, page: Page) -> Picture:
        """Draw a page, and return its picture."""
        return cls(
            number=page.number,
            size=page.size,
            span=page.span,
            png=page.png(),
            lines=page.lines,
            words=page.words,
        )


def sheet(pictures: Iterable[Picture], *, title: str, note: str, zoom: float = 1.0) -> str:
    """Return the HTML of a sheet.

    Args:
        pictures: the pages.
        title, note: texts of the header. The rest of the HTML is ASCII.
        zoom: the size at which pages are shown at first, 0.125 to 8; 1 is a CSS pixel for each pixel of a page.
    """
    figures, hint = [], _NO_SPANS
    for picture in pictures:
        figures.append(_figure(picture))
        hint = _HINT if picture.lines else hint
    page = (files(__package__) / "sheet.html").read_text(encoding="utf-8")
    # The figures are filled in last, so that nothing inside them is taken for a placeholder.
    parts = {
        "zoom": f"{zoom:g}",
        "title": html.escape(title),
        "note": html.escape(note),
        "hint": hint,
        "figures": "\n".join(figures),
    }
    for name, text in parts.items():
        page = page.replace("{{%s}}" % name, text)  # noqa: UP031 -- braces of an f-string would be doubled twice
    return page


def frame(sheet: str, *, height: int = 640) -> str:
    """Return HTML that shows a sheet inside another page, such as a notebook. Neither can change the other.

    Args:
        sheet: the HTML of the sheet.
        height: height of the frame in CSS pixels.
    """
    return (
        f'<iframe sandbox="allow-scripts" style="width:100%;height:{height}px;border:0" '
        f'srcdoc="{html.escape(sheet)}"></iframe>'
    )


def saved(directory: Path, first: int, last: int) -> tuple[list[Picture], int]:
    """Return pages `first` to `last` of a document that was saved into `directory`, and the number of all its pages.

    Raises:
        DataError: the manifest or a page is missing or damaged.
    """
    manifest = read_manifest(directory)
    pictures = []
    for number, entry in enumerate(manifest["pages"][first - 1 : last], first):
        path = directory / entry["file"]
        try:
            png = path.read_bytes() if path.suffix != ".npy" else _png_of_array(path, dpi_of(manifest))
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}). Render the pages again.", path=path) from error
        except (ValueError, EOFError) as error:
            raise DataError(f"{path} is damaged ({error}). Render the pages again.", path=path) from error
        size, span = (entry["width"], entry["height"]), (entry["start"], entry["end"])
        pictures.append(Picture(number=number, size=size, span=span, png=png))
    return pictures, len(manifest["pages"])


def _png_of_array(path: Path, dpi: float) -> bytes:
    import numpy as np

    from glyphrender.raster import png

    pixels = np.load(path, allow_pickle=False)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or not pixels.size:
        raise ValueError("it holds no pixels")
    return png.encode(pixels, dpi=dpi)


def _figure(picture: Picture) -> str:
    width, height = picture.size
    about = f"page {picture.number}, {width}×{height} px, characters {picture.span[0]}–{picture.span[1]}"
    spans = {"lines": _rows(picture.lines), "words": _rows(picture.words)}
    # "<" is escaped, or else "</script>" in a text would end the element.
    data = json.dumps(spans, separators=(",", ":")).replace("<", r"\u003c")
    image = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<figure id="page-{picture.number}"><div class="page" style="--w:{width};--h:{height}">'
        f'<img alt="{about}" src="data:image/png;base64,{image}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        '<path class="all"/><path class="line"/><path class="word"/></svg></div>'
        f'<figcaption>{about}</figcaption><script type="application/json">{data}</script></figure>'
    )


def _rows(spans: Iterable[Span]) -> list[list[Any]]:
    return [[*(round(side, 2) for side in span.box), span.start, span.end, span.text] for span in spans]
