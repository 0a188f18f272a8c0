"""Look: what kind of text this is, by its lines. Nothing is laid out.

A sample is looked at: the first, the middle and the last part of a long text. The tests are the crude ones that a
person makes at a glance, and each kind comes with the figure that decided for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from glyphrender._system.arguments import TEXT, checked
from glyphrender.text.unwrap import shares

__all__ = ["Look", "LookKind", "look"]

# Characters of each of the three parts of a long text that are looked at.
_PART: Final = 30_000
# From these shares of the lines on, a text is a log, a chat, a table or code.
_LOG, _CHAT, _TABLE, _CODE = 0.5, 0.2, 0.6, 0.25
# From this share of the line ends between lines of prose on, a text was wrapped.
_WRAPPED: Final = 0.5
# Lines of which columns are looked for, and the fewest that can show some.
_SEEN, _FEWEST = 300, 8
# From this share of the lines on that begin with `key: `, some of them indented, a text is a file of settings.
_KEYS: Final = 0.6

_STAMP: Final = re.compile(
    r"\W?(?:\d{1,2}/[A-Za-z\d]{2,3}/\d{2,4}|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|TRACE|FATAL)\b|\d{10,13}\b)"
    # A date or a time may come after a host, a level, the name of a month and the like.
    r"|(?:\S{1,40}\s+){0,4}?\W?(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:)"
    r'|\{"(?:ts|time|timestamp|level|@timestamp)"'  # an object of JSON on each line
)
_NAME: Final = r"([^\W\d_][\w .'-]{0,24}?)"
# A name with a colon, such as "Ada: " or "张伟：".
_SPEAKER: Final = re.compile(rf"(?:\[[^\]]{{4,20}}\] )?<?{_NAME}>?(?::\s|：)")
# What messengers and IRC write: a time and <a name>, or a date and a time and a name with a colon.
_SIGNED: Final = re.compile(
    rf"\[?\d{{1,2}}:\d\d(?::\d\d)?\]?\s+<[ @+]?([^<>\s]{{1,25}})>\s"
    rf"|\[?\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{2,4}},? \d{{1,2}}:\d\d(?::\d\d)?(?: [AaPp][Mm])?(?:\]| -) {_NAME}(?::\s|：)"
)
# A comma and a space are prose.
_CELLS: Final = re.compile(r"[;\t|]|,(?=\S)")
_KEY: Final = re.compile(r"\s*(?:- )*[\w.\"'/-]{1,40}:(?:\s|$)")
# A line of the preprocessor of C.
_DIRECTIVE: Final = re.compile(r"\s*#\s*(?:include|define|undef|if|ifdef|ifndef|elif|else|endif|pragma)\b")
_GAP: Final = re.compile(r"\S {2,}\S")
_WIDE_GAP: Final = re.compile(r"\S {3,}\S")


class LookKind(StrEnum):
    """The kind of a text, as far as its pages depend on it."""

    PROSE = "prose"
    WRAPPED = "wrapped prose"
    CODE = "code"
    LOG = "log"
    CHAT = "chat"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The outcome of `look`.

    Attributes:
        kind: the kind of the text.
        reason: the figure that decided, in words.
        columns: the length in characters that 95% of the lines do not exceed.
    """

    kind: LookKind
    reason: str
    columns: int


@checked(text=TEXT)
def look(text: str) -> Look:
    """Return the kind of `text`.

    >>> look("name,age\\nAda,36\\nGrace,85\\n").kind
    <LookKind.TABLE: 'table'>
    """
    sample = text
    if len(text) > 3 * _PART:
        middle = (len(text) - _PART) // 2
        sample = "\n".join((text[:_PART], text[middle : middle + _PART], text[-_PART:]))
    lines = [line for line in sample.splitlines() if line.strip()]
    lengths = sorted(len(line.expandtabs(4)) for line in lines)
    columns = lengths[min(len(lengths) - 1, len(lengths) * 95 // 100)] if lengths else 0

    def found(kind: LookKind, reason: str) -> Look:
        return Look(kind=kind, reason=reason, columns=columns)

    if not lines:
        return found(LookKind.PROSE, "no line has text")
    signed = Counter(match[1] or match[2] for line in lines if (match := _SIGNED.match(line)))
    if 2 * signed.total() > len(lines) > 2 * len(signed) > 2:
        return found(LookKind.CHAT, f"{signed.total() / len(lines):.0%} of the lines begin with a time and a speaker")
    stamped = sum(_STAMP.match(line) is not None for line in lines) / len(lines)
    if stamped >= _LOG:
        return found(LookKind.LOG, f"{stamped:.0%} of the lines begin with a time or a level")
    cells = Counter(len(_CELLS.findall(line)) for line in lines)
    most, count = max(((n, k) for n, k in cells.items() if n), key=lambda pair: pair[1], default=(0, 0))
    if count >= _TABLE * len(lines) and len(lines) > 1:
        return found(LookKind.TABLE, f"{count / len(lines):.0%} of the lines have {most + 1} cells")
    if aligned := _aligned_columns(lines):
        return found(LookKind.TABLE, f"spaces stand one below the other between {aligned} columns")
    code, wrapped = shares(sample)
    code += sum(_DIRECTIVE.match(line) is not None for line in lines) / len(lines)
    comments = _commented(lines) if code >= _CODE / 4 else 0.0
    if code >= _CODE or code + comments >= 2 * _CODE:
        also = f", and {comments:.0%} are comments" if code < _CODE else ""
        return found(LookKind.CODE, f"{code:.0%} of the lines are code{also}")
    speakers = Counter(match[1] for line in lines if (match := _SPEAKER.match(line)))
    turns = sum(n for n in speakers.values() if n > 1)
    if turns >= max(3, _CHAT * len(lines)) and len(speakers) < turns:
        return found(LookKind.CHAT, f"{turns / len(lines):.0%} of the lines begin with a speaker who speaks again")
    keys = sum(_KEY.match(line) is not None for line in lines) / len(lines)
    if keys >= _KEYS and any(line[0] in " -" for line in lines):
        return found(LookKind.CODE, f"{keys:.0%} of the lines are keys of settings")
    if wrapped >= _WRAPPED:
        return found(LookKind.WRAPPED, f"{wrapped:.0%} of the line ends inside paragraphs are those of wrapping")
    return found(LookKind.PROSE, "its lines end where paragraphs end")


def _aligned_columns(lines: Sequence[str]) -> int:
    """Return how many columns the lines are aligned in by spaces, or 0: nine in ten have a space at the same places."""
    some = [_spread(line.expandtabs(8)) for line in lines[:_SEEN]]
    gaps = sum(_GAP.search(line) is not None for line in some)
    if len(some) < _FEWEST or 2 * gaps < len(some):
        return 0
    end = sorted(map(len, some))[len(some) // 2]  # most lines reach so far
    blank = [sum(line[at : at + 1] in (" ", "") for line in some) >= 0.9 * len(some) for at in range(end)]
    begins = next((at for at in range(end) if not blank[at]), end)
    columns = 1 + sum(blank[at] and not blank[at + 1] for at in range(begins, end - 1))
    wide = sum(_WIDE_GAP.search(line) is not None for line in some)
    return columns if columns > 2 or (columns == 2 and 2 * wide >= len(some)) else 0


def _spread(line: str) -> str:
    """Return a line with a further character behind each wide one, so that its places are columns."""
    if line.isascii():
        return line
    return "".join(each * (2 if unicodedata.east_asian_width(each) in "WF" else 1) for each in line)


def _commented(lines: Sequence[str]) -> float:
    """Return the share of lines in comments of C and its like."""
    inside, count = False, 0
    for line in lines:
        content = line.strip()
        count += inside or content.startswith(("/*", "//"))
        opened, closed = content.rfind("/*"), content.rfind("*/")
        inside = opened > closed if max(opened, closed) >= 0 else inside
    return count / len(lines)
