"""The text of small HTML documents, line by line, such as the dialogues of VTCBench: speakers are attributes there."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

__all__ = ["dialogue_lines", "plain_lines"]

_CLOSING_TAG: Final = re.compile(r"</[a-zA-Z]+>")
_BLOCKS: Final = frozenset(
    ("blockquote", "br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre", "tr")
)


def dialogue_lines(markup: str) -> list[str]:
    """Return one line for each `<span>`: its text, after "speaker: " if the span has the attribute `data-speaker`.

    This is what evalscope 1.14.1 makes of a dialogue with `BeautifulSoup.select("span")`. A span inside another one is
    a line of its own, and part of the outer line too.

    >>> dialogue_lines("<span>8 May</span><span data-speaker='Ann'>Hi, <b>Bo</b>!</span>")
    ['8 May', 'Ann: Hi, Bo !']
    """
    parser = _Spans()
    parser.feed(markup)
    parser.close()
    return [f"{speaker}: {' '.join(texts)}" if speaker else " ".join(texts) for speaker, texts in parser.spans]


def plain_lines(markup: str) -> str:
    """Return the text that a reader of the page sees. Without a closing tag, the text comes back as it is.

    Spans with the attribute `data-speaker` begin a line, "speaker: text"; so do spans of the class "timestamp". Blocks
    begin a line, and a `<div>` leaves an empty line before it.

    >>> print(plain_lines("<div><span class='timestamp'>8 May</span><span data-speaker='Ann'>Hi!</span></div>"))
    8 May
    Ann: Hi!
    """
    if not _CLOSING_TAG.search(markup):
        return markup
    parser = _Page()
    parser.feed(markup)
    parser.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(parser.parts)).strip("\n")


class _Spans(HTMLParser):
    """Collects the stripped strings inside each span."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.spans: list[tuple[str, list[str]]] = []
        self._open: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "span":
            texts: list[str] = []
            self.spans.append((dict(attrs).get("data-speaker") or "", texts))
            self._open.append(texts)

    def handle_endtag(self, tag: str) -> None:
        if tag == "span" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if text:
            for texts in self._open:
                texts.append(text)


class _Page(HTMLParser):
    """Collects the text with line ends where a browser would begin a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "div":
            self.parts.append("\n\n")
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag == "span":
            speaker = given.get("data-speaker")
            if speaker or "timestamp" in (given.get("class") or "").split():
                self._begin_line()
            if speaker:
                self.parts.append(f"{speaker}: ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._begin_line()

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def _begin_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")
