"""Draw the text of a paragraph of Markdown: emphasis, code spans, links, images, entities, escapes and line ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from glyphrender.rich.builder import Builder
from glyphrender.rich.style import Style
from glyphrender.theta.choices import LinkTargets

if TYPE_CHECKING:
    from glyphrender.rich.places import Inline, Lines

#: The family of code.
MONOSPACED: Final = "DejaVu Sans Mono"
_CODE: Final = Style(family=MONOSPACED)
_IMAGE: Final = Style(italic=True)
_STYLES: Final = {
    "em_close": Style(italic=True),
    "strong_close": Style(weight=700),
    "s_close": Style(strike=True),
    "link_close": Style(underline=True),
}
# Characters of an entity that would end a line of the page. A browser shows them as a space.
_LINE_ENDS: Final = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")


_BREAK: Final = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)


def draw_inlines(
    builder: Builder,
    inlines: Sequence[Inline],
    content: str,
    lines: Lines,
    links: LinkTargets,
    shift: int = 0,
    breaks: str | None = None,
) -> None:
    """Draw the tokens of a text.

    Args:
        builder: what the tokens are drawn with.
        inlines: the tokens.
        content: the text.
        lines: the places of the text around it, in which `content` begins at `shift`.
        links: whether the targets of links are drawn.
        breaks: what the tag `<br>` is drawn as, or None if it is text as all HTML.
    """
    opened: list[tuple[int, int, str]] = []
    for inline in inlines:
        token, start, end = inline.token, inline.start, inline.end
        first, last = start + shift, end + shift
        match token.type:
            case "text":
                if content[start:end] == token.content:
                    builder.draw_parts(lines.parts(first, last))
                elif token.content:  # an address whose escapes were resolved
                    builder.replace(lines.source(first), lines.source(last - 1) + 1, token.content)
            case "softbreak":
                builder.join(lines.source(first))
            case "hardbreak":
                builder.end_line(lines.source(first + (content[start] == "\\")))
            case "text_special":
                _special(builder, token.content, content[start:end], lines, first, last)
            case "code_inline":
                _code(builder, token.content, content[start:end], len(token.markup), lines, first)
            case "html_inline" if breaks is not None and _BREAK.fullmatch(content, start, end):
                builder.break_line(lines.source(first), lines.source(last - 1) + 1, breaks)
            case "html_inline":
                _on_one_line(builder, content[start:end], lines, first)
            case "image":
                span, at = builder.open_style(), builder.at
                draw_inlines(builder, inline.inside, token.content, lines, links, first + 2)
                builder.close_style(span, at, _IMAGE)
            case "em_open" | "strong_open" | "s_open" | "link_open":
                href = str(token.attrs.get("href", "")) if links is LinkTargets.SHOW and not token.info else ""
                opened.append((builder.open_style(), lines.source(first), href))
            case "em_close" | "strong_close" | "s_close" | "link_close":
                span, at, href = opened.pop()
                builder.close_style(span, at, _STYLES[token.type])
                if href:
                    builder.replace(lines.source(first), lines.source(last - 1) + 1, f" <{href}>")
            case _:
                pass


def _special(builder: Builder, text: str, markup: str, lines: Lines, first: int, last: int) -> None:
    """Draw an escape as its character, or the characters of an entity."""
    if markup.endswith(text):  # an escape
        builder.draw_parts(lines.parts(last - len(text), last))
    else:
        builder.replace(lines.source(first), lines.source(last - 1) + 1, _LINE_ENDS.sub(" ", text))


def _code(builder: Builder, text: str, markup: str, marks: int, lines: Lines, first: int) -> None:
    """Draw a code span: without its marks, and without the one space at each side that only sets it off."""
    inner = markup[marks : len(markup) - marks]
    marks += inner.replace("\n", " ") != text
    span, at = builder.open_style(), lines.source(first)
    _on_one_line(builder, markup[marks : len(markup) - marks], lines, first + marks)
    builder.close_style(span, at, _CODE)


def _on_one_line(builder: Builder, text: str, lines: Lines, first: int) -> None:
    """Draw `text`, which begins at `first`, with a space for each line end."""
    for number, part in enumerate(text.split("\n")):
        if number:
            newline = lines.source(first - 1)
            builder.replace(newline, newline + 1, " ")
        builder.draw_parts(lines.parts(first, first + len(part)))
        first += len(part) + 1
