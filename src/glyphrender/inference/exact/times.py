"""Dates and clocks that stand beside each other are one string: `2026-11-24 18:03:11 +0100`."""

from __future__ import annotations

import re
from typing import Final

from glyphrender.inference.exact.characters import UNSPACED
from glyphrender.inference.exact.words import Found

# A letter that continues a word. Particles of Japanese, Korean and others stand right beside a number: 12:34:56に.
_LETTER: Final = rf"[^\W{UNSPACED}]"
_NAMED_ZONE: Final = r"(?:UTC|GMT|[A-Z]{2,4}T)(?![\w+-]|:\d)"
_CLOCK: Final = re.compile(
    r"[ ]\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?+)?+(?: ?[AP]M\b| ?[ap]\.?m\b\.?)?+"
    rf"(?:[ ]?(?:[+-]\d\d:?\d\d(?!{_LETTER}|:\d)|Z(?!\w)|{_NAMED_ZONE}))?+(?!{_LETTER}|[{{%+-]|[:.,]\w)"
)
_CLOCK_BEGINS: Final = re.compile(r"[ ]\d{1,2}:\d\d")
_ZONE: Final = re.compile(rf"[ ](?:[+-]\d\d:?\d\d(?!{_LETTER}|:\d)|{_NAMED_ZONE})(?: (?:19|20)\d\d(?![\w/-]|[:.,]\w))?")
_HALF: Final = re.compile(rf" ?(?:[AP]M\b|[ap]\.?m\b\.?)(?: {_NAMED_ZONE})?")
_DAYS_BEFORE: Final = re.compile(r"(?<![\w.,:/-])\d{1,5} ?d(?:ays?)?,? \Z")
_MONTHS: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DATE_BEFORE: Final = re.compile(
    rf"(?<!{_LETTER})(?:(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {{1,2}})?"
    rf"(?:\d{{1,2}} {_MONTHS}(?: \d{{4}})?|{_MONTHS} {{1,2}}\d{{1,2}}(?:,? \d{{4}})?)"
    r"|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}[/.]\d\d[/.]\d\d) \Z"
)
_YEAR: Final = re.compile(rf" (?:19|20)\d\d(?![\w/-]|[:.,]\w)(?: (?:{_NAMED_ZONE}|[+-]\d{{4}}(?!\w)))?")


def join_clock(text: str, found: Found) -> bool:
    """Extend `found` to date, clock and zone, as in `2026-11-24 18:03:11 +0100`. Return False if it may continue."""
    if ":" not in text[found.start : found.end]:
        if text[found.start] in "-P" or text[found.end - 1].isalpha():
            return True  # a duration, a week
        if match := _CLOCK.match(text, found.end):
            found.end = match.end()
        return match is not None or not _CLOCK_BEGINS.match(text, found.end)
    before = None
    if re.match(r"\d\d?:", text[found.start : found.end]):
        before = _DATE_BEFORE.search(text, max(0, found.start - 40), found.start)
    if match := _HALF.match(text, found.end) or _ZONE.match(text, found.end):
        found.end = match.end()
    elif before and not before[0].rstrip(", ")[-4:].isdigit():
        match = _YEAR.match(text, found.end)
        if match is None and re.match(r" \d", text[found.end : found.end + 2]):
            return False
        found.end = match.end() if match else found.end
    before = before or _DAYS_BEFORE.search(text, max(0, found.start - 16), found.start)
    if before:
        found.start = before.start()
    return True
