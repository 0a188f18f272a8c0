"""The tools by which a model reads more of the pages that it sees: their text, or parts of them drawn larger.

    read_page(page)                 the text of a page
    read_lines(page, first, last)   some lines of a page
    read_paragraphs(first, last)    some paragraphs, by the ids that θ draws beside them (`paragraph_ids`)
    search(text)                    where a text stands: page, line, and the lines themselves
    zoom(page, region)              a part of a page, drawn again from its source under a larger θ
    enlarge(phrases)                the pages that have some phrases, drawn again with these in larger type

A result says which characters of the source it quotes and where in its text they stand, so that anybody can check that
they are the source. A call that cannot be served is answered by a sentence with a call that can. This module answers
one call; `expand_ledger` keeps budgets, and knows what was asked before.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from glyphrender._system.cached_property import cached_property
from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.errors import DataError, GlyphRenderError, shown
from glyphrender.inference.expand_arguments import integer, region_of, said
from glyphrender.inference.expand_pictures import enlarged_page, larger_theta
from glyphrender.inference.expand_results import NotServedError, QuotingText, ToolResult, pages_said
from glyphrender.inference.source_search import SourceSearch, line_of
from glyphrender.inference.tool_calls import ToolCall
from glyphrender.text.paragraphs import paragraph_starts
from glyphrender.theta import Theta

__all__ = ["PageTools"]

#: Pages that one call of `enlarge` brings.
_MOST_PAGES: Final = 4


class PageTools:
    """The tools over the pages of a document. They hold no state between calls, and threads may share them.

    Args:
        pages: a document, or consecutive pages of one. They must have text.
        zoom: θ of pages that are drawn again; by default `larger_theta` of the θ of the page.
        names: names of the tools that answer.

    Attributes:
        pages: the pages, by number.
        text: their text.

    Raises:
        DataError: there are no pages, or they are not consecutive; or paragraphs are to be read, and the first page
            is missing.

    >>> from glyphrender import render
    >>> tools = PageTools(render("The parcel is 8841-2207.\\nIt went to Dover."))
    >>> tools.answer(ToolCall(name="search", arguments={"text": "PARCEL"})).text
    'PARCEL: 1 place, ignoring case.\\npage 1, line 1: The parcel is 8841-2207.'
    """

    def __init__(
        self,
        pages: Document | Iterable[Page],
        *,
        zoom: Theta | None = None,
        names: Sequence[str] = ("read_page", "read_lines", "search"),
    ) -> None:
        listed = list(pages)
        if not listed or listed[0].span[0] == listed[-1].span[1]:
            raise DataError("there are no pages with text to read. Give a document that has some.")
        if any(one.span[1] != other.span[0] for one, other in zip(listed, listed[1:], strict=False)):
            raise DataError("the pages do not follow each other. Give consecutive pages of one document.")
        self.pages: Mapping[int, Page] = {page.number: page for page in listed}
        if len(self.pages) < len(listed):
            raise DataError("two pages have one number. Give consecutive pages of one document.")
        if wrong := [name for name in names if name not in _TOOLS]:
            raise DataError(f"tool {shown(wrong[0])} is not known. Use some of {', '.join(_TOOLS)}.")
        self.names = tuple(names)
        self.text = pages.text if isinstance(pages, Document) else "".join(page.text for page in listed)
        self._origin = listed[0].span[0]
        self._starts = [page.span[0] for page in listed]
        self._zoom_theta = zoom
        if "read_paragraphs" in names and self._origin:
            raise DataError("paragraphs are numbered from the start of a document. Give its pages from the first on.")

    @property
    def first(self) -> int:
        """Return the number of the first page."""
        return next(iter(self.pages))

    @property
    def last(self) -> int:
        """Return the number of the last page."""
        return list(self.pages)[-1]

    def source(self, start: int, end: int) -> str:
        """Return characters `start` to `end` of the source."""
        return self.text[start - self._origin : end - self._origin]

    def pages_of(self, start: int, end: int) -> tuple[int, ...]:
        """Return the numbers of the pages that hold a range of the source."""
        numbers = tuple(self.pages)
        one, other = bisect_right(self._starts, start) - 1, bisect_right(self._starts, max(start, end - 1)) - 1
        return numbers[max(0, one) : other + 1]

    def answer(self, call: ToolCall, *, places: int = 10) -> ToolResult:
        """Return the answer to `call`. Whatever a model writes, this returns an answer and raises no error.

        Args:
            call: the call.
            places: most places that a search quotes. Of the others, it names the pages.
        """
        try:
            if call.problem:
                raise NotServedError("arguments", f"{call.problem}. {self._example}")
            if call.name not in self.names:
                raise NotServedError(
                    "tool",
                    f"There is no tool {said(call.name)}. The tools are {', '.join(self.names)}. {self._example}",
                )
            if call.name == "search":
                return self._search(call.arguments, places)
            return _TOOLS[call.name](self, call.arguments)
        except NotServedError as error:
            return ToolResult(call="", text=error.text, problem=error.problem)

    def lines_that_fit(self, number: int, start: int, fits: Callable[[str], bool]) -> int:
        """Return the last line of page `number`, from line `start` on, up to which the text fits; 0 if none does."""
        lines = self.pages[number].lines
        low, high = start - 1, len(lines)
        while low < high:
            middle = (low + high + 1) // 2
            if fits(self.source(lines[start - 1].start, lines[middle - 1].end)):
                low = middle
            else:
                high = middle - 1
        return low if low >= start else 0

    @property
    def _example(self) -> str:
        examples = {
            "read_page": f"read_page(page={self.first})",
            "read_lines": f"read_lines(page={self.first}, first=1, last=5)",
            "read_paragraphs": "read_paragraphs(first=1, last=2)",
            "search": 'search(text="…")',
            "zoom": f'zoom(page={self.first}, region="top")',
            "enlarge": 'enlarge(phrases=["…"])',
        }
        return f"{examples[self.names[0]]} works."

    def _page(self, arguments: Mapping[str, Any], tool: str) -> Page:
        given = [arguments[name] for name in ("page", "n", "number", "page_number", "page_num") if name in arguments]
        if not given and len(arguments) == 1:
            given = list(arguments.values())  # whatever a model calls its only argument
        number = integer(given[0]) if given else None
        works = f"Pages are {self.first} to {self.last}"
        if number is None:
            what = f"page={said(given[0])} is no number of a page" if given else "the argument page is missing"
            raise NotServedError("arguments", f"{what}. {works}: {tool}(page={self.first}) works.")
        if number not in self.pages:
            nearest = min(max(number, self.first), self.last)
            raise NotServedError("range", f"There is no page {said(number)}. {works}: {tool}(page={nearest}) works.")
        return self.pages[number]

    def _read_page(self, arguments: Mapping[str, Any]) -> ToolResult:
        page = self._page(arguments, "read_page")
        written = QuotingText(f"Text content of Page {page.number}:\n")
        written.quote(*page.span, self.source(*page.span))
        return written.result(f"read_page(page={page.number})", [page.number])

    def _read_lines(self, arguments: Mapping[str, Any]) -> ToolResult:
        page = self._page({k: v for k, v in arguments.items() if k not in ("first", "last")}, "read_page")
        count = len(page.lines)
        first, last = (integer(arguments.get(name)) for name in ("first", "last"))
        works = f"read_lines(page={page.number}, first=1, last={count}) works"
        if first is None or last is None:
            name = "first" if first is None else "last"
            raise NotServedError("arguments", f"{name}={said(arguments.get(name))} is no number of a line. {works}.")
        if first > last:
            first, last = last, first
        if last < 1 or first > count:
            raise NotServedError("range", f"Page {page.number} has lines 1 to {count}: {works}.")
        first, last = max(1, first), min(last, count)
        span = page.lines[first - 1].start, page.lines[last - 1].end
        written = QuotingText(f"Lines {first} to {last}, of {count}, of page {page.number}:\n")
        written.quote(*span, self.source(*span))
        return written.result(f"read_lines(page={page.number}, first={first}, last={last})", [page.number])

    def _read_paragraphs(self, arguments: Mapping[str, Any]) -> ToolResult:
        starts = self._paragraph_lines
        given = [arguments[name] for name in ("first", "paragraph", "id", "number") if name in arguments]
        first = integer(given[0]) if given else None
        last = integer(arguments["last"]) if "last" in arguments else first
        works = f"Paragraphs are 1 to {len(starts)}: read_paragraphs(first=1, last=1) works"
        if first is None or last is None:
            raise NotServedError("arguments", f"first and last are numbers of paragraphs. {works}.")
        first, last = min(first, last), max(first, last)
        if last < 1 or first > len(starts):
            raise NotServedError("range", f"There is no paragraph {said(first)}. {works}.")
        first, last = max(1, first), min(last, len(starts))
        span = starts[first - 1], [*starts, len(self.text)][last]
        written = QuotingText(f"Paragraph {first}:\n" if first == last else f"Paragraphs {first} to {last}:\n")
        written.quote(*span, self.source(*span))
        return written.result(f"read_paragraphs(first={first}, last={last})", self.pages_of(*span))

    @cached_property
    def _paragraph_lines(self) -> list[int]:
        """Where the first line of each paragraph begins."""
        return [self.text.rfind("\n", 0, at) + 1 for at in paragraph_starts(self.text)]

    def _search(self, arguments: Mapping[str, Any], places: int = 10) -> ToolResult:
        given = [arguments[name] for name in ("text", "query", "q", "phrase") if name in arguments]
        wanted = given[0] if given else next(iter(arguments.values()), None) if len(arguments) == 1 else None
        if isinstance(wanted, int | float) and not isinstance(wanted, bool):
            wanted = str(wanted)
        if not isinstance(wanted, str) or not wanted.strip():
            raise NotServedError("arguments", 'the argument text is a text to look for: search(text="…") works.')
        call = f"search(text={json.dumps(wanted)})"
        found = self._found.find(wanted)
        if not found.spans:
            raise NotServedError("not found", f"{said(wanted)}: nowhere.{self._words_of(wanted)}")
        how = "" if found.how == "exact" else f", {found.how}"
        count = len(found.spans)
        written = QuotingText(f"{said(wanted)}: {count} place{'s'[: count != 1]}{how}.")
        pages: set[int] = set()
        for start, end in found.spans[:places]:
            start, end = start + self._origin, end + self._origin
            numbers = self.pages_of(start, end)
            pages.update(numbers)
            one, other = self._line(numbers[0], start), self._line(numbers[-1], max(start, end - 1))
            where = f"page {numbers[0]}, line {one[0]}"
            if (numbers[0], one[0]) != (numbers[-1], other[0]):
                where += f" to {other[0]}" if numbers[0] == numbers[-1] else f", to page {numbers[-1]}, line {other[0]}"
            written.add(f"\n{where}: ")
            text = self.source(one[1], other[2])
            bare = text.rstrip("\r\n")
            written.quote(one[1], one[1] + len(bare), bare)
        if count > places:
            more = {self.pages_of(start + self._origin, end + self._origin)[0] for start, end in found.spans[places:]}
            written.add(f"\n{count - places} more: {pages_said(sorted(more))}.")
        return written.result(call, sorted(pages))

    def _zoom(self, arguments: Mapping[str, Any]) -> ToolResult:
        page = self._page({k: v for k, v in arguments.items() if k != "region"}, "zoom")
        box, name = region_of(arguments.get("region", "all"), works=f'zoom(page={page.number}, region="top") works')
        width, height = page.size
        x0, y0, x1, y1 = (side * share / 1000 for side, share in zip((width, height) * 2, box, strict=True))
        inside = [
            number
            for number, line in enumerate(page.lines, 1)
            if line.box[0] < x1 and max(line.box[2], line.box[0] + 1) > x0 and line.box[1] < y1 and line.box[3] > y0
        ]
        lines = [page.lines[number - 1] for number in inside]
        if not lines or not self.source(lines[0].start, lines[-1].end).strip():
            raise NotServedError("range", f"{name} of page {page.number} is blank: zoom(page={page.number}) works.")
        span = lines[0].start, lines[-1].end
        try:
            theta = larger_theta(page.theta) if self._zoom_theta is None else self._zoom_theta
            pictures = tuple(Document(self.source(*span), theta))
        except GlyphRenderError as error:
            raise NotServedError("range", f"This part cannot be drawn larger ({error}).") from error
        what = f"Lines {inside[0]} to {inside[-1]}, of {len(page.lines)}, of page {page.number}, drawn larger"
        call = f"zoom(page={page.number}, lines {inside[0]} to {inside[-1]})"
        return ToolResult(call=call, text=f"{what}:", pages=(page.number,), pictures=pictures)

    def _enlarge(self, arguments: Mapping[str, Any]) -> ToolResult:
        given = arguments.get("phrases", next(iter(arguments.values()), None) if len(arguments) == 1 else None)
        phrases = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else []
        phrases = [phrase for phrase in phrases[:20] if isinstance(phrase, str) and phrase.strip()]
        if not phrases:
            raise NotServedError("arguments", 'the argument phrases is a list of texts: enlarge(phrases=["…"]) works.')
        found = {phrase: self._found.find(phrase).spans for phrase in phrases}
        absent = [phrase for phrase, spans in found.items() if not spans]
        if len(absent) == len(found):
            raise NotServedError("not found", f"{said(absent[0])}: nowhere.{self._words_of(absent[0])}")
        by_page: dict[int, list[tuple[int, int]]] = {}
        for spans in found.values():
            for start, end in spans:
                for number in self.pages_of(start + self._origin, end + self._origin):
                    by_page.setdefault(number, []).append((start + self._origin, end + self._origin))
        chosen = sorted(by_page)[:_MOST_PAGES]
        try:
            pictures = [each for number in chosen for each in enlarged_page(self.pages[number], by_page[number])]
        except GlyphRenderError as error:
            raise NotServedError("range", f"These phrases cannot be drawn larger ({error}).") from error
        text = f"{pages_said(chosen).capitalize()}, with these phrases larger."
        text += f" Nowhere: {', '.join(map(said, absent))}." if absent else ""
        text += f" {pages_said(sorted(by_page)[_MOST_PAGES:]).capitalize()} too." if len(by_page) > len(chosen) else ""
        call = f"enlarge(phrases={json.dumps(sorted(set(phrases)))})"
        return ToolResult(call=call, text=text, pages=tuple(chosen), pictures=tuple(pictures))

    def _line(self, number: int, at: int) -> tuple[int, int, int]:
        """Return (number, start, end) of the line of page `number` that holds character `at`."""
        lines = self.pages[number].lines
        line = line_of([each.start for each in lines], at)
        return line, lines[line - 1].start, lines[line - 1].end

    def _words_of(self, wanted: str) -> str:
        """Return, as a sentence, where words of a text that is nowhere stand; "" if none does."""
        known = []
        for word in list(dict.fromkeys(re.findall(r"\w{3,}", wanted)))[:8]:
            if spans := self._found.find(word).spans:
                pages = {self.pages_of(start + self._origin, end + self._origin)[0] for start, end in spans}
                known.append(f"{word} is on {pages_said(sorted(pages))}")
        return f" But {'; '.join(known)}." if known else " Look for a shorter text, as it is spelled on the pages."

    @cached_property
    def _found(self) -> SourceSearch:
        return SourceSearch(self.text)


_TOOLS: Final[Mapping[str, Callable[[PageTools, Mapping[str, Any]], ToolResult]]] = {
    "read_page": PageTools._read_page,
    "read_lines": PageTools._read_lines,
    "read_paragraphs": PageTools._read_paragraphs,
    "search": PageTools._search,
    "zoom": PageTools._zoom,
    "enlarge": PageTools._enlarge,
}
