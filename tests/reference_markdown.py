"""The text of a Markdown document as a browser shows it: the HTML of markdown-it-py through Python's HTML parser.

HTML in the document is escaped first, because pages show it as text. The alternative text stands for an image.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

_BLOCKS = {"p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "pre", "td", "th", "tr", "table"}


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs).get("alt") or "")
        elif tag in _BLOCKS or tag in ("br", "hr"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def reference() -> MarkdownIt:
    """Return markdown-it-py as it is, with the same rules as ours, and HTML escaped."""
    md = MarkdownIt("gfm-like2", {"linkify": False, "alerts": False}).disable("linkify")
    md.add_render_rule("html_block", lambda self, tokens, at, *_: f"<p>{escapeHtml(tokens[at].content)}</p>")
    md.add_render_rule("html_inline", lambda self, tokens, at, *_: escapeHtml(tokens[at].content))
    return md


def text_of_html(html: str) -> str:
    """Return the text of `html`, with each run of white space as one space."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return flat("".join(parser.found))


def has_html(md: MarkdownIt, source: str) -> bool:
    """Return whether `source` has raw HTML."""

    def any_html(tokens: list[Any]) -> bool:
        return any(token.type.startswith("html") or any_html(token.children or []) for token in tokens)

    return any_html(md.parse(source))


def flat(text: str) -> str:
    """Return `text` with each run of white space as one space."""
    return " ".join(text.split())
