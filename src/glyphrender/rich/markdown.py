"""Markdown → rich text: CommonMark, and the tables, task lists and strike-through of GitHub.

markdown-it-py parses (positions.py says how each token gets its place). This module decides how each kind of token is
set. What the pages draw, in order, is the text of the document as a browser shows it: marks are consumed, entities and
line ends inside a paragraph are replaced, and list markers are furniture. HTML is drawn as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from glyphrender._system.collector import paused_collector
from glyphrender.rich.builder import Builder
from glyphrender.rich.diff import diff_spans
from glyphrender.rich.highlight import highlights, lexer_named
from glyphrender.rich.inlines import MONOSPACED, draw_inlines
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import MarkupSettings
from glyphrender.rich.style import BlockStyle, Rule, Style
from glyphrender.rich.tables import draw_table
from glyphrender.theta import Highlighting, ThetaLike

if TYPE_CHECKING:
    from markdown_it.token import Token

    from glyphrender.rich.places import PlacedToken

#: Space above a paragraph, a block of code or a table, in lines.
GAP: Final = 0.4
# Space above headings of level 1 to 6, in lines.
_HEADING_GAPS: Final = (0.8, 0.7, 0.6, 0.5, 0.4, 0.4)
_QUOTE: Final = BlockStyle(indent=1.0, rule=Rule.SIDE)
_MONO: Final = Style(family=MONOSPACED)
# The languages of fences that hold differences.
_DIFFS: Final = ("diff", "patch", "udiff")


def from_markdown(source: str, theta: ThetaLike = None) -> RichText:
    """Return `source`, a text in Markdown, as rich text.

    Args:
        source: the text.
        theta: how it is set: `link_targets`, `heading_size`, `highlighting`, and whether a newline ends a line.

    Raises:
        DataError: `source` is not str.
        ThetaError: `theta` is not valid.
        DependencyError: markdown-it-py is not installed, or is a release that works otherwise.

    >>> from_markdown("Read *this* &amp; [that](https://example.org).").drawn
    'Read this & that.'
    """
    settings = MarkupSettings.of(theta)
    with paused_collector():  # the tokens are gone when the collector looks again
        return _built(source, settings)


def _built(source: str, settings: MarkupSettings) -> RichText:
    from glyphrender.rich.positions import parse

    builder = Builder(source)
    tokens, line_ends = parse(builder.text)
    _Blocks(builder, settings, line_ends).draw(tokens)
    return builder.build()


class _Blocks:
    """Draws the tokens of blocks, in their order."""

    def __init__(self, builder: Builder, settings: MarkupSettings, line_ends: Sequence[int]) -> None:
        self._builder, self._settings, self._line_ends = builder, settings, line_ends
        self._open: list[tuple[int, int, BlockStyle, int]] = []  # blocks that hold others: number, start, style, line
        self._numbers: list[int] = []  # of the next item of each ordered list that is open

    def draw(self, tokens: Sequence[PlacedToken]) -> None:
        """Draw all of `tokens`."""
        at = 0
        while at < len(tokens):
            placed = tokens[at]
            match placed.token.type:
                case "inline":
                    self._paragraph(tokens[at - 1].token, placed)
                case "fence" | "code_block" | "html_block":
                    self._lines(placed)
                case "hr":
                    self._empty_line(placed.end, BlockStyle(rule=Rule.MIDDLE))
                case "table_open":
                    end = next(i for i in range(at, len(tokens)) if tokens[i].token.type == "table_close")
                    draw_table(self._builder, tokens[at:end], self._settings, self._gap)
                    at = end
                case "blockquote_open":
                    self._begin(_QUOTE, placed)
                case "ordered_list_open":
                    self._numbers.append(int(placed.token.attrs.get("start", 1)))
                case "ordered_list_close":
                    self._numbers.pop()
                case "list_item_open":
                    self._begin(self._item_style(placed.token), placed)
                case "blockquote_close" | "list_item_close":
                    self._end()
                case _:
                    pass
            at += 1

    @property
    def _gap(self) -> float:
        return GAP if self._builder.at else 0.0

    def _begin(self, style: BlockStyle, placed: PlacedToken) -> None:
        """Begin a block that holds others."""
        line = placed.token.map[0] if placed.token.map else 0
        self._open.append((self._builder.open_block(), self._builder.at, style, line))

    def _end(self) -> None:
        """End the block that was begun last. An item with no text draws an empty line, beside its marker."""
        number, start, style, line = self._open.pop()
        if style.marker and self._builder.at == start:
            self._empty_line(self._line_ends[line], BlockStyle())
        self._builder.close_block(number, start, style)

    def _item_style(self, token: Token) -> BlockStyle:
        """Return how an item of a list is set: its marker, and the indent in which the marker stands.

        Items count from the number of the first, as in a browser, whatever their own numbers are.
        """
        marker = "•"
        if token.info:
            marker = f"{self._numbers[-1]}{token.markup}"
            self._numbers[-1] += 1
        if "checked" in token.meta:
            box = "☑" if token.meta["checked"] else "☐"
            marker = f"{marker} {box}" if token.info else box
        return _marked(marker)

    def _paragraph(self, opening: Token, placed: PlacedToken) -> None:
        """Draw a paragraph or a heading: its text, and one line end."""
        builder, lines = self._builder, placed.lines
        start = builder.at
        style = _spaced(0.0 if opening.hidden else self._gap)
        span, block = builder.open_style(), builder.open_block()
        if lines is not None:
            draw_inlines(builder, placed.inline, placed.token.content, lines, self._settings.links)
        if builder.at == start:
            return
        if opening.type == "heading_open":
            level = int(opening.tag[1])
            builder.close_style(span, start, _heading(level, self._settings.heading_size))
            style = _spaced(_HEADING_GAPS[level - 1] if start else 0.0, heading=level)
        builder.end_line(placed.end)
        builder.close_block(block, start, style)

    def _lines(self, placed: PlacedToken) -> None:
        """Draw the lines of a block of code or HTML as they are."""
        builder, token, lines = self._builder, placed.token, placed.lines
        assert lines is not None
        start, block, gap = builder.at, builder.open_block(), self._gap
        builder.draw_parts(lines.parts(0, lines.length))
        if builder.at == start:
            return
        if lines.length < len(token.content):
            builder.end_line(placed.end)
        is_code = token.type != "html_block"
        builder.close_block(block, start, _spaced(gap, indent=1.0 if is_code else 0.0))
        if not is_code:
            return
        builder.style(start, builder.at, _MONO)
        language = next(iter(token.info.split(maxsplit=1)), "")
        if language in _DIFFS:
            for first, last, style in diff_spans(token.content, self._settings):
                builder.style(lines.source(first), lines.source(last - 1) + 1, style)
        elif language and self._settings.highlighting is not Highlighting.NONE:
            found = highlights(token.content, lexer_named(language), self._settings)
            starts, ends = lines.sources(found.start), lines.sources([end - 1 for end in found.end])
            for first, last, number in zip(starts, ends, found.style, strict=True):
                builder.style(first, last + 1, found.styles[number])

    def _empty_line(self, end: int, style: BlockStyle) -> None:
        """Draw a line without text, which ends at `end`."""
        builder = self._builder
        start, block = builder.at, builder.open_block()
        if end < len(builder.text):
            builder.end_line(end)
        else:
            builder.replace(start, end, "\n")
        builder.close_block(block, start, style)


@lru_cache(maxsize=64)
def _spaced(gap: float, indent: float = 0.0, heading: int = 0) -> BlockStyle:
    """Return the style of a block with `gap` lines above it; a heading, of level 1 to 6, stays with what follows."""
    return BlockStyle(space_before=gap, indent=indent, keep_with_next=heading > 0, heading=heading)


@lru_cache(maxsize=8)
def _heading(level: int, largest: float) -> Style:
    """Return the style of a heading; those of level 1 are `largest` times the size of the text."""
    size = 1 + (largest - 1) * (6 - level) / 5
    return Style(weight=700, italic=True if level > 2 else None, size=size if size != 1 else None)


@lru_cache(maxsize=256)
def _marked(marker: str) -> BlockStyle:
    return BlockStyle(indent=round(0.6 + 0.6 * len(marker), 2), marker=marker)
