"""`Typesetter`: the owner of everything that is remembered between texts and pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.fork_safe_lock import fork_safe_lock
from glyphrender.errors import DataError, shown
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.page import draw_page
from glyphrender.rich.door import has_markup
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import PartSpan
from glyphrender.text.source import CHUNK, TextLike
from glyphrender.theta import Theta
from glyphrender.theta.parameter import AUTO
from glyphrender.typeset.layout import layout_pages, lines_of_part, with_columns
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.resumed import Place, place_of, resumed
from glyphrender.typeset.running_header import running_header
from glyphrender.typeset.shaper import Shaper
from glyphrender.typeset.style import Variant, consumption
from glyphrender.typeset.together import layout_together

#: 256 MiB. A book of one million words under ten font styles needs some 100 MiB.
MAX_BYTES: Final = 256 << 20
# The most drawn pages that are kept. Each keeps its layout, and so the fonts of its θ and perhaps an old glyph store,
# which `_pixel_bytes` does not count. Without bound, 1,600 small pages, each of another θ, held 1.3 GB.
_DRAWN: Final = 64


class Typesetter:
    """Lays out and draws pages, and remembers what the next page can use again.

    A typesetter owns font stacks, the glyph store, word caches, analysed texts, glyph masks and the pixels of the pages
    drawn last. `render`, `layout`, `compression_ratio` and `fit` use a default one; pass `typesetter=` for another.
    What is remembered never changes a page: with a new typesetter, or after `clear`, pages have the same bytes.

    Several threads may use one typesetter. What they share is written under one lock, and a forked process finds the
    lock free.

    >>> from glyphrender import Typesetter, render
    >>> typesetter = Typesetter(max_bytes=64 << 20)
    >>> document = render("In the beginning was the Word.", typesetter=typesetter)
    >>> document[0].size
    (161, 30)
    >>> typesetter.holds["texts"]
    1
    >>> typesetter.clear()

    Args:
        max_bytes: a bound on the memory of everything that is remembered, in bytes. Pages and documents that you hold
            are not counted. The least recently used parts are forgotten first.
        chunk_size: characters of a text that are analysed at a time. The pages of a text depend on this number only if
            a paragraph is longer.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES, chunk_size: int = CHUNK) -> None:
        for name, value, least in (("max_bytes", max_bytes, 0), ("chunk_size", chunk_size, 1)):
            if not isinstance(value, int) or value < least:
                raise DataError(
                    f"{name}={shown(value)} is not a whole number of {least} or more. Leave it out for the default."
                )
        self.lock = fork_safe_lock()
        self.max_bytes = max_bytes
        self.shaper = Shaper(max_bytes=max_bytes * 5 // 8, chunk_size=chunk_size, lock=self.lock)
        self.masks = MaskCache(max_bytes=max_bytes // 4, lock=self.lock)
        self._pixels: dict[int, tuple[PageLayout, NDArray[np.uint8]]] = {}
        self._drawn_with = self.shaper.store
        self._pixel_bytes = 0  # of all in `_pixels`: thousands of small pages would take long to add up each time

    def __repr__(self) -> str:
        held = ", ".join(f"{count:,} {name}" for name, count in self.holds.items())
        return f"<Typesetter: {held}; {self.nbytes / 2**20:.0f} of {self.max_bytes / 2**20:.0f} MiB>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.max_bytes, self.shaper.chunk_size)

    @property
    def holds(self) -> dict[str, int]:
        """The numbers of things that are remembered, by name."""
        return {**self.shaper.holds, **self.masks.holds, "drawn pages": len(self._pixels)}

    @property
    def nbytes(self) -> int:
        """An estimate of the memory of everything that is remembered, in bytes."""
        return self.shaper.nbytes + self.masks.nbytes + self._pixel_bytes

    def clear(self) -> None:
        """Forget everything. Pages and documents that you hold stay good."""
        with self.lock:
            self.shaper.clear()
            self.masks.clear()
            self._forget_pixels()

    def layout_pages(
        self,
        text: TextLike | RichText,
        theta: Theta,
        *,
        max_pages: int | None = None,
        parts: Sequence[PartSpan] = (),
    ) -> Iterator[PageLayout]:
        """Yield the pages of `text`, laid out and not drawn; see `glyphrender.typeset.layout.layout_pages`."""
        return layout_pages(text, theta, self.shaper, max_pages=max_pages, parts=parts)

    def layout_resumed(
        self,
        whole: RichText,
        length: int,
        pages: Sequence[PageLayout],
        theta: Theta,
        *,
        max_pages: int | None = None,
        parts: Sequence[PartSpan] = (),
    ) -> tuple[int, list[PageLayout]]:
        """Return (how many of `pages` are kept, the pages after them) of a rich text that grew.

        Its first `length` characters stand on `pages`; see `glyphrender.typeset.resumed`.
        """
        alone = theta.newline_marker is None and not consumption(theta)  # lines depend on their paragraphs alone
        place = place_of(whole, length, pages) if alone else Place(0, 0)
        if not place.page:
            return 0, list(self.layout_pages(whole, theta, max_pages=max_pages, parts=parts))
        return place.page, list(resumed(whole, place, pages, theta, self.shaper, max_pages=max_pages, parts=parts))

    def with_columns(self, text: str | RichText, theta: Theta, parts: Sequence[PartSpan] = ()) -> Theta:
        """Return `theta` with the number of columns that `text` allows, if it asks for that."""
        if theta.columns != AUTO:
            return theta
        if has_markup(theta) and isinstance(text, str):
            text = self.shaper.marked(text, theta, parts)
        return with_columns(text, theta, self.shaper)

    def layout_together(
        self, texts: Sequence[str | RichText], theta: Theta, *, max_pages: int | None = None
    ) -> list[list[PageLayout]]:
        """Return the pages of each text, laid out and not drawn; see `glyphrender.typeset.together`."""
        return layout_together(texts, theta, self.shaper, max_pages=max_pages)

    def lines_of_part(
        self, text: str, theta: Theta, *, start: int = 0, end: int | None = None, line: int = 0
    ) -> Iterator[LineTable]:
        """Yield the lines of a part of a document; see `glyphrender.typeset.layout.lines_of_part`."""
        return lines_of_part(text, theta, self.shaper, start=start, end=end, line=line)

    def draw(self, page: PageLayout, *, reuse: bool = False, following: int = 0) -> NDArray[np.uint8]:
        """Draw `page`, which so many characters of its text follow; see `glyphrender.raster.page.draw_page`."""
        # Threads that draw other texts may mix these up. They only decide when compiled code is loaded.
        self.masks.following = following
        style = self.shaper.style(page.theta)
        header = running_header(page, self.shaper) if page.theta.page_header else None
        return draw_page(page, self.shaper.furniture(style), self.masks, header=header, reuse=reuse)

    def pixels(self, page: PageLayout, *, following: int = 0) -> NDArray[np.uint8]:
        """Return the pixels of `page`, read-only; a page that is among those drawn last is not drawn again."""
        with self.lock:
            kept = self._pixels.get(id(page))
            if kept is not None:
                self._pixels[id(page)] = self._pixels.pop(id(page))
                return kept[1]
        drawn = self.draw(page, following=following)
        drawn.flags.writeable = False
        with self.lock:
            if self._drawn_with is not self.shaper.store:
                # Pages of an old store would keep that store, and the fonts of all its styles.
                self._forget_pixels()
            if id(page) not in self._pixels:  # another thread may have drawn it meanwhile
                self._pixel_bytes += drawn.nbytes
            self._pixels[id(page)] = page, drawn  # the page too, so that no other page gets its id
            while len(self._pixels) > 1 and (len(self._pixels) > _DRAWN or self._pixel_bytes > self.max_bytes // 8):
                self._pixel_bytes -= self._pixels.pop(next(iter(self._pixels)))[1].nbytes
        return drawn

    def _forget_pixels(self) -> None:
        """Forget the drawn pages, and the store that they were drawn with."""
        self._drawn_with = self.shaper.store
        self._pixels.clear()
        self._pixel_bytes = 0

    def adopt(self, page: PageLayout) -> None:
        """Give a page that comes from another process its fonts."""
        for store in page.stores:
            if not store.styles:
                for variant, choice in store.wanted or [(Variant(), None)]:
                    store.style_number(self.shaper.style(page.theta, variant, choice))


def _unpickled(max_bytes: int, chunk_size: int) -> Typesetter:
    return Typesetter(max_bytes=max_bytes, chunk_size=chunk_size)


_default = Typesetter()


def default_typesetter() -> Typesetter:
    """Return the typesetter that is used where none is given. Call its `clear` to free its memory.

    >>> default_typesetter() is default_typesetter()
    True
    """
    return _default
