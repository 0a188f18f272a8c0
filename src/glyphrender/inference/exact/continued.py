"""Numbers that are only a part of a longer string: `1.5 × 10⁻³`, `3.14159 26535`, `rgb(30,144,255)`, `IV ZR 123/22`.

Such a number is not listed. A word for a power of ten is added to the number before it: `$1,234.5 million`.
"""

from __future__ import annotations

import re
from typing import Final

from glyphrender.inference.exact.characters import SPACE

_POWER: Final = re.compile(rf"[{SPACE}]?[×✕x*·⋅][{SPACE}]?10(?:\^|\*\*|[-−⁻⁺⁰¹²³⁴-⁹]|(?!\w))")
_IDEOGRAPHS: Final = re.compile(rf"[{SPACE}]?[万亿億兆千百만억조천]")
_DECIMAL: Final = re.compile(r"\d+[.,](?P<decimals>\d{3,})\Z")
_DECIMAL_BEFORE: Final = re.compile(rf"(?<![\d.,:/-])\d+[.,](?P<decimals>\d{{3,}})[{SPACE}]\Z")
_GROUP_AFTER: Final = re.compile(rf"[{SPACE}](?P<group>\d{{1,10}})(?![\w%°:/-]|[.,]\d)")
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_DOCKET: Final = re.compile(r"\d{1,5}/\d{2}")
_REGISTER: Final = re.compile(r"(?<![\w.-])[A-Z][A-Za-z]{0,2}[A-Z][ ]\Z|(?<![\w.-])[\dIVX-]{1,5}[ ][A-Z][a-z]?[ ]\Z")
_MULTIPLE: Final = re.compile(
    rf"[{SPACE}](?:(?:тыс|млн|млрд|Mio|Mrd|Bio|Tsd)\.(?=[{SPACE}]\S)|"
    r"(?:(?:hundred|thousand|million|billion|trillion|crore|lakh|milliard)s?|bn|mn|tn|MM|Mio|Mrd|Bio|Tsd|"
    r"Millionen|Milliarden|Million|Milliarde|mille|milioni|miliardi|mila|mil(?: millones)?|mill[oó]n(?:es)?|"
    r"milhões|bilhões|miljoner|miljarder|miljoen|miljard|mln|mld|milj|tys|"
    r"тыс|млн|млрд|тысяч|миллионов|миллиардов|[kMT][€$£])(?!\w))"
)


def is_part(text: str, start: int, end: int) -> bool:
    """Return whether the number text[start:end] may be a part of a longer string.

    >>> [is_part(text, 0, 7) for text in ["3.14159 26535", "3.14159 × 10⁵", "3.14159 m", "3.14159 265"]]
    [True, True, False, False]
    """
    if _POWER.match(text, end) or _IDEOGRAPHS.match(text, end):
        return True
    number = text[start:end]
    if _DOCKET.fullmatch(number) and _REGISTER.search(text, max(0, start - 12), start):
        return True
    return _has_more_decimals(text, start, end) or _is_list(text, start, end, number)


def with_multiple(text: str, end: int) -> int:
    """Return the end of a number with the word for a power of ten that follows it, if there is one."""
    match = _MULTIPLE.match(text, end)
    return match.end() if match else end


def _has_more_decimals(text: str, start: int, end: int) -> bool:
    """Return whether decimals in groups of one length go on before or behind the number.

    A last group that is shorter is not known as one: `3.14159 265` may be two numbers.
    """
    if (match := _DECIMAL.search(text, start, end)) and (after := _GROUP_AFTER.match(text, end)):
        return len(after["group"]) == len(match["decimals"])
    if not text[start:end].isdecimal():
        return False
    before = _DECIMAL_BEFORE.search(text, max(0, start - 40), start)
    return before is not None and len(before["decimals"]) == end - start


def _is_list(text: str, start: int, end: int, number: str) -> bool:
    """Return whether the commas of a number may part the items of a list: `[10,200,300]`, `f(123,456)`, `=30,144,255`.

    After `=` and in quotes, it is a list only if there are three items below 256: a color.
    """
    if not _GROUPED.fullmatch(number):
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    if before in ("[", "{", ",") or after in ("]", "}"):
        return True
    if after == ")" or before == "(":
        opening = text.rfind("(", max(0, start - 64), start)
        return opening > 0 and (text[opening - 1].isalnum() or text[opening - 1] == "_")
    items = number.split(",")
    return before == "=" and len(items) == 3 and all(int(item) < 256 for item in items)
