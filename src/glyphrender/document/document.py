"""`Document`: what `render` gives, a lazy sequence of pages.

A page is laid out when it is reached and drawn when its pixels are asked for; neither is remembered by the
page beyond its layout, so holding a document holds text and line ranges (some 3 bytes a character), not
images. A document read from a stream forgets its pages as it gives them out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.processes import Baton
from glyphrender.document.page import Page
from glyphrender.errors import LayoutError
from glyphrender.text.source import Text, count_line_ends
from glyphrender.theta import Theta, ThetaLike
from glyphrender.typeset.layout import galleys, layout_pages
from glyphrender.typeset.line_table import FIRST, HYPHEN, LAST
from glyphrender.typeset.paginate import PageLayout, Paginator
from glyphrender.typeset.place import place
from glyphrender.typeset.shares import lay_out, segments

if TYPE_CHECKING:
    from glyphrender.models.model import VisionModel
    from glyphrender.models.tokenizers import TokenizerLike
    from glyphrender.ratio.ratio import Ratio


class Document(Sequence[Page]):
    """The pages of a text, laid out as they are reached.

    Made by `render`. A document of a `str` is a sequence: it can be indexed, and its length laid out in
    full. One of a stream is read once: iterate over it, or `save` it.
    """

    def __init__(self, text: Text, theta: Theta, *, max_pages: int | None = None) -> None:
        self.theta = theta
        self.text = text if isinstance(text, str) else None
        self._max_pages = max_pages
        self._pages: list[Page] = []
        self._rest: Iterator[Page] | None = layout(text, theta, max_pages=max_pages)

    def __repr__(self) -> str:
        known = f"{len(self._pages)} pages" + (" so far" if self._rest is not None else "")
        return f"<Document: {known}, θ {self.theta.digest[:8]}>"

    @property
    def streams(self) -> bool:
        """Whether the text came as a stream, so that pages can be had only once."""
        return self.text is None

    def __iter__(self) -> Iterator[Page]:
        if self.streams:
            rest, self._rest = self._rest, None
            if rest is None:
                raise self._spent()
            yield from rest
            return
        number = 0
        while self._reach(number):
            yield self._pages[number]
            number += 1

    def __len__(self) -> int:
        self._all()
        return len(self._pages)

    def __bool__(self) -> bool:
        return self._reach(0)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        if isinstance(index, int) and index >= 0:
            if not self._reach(index):
                raise IndexError(f"page {index} of {len(self._pages)} (the first is 0)")
        else:
            self._all()
        return self._pages[index]

    @property
    def missing(self) -> dict[str, int]:
        """Characters that no font has, with how often each occurs; lays out the whole text."""
        self._all()
        found: Counter[str] = Counter()
        for page in self._pages:
            found.update(page.missing)
        return dict(found)

    def append(self, text: str) -> int:
        """Let the document go on with `text`, as a chat or the transcript of an agent does.

        Only what the last paragraph and the last page touch is laid out again; the result is the document of the
        whole text.

        Returns:
            how many pages stayed as they were, so that their images need not be drawn or sent again.

        Raises:
            LayoutError: this document is of a stream; or the text needs more than `max_pages` pages.
        """
        if self.text is None:
            raise LayoutError("a document of a stream cannot be appended to. Pass the text as one str.")
        self._all()
        old, whole = self._pages, self.text + text
        # A paragraph may come out otherwise from its first line on: by an optimal break, or a closing bracket.
        paragraph = 0 if self.theta.newline_marker else self.text.rfind("\n") + 1
        first = max(0, min(len(old) - 1, bisect_right(old, paragraph, key=lambda page: page.span[1])))
        begin = old[first].span[0] if old else 0
        start = min(paragraph, self.text.rfind("\n", 0, begin) + 1)
        paginator = Paginator(self.theta, max_pages=self._max_pages, number=first, end=begin)
        lines = galleys(whole[start:], self.theta, offset=start, line=count_line_ends(whole[:start]))
        new = list(paginator.fill(lines))
        same = 0
        while same < min(len(new), len(old) - first) and _alike(old[first + same]._layout, new[same]):
            same += 1
        self._pages[first + same :] = map(Page, new[same:])
        self.text = whole
        return first + same

    def save(
        self,
        directory: str | PathLike[str],
        *,
        bits: int | None = None,
        jobs: int = 1,
        progress: Any = None,
        form: str = "png",
    ) -> dict[str, Any]:
        """Write `page_0001.png` … and `manifest.json` into `directory`: all of them, or nothing.

        Args:
            directory: is made; if it exists it must be empty or hold an earlier document, which is replaced.
            bits: see `Page.png`.
            jobs: processes that draw.
            progress: called with the number of pages written, as they are.
            form: "png", or "npy" for numpy's files of the pixels.

        Returns:
            the manifest.

        Raises:
            DataError: `directory` cannot be written, or holds other files.
        """
        from glyphrender.document.saving import save

        return save(self, directory, bits=bits, jobs=jobs, progress=progress, form=form)

    def ratio(self, *, model: str | VisionModel = "glm-4.1v", tokenizer: TokenizerLike | None = None) -> Ratio:
        """ρ of these pages: text tokens for one visual token of a model; draws nothing.

        Arguments and errors are those of `glyphrender.compression_ratio`. A document of a stream is used up.
        """
        from glyphrender.ratio.ratio import document_ratio

        return document_ratio(self, model=model, tokenizer=tokenizer)

    def shares(self, jobs: int) -> Callable[[int], Iterator[Page]]:
        """For processes to be forked: job → its share of the pages, of which all together are the document.

        What can be is laid out by them, and not here. A document of a stream cannot be shared.
        """
        if self.text is None:
            raise self._spent()
        text, theta, max_pages = self.text, self.theta, self._max_pages
        if self._rest is None or theta.newline_marker:
            # Laid out already; or all one paragraph, which has to be.
            self._all()
            return lambda job: iter(self._pages[job::jobs])
        parts = segments(text, jobs)
        baton = Baton(len(parts) + 1, (0, 0))

        def share(job: int) -> Iterator[Page]:
            for step in range(job, len(parts), jobs):
                pages, following = lay_out(text, parts[step], theta, partial(baton.take, step), max_pages=max_pages)
                baton.hand(step + 1, following)
                yield from map(Page, pages)

        return share

    def _reach(self, number: int) -> bool:
        """Lay out until page `number` is known; whether there is one."""
        if self.streams:
            raise self._spent()
        while len(self._pages) <= number and self._rest is not None:
            page = next(self._rest, None)
            if page is None:
                self._rest = None
            else:
                self._pages.append(page)
        return number < len(self._pages)

    def _all(self) -> None:
        if self.streams:
            raise self._spent()
        if self._rest is not None:
            self._pages.extend(self._rest)
            self._rest = None

    def _spent(self) -> LayoutError:
        return LayoutError(
            "a document of a stream can only be iterated over, once. Pass the text as one str to index it."
        )


def layout(text: Text, theta: ThetaLike = None, *, max_pages: int | None = None) -> Iterator[Page]:
    """Typeset `text` page by page, drawing nothing until a page's pixels are asked for.

    Args:
        text: a str, an iterator of str, or an open text file, read as pages are taken.
        theta: the rendering parameters; by default the searched θ of the Glyph paper.
        max_pages: a limit on the number of pages.

    Raises:
        FontError: a font of `theta` cannot be used.
        LayoutError: the text needs more than `max_pages` pages.
        DataError: `text` gives something that is not str.
    """
    for page in layout_pages(text, Theta.of(theta), max_pages=max_pages):
        yield Page(page)


def render(text: Text, theta: ThetaLike = None, *, max_pages: int | None = None) -> Document:
    """The pages of `text` under `theta`, as a lazy sequence. Arguments and errors are those of `layout`.

    >>> document = render("In the beginning was the Word.")
    >>> len(document), document[0].size
    (1, (161, 30))
    """
    return Document(text, Theta.of(theta), max_pages=max_pages)


def _alike(one: PageLayout, other: PageLayout) -> bool:
    """Whether two layouts of a page show the same characters, and the same of them."""
    if (one.start, one.end, one.size) != (other.start, other.end, other.size):
        return False
    theta = one.theta
    # Where paragraphs begin and end is seen in their backgrounds and borders.
    seen = HYPHEN | (FIRST | LAST if theta.para_bg_color or theta.border_width else 0)

    def columns(page: PageLayout) -> Iterator[NDArray[Any]]:
        yield np.concatenate([block.galley.flags[block.lo : block.hi] & seen for block in page.blocks])
        placed = [place(block, theta) for block in page.blocks]
        for name in ("glyph", "face", "x", "y", "squeeze", "left", "right", "top"):
            yield np.concatenate([getattr(each, name) for each in placed])

    return all(map(np.array_equal, columns(one), columns(other)))
