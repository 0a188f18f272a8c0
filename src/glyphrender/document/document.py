"""`Document`: the pages of a text as a lazy sequence, and what can be done with all of them.

A page is laid out when it is reached (`lazy_pages.py`), and drawn when its pixels are asked for. A document keeps the
layouts of its pages, but no images. The layouts are the text and the ranges of its lines, some 3 bytes a character.
stream.py handles texts that come as a stream.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from math import inf
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from glyphrender._system.counts import checked_count
from glyphrender.document.extension import Extended, count_alike, laid_out_again
from glyphrender.document.layout import check_max_pages, check_text, checked_typesetter, laid_out
from glyphrender.document.lazy_pages import LazyPages
from glyphrender.document.page import Page
from glyphrender.errors import DataError, shown
from glyphrender.raster.typesetter import Typesetter
from glyphrender.rich.door import has_markup, with_markup
from glyphrender.rich.rich_text import RichText
from glyphrender.text.parts import PartReader, PartSpan
from glyphrender.text.source import TextLike
from glyphrender.theta import Theta, ThetaLike
from glyphrender.theta.parameter import AUTO
from glyphrender.typeset.page_layout import PageLayout
from glyphrender.typeset.shares import lay_out, shares_of
from glyphrender.typeset.style import consumption, flow_of

if TYPE_CHECKING:
    from glyphrender.models.model import VisionModel
    from glyphrender.models.tokenizers import TokenizerLike
    from glyphrender.ratio.costs import Ratio

# A text with fewer characters than this, some four pages, is saved before a second process could be forked.
_WORTH_FORKING: Final = 1 << 15
SHOWN: Final = 4
"""Number of pages of a document that a notebook shows."""


class Document(LazyPages):
    """The pages of a text, as a lazy sequence. `render` makes one.

    Documents can be pickled and copied. A copy holds the text and the parameters, and the default typesetter lays out
    its pages again.

    Several threads may read one document: each gets the pages that one thread alone would get, and a page is laid out
    once. An error in the text reaches every thread that asks for a page behind it. While a thread calls `extend_text`,
    the others see the pages as they were before or after it.

    Attributes:
        text: the text; the source of a rich text.
        rich: the rich text whose pages these are, or None.
        theta: the rendering parameters.
        parts: where the parts of the text begin, such as files; empty if it has none.

    >>> from glyphrender import render
    >>> document = render("one\\ftwo", {"form_feed": "PAGE"})
    >>> len(document), document[1].text
    (2, 'two')
    """

    def __init__(
        self,
        text: str | RichText,
        theta: ThetaLike = None,
        *,
        max_pages: int | None = None,
        typesetter: Typesetter | None = None,
    ) -> None:
        if not isinstance(text, str | RichText):
            raise DataError(f"text is {type(text).__name__}, not str. Use render or Document.read, which take streams.")
        self._set_text(text)
        self.parts: tuple[PartSpan, ...] = ()
        self.theta = Theta.of(theta)
        check_max_pages(max_pages)
        self._max_pages = max_pages
        self._typesetter = checked_typesetter(typesetter)
        super().__init__()
        self._decide_columns(self.theta)

    @classmethod
    def read(
        cls,
        text: TextLike | RichText,
        theta: ThetaLike = None,
        *,
        max_pages: int | None = None,
        typesetter: Typesetter | None = None,
    ) -> Document:
        """Return the document of a stream, which is read to its end. The stream may have a `Part` before each file.

        Arguments and errors are those of `render`.

        >>> from glyphrender import Part
        >>> document = Document.read([Part(name="a.txt"), "one", Part(name="b.txt"), "two"])
        >>> document.text, [part.name for part in document.parts]
        ('one\\ntwo', ['a.txt', 'b.txt'])
        """
        check_text(text)
        if isinstance(text, RichText):
            return cls(text, theta, max_pages=max_pages, typesetter=typesetter)
        theta = Theta.of(theta)
        reader = PartReader((text,) if isinstance(text, str) else text, consumption(theta).count_line_ends)
        document = cls("".join(reader), theta, max_pages=max_pages, typesetter=typesetter)
        if reader.parts:
            document.parts = tuple(reader.parts)
            document._begin()
            document._decide_columns(theta)
        return document

    @classmethod
    def joined(
        cls,
        texts: Sequence[tuple[str | RichText, ThetaLike]],
        *,
        max_pages: int | None = None,
        typesetter: Typesetter | None = None,
    ) -> Document:
        """Return several texts, each under its own θ, as one document. Each text begins a page.

        Pages are numbered through, and spans count from the beginning of the first text.

        Args:
            texts: pairs of a text and its θ, in order.
            max_pages: a limit on the number of all pages.
            typesetter: see `layout`.

        Raises:
            DataError: there are no pairs, or one has another type.
            ThetaError: a θ is not valid.

        >>> document = Document.joined([("old ", "scan-8"), ("new", None)])
        >>> document.text, [(page.number, page.span, page.theta.font_size) for page in document]
        ('old new', [(1, (0, 4), 6.06), (2, (4, 7), 9.0)])
        """
        from glyphrender.document.joined import JoinedDocument  # which derives from this class

        return JoinedDocument(texts, max_pages=max_pages, typesetter=typesetter)

    def __repr__(self) -> str:
        known = f"{len(self._pages)} pages" + (" so far" if self._rest is not None else "")
        return f"<Document: {known}, θ {self.theta.digest[:8]}>"

    def _repr_html_(self) -> str:
        """Return a strip of the first pages, for notebooks."""
        from glyphrender.document.notebook import document_strip

        shown = list(islice(self, SHOWN))
        return document_strip(shown, theta=self.theta, characters=len(self.text), more=self._reach(SHOWN))

    def _decide_columns(self, theta: Theta) -> None:
        """Let the text decide on its columns, if `theta` asks for that, and begin again under the θ that results."""
        if theta.columns == AUTO:
            self.theta = self._typesetter.with_columns(self._drawn_as, theta, self.parts)
            self._begin()

    def _set_text(self, text: str | RichText) -> None:
        self.rich = text if isinstance(text, RichText) and not text.is_plain else None
        self.text = text.source if isinstance(text, RichText) else text

    @property
    def _drawn_as(self) -> str | RichText:
        """The text, or the rich text, that is laid out."""
        return self.text if self.rich is None else self.rich

    @property
    def _is_rich(self) -> bool:
        """Whether the text is rich, or θ reads its markup."""
        return self.rich is not None or has_markup(self.theta)

    def __getstate__(self) -> tuple[str | RichText, Theta, int | None, tuple[PartSpan, ...]]:
        return self._drawn_as, self.theta, self._max_pages, self.parts

    def __setstate__(self, state: tuple[str | RichText, Theta, int | None, tuple[PartSpan, ...]]) -> None:
        text, theta, max_pages, parts = state
        self.__init__(text, theta, max_pages=max_pages)  # type: ignore[misc]
        self.parts = parts
        self._begin()

    @property
    def missing(self) -> dict[str, int]:
        """The characters that no font has, and how often each occurs. Reading this property lays out the whole text."""
        found: Counter[str] = Counter()
        for page in self._all_pages():
            found.update(page.missing)
        return dict(found)

    @property
    def collisions(self) -> dict[str, float]:
        """The scripts whose ink reaches over the next line: name → most pixels on any page; see `Page.collisions`."""
        found: dict[str, float] = {}
        for page in self._all_pages():
            for script, pixels in page.collisions.items():
                found[script] = max(found.get(script, 0.0), pixels)
        return found

    def pages_of(self, spans: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Return the numbers of the pages that hold any character of the given ranges, ascending.

        Args:
            spans: (start, end) of each range, in characters of the text. An empty range is on no page.

        Raises:
            DataError: a range is none, or lies outside the text.

        >>> from glyphrender import render
        >>> render("one\\ftwo\\fthree", {"form_feed": "PAGE"}).pages_of([(0, 1), (9, 11)])
        (1, 3)
        """
        if isinstance(spans, str) or not isinstance(spans, Iterable):
            raise DataError(f"spans={shown(spans)} is no list of ranges. Give (start, end) of each.")
        pages = self._all_pages()
        found: set[int] = set()
        for span in spans:
            whole = isinstance(span, tuple | list) and len(span) == 2 and all(isinstance(at, int) for at in span)
            if not whole or not 0 <= span[0] <= span[1] <= len(self.text):
                raise DataError(
                    f"span {shown(span)} is no range of the {len(self.text)} characters. Give (start, end)."
                )
            first = bisect_right(pages, span[0], key=lambda page: page.span[1])
            last = bisect_left(pages, span[1], key=lambda page: page.span[0])
            found.update(page.number for page in pages[first:last] if span[0] < span[1])
        return tuple(sorted(found))

    def extend_text(self, text: str | RichText) -> Extended:
        """Append `text` to the text of the document, for a chat or the transcript of an agent that grows.

        Only the pages from the last paragraph, or from the last page, are laid out again. Afterwards the document is
        the same as if the whole text had been rendered at once. A text whose markup θ names is laid out again from its
        start, because what follows may define a link in it. Under columns="auto", the document keeps the number of
        columns that it began with.

        Raises:
            LayoutError: the text needs more than `max_pages` pages. The document stays as it was.
            DataError: `text` is not str.

        >>> from glyphrender import render
        >>> document = render("one\\ftwo", {"form_feed": "PAGE"})
        >>> document.extend_text(", three\\ffour")
        Extended(unchanged=1, pages=3)
        """
        if not isinstance(text, str | RichText):
            raise DataError(f"text is {type(text).__name__}, not str. Pass what comes next as a str.")
        with self._lock:
            self._reach(inf)
            if self._is_rich or isinstance(text, RichText):
                if self.rich is None and isinstance(text, str):  # its markup is read again
                    return self._extended_richly(self.text + text)
                return self._extended_richly(
                    RichText.joined([with_markup(self._drawn_as, self.theta, self.parts), text])
                )
            whole = self.text + text
            first, following = laid_out_again(
                self.text,
                whole,
                self._pages,
                theta=self.theta,
                max_pages=self._max_pages,
                parts=self.parts,
                typesetter=self._typesetter,
            )
            same = count_alike((page._layout for page in self._pages[first:]), following)
            self._pages[first + same :] = map(self._page, following[same:])
            self.text = whole
            return Extended(unchanged=first + same, pages=len(self._pages))

    def _extended_richly(self, whole: str | RichText) -> Extended:
        """Lay out `whole`, which begins as the text of the document does, and return what changed."""
        old, first = [page._layout for page in self._pages], 0
        # If the document is a rich text, `whole` begins with the same styles. So its first pages need not be made anew.
        if self.rich is not None and isinstance(whole, RichText):
            first, following = self._typesetter.layout_resumed(
                whole, len(self.text), old, self.theta, max_pages=self._max_pages, parts=self.parts
            )
        else:
            layouts = self._typesetter.layout_pages(whole, self.theta, max_pages=self._max_pages, parts=self.parts)
            following = list(layouts)
        same = first + count_alike(old[first:], following)
        self._pages[same:] = map(self._page, following[same - first :])
        self._set_text(whole)
        return Extended(unchanged=same, pages=len(self._pages))

    def save(
        self,
        path: str | PathLike[str],
        *,
        bits: int | None = None,
        jobs: int = 1,
        progress: Callable[[int], object] | None = None,
        format: str | None = None,
    ) -> dict[str, Any]:
        """Write all pages, or nothing: `page_0001.png` … and `manifest.json` in a directory, or one PDF.

        Args:
            path: the directory or the PDF file, which is created if missing. An existing directory must be empty or
                hold an earlier document and nothing else. The earlier document is replaced when the new one is
                complete. A link is followed.
            bits: bits of a grey pixel, see `Page.png`.
            jobs: number of processes that lay out and draw.
            progress: called with the number of pages written so far.
            format: "png"; "npy" for arrays of pixels, which numpy.load reads; or "pdf", whose pages hold the pixels of
                the PNGs and measure pixels / dpi inches. By default "pdf" if `path` ends in ".pdf", else "png".

        Returns:
            The manifest: versions, θ, and for each page its size, its range of characters in the text, and its missing
            characters.

        Raises:
            DataError: `path` cannot be written, or holds something that `save` did not write, or that was changed
                since; an option has a wrong value; or a PDF would have no pages.
            DependencyError: a PDF needs the extra `pdf`.
        """
        from glyphrender.document.saving import save  # loads zipfile and email, which laying out does not need

        jobs = max(1, min(checked_count(jobs), len(self.text) // _WORTH_FORKING))  # as many as are worth forking
        shares = self._shares if jobs > 1 else None
        return save(
            self,
            path,
            theta=self.theta,
            bits=bits,
            jobs=jobs,
            shares=shares,
            progress=progress,
            format=format,
            typesetter=self._typesetter,
        )

    def ratio(self, *, model: str | VisionModel = "glm-4.1v", tokenizer: TokenizerLike | None = None) -> Ratio:
        """Return ρ of these pages: text tokens per visual token of a model. No page is drawn.

        Arguments and errors are those of `glyphrender.compression_ratio`.
        """
        from glyphrender.ratio.ratio import document_ratio

        return document_ratio(self, text=self.text, theta=self.theta, model=model, tokenizer=tokenizer)

    def _shares(self, jobs: int) -> Callable[[int], Iterator[Page]]:
        """Return a function from a job number, 0 … `jobs - 1`, to the pages of that job.

        Together the jobs have all pages. Call the function in forked processes. Each process lays out its own share if
        it can.
        """
        theta, max_pages, parts = self.theta, self._max_pages, self.parts
        with self._lock:
            text = self.text
            if self._rest is None or theta.newline_marker or self._is_rich:
                # The pages are known; or the text is rich or one paragraph, which one process must lay out.
                known = self._all_pages()
                return lambda job: iter(known[job::jobs])
        from glyphrender._system.shared_work import HandOff  # loads multiprocessing

        cut = shares_of(text, jobs, consumption(theta), flow_of(theta))
        hand_off = HandOff(len(cut) + 1, (0, 0))

        def share(job: int) -> Iterator[Page]:
            for step in range(job, len(cut), jobs):
                begin = partial(hand_off.take, step)
                pages, following = lay_out(
                    text, cut[step], theta, self._typesetter.shaper, begin, max_pages=max_pages, parts=parts
                )
                hand_off.give(step + 1, following)
                yield from map(self._page, pages)

        return share

    def _page(self, layout: PageLayout) -> Page:
        return Page(layout, self._typesetter, length=len(self.text))

    def _laid_out(self) -> Iterator[Page]:
        return laid_out(
            self._drawn_as, self.theta, max_pages=self._max_pages, typesetter=self._typesetter, parts=self.parts
        )
