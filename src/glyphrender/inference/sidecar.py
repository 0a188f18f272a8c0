"""Find the exact strings of a text, to send them as text beside its pages. A model cannot guess such a string.

A model that reads small type guesses words from their context, but the digits of a hash have no context. So UUIDs,
hashes, numbers of many digits, paths, addresses, URLs and versions are sent as text too. Each string is listed once,
under the page on which it first appears. The model is told to copy the strings, so each must be whole: a string that
may be a part of a longer one is left out (`exact` says how strings are delimited). Two more kinds are left out:
identifiers made of words (`snake_case`, `os.path`), which models read well enough, and decimals of two parts. If not
all strings fit the budget, the strings that are hardest to guess are kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from glyphrender._system.arguments import TEXT, WHOLE, all_of, checked, instance, optional
from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.inference.exact.find import find_strings

__all__ = ["STRING_KINDS", "ExactString", "exact_strings", "listed_strings", "most_tokens", "sidecar"]

STRING_KINDS: Final = ("uuid", "hash", "code", "number", "address", "email", "url", "version", "path", "time")
"""Kinds of exact strings, the hardest to guess first."""


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


@checked(pages=all_of("pages", instance("a page", Page)), text=optional(TEXT))
def exact_strings(pages: Iterable[Page], *, text: str | None = None) -> tuple[ExactString, ...]:
    """Return the exact strings of consecutive pages, each once, in the order in which they first appear.

    A string that continues on the next page is found as one string. A string that the first or the last of `pages`
    cuts is left out. The time is linear in the text. Strings of more than 512 characters are left out.

    >>> from glyphrender import render
    >>> [(found.text, found.kind) for found in exact_strings(render("Order 8841-2207 went to 10.0.0.17:8080."))]
    [('8841-2207', 'number'), ('10.0.0.17:8080', 'address')]

    Args:
        pages: consecutive pages, or a document.
        text: the text of the whole document, if `pages` are a part of it. Without it, the text before and after the
            pages is not known, and strings that may continue there are left out.
    """
    if isinstance(pages, Document):
        text = pages.text
    pages = tuple(pages)
    if not pages:
        return ()
    numbers = [page.number for page in pages]
    texts = [page.text for page in pages]
    first, last = pages[0].span[0], pages[-1].span[1]
    shown = "".join(texts)
    if text is None or text[first:last] != shown:
        before, after = ("" if first == 0 else _UNKNOWN), _UNKNOWN
    else:
        before, after = text[max(0, first - _AROUND) : first], text[last : last + _AROUND]
    ends = list(accumulate(map(len, texts)))
    found: dict[str, tuple[str, list[int]]] = {}
    for start, end, kind in find_strings(f"{before}{shown}{after}"):
        start, end = start - len(before), end - len(before)
        if start < 0 or end > len(shown):
            continue
        if (before == _UNKNOWN and _near(shown[:start])) or (after == _UNKNOWN and _near(shown[end:])):
            continue
        _, on = found.setdefault(shown[start:end], (kind, []))
        one, other = bisect_right(ends, start), bisect_right(ends, end - 1)
        on += [number for number in numbers[one : other + 1] if not on or number > on[-1]]
    return tuple(ExactString(text=string, kind=kind, pages=tuple(on)) for string, (kind, on) in found.items())


# Characters around the pages that decide whether a string at their edge is whole.
_AROUND: Final = 2048
_UNKNOWN: Final = "\ufffd"


def _near(between: str) -> bool:
    """Return whether the text between a string and an edge is so short that the string may continue past the edge."""
    return len(between) < 40 and "\n" not in between.strip()


@checked(strings=all_of("exact strings", instance("an ExactString", ExactString)), budget=WHOLE)
def sidecar(strings: Sequence[ExactString], *, budget: int = 2048, expandable: bool = False) -> str:
    """Return `strings` as text for a prompt, one line a page, within `budget` tokens; "" if there are none.

    If not all strings fit, the kinds that are easiest to guess, the last in `STRING_KINDS`, are left out first. Within
    one kind, the last strings are left out first. The text says how many are left out. Tokens are counted by
    `most_tokens`, so the budget holds with any vocabulary.

    Args:
        strings: the strings.
        budget: most tokens.
        expandable: whether the model can read pages as text, so that what is not listed can be read; see `expand`.
    """
    kept = listed_strings(strings, budget=budget, expandable=expandable)
    if not kept:
        return ""
    lines: dict[int, list[str]] = {}
    for string in kept:
        lines.setdefault(string.pages[0], []).append(string.text)
    text = "\n".join(f"Page {page}: {' '.join(map(_delimited, texts))}" for page, texts in lines.items())
    left_out = len(strings) - len(kept)
    return f"{_heading(expandable)}{text}" + (_LEFT_OUT.format(left_out) if left_out else "")


def listed_strings(
    strings: Sequence[ExactString], *, budget: int = 2048, expandable: bool = False
) -> tuple[ExactString, ...]:
    """Return the strings that `sidecar` lists within `budget` tokens, in order. Arguments are those of `sidecar`."""
    size = budget - most_tokens(_heading(expandable)) - most_tokens(_LEFT_OUT.format(len(strings)))
    kept: set[str] = set()
    started: set[int] = set()
    for string in sorted(strings, key=lambda string: STRING_KINDS.index(string.kind)):  # stable: then by appearance
        page = string.pages[0]
        cost = most_tokens(f" {_delimited(string.text)}") + (0 if page in started else most_tokens(f"Page {page}: \n"))
        if cost <= size:
            size -= cost
            kept.add(string.text)
            started.add(page)
    return tuple(string for string in strings if string.text in kept)


def most_tokens(text: str) -> int:
    """Return an upper bound on the tokens of `text`: its bytes, minus a fifth of its letters.

    The bound holds for identifiers of 40 bytes or more together. For base64 and numbers, vocabularies with one token
    for each digit need 0.9 of the bound. GLM-4's vocabulary, with one token for up to three digits, needs 0.6 of the
    bound. For prose, any vocabulary needs a third.

    >>> most_tokens("8841-2207"), most_tokens("a" * 100)
    (9, 80)
    """
    return len(text.encode(errors="replace")) - len(_LETTER.findall(text)) // 5


def _delimited(string: str) -> str:
    """Return a string so that its end is seen: in backticks if it has spaces. No exact string has a backtick."""
    return f"`{string}`" if any(map(str.isspace, string)) else string


def _heading(expandable: bool) -> str:
    return _HEADING + (_OTHERS_CAN_BE_READ if expandable else _OTHERS_ARE_UNSURE)


_LETTER: Final = re.compile("[A-Za-z]")
_HEADING: Final = (
    "Exact strings of these pages, each whole, under the page on which it first appears; one with spaces is in "
    "backticks. Copy identifiers and numbers from here, not from the images. Not all are listed: "
)
_OTHERS_ARE_UNSURE: Final = "what you read from an image alone may have a wrong character, so say so.\n"
_OTHERS_CAN_BE_READ: Final = "get the text of the page for those that are not. The listed ones need not be read.\n"
_LEFT_OUT: Final = "\n({} more strings are not listed.)"
