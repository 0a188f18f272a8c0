"""Remove secrets from a server's own words, in the forms in which servers repeat them.

A server that refuses a key often repeats the key: whole, cut in two, percent-encoded, or in base64 as the header had
it. Therefore every run of eight characters that a form of a secret has is removed, wherever the run stands.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

__all__ = ["masked"]

# A shorter run of a key says little; a run of eight letters is rarely in a message by chance.
_RUN: Final = 8
# A secret that is shorter is removed only where it is a word of its own: "a" is in nearly every word.
_WORD: Final = 4
# The characters of keys, of base64 and of percent-encoding.
_TOKENS: Final = re.compile(r"[A-Za-z0-9+/_=%\-]{8,}")
_LETTERS: Final = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with "…" in place of each secret and each part of one, in any of its forms and in any case.

    >>> masked("no such key sk-12345678-abc, sent as Basic bWU6aHVudGVyMg==", ["sk-12345678-abc", "me:hunter2"])
    'no such key …, sent as Basic …'
    """
    secrets = frozenset(secrets)
    # Some servers encode only a few characters of a key. So the decoded text is searched too.
    letters = _LETTERS.findall(text)
    decoded = "".join(chr(int(letter[1:], 16)) if len(letter) == 3 else letter for letter in letters)
    hidden = _hidden(text, secrets)
    at = 0
    for letter, hide in zip(letters, _hidden(decoded, secrets), strict=True):
        if hide:
            hidden[at : at + len(letter)] = b"\1" * len(letter)
        at += len(letter)
    # Hide the whole token around a run: the ends of an encoded secret depend on the text before and after the secret.
    for found in _TOKENS.finditer(text):
        if b"\1" * _RUN in hidden[found.start() : found.end()]:
            hidden[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    return re.sub("\0+", "…", "".join("\0" if hide else each for each, hide in zip(text, hidden, strict=True)))


def _hidden(text: str, secrets: frozenset[str]) -> bytearray:
    """Return, for each character of `text`, 1 if it belongs to a secret, else 0."""
    lower = text.translate(_LOWER)
    runs, words, wholes = _patterns(secrets)
    hidden = bytearray(len(text))
    for at in range(len(text) - _RUN + 1):
        if lower[at : at + _RUN] in runs:
            hidden[at : at + _RUN] = b"\1" * _RUN
    for pattern in (words, wholes):
        for found in pattern.finditer(lower):
            hidden[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    return hidden


@lru_cache(maxsize=16)
def _patterns(secrets: frozenset[str]) -> tuple[frozenset[str], re.Pattern[str], re.Pattern[str]]:
    """Return the runs of eight characters, the forms that must be words of their own, and all other short forms."""
    forms = {form.translate(_LOWER) for secret in secrets for form in _forms(secret) if form}
    runs = frozenset(form[at : at + _RUN] for form in forms for at in range(len(form) - _RUN + 1))
    words = [re.escape(form) for form in forms if len(form) < _WORD]
    wholes = [re.escape(form) for form in forms if _WORD <= len(form) < _RUN]
    nothing = "(?!)"
    return runs, re.compile(rf"(?<!\w)(?:{'|'.join(words) or nothing})(?!\w)"), re.compile("|".join(wholes) or nothing)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret. Those in base64 are also found inside the base64 of a longer text."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], html.escape(secret))
    data = secret.encode("utf-8", "surrogatepass")
    yield from (data.hex(), secret[::-1])
    yield from ("".join(f"%{byte:02x}" for byte in data), "".join(f"\\u{ord(each):04x}" for each in secret))
    for before in range(3):
        # The characters that the bytes before and after the secret decide are left out.
        start, end = (0, 2, 3)[before], (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            form = encode(b"\0" * before + data).decode("ascii")[start:end]
            if len(form) >= _WORD:
                yield form
    if len(data) >= 2:
        yield base64.b64encode(data).decode("ascii").rstrip("=")
