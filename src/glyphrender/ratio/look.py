"""Look: what kind of text this is, by its lines. Nothing is laid out.

A sample is looked at: the first, the middle and the last part of a long text. The tests are the crude ones that a
person makes at a glance, and each kind comes with the figure that decided for it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from glyphrender.text.unwrap import shares

__all__ = ["Look", "LookKind", "look"]

# Characters of each of the three parts of a long text that are looked at.
_PART: Final = 30_000
# From these shares of the lines on, a text is a log, a chat, a table or code.
_LOG, _CHAT, _TABLE, _CODE = 0.5, 0.2, 0.6, 0.25
# From this share of the line ends between lines of prose on, a text was wrapped.
_WRAPPED: Final = 0.5

_STAMP: Final = re.compile(
    r"\W?(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|\d{1,2}/[A-Za-z\d]{2,3}/\d{2,4}|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d"
    r"|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|TRACE|FATAL)\b|\d{10,13}\b)"
)
_SPEAKER: Final = re.compile(r"(?:\[[^\]]{4,20}\] )?<?([A-Za-z][\w .-]{0,24}?)>?:\s")
# A comma and a space are prose.
_CELLS: Final = re.compile(r"[;\t|]|,(?! )")


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
    stamped = sum(_STAMP.match(line) is not None for line in lines) / len(lines)
    if stamped >= _LOG:
        return found(LookKind.LOG, f"{stamped:.0%} of the lines begin with a time or a level")
    cells = Counter(len(_CELLS.findall(line)) for line in lines)
    most, count = max(((n, k) for n, k in cells.items() if n), key=lambda pair: pair[1], default=(0, 0))
    if count >= _TABLE * len(lines) and len(lines) > 1:
        return found(LookKind.TABLE, f"{count / len(lines):.0%} of the lines have {most + 1} cells")
    code, wrapped = shares(sample)
    if code >= _CODE:
        return found(LookKind.CODE, f"{code:.0%} of the lines are code")
    speakers = Counter(match[1] for line in lines if (match := _SPEAKER.match(line)))
    turns = sum(n for n in speakers.values() if n > 1)
    if turns >= max(3, _CHAT * len(lines)) and len(speakers) < turns:
        return found(LookKind.CHAT, f"{turns / len(lines):.0%} of the lines begin with a speaker who speaks again")
    if wrapped >= _WRAPPED:
        return found(LookKind.WRAPPED, f"{wrapped:.0%} of the line ends inside paragraphs are those of wrapping")
    return found(LookKind.PROSE, "its lines end where paragraphs end")
