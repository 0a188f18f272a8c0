"""Pages of a PDF as images and as text, by pypdfium2. One page is rendered at a time, because PDFium has no threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

from glyphrender.errors import DataError, DependencyError

__all__ = ["pdf_page_images", "pdf_page_texts"]

Value = TypeVar("Value")
_PDFIUM: Final = threading.Lock()
# A page may claim any size. Pillow warns of images of more than 89 million pixels.
_MOST_PIXELS: Final = 80_000_000


def pdf_page_images(
    path: str | PathLike[str], *, dpi: float = 144, most: int = 120, most_pixels: int = _MOST_PIXELS
) -> tuple[bytes, ...]:
    """Return the first `most` pages of a PDF, each as the bytes of a PNG in RGB, at `dpi` dots per inch.

    A page that would have more than `most_pixels` pixels gets a lower resolution.

    Raises:
        DataError: the file cannot be read, is no PDF, needs a password, or has no pages.
        DependencyError: pypdfium2 is not installed.
    """

    def image(page: Any) -> bytes:
        width, height = page.get_size()
        scale = min(dpi / 72, (most_pixels / max(1.0, width * height)) ** 0.5)
        buffer = BytesIO()
        page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB").save(buffer, format="PNG")
        return buffer.getvalue()

    return _of_pages(path, image, most)


def pdf_page_texts(path: str | PathLike[str], *, most: int = 120) -> tuple[str, ...]:
    """Return the text layer of the first `most` pages of a PDF. A scanned page has an empty text.

    Raises:
        DataError, DependencyError: see `pdf_page_images`.
    """

    def text(page: Any) -> str:
        layer = page.get_textpage()
        try:
            return str(layer.get_text_bounded()).replace("\r\n", "\n").replace("\ufffe", "")
        finally:
            layer.close()

    return _of_pages(path, text, most)


def _of_pages(path: str | PathLike[str], make: Callable[[Any], Value], most: int) -> tuple[Value, ...]:
    with _PDFIUM, _opened(Path(path)) as document:
        found = []
        for index in range(min(most, len(document))):
            page = document[index]
            try:
                found.append(make(page))
            finally:
                page.close()
    if not found:
        raise DataError(f"{path} has no pages. Take the official file.", path=path)
    return tuple(found)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pypdfium2
    except ImportError as error:
        raise DependencyError.of(error, f"{path} needs the package pypdfium2", extra="evals") from error
    if not path.is_file():
        raise DataError(f"{path} does not exist or is no file. Name the folder of the documents.", path=path)
    try:
        document = pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        raise DataError(f"{path} cannot be read as a PDF ({error}). Take the official file.", path=path) from error
    try:
        yield document
    except pypdfium2.PdfiumError as error:
        raise DataError(f"a page of {path} cannot be read ({error}). Take the official file.", path=path) from error
    finally:
        document.close()
