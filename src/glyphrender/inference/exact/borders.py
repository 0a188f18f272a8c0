"""Judge whether a string may begin or end where a chunk does, by the delimiter there and the text beyond it.

A delimiter alone is not enough: in `"$HOME"/bin/x1234` the quote ends nothing, in `users/{id}/x` neither does the
brace, and a hyphen at a line's end continues on the next line. Each look goes back or ahead a bounded number of
characters.
"""

from __future__ import annotations

import re
from typing import Final

from glyphrender.inference.exact.characters import DELIMITERS, DIRECTION, QUOTES, UNSEEN, glues

_LOOK: Final = 200
_TAG_BEFORE: Final = re.compile(r"(?P<glue>\S?)<[A-Za-z/!?][^<>\n]*>\Z")
_STRING_PREFIX: Final = re.compile(r"(?:^|[^\w])(?:[rbfuRBFUL]{1,2}|u8)\Z")
_NAME_BEFORE: Final = re.compile(rf"[^\s{DELIMITERS}]*\Z")
# Quoted-printable ends a line of 73 to 76 characters with `=`.
_SOFT_BREAK: Final = re.compile(r"(?:\A|\n)[^\n]{72,75}=\r?\n\Z")
_CUT_LINE: Final = re.compile(rf"(?:[^\W_][-‐{UNSEEN}]|[-‐]?[{UNSEEN}]|\S\\)[ \t]*\r?\n[ \t]*\Z")


def begins(text: str, start: int) -> bool:
    """Return whether a string may begin at `start`, the first character of a chunk."""
    at = start - 1
    if at < 0:
        return True
    char = text[at]
    if char == "\n" or (char.isspace() and text[max(0, start - _LOOK) : start].isspace()):
        return not _CUT_LINE.search(text, max(0, start - _LOOK), start) and not _SOFT_BREAK.search(
            text[max(0, start - 79) : start]
        )
    if char.isspace():
        line = text.rfind("\n", max(0, start - 40), start)
        indented = line >= 0 and text[line:start].isspace()
        cut = indented and _CUT_LINE.search(text, max(0, start - _LOOK), start)
        return not cut and text[at - 1 : at] != "\\"
    if char in "，：" and text[at - 1 : at].isdigit() and text[start].isdigit():
        return False
    if char in QUOTES:
        while at >= 0 and text[at] == char and start - at <= 3:
            at -= 1
        if at >= 0 and text[at] == "\\":  # \"escaped\"
            at -= 1
        if at < 0 or not glues(text, at, after=False):
            return _no_query(text, at + 1)
        return _STRING_PREFIX.search(text, max(0, at - 3), at + 1) is not None or text[at - 1 : at + 1] == "W/"
    if char == "<":
        return not glues(text, at - 1, after=False)
    if char == ">":
        before = text[max(0, at - 2) : at]
        if (
            not before
            or before[-1:].isspace()
            or before[-1:] == ">"
            or (before[-1:] in "-=" and text[start] not in "/")
        ):
            return True
        tag = _TAG_BEFORE.search(text, max(0, at - _LOOK), start)
        return tag is not None and (not tag["glue"] or not glues(text, tag.start(), after=False))
    if char == "{":
        return not glues(text, at - 1, after=False) or re.search(r"\\[a-z]+\Z", text[max(0, at - 20) : at]) is not None
    if char == "|":
        return True
    return char != "}"


def ends(text: str, end: int) -> bool:
    """Return whether a string may end at `end`, behind the last character of a chunk."""
    if end >= len(text):
        return True
    char = text[end]
    if char.isspace():
        return True
    if char in "，：" and text[end - 1].isdigit() and text[end + 1 : end + 2].isdigit():
        return False
    if char in QUOTES:
        at = end
        while at < len(text) and text[at] == char and at - end < 3:
            at += 1
        if text[at : at + 2] == "/>":
            return True
        return at >= len(text) or not glues(text, at, after=True)
    if char == "<":
        return text[end + 1 : end + 2] == "/" or text[end : end + 3] == "<br"
    if char == ">":  # it closes only what was opened in this line
        line = max(text.rfind("\n", max(0, end - _LOOK), end), end - _LOOK, 0)
        if text.rfind("<", line, end) <= text.rfind(">", line, end):
            return False
    if char in ">}":
        return not glues(text, end + 1, after=True)
    return char != "{"


def in_table_row(text: str, at: int) -> bool:
    """Return whether the line of `at` begins with a vertical bar, as a row of a Markdown table does."""
    line = text.rfind("\n", max(0, at - 2000), at) + 1
    return text[line : line + 40].lstrip().startswith(("|", "│", "║"))


def without_direction(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the marks of direction at its edges. These marks are invisible, and join nothing."""
    while start < end and text[start] in DIRECTION:
        start += 1
    while start < end and text[end - 1] in DIRECTION:
        end -= 1
    return start, end


def _no_query(text: str, at: int) -> bool:
    """Return whether the text right before a quote is no URL. In a URL, a quote such as `?q="…"` ends nothing."""
    before = _NAME_BEFORE.search(text, max(0, at - _LOOK), at)
    return before is None or not re.search(r"://|[?&/]", before[0])
