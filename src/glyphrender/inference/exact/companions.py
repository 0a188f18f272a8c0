"""Words that belong to a string although a space parts them from it: a currency, the type of a key, capitals.

A word that may as well belong to another string is left out. If nobody knows where the string ends, it is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from glyphrender.inference.exact.characters import DELIMITERS, SPACE
from glyphrender.inference.exact.kinds import LONGEST

_CURRENCY: Final = (
    r"(?:[A-Z]{0,2}\$|[€£¥₹₽₩₺₪฿₫₴₦₱]|EUR|USD|GBP|CHF|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|RUB|UAH|TRY|ILS|AED|SAR|JPY|"
    r"CNY|KRW|INR|SGD|HKD|TWD|THB|AUD|NZD|CAD|MXN|BRL|ZAR|RSD|KZT|GEL|VND|IDR|MYR|PHP|PKR|EGP|MAD|NGN|KES|COP|CLP|ARS)"
)
_CURRENCY_BEFORE: Final = re.compile(rf"(?:(?<![\w$/.-])|(?<![\w$/.-])[-+−±–])(?<!\d[{SPACE}]){_CURRENCY}[{SPACE}]\Z")
_CURRENCY_AFTER: Final = re.compile(rf"[{SPACE}]{_CURRENCY}(?![\w$/-]|[{SPACE}]?\d)")
_REGISTER_BEFORE: Final = re.compile(r"(?<![\w-])[A-Z]{2,4}[ ]\Z")
_REGISTER_AFTER: Final = re.compile(r"[ ][A-Z]{1,2}(?![\w-])")
_PUBLIC_KEY: Final = re.compile(
    rf"(?<![^\s{DELIMITERS}'=,;(])(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{{3}}|sk-(?:ssh|ecdsa)-[\w@.-]{{1,48}})"
    r"[ ]AAAA[A-Za-z0-9+/]{16,}+={0,3}+(?![\w+/=-])"
)
_NEXT_LINES: Final = re.compile(r"(?:[ \t]*\r?\n[ \t>]*[A-Za-z0-9+/]{16,}+={0,3}+(?!\S))+")


def with_currency(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of an amount with the currency before or after it, if only one of them is there.

    >>> [text[slice(*with_currency(text, 4, 16))] for text in ["USD 1,234,567.89.", "USD 1,234,567.89 EUR 5"]]
    ['USD 1,234,567.89', 'USD 1,234,567.89']
    """
    before = _CURRENCY_BEFORE.search(text, max(0, start - 9), start)
    after = _CURRENCY_AFTER.match(text, end)
    if before and after:
        return start, end
    return before.start() if before else start, after.end() if after else end


def between_letters(text: str, start: int, end: int) -> bool:
    """Return whether capitals stand on both sides of a number, as in `HRB 123456 B`: they may be parts of it."""
    if not text[start:end].isdecimal():
        return False
    before = _REGISTER_BEFORE.search(text, max(0, start - 8), start)
    return before is not None and _REGISTER_AFTER.match(text, end) is not None


def public_keys(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, kind) of every public key of OpenSSH with its type; kind "" if its end is not known.

    >>> list(public_keys("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkT8f jane@laptop"))
    [(0, 42, 'code')]
    """
    if " AAAA" not in text:  # nearly every text, and the search would take a fifth of the time of all prose
        return
    for match in _PUBLIC_KEY.finditer(text):
        if following := _NEXT_LINES.match(text, match.end()):  # wrapped, as mail does
            yield match.start(), following.end(), ""
        else:
            yield *match.span(), "code" if len(match[0]) <= LONGEST else ""
