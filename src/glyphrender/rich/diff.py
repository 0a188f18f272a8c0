"""Differences (`diff -u`, `git diff`) → rich text. Signs and all other characters are drawn as they are.

A line is told apart by the counts in the head of its hunk, `@@ -a,b +c,d @@`, so a removed line that reads `-- x` is no
head of a file. Added lines are bold, removed lines are light and italic, and heads are underlined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from glyphrender.rich.line_ends import checked_text
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import Settings
from glyphrender.rich.style import Style
from glyphrender.theta import Highlighting, ThetaLike

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


def from_diff(source: str, theta: ThetaLike = None) -> RichText:
    """Return `source`, differences in the unified format, as rich text. All of its characters are drawn.

    Raises:
        DataError: `source` is not str.
        ThetaError: `theta` is not valid.

    >>> [span.style for span in from_diff("@@ -1 +1 @@\\n-old\\n+new\\n").spans]
    [Style(underline=True), Style(weight=400, italic=True), Style(weight=700)]
    """
    settings = Settings.of(theta)
    checked_text("source", source)
    if settings.highlighting is Highlighting.NONE:
        return RichText(source)
    styles = _GREY
    if settings.highlighting is Highlighting.COLOR:
        styles = _GREY | _COLORS[settings.is_dark]
    return RichText(source, [(start, end, styles[kind]) for start, end, kind in _kinds(source) if kind])


def _kinds(source: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, kind) of each line, without its end; the kind is "" for text that is the same."""
    old = new = 0  # lines of the hunk that are still to come
    for match in _LINE.finditer(source):
        line = match[0]
        sign = line[:1]
        kind = ""
        if old > 0 or new > 0:
            if sign in ("+", "-"):
                kind = sign
            if sign != "\\":  # "\ No newline at end of file"
                old -= sign != "+"
                new -= sign != "-"
        elif head := _HUNK.match(line):
            kind, old, new = "hunk", *(1 if count is None else int(count) for count in head.group("old", "new"))
        elif line.startswith(_HEADS):
            kind = "head"
        length = len(line.rstrip("\r\n"))
        if length:
            yield match.start(), match.start() + length, kind
