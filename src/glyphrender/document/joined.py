"""Several texts, each under its own θ, as one document: one sequence of pages, and one account of the source.

A part of a prompt that matters little is set in small type, and a part that matters much in large type. Each text
begins a page. Pages are numbered through, and offsets count from the first character of the first text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from os import PathLike
from pathlib import Path
from typing import Any

from glyphrender.document.document import Document
from glyphrender.document.extension import Extended, count_alike
from glyphrender.document.page import Page
from glyphrender.errors import DataError, shown
from glyphrender.raster.typesetter import Typesetter
from glyphrender.rich.rich_text import RichText
from glyphrender.text.paragraphs import paragraph_starts
from glyphrender.theta import ParagraphIds, Theta, ThetaLike
from glyphrender.typeset.line_table import LineTable
from glyphrender.typeset.page_layout import PageLayout

__all__ = ["JoinedDocument", "Section"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of a joined document that has its own θ.

    Attributes:
        start, end: its range, in characters of the whole text.
        theta: its rendering parameters.
        rich: the rich text of the part, or None if it is plain.
    """

    start: int
    end: int
    theta: Theta
    rich: RichText | None = None

    def of(self, text: str) -> str | RichText:
        """Return the part of `text`, the whole text."""
        return text[self.start : self.end] if self.rich is None else self.rich


class JoinedDocument(Document):
    """A document whose parts have different θ. `Document.joined` makes one.

    Attributes:
        sections: the parts, in order.
        theta: θ of the first part. Each page has its own, `Page.theta`.
    """

    sections: tuple[Section, ...]

    def __init__(
        self,
        texts: Sequence[tuple[str | RichText, ThetaLike]],
        *,
        max_pages: int | None = None,
        typesetter: Typesetter | None = None,
    ) -> None:
        if isinstance(texts, str | bytes) or not isinstance(texts, Sequence) or not texts:
            raise DataError(f"texts={shown(texts)} is no list of (text, θ). Give one pair or more.")
        sections: list[Section] = []
        for number, pair in enumerate(texts):
            if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], str | RichText):
                raise DataError(f"item {number} of texts is {shown(pair)}. Give a pair of a text and a θ.")
            start = sections[-1].end if sections else 0
            sections.append(
                Section(
                    start=start,
                    end=start + len(pair[0]),
                    theta=Theta.of(pair[1]),
                    rich=pair[0] if isinstance(pair[0], RichText) else None,
                )
            )
        self.sections = tuple(sections)
        whole = "".join(text.source if isinstance(text, RichText) else text for text, _ in texts)
        super().__init__(whole, sections[0].theta, max_pages=max_pages, typesetter=typesetter)

    def _decide_columns(self, theta: Theta) -> None:
        """Let each part decide on its columns, if its θ asks for that."""
        decided = (self._typesetter.with_columns(each.of(self.text), each.theta) for each in self.sections)
        self.sections = tuple(replace(each, theta=one) for each, one in zip(self.sections, decided, strict=True))
        self.theta = self.sections[0].theta

    def __getstate__(self) -> Any:
        return [(each.of(self.text), each.theta) for each in self.sections], self._max_pages

    def __setstate__(self, state: Any) -> None:
        texts, max_pages = state
        self.__init__(texts, max_pages=max_pages)  # type: ignore[misc]

    def extend_text(self, text: str | RichText) -> Extended:
        """Append `text` to the last part, under the θ of that part; see `Document.extend_text`."""
        if not isinstance(text, str | RichText):
            raise DataError(f"text is {type(text).__name__}, not str. Pass what comes next as a str.")
        with self._lock:
            old = self._all_pages()
            last = self.sections[-1]
            rich = None
            if last.rich is not None or isinstance(text, RichText):
                rich = RichText.joined([last.of(self.text), text])
            text = text.source if isinstance(text, RichText) else text
            grown = Section(start=last.start, end=last.end + len(text), theta=last.theta, rich=rich)
            first = sum(page.span[1] <= last.start for page in old)
            following = list(self._laid_out_section(grown, self.text + text, first, self._paragraphs_before()[-1]))
            same = count_alike((page._layout for page in old[first:]), following)
            self._pages[first + same :] = map(self._page, following[same:])
            self._set_text(self.text + text)
            self.sections = (*self.sections[:-1], grown)
            return Extended(unchanged=first + same, pages=len(self._pages))

    def save(self, path: str | PathLike[str], **options: Any) -> dict[str, Any]:
        """Write all pages; see `Document.save`. The manifest gives the θ of each page that has another than the first.

        Raises:
            DataError: see `Document.save`; or the parts have different dpi and are to be one PDF.
        """
        as_pdf = options.get("format") == "pdf" or (isinstance(path, str | PathLike) and Path(path).suffix == ".pdf")
        if as_pdf and len({each.theta.dpi for each in self.sections}) > 1:
            raise DataError(f"{path} would have pages of different dpi. Use one dpi for all parts, or save as png.")
        return super().save(path, **options)

    def _laid_out(self) -> Iterator[Page]:
        number = 0
        for section, paragraphs in zip(self.sections, self._paragraphs_before(), strict=True):
            for layout in self._laid_out_section(section, self.text, number, paragraphs):
                number = layout.number
                yield self._page(layout)

    def _paragraphs_before(self) -> list[int]:
        """Return for each section how many paragraphs come before it; zeros where no page shows ids of paragraphs."""
        if all(each.theta.paragraph_ids is ParagraphIds.NONE for each in self.sections):
            return [0] * len(self.sections)
        counts = (len(paragraph_starts(self.text[each.start : each.end])) for each in self.sections[:-1])
        return list(accumulate(counts, initial=0))

    def _laid_out_section(self, section: Section, text: str, number: int, paragraphs: int) -> Iterator[PageLayout]:
        """Yield the pages of a section of `text`. `number` pages and `paragraphs` paragraphs come before it."""
        part = section.of(text)
        most = None if self._max_pages is None else max(0, self._max_pages - number)
        place = _Place(number=number, offset=section.start, paragraphs=paragraphs, tables={})
        for layout in self._typesetter.layout_pages(part, section.theta, max_pages=most):
            yield place.of(layout)

    def _shares(self, jobs: int) -> Any:
        known = self._all_pages()
        return lambda job: iter(known[job::jobs])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where the pages of a text stand in a longer document: what is added to their numbers and their offsets."""

    number: int
    offset: int
    paragraphs: int
    tables: dict[int, tuple[LineTable, LineTable]]  # by identity, because pages share tables

    def of(self, layout: PageLayout) -> PageLayout:
        """Return a page of the text as a page of the document."""
        return replace(
            layout,
            number=layout.number + self.number,
            start=layout.start + self.offset,
            end=layout.end + self.offset,
            paragraphs=layout.paragraphs and layout.paragraphs.moved(self.paragraphs),
            blocks=tuple(replace(block, table=self._table(block.table)) for block in layout.blocks),
        )

    def _table(self, table: LineTable) -> LineTable:
        known = self.tables.get(id(table))
        if known is None:
            segments = replace(table.segments, offset=table.segments.offset + self.offset)
            self.tables.clear()  # pages come in order, so an earlier table does not come again
            known = self.tables[id(table)] = table, replace(table, segments=segments)
        return known[1]
