"""`render` and `render_file`: a text or a file → its pages. The θ "auto" is what is proposed for the text."""

from __future__ import annotations

import os
from collections.abc import Iterable
from os import PathLike
from typing import overload

from glyphrender._system.paths import path_of
from glyphrender.document.document import Document
from glyphrender.document.layout import check_text
from glyphrender.document.stream import PageStream
from glyphrender.raster.typesetter import Typesetter
from glyphrender.rich.door import for_file
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import Part, PartSpan
from glyphrender.text.source import TextLike, read
from glyphrender.theta import Theta, ThetaLike


@overload
def render(  # type: ignore[overload-overlap]  # a str is an iterable of str too
    text: str | RichText,
    theta: ThetaLike = None,
    *,
    max_pages: int | None = None,
    typesetter: Typesetter | None = None,
) -> Document: ...
@overload
def render(
    text: Iterable[str | Part],
    theta: ThetaLike = None,
    *,
    max_pages: int | None = None,
    typesetter: Typesetter | None = None,
) -> PageStream: ...
def render(
    text: TextLike | RichText,
    theta: ThetaLike = None,
    *,
    max_pages: int | None = None,
    typesetter: Typesetter | None = None,
) -> Document | PageStream:
    """Return the pages of `text` under `theta`: a `Document` for a str or a rich text, a `PageStream` for a stream.

    Pages are laid out when they are reached, and drawn when their pixels are asked for. Arguments and errors are those
    of `layout`; a wrong type of `text` or an invalid `theta` raises an error at once. The θ "auto" looks at a str and
    takes what `glyphrender.propose` proposes, for GLM-4.1V or, as "auto@model", for another model.

    >>> document = render("In the beginning was the Word.")
    >>> len(document), document[0].size
    (1, (161, 30))
    >>> sum(1 for page in render(iter(["In the beginning ", "was the Word."])))
    1
    """
    theta = _proposed(theta, text)
    if isinstance(text, str | RichText):
        return Document(text, theta, max_pages=max_pages, typesetter=typesetter)
    check_text(text)
    return PageStream(text, theta, max_pages=max_pages, typesetter=typesetter)


def render_file(
    path: str | PathLike[str],
    theta: ThetaLike = None,
    *,
    encoding: str | None = None,
    errors: str = "strict",
    max_pages: int | None = None,
    typesetter: Typesetter | None = None,
) -> Document:
    """Return the pages of a text file, as a lazy sequence.

    Args:
        path: the file. All of it is read at once. To stream a file, open it and pass it to `render`.
        theta: see `layout`. The name of the file decides its markup under `markup="FILES"`, and stands in a
            `page_header` that asks for it; the document is then one part of that name.
        encoding: encoding of the file. By default the byte order mark decides; without one, the file is read as UTF-8.
            No encoding is ever guessed.
        errors: what to do with bytes that are not text, as for `open`: "strict", "replace", …
        max_pages: a limit on the number of pages.
        typesetter: see `layout`.

    Raises:
        DataError: the file cannot be read, or is not text in that encoding.
        ThetaError: `theta` is not valid.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".txt") as file:
    ...     _ = file.write("café".encode("utf-16")), file.flush()
    ...     render_file(file.name, "dense").text
    'café'
    """
    theta = theta if _asks(theta) else Theta.of(theta)
    text = read(path, encoding=encoding, errors=errors)
    theta = for_file(Theta.of(_proposed(theta, text)), os.fspath(path))
    document = Document(text, theta, max_pages=max_pages, typesetter=typesetter)
    if "{file}" in theta.page_header:
        document.parts = (PartSpan(name=path_of(path, "Name a file of text.").name, start=0, text_start=0, line=0),)
        document._begin()
    return document


def _asks(theta: ThetaLike) -> bool:
    """Return whether `theta` asks for a proposal: "auto" or "auto@model"."""
    return isinstance(theta, str) and theta.partition("@")[0] == "auto"


def _proposed(theta: ThetaLike, text: TextLike | RichText) -> ThetaLike:
    """Return `theta`, or what is proposed for `text` where it asks for that."""
    if not _asks(theta):
        return theta
    from glyphrender.ratio.propose import chosen

    return chosen(theta, text)
