"""Differences (`diff -u`, `git diff`) → rich text. Signs and all other characters are drawn as they are.

A line is told apart by the counts in the head of its hunk, `@@ -a,b +c,d @@`, so a removed line that reads `-- x` is no
head of a file. Added lines are bold, removed lines are light and italic, and heads are underlined. Inside the lines of
a hunk, code has the styles of its language, which the name of the file decides. A lexer reads both versions of a hunk,
the old and the new one, without signs. So a string that goes on over an added line is a string in that line too.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from glyphrender.rich.highlight import highlights, lexer_of
from glyphrender.rich.line_ends import checked_text
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import MarkupSettings
from glyphrender.rich.style import Style
from glyphrender.theta import Highlighting, Theta, ThetaLike

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_HUNK: Final = re.compile(r"@@ -\d+(?:,(?P<old>\d{1,9}))? \+\d+(?:,(?P<new>\d{1,9}))? @@")
_HEADS: Final = (
    "diff ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "new file ", "deleted file ", "similarity ", "rename ",
    "copy ", "Binary files ",
)  # fmt: skip
_GREY: Final = {
    "head": Style(weight=700, underline=True),
    "hunk": Style(underline=True),
    "+": Style(weight=700),
    "-": Style(weight=400, italic=True),
}
_COLORS: Final = {
    False: {"+": Style(color="#116329"), "-": Style(color="#A40E26"), "hunk": Style(color="#0550AE")},
    True: {"+": Style(color="#7EE787"), "-": Style(color="#FFA198"), "hunk": Style(color="#79C0FF")},
}


# Lines of a known language have a color behind them, because letters have those of the language.
_BEHIND: Final = {
    False: {"+": Style(background="#DAFBE1"), "-": Style(background="#FFEBE9")},
    True: {"+": Style(background="#12361F"), "-": Style(background="#40191D")},
}
_FILE: Final = re.compile(r"(?:---|\+\+\+) (?P<name>[^\t\r\n]+)")


class _Line(NamedTuple):
    """A line without its end: "+", "-", " " or "\\" inside a hunk, "hunk", "head" or "" outside.

    `hunk` is the number of the hunk, and `name` the name of its file.
    """

    start: int
    end: int
    kind: str
    hunk: int
    name: str


def from_diff(source: str, theta: ThetaLike = None) -> RichText:
    """Return `source`, differences in the unified format, as rich text. All of its characters are drawn.

    Raises:
        DataError: `source` is not str.
        ThetaError: `theta` is not valid, or its `code_language` is no language of Pygments.
        DependencyError: the differences name a file, and Pygments is not installed.

    >>> [span.style for span in from_diff("@@ -1 +1 @@\\n-old\\n+new\\n").spans]
    [Style(underline=True), Style(weight=400, italic=True), Style(weight=700)]
    """
    theta = Theta.of(theta)
    return RichText(checked_text("source", source), diff_spans(source, MarkupSettings.of(theta), theta.code_language))


def diff_spans(source: str, settings: MarkupSettings, language: str = "") -> list[tuple[int, int, Style]]:
    """Return the spans of differences; `language` is that of their code, or "" for that of each file name."""
    if settings.highlighting is Highlighting.NONE:
        return []
    lines = list(_lines(source))
    is_color = settings.highlighting is Highlighting.COLOR
    styles = _GREY | _COLORS[settings.is_dark] if is_color else _GREY
    spans: list[tuple[int, int, Style]] = []
    for number, group in groupby(lines, key=lambda line: line.hunk):
        rows = list(group)
        lexer = lexer_of(language, rows[0].name, "") if number and (language or rows[0].name) else None
        inner = _styled(source, rows, lexer, settings) if lexer is not None else {}
        around = styles | _BEHIND[settings.is_dark] if is_color and lexer is not None else styles
        for line in rows:
            if (style := around.get(line.kind)) is not None:
                spans.append((line.start, line.end, style))
            spans += inner.get(line.start, ())
    return spans


def _styled(
    source: str, rows: Sequence[_Line], lexer: Lexer, settings: MarkupSettings
) -> dict[int, list[tuple[int, int, Style]]]:
    """Return the spans inside the lines of a hunk, by the start of the line."""
    found: dict[int, list[tuple[int, int, Style]]] = {}
    for shown, version in (("+ ", "+ "), ("-", "- ")):
        side = [row for row in rows if row.kind in version and row.kind]
        if not any(row.kind in shown for row in side):
            continue
        code = "\n".join(source[row.start + 1 : row.end] for row in side)
        begins = list(accumulate((row.end - row.start for row in side), initial=0))
        marks = highlights(code, lexer, settings)
        for start, end, number in zip(marks.start, marks.end, marks.style, strict=True):
            for at in range(bisect_right(begins, start) - 1, bisect_left(begins, end)):
                row = side[at]
                first, last = max(start, begins[at]), min(end, begins[at + 1] - 1)
                style = _inside(marks.styles[number], row.kind, settings)
                if row.kind in shown and first < last and style is not None:
                    shift = row.start + 1 - begins[at]
                    found.setdefault(row.start, []).append((first + shift, last + shift, style))
    return found


def _inside(style: Style, kind: str, settings: MarkupSettings) -> Style | None:
    """Return `style` inside a line of a kind: on grey pages, an added line is bold whatever stands in it."""
    if kind != "+" or settings.highlighting is Highlighting.COLOR:
        return style
    return Style(italic=True) if style.italic else None


def _lines(source: str) -> Iterator[_Line]:
    """Yield the lines that have characters."""
    old = new = hunk = 0  # lines of the hunk that are still to come
    name = ""
    for match in _LINE.finditer(source):
        line = match[0]
        sign = line[:1]
        kind, number = "", 0
        # Models write hunks that are shorter than their head says, and context without its space: `index = 3`.
        if line.startswith("diff -") or _HUNK.match(line):
            old = new = 0
        if old > 0 or new > 0:
            number, kind = hunk, sign if sign in ("+", "-", " ", "\\") else " "
            if sign != "\\":  # "\ No newline at end of file"
                old -= sign != "+"
                new -= sign != "-"
        elif head := _HUNK.match(line):
            kind, old, new = "hunk", *(1 if count is None else int(count) for count in head.group("old", "new"))
            hunk += 1
        elif line.startswith(_HEADS):
            kind = "head"
            if (file := _FILE.match(line)) is not None and file["name"].strip() != "/dev/null":
                name = file["name"].strip().strip('"')
            elif line.startswith("diff "):
                name = ""
        length = len(line.rstrip("\r\n"))
        if length:
            yield _Line(match.start(), match.start() + length, kind, number, name)
