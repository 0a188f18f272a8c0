"""`PageStream`: the pages of a text that comes as a stream. No page is kept, so the pages can be read only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn, Self, SupportsIndex

from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.document.layout import layout
from glyphrender.document.page import Page
from glyphrender.errors import LayoutError
from glyphrender.raster.typesetter import Typesetter
from glyphrender.text.source import TextLike
from glyphrender.theta import Theta, ThetaLike

if TYPE_CHECKING:
    from glyphrender.models.model import VisionModel
    from glyphrender.models.tokenizers import TokenizerLike
    from glyphrender.ratio.costs import Ratio


class PageStream(Iterator[Page]):
    """The pages of a text that is read as pages are taken. Made by `render` from a file or an iterator of str.

    A stream is used once: iterate over it, `save` it, or ask for its `ratio`. It has no length and no index, and keeps
    no page, so a text of any length fits in memory. Read a file into a str, or call `render_file`, to get a `Document`.
    Several threads may take pages from one stream: each page goes to one of them. A stream cannot be pickled or copied.

    Attributes:
        theta: the rendering parameters.

    >>> import io, glyphrender
    >>> [page.number for page in glyphrender.render(io.StringIO("one\\ftwo"), {"form_feed": "PAGE"})]
    [1, 2]
    """

    def __init__(
        self,
        text: TextLike,
        theta: ThetaLike = None,
        *,
        max_pages: int | None = None,
        typesetter: Typesetter | None = None,
    ) -> None:
        self.theta = Theta.of(theta)
        self._pages: Iterator[Page] | None = layout(text, self.theta, max_pages=max_pages, typesetter=typesetter)
        self._begun = False
        self._typesetter = typesetter
        self._lock = fork_safe_lock()

    def __repr__(self) -> str:
        state = "used up" if self._pages is None else "being read" if self._begun else "not yet read"
        return f"<PageStream: {state}, θ {self.theta.digest[:8]}>"

    def __iter__(self) -> Self:
        """Return the stream itself.

        Raises:
            LayoutError: the stream is used up.
        """
        if self._pages is None:
            raise _used()
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise LayoutError("a PageStream cannot be pickled or copied. Pass the text as one str, for a Document.")

    def __next__(self) -> Page:
        with self._lock:
            if self._pages is None:
                raise StopIteration
            self._begun = True
            try:
                return next(self._pages)
            except BaseException:  # the end, or an error after which no page can come
                self._pages = None
                raise

    def save(
        self,
        path: str | PathLike[str],
        *,
        bits: int | None = None,
        progress: Callable[[int], object] | None = None,
        format: str | None = None,
    ) -> dict[str, Any]:
        """Write the pages and a manifest, as `Document.save` does, and use the stream up.

        Raises:
            LayoutError: the stream has been used, or begun.
            DataError: see `Document.save`.
            DependencyError: see `Document.save`.
        """
        from glyphrender.document.saving import save

        return save(
            self._whole(),
            path,
            theta=self.theta,
            bits=bits,
            progress=progress,
            format=format,
            typesetter=self._typesetter,
        )

    def ratio(self, *, model: str | VisionModel = "glm-4.1v", tokenizer: TokenizerLike | None = None) -> Ratio:
        """Return ρ of the pages, as `Document.ratio` does, and use the stream up.

        Raises:
            LayoutError: the stream has been used, or begun.
        """
        from glyphrender.ratio.ratio import document_ratio

        return document_ratio(self._whole(), text=None, theta=self.theta, model=model, tokenizer=tokenizer)

    def _whole(self) -> Iterator[Page]:
        """Return all pages, and mark the stream as used up."""
        with self._lock:
            pages, self._pages = self._pages, None
            if pages is None or self._begun:
                raise _used()
            return pages


def _used() -> LayoutError:
    return LayoutError("pages of a stream can be had only once. Pass the text as one str to use its pages again.")
