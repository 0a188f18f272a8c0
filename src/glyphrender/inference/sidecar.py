"""Find the exact strings of a text, to send them as text beside its pages. A model cannot guess such a string.

A model that reads small type guesses words from their context, but the digits of a hash have no context. So UUIDs,
hashes, numbers of many digits, paths, addresses, URLs and versions are sent as text too. Each is listed once, under the
page on which it first appears. Two kinds are left out: identifiers made of words (`snake_case`, `os.path`), which
models read well enough, and decimals of two parts. If not all strings fit the budget, those that are hardest to guess
are kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from glyphrender.document.page import Page

__all__ = ["STRING_KINDS", "ExactString", "exact_strings", "most_tokens", "sidecar"]

# Every exact string holds a digit, /, @ or a backslash. Few words of prose hold one. Only these words are searched,
# which is 9 times as fast.
_CANDIDATE: Final = re.compile(r"(?<!\S)[^\s\d/@\\]*+[\d/@\\]\S*+")
# The patterns take linear time on any text: no pattern starts inside a run of its own characters (the lookbehinds), no
# quantifier gives back what it took (possessive), and no lookahead goes beyond the run that it stands before. The first
# pattern that matches wins, so a hash inside a URL is part of the URL.
_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("url", r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s<>\"'`|\\^{}\x00-\x1f\u3000-\uffff]++"),
    (
        "email",  # also user@host:path, as git writes it
        r"(?<![\w.+@-])[A-Za-z0-9_](?:[\w.+]|-(?!-))*+@(?:[A-Za-z0-9-]++\.)++[A-Za-z]{2,24}+(?::[\w./~-]++)?",
    ),
    ("uuid", r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])"),
    (
        "address",
        r"(?<![\w:.])(?:"
        r"(?:[0-9A-Fa-f]{2}[:-]){5,63}+[0-9A-Fa-f]{2}"  # MAC, fingerprint of a key
        r"|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?:/\d{1,3})?"  # IPv6
        r"|(?:[0-9A-Fa-f]{1,4}:){1,6}+:(?:[0-9A-Fa-f]{1,4}:){0,5}+[0-9A-Fa-f]{1,4}(?:/\d{1,3})?"
        r"|(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d{1,5})?"  # IPv4, with a port or a mask
        r")(?![\w:+~-])",
    ),
    (
        "path",
        r"(?<![\w/.~@:+\\-])(?:"
        r"[A-Za-z]:\\[^\s\\/:*?\"'`<>|]++(?:\\[^\s\\/:*?\"'`<>|]++)*+\\?"  # C:\…
        r"|(?:~|\.\.?)?(?:/[\w.@+~%=-]++){2,}+/?"  # /usr/lib, ./a/b
        r"|(?:~|\.\.?)/[\w.@+~%=-]++"
        r"|[\w.@+~-]++(?:/[\w.@+~%=-]++)++/?"  # src/a.py; `_is_path` decides which of these are paths
        r")(?::\d++(?::\d++)?)?",  # … line, column
    ),
    (
        "hash",
        r"(?<![0-9A-Za-z_])(?:0[xX][0-9A-Fa-f]{4,}+"
        r"|(?:md5|sha\d{1,3}|blake2[bs])[:=-][0-9A-Za-z+/_-]{16,}+=*+"  # sha256:…, and in base64 as in RECORD
        r"|(?=[0-9]*+[A-Fa-f])(?=[A-Fa-f]*+[0-9])[0-9A-Fa-f]{7,}+)(?![0-9A-Za-z_])",
    ),
    (
        "time",
        r"(?<![\w.:-])(?:\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
        r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(?![\w:-])",
    ),
    (
        "version",  # two numbers alone are a decimal
        r"(?<![\w.:+~/-])(?:"
        r"(?:[vV]|\d++:)?\d++(?:\.\d++){2,}+(?:[-+~._:]{0,2}[A-Za-z0-9]++)*+"
        r"|(?:[vV]|\d++:)\d++[-+~._][A-Za-z0-9]++(?:[-+~._:]{0,2}[A-Za-z0-9]++)*+"
        r"|\d++(?:\.\d++)++(?:[-+~]|[A-Za-z])[A-Za-z0-9.+~_-]*+"  # 2.36-9+deb12u4, 1.0rc1
        r"|\d{1,8}[a-z]?(?:-\d++(?:\.\d++)*+)?[+~](?=[\d+~.-]{0,24}+[a-z]|\d{6})[A-Za-z0-9.+~-]++)",  # 252-1~bpo12
    ),
    (
        "code",  # letters and digits mixed: CVE-2026-12345, AKIA…, tokens in base64
        r"(?<![\w+/.=-])(?=[\d_-]*+[A-Za-z])(?=[A-Za-z_-]*+\d)[A-Za-z0-9](?:[A-Za-z0-9_]|-(?!-))*+(?:\+[\w+/]{8,}+)?=*+",
    ),
    ("number", r"(?<!\w)[+-]?\d(?:\d|[.,:/_-](?=\d))*+(?:[eE][+-]?\d++)?+\w*+"),  # with its unit
)
_SCANNER: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))

STRING_KINDS: Final = ("uuid", "hash", "code", "number", "address", "email", "url", "version", "path", "time")
"""Kinds of exact strings, the hardest to guess first."""

# Longer strings are binary data written as text. No question is about them.
LONGEST: Final = 512
# Models seldom misread a shorter number: at 9 px, one digit in a hundred is wrong.
DIGITS: Final = 5
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactString:
    """A string that must be read without a wrong character.

    Attributes:
        text: its characters.
        kind: one of `STRING_KINDS`.
        pages: numbers of the pages that have the string, ascending. If a string begins on one page and ends on the
            next, both are listed.
    """

    text: str
    kind: str
    pages: tuple[int, ...]


def exact_strings(pages: Iterable[Page]) -> tuple[ExactString, ...]:
    """Return the exact strings of consecutive pages, each once, in the order in which they first appear.

    A string that continues on the next page is found as one string. The time is linear in the text. Strings of more
    than 512 characters are left out.

    >>> from glyphrender import render
    >>> [(found.text, found.kind) for found in exact_strings(render("Order 8841-2207 went to 10.0.0.17:8080."))]
    [('8841-2207', 'number'), ('10.0.0.17:8080', 'address')]
    """
    numbers: list[int] = []
    texts: list[str] = []
    for page in pages:
        numbers.append(page.number)
        texts.append(page.text)
    ends = list(accumulate(map(len, texts)))
    found: dict[str, tuple[str, list[int]]] = {}
    for start, text, kind in scan_line("".join(texts)):
        _, on = found.setdefault(text, (kind, []))
        first, last = bisect_right(ends, start), bisect_right(ends, start + len(text) - 1)
        on += [number for number in numbers[first : last + 1] if not on or number > on[-1]]
    return tuple(ExactString(text=text, kind=kind, pages=tuple(on)) for text, (kind, on) in found.items())


def sidecar(strings: Sequence[ExactString], *, budget: int = 2048) -> str:
    """Return `strings` as text for a prompt, one line a page, within `budget` tokens; "" if there are none.

    If not all strings fit, the kinds that are easiest to guess, the last in `STRING_KINDS`, are left out first. Within
    one kind, the last strings are left out first. The text says how many are left out. Tokens are counted by
    `most_tokens`, so the budget holds with any vocabulary.
    """
    size = budget - most_tokens(_HEADING) - most_tokens(_LEFT_OUT.format(len(strings)))
    kept: set[str] = set()
    started: set[int] = set()
    for string in sorted(strings, key=lambda string: STRING_KINDS.index(string.kind)):  # stable: then by appearance
        page = string.pages[0]
        cost = most_tokens(f" {string.text}") + (0 if page in started else most_tokens(f"Page {page}: \n"))
        if cost <= size:
            size -= cost
            kept.add(string.text)
            started.add(page)
    if not kept:
        return ""
    lines: dict[int, list[str]] = {}
    for string in strings:
        if string.text in kept:
            lines.setdefault(string.pages[0], []).append(string.text)
    text = "\n".join(f"Page {page}: {' '.join(texts)}" for page, texts in lines.items())
    left_out = len(strings) - len(kept)
    return f"{_HEADING}{text}" + (_LEFT_OUT.format(left_out) if left_out else "")


def most_tokens(text: str) -> int:
    """Return an upper bound on the tokens of `text`: its bytes, minus a fifth of its letters.

    The bound holds for identifiers of 40 bytes or more together. For base64 and numbers, vocabularies with one token
    for each digit need 0.9 of the bound. GLM-4's vocabulary, with one token for up to three digits, needs 0.6 of the
    bound. For prose, any vocabulary needs a third.

    >>> most_tokens("8841-2207"), most_tokens("a" * 100)
    (9, 80)
    """
    return len(text.encode(errors="replace")) - len(_LETTER.findall(text)) // 5


_LETTER: Final = re.compile("[A-Za-z]")
_HEADING: Final = (
    "Exact strings of these pages, each under the page on which it first appears. Copy identifiers and numbers "
    "from here, not from the images.\n"
)
_LEFT_OUT: Final = "\n({} more strings are not listed.)"


def scan_line(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (start, string, kind) for every match of a pattern, if the rules of its kind accept the string."""
    for word in _CANDIDATE.finditer(text):
        for match in _SCANNER.finditer(text, *word.span()):
            kind, found = match.lastgroup or "", match[0]
            if kind in _TRIMMED:
                found = _trimmed(found)
            if len(found) <= LONGEST and _CONFIRMED.get(kind, bool)(found):
                yield match.start(), found, kind


def _trimmed(found: str) -> str:
    """Return `found` without punctuation at its end, and without closing brackets that were opened before `found`."""
    while found:
        last = found[-1]
        if last in ".,;:!?'\"*_" or (last in _CLOSING and found.count(last) > found.count(_CLOSING[last])):
            found = found[:-1]
        else:
            break
    return found


_TRIMMED: Final = frozenset({"url", "email", "path", "version"})
_DOTTED: Final = re.compile(r"[^.]++\.[\w-]").match


def _is_path(found: str) -> bool:
    """Return whether a string with slashes is a path, and not "and/or", "his/her" or "1/2".

    A path starts at a root, has three parts, or has an extension.
    """
    if found[0] in "/~." or found[1:3] == ":\\":
        return len(found) > 3
    parts = found.rstrip("/").split("/")
    if all(part.isdigit() for part in parts):
        return False
    return any(map(_DOTTED, parts)) or (len(parts) > 2 and max(map(len, parts)) > 3)


def _is_code(found: str) -> bool:
    digits = sum(map(str.isdigit, found))
    mixed = found.lower() != found != found.upper()
    return len(found) >= 8 and (digits >= 4 or (digits >= 2 and mixed and len(found) >= 16))


def _is_address(found: str) -> bool:
    return len(found) >= 6 and any(map(str.isdigit, found))


def _is_number(found: str) -> bool:
    return sum(map(str.isdigit, found)) >= DIGITS


_CONFIRMED: Final = {"address": _is_address, "path": _is_path, "code": _is_code, "number": _is_number}
