"""Unwrap: which line ends of a hard-wrapped text end no paragraph, decided from neighboring lines alone.

A program or a person broke these lines at some column because the next word did not fit. So the first test is whether
it would have fitted: the column is estimated from the lines around. Further tests leave alone what only looks wrapped:
verse, lists, code, tables, headers, addresses, logs. Every decision depends on `REACH` lines before and after its line
end, on twice as many before it where a list item may begin, and on nothing else. A line longer than `LONGEST` is a
wall. So a text gives the same decisions in whatever pieces it comes, as long as `CONTEXT` characters around each piece
are known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Final, NamedTuple

#: Lines before and after a line end that bear on it.
REACH: Final = 8
#: Characters of the longest line that may be wrapped. A longer line bears on nothing.
LONGEST: Final = 160
#: Characters around a piece of text that are enough to decide about each line end in it.
CONTEXT: Final = 2 * (REACH + 4) * (LONGEST + 3)

# Lines are not taken for wrapped at a column below this, which keeps addresses, titles and short verse.
_NARROWEST: Final = 45
# A line that goes on in lower case may end this many columns earlier than the estimate says.
_SLACK: Final = 8
# Any other line may end so much earlier: some programs wrap at one column or the next.
_RAGGED: Final = 2
# The first line of a list item bears on so many lines after it.
_ITEM_REACH: Final = 2 * REACH
# A line that ends so many columns before the estimate was not wrapped.
_FAR: Final = 16
# Lines of code within so many lines forbid a join: a comment or a docstring is a part of the code.
_NEAR: Final = 4


class Join(IntEnum):
    """The drawn form of a line end: the end of the line, a space, or nothing (between ideographs, after a hyphen)."""

    NONE = 0
    SPACE = 1
    NOTHING = 2


class _Kind(IntEnum):
    PROSE = 0
    BLANK = 1
    WALL = 2  # bears on nothing, and nothing joins it
    STAYS = 3  # a table, a rule, a quotation, a list of contents
    CODE = 4


class _Line(NamedTuple):
    """A line, as far as it bears on joins. Columns count wide characters twice."""

    kind: _Kind
    indent: int = 0
    right: int = 0  # the column after its last character
    first: int = 0  # columns of its first word
    item: bool = False  # begins with the mark of a list
    header: bool = False  # begins as `Subject: `
    upper: bool = False  # begins with a capital
    lower: bool = False  # begins with a small letter
    head: str = ""  # its first and its last character
    tail: str = ""
    stops: bool = False  # ends as a sentence or a clause ends


_BLANK: Final = _Line(_Kind.BLANK)
_WALL: Final = _Line(_Kind.WALL)

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ITEM: Final = re.compile(
    r"(?:[-*+•◦▪·‣o]|\(?[0-9]{1,3}(?:\.[0-9]+)*[.):]|[0-9]+(?:\.[0-9]+)+|\(?[A-Za-z][.)]|\(?[ivxlIVXL]{1,5}[.)]"
    r"|\[[0-9A-Za-z]{1,8}\])\s"
)
_HEADER: Final = re.compile(r"[A-Za-z][\w-]{0,30}(?:, \w+)*:(?:\s|$)")
# A prefix that each line of a comment, a quotation, a diff or a table has; a rule; a log.
_STAYS: Final = re.compile(
    r"[>|#%@~=^\\`$<]|//|/\*|\*/|;;|--(?:\s|$)|\+\+|\[?[0-9]{1,4}[-/:][0-9]{1,2}[-/:][0-9]{1,4}|[0-9:.]{8,}\s|\.\.\s|[-+][^\s\w\"'(]"
)
_COLUMNS: Final = re.compile(
    r"\S {4,}\S|\S {3,}\S.*\S {3,}\S|\S\t+\S|\.{4,}|(?: \.){3,}|[|│┃].*[|│┃]|_{6,}|-{6,}|={4,}"
    r"|(?:,(?!\d{3}\b)[^\s\"'”’].*){2}"  # values that commas separate
)
# Lines without any of these are no code. Most prose is passed over so.
_MARKED: Final = re.compile(r"[][(){}<>=&|_+*/%]|[:,]\s*$|^\s*(?:import|from|return)\b")
# What only code has at these places.
_CODE: Final = re.compile(
    r"[{}]\s*$|\)\s*;\s*$|\w = .*;\s*$|^\s*[\])}]+[,;]?\s*$|</\w|/>"
    r"|^\s*(?:def|class|function|func|fn|pub|impl|struct|enum|namespace|protected|private|async) \w.*[:{(;,]\s*$"
    r"|^\s*(?:else|try|finally):$|^\s*(?:if|elif|while|for|with|except|switch)\b.*[(\[._=<>].*[:{]\s*$"
    r"|^\s*(?:import [\w.]+(?: as \w+)?|from [\w.]+ import .*|return [\w.]+;?)$"
    r"|^\s*[\w.]+(?:\[[^\]]*\])?(?:: [\w\[\], |]+)? [-+*/|]?= \S"
)
# What code has, and prose about code too.
_MAY_BE_CODE: Final = re.compile(
    r"\w\(|[!=<>]=|=>|\w->\w|\w::\w|&&|\|\||\w\[[a-z_]\w*\]|[a-z]_[a-z]|[=+*/<>&|]|[\])}\"'],\s*$"
)
_WORD: Final = re.compile(r"[\"'(]?[^\W\d_]+(?:['’-][^\W\d_]+)*[\"')]?[,.;:?!]*$")
_SENTENCE_ENDS: Final = frozenset(".!?:…\"”’'。！？：؟۔")
_STOPS: Final = frozenset(".,;:!?…—”\"’')]。，、；：！？」』）》〉】؟،؛۔»")


def joins(text: str, start: int, stop: int, *, begins: bool = True, ends: bool = True) -> list[tuple[int, Join]]:
    """Return the line feeds from `start` to `stop - 1` that end no paragraph: (place, what is drawn), rising.

    Args:
        text: the piece of text, with up to `CONTEXT` characters on each side of it that bear on it.
        start, stop: the piece.
        begins, ends: whether `text` begins and ends where the source does, or else inside it.

    >>> wrapped = "It was the best of times, it was the worst of times, it was the\\nage of wisdom, it was\\n"
    >>> joins(wrapped, 0, len(wrapped))
    [(63, <Join.SPACE: 1>)]
    """
    lines, ends_at = _lines(text, begins=begins, ends=ends)
    found = []
    for at, place in enumerate(ends_at):
        if place >= stop:
            break
        if place >= start and at + 1 < len(lines) and (join := _join(lines, at)):
            found.append((place, join))
    return found


def shares(text: str) -> tuple[float, float]:
    """Return (the share of lines that are code, the share of line ends inside paragraphs that wrapping put there).

    The first is of all lines that are not blank. The second is of the line ends between two lines of prose.

    >>> shares("def f(x):\\n    return x\\n")
    (1.0, 0.0)
    """
    lines, places = _lines(text, begins=True, ends=True)
    seen = [line for line in lines if line.kind not in (_Kind.BLANK, _Kind.WALL)]
    pairs = sum(line.kind is after.kind is _Kind.PROSE for line, after in pairwise(lines))
    joined = sum(1 for at in range(len(places)) if at + 1 < len(lines) and _join(lines, at))
    code = sum(line.kind is _Kind.CODE for line in seen)
    return code / (len(seen) or 1), joined / (pairs or 1)


def _lines(text: str, *, begins: bool, ends: bool) -> tuple[list[_Line], list[int]]:
    """Return (the lines of `text`, the place of the line feed after each but the last)."""
    rows = text.split("\n")
    lines = [_line(row) for row in rows]
    at, places = -1, []
    for row in rows[:-1]:
        at += len(row) + 1
        places.append(at)
    # A line of which only a part is seen cannot be judged, and is too far away to bear on the piece.
    if not begins:
        lines[0] = _WALL
    if not ends or not rows[-1]:
        lines[-1] = _WALL
    return lines, places


def _line(row: str) -> _Line:
    row = row.removesuffix("\r")
    if len(row) > LONGEST:
        return _WALL
    content = row.strip(" \t\u3000")
    if not content:
        return _BLANK
    if _CONTROL.search(row):
        return _WALL
    lead = row[: len(row) - len(row.lstrip(" \t\u3000"))]
    indent = _columns(lead.expandtabs(8))
    head, tail = content[0], content[-1]
    if _STAYS.match(content) or _COLUMNS.search(content) or not any(map(str.isalpha, content)):
        kind = _Kind.STAYS
    elif _is_code(row, content):
        kind = _Kind.CODE
    else:
        kind = _Kind.PROSE
    word = next(iter(content.split(None, 1)), "")  # none if all of it is white space, such as U+3000
    if content.isascii():
        width, first = len(content), len(word)
    else:
        width = _columns(content)
        first = _columns(head) if _ideographic(head) else _columns(word)
    letter = next(filter(str.isalnum, word), "")
    return _Line(
        kind=kind,
        indent=indent,
        right=indent + width,
        first=first,
        item=_ITEM.match(content) is not None,
        header=_HEADER.match(content) is not None,
        upper=letter.isupper() or letter.istitle(),
        lower=letter.islower(),
        head=head,
        tail=tail,
        stops=tail in _STOPS,
    )


def _is_code(row: str, content: str) -> bool:
    """Return whether a line is code: by a mark that only code has, or by others and too few words."""
    if not _MARKED.search(row):
        return False
    if _CODE.search(row):
        return True
    if not _MAY_BE_CODE.search(row) or _HEADER.match(content):
        return False
    tokens = content.split()
    return sum(_WORD.match(token) is not None for token in tokens) < 0.6 * len(tokens)


def _join(lines: Sequence[_Line], at: int) -> Join:
    """Return what the end of line `at` is drawn as."""
    line, following = lines[at], lines[at + 1]
    if line.kind is not _Kind.PROSE or following.kind is not _Kind.PROSE or following.item:
        return Join.NONE
    if line.header and (following.header or (at and lines[at - 1].header)):
        return Join.NONE
    before = lines[at - 1] if at else _WALL
    if following.indent != line.indent:
        # Only the first line of a paragraph may be indented more than the next.
        begins = before.kind is not _Kind.PROSE or before.indent == following.indent
        if not (begins and following.indent < line.indent and line.indent - following.indent <= 8) or line.item:
            return Join.NONE
    if _continues_item(lines, at):
        return Join.NONE
    window = lines[max(0, at - REACH) : at + 2 + REACH]
    near = lines[max(0, at - _NEAR) : at + 2 + _NEAR]
    if any(each.kind is _Kind.CODE for each in near):
        return Join.NONE
    column = _wrapped_at(window)
    if column < _NARROWEST or line.right < column // 2:
        return Join.NONE
    if _is_ragged(lines, at, column):
        return Join.NONE
    reached = line.right + 1 + following.first
    column -= _SLACK if following.lower and line.tail not in _SENTENCE_ENDS else _RAGGED
    if reached <= column or (following.upper and _may_be_verse(lines, at, window)):
        return Join.NONE
    return _drawn(line, following)


def _wrapped_at(window: Sequence[_Line]) -> int:
    """Return the column at which lines seem to be wrapped: the longest line of prose, or the second if it is alone."""
    rights = sorted((line.right for line in window if line.kind is _Kind.PROSE), reverse=True)
    if len(rights) > 3:
        return rights[1]
    return rights[0] if rights else 0


def _block(lines: Sequence[_Line], at: int) -> Sequence[_Line]:
    """Return the lines of prose around the end of line `at` that no blank line and no change of indent parts."""
    lo, hi = at, at + 1
    while lo > max(0, at - REACH) and lines[lo - 1].kind is _Kind.PROSE and lines[lo - 1].indent == lines[at].indent:
        lo -= 1
    last = min(len(lines), at + 2 + REACH) - 1
    while hi < last and lines[hi + 1].kind is _Kind.PROSE and lines[hi + 1].indent == lines[at + 1].indent:
        hi += 1
    return lines[lo : hi + 1]


def _continues_item(lines: Sequence[_Line], at: int) -> bool:
    """Return whether line `at` is a further line of a list item: it hangs under the text of the item."""
    indent = lines[at].indent
    for line in reversed(lines[max(0, at - _ITEM_REACH) : at]):
        if line.item and line.indent < indent:
            return True
        if line.item or line.kind is not _Kind.PROSE or line.indent != indent:
            return False
    return False


def _is_ragged(lines: Sequence[_Line], at: int, column: int) -> bool:
    """Return whether a line of the block ends far from the column, and not as a sentence ends: notes, one a line."""
    block = _block(lines, at)
    return any(
        line.right + 1 + after.first < column - _FAR and not line.stops and not after.item
        for line, after in pairwise(block)
    )


def _may_be_verse(lines: Sequence[_Line], at: int, window: Sequence[_Line]) -> bool:
    """Return whether each line around begins with a capital, as in verse, and is not as full as wrapped lines are."""
    block = _block(lines, at)
    if any(line.lower for line in block[1:]):
        return False
    longest = max(line.right for line in window if line.kind is _Kind.PROSE)
    full = all(line.right + 1 + after.first > longest for line, after in pairwise(block))
    # Prose nearby shows where lines are wrapped; two or three lines alone show nothing.
    wrapped = sum(line.lower for line in window) >= 2
    return not (full and (wrapped or len(block) > 3) and not (lines[at].stops and not wrapped))


def _drawn(line: _Line, following: _Line) -> Join:
    """Return what stands between two lines of a paragraph."""
    if _ideographic(line.tail) and _ideographic(following.head):
        return Join.NOTHING
    if line.tail in "-\u2010\u2014" and following.head.isalpha():
        return Join.NOTHING
    return Join.SPACE


def _ideographic(character: str) -> bool:
    """Return whether a character is written without spaces around it: Han, kana, and their punctuation."""
    return unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
