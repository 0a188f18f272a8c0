"""Hyphenate: the places at which a word may be hyphenated, by the patterns in pyphen (the `hyphenate` extra).

A hyphen inside a URL, a path, an address, an identifier or a number would read as part of it. So only proper words are
hyphenated. A token is the text between two spaces. It must consist of words and ordinary punctuation alone. If prose is
taken for code, one hyphen is lost; if code were taken for prose, the page would show false text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Final

import numpy as np

from glyphrender.errors import DependencyError, ThetaError
from glyphrender.text.properties import GeneralCategory, table
from glyphrender.typeset.liang import Patterns

# A word of fewer letters is not hyphenated. More letters are no word.
_SHORTEST, _LONGEST = 5, 100
# ASCII punctuation that is part of paths, addresses, identifiers and code, and so is not ordinary.
_TECHNICAL: Final = "#%&*/@\\_{}"
# Spaces that are no separators of words elsewhere (French puts them before "!"), and the zero-width space.
_UNSPACED: Final = re.compile("[^\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]+")
_DASHES: Final = "-\u2010\u2011\u2012\u2013\u2014\u2015"
# Characters inside words: apostrophes (l'exemple), the middle dot of Catalan, soft hyphens, joiners.
_INSIDE: Final = "'\u2019\u02bc\u00b7\u00ad\u200c\u200d"


@lru_cache(maxsize=8)
def hyphenator(language: str) -> Callable[[str], list[int]]:
    """Return a function: token → the positions before which the token may be hyphenated.

    Args:
        language: a BCP 47 tag; empty means English.

    Raises:
        DependencyError: pyphen is not installed.
        ThetaError: pyphen has no patterns for `language`.
    """
    try:
        import pyphen
    except ImportError as error:
        raise DependencyError.of(error, "hyphenate=true needs the package pyphen", extra="hyphenate") from None
    found = pyphen.language_fallback(language or "en")
    if found is None:
        raise ThetaError(
            f"hyphenate=true has no patterns for language={language!r}. Set language, or hyphenate=false.",
            field="language",
        )
    # cache=False: pyphen would keep its own table of the patterns for the life of the process.
    patterns = Patterns(pyphen.Pyphen(lang=found, cache=False).hd.patterns)

    def positions(token: str) -> list[int]:
        return [start + at for start, word in proper_words(token) for at in _positions(word, patterns.positions)]

    return positions


def proper_words(token: str) -> Iterator[tuple[int, str]]:
    """Yield (position, letters) of the words of a token that may be hyphenated; none if the token is no plain text.

    >>> list(proper_words("(“never-ending,”"))
    [(2, 'never'), (8, 'ending')]
    >>> [list(proper_words(token)) for token in ("example.org", "limit=500", "getElement", "UNESCO", "--verbose")]
    [[], [], [], [], []]
    """
    if token.isalpha() and not token.isupper() and token[1:] == token[1:].lower():  # most tokens: one word
        if _SHORTEST <= len(token) <= _LONGEST:
            yield 0, token
        return
    plain, letters = _expressions()
    for part in _UNSPACED.finditer(token):
        words = [(match.start(), match.group()) for match in letters.finditer(token, *part.span())]
        if not plain.fullmatch(token, *part.span()) or any(_is_camel_case(word) for _, word in words):
            continue
        for start, word in words:
            # A word in capitals may be an abbreviation, in which a hyphen would read as part of it.
            if _SHORTEST <= len(word) <= _LONGEST and not word.isupper():
                yield start, word


def _positions(word: str, positions: Callable[[str], list[int]]) -> list[int]:
    """Return the positions in `word`, for patterns that expect composed letters (NFC)."""
    composed = unicodedata.normalize("NFC", word)
    found = positions(composed)
    if composed == word:
        return found
    # The last of several: a mark stays with its letter.
    ends = dict(_composed_lengths(word))
    return [ends[at] for at in found if at in ends]


def _composed_lengths(word: str) -> Iterator[tuple[int, int]]:
    """Yield (length of `word[:end]` when it is composed, `end`) for each `end`.

    Few letters compose with what is before them: jamo, and some vowels of Kirat Rai. In a word without these, a letter
    and its marks compose alone.
    """
    pieces, whole_word = _letter_with_marks().findall(word), unicodedata.normalize("NFC", word)
    composed = [unicodedata.normalize("NFC", piece) for piece in pieces]
    if "".join(composed) != whole_word:
        pieces, composed = [word], [whole_word]
    before = start = 0
    for piece, whole in zip(pieces, composed, strict=True):
        for end in range(1, len(piece)):
            yield before + len(unicodedata.normalize("NFC", piece[:end])), start + end
        before, start = before + len(whole), start + len(piece)
        yield before, start


def _is_camel_case(word: str) -> bool:
    """Return whether a capital stands elsewhere than at the beginning of a word that is not all capitals."""
    return word[1:] != word[1:].lower() and not word.isupper()


@cache
def _expressions() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return (the expression of a token that is plain text, that of a run of letters with their marks)."""
    letters = f"[{_ranges('L', 'M')}]++"
    word = f"{letters}(?:[{_INSIDE}]++{letters})*+"
    opens = f"{_ranges('Ps', 'Pi', 'Pf', without=_TECHNICAL)}\"'\u00a1\u00bf"
    closes = f"[{_ranges('Pe', 'Pi', 'Pf', 'Po', without=_TECHNICAL)}]*+"
    dash = f"[{_DASHES}]"
    # A hyphen before the first word marks an option; the longer dashes open a line of dialogue.
    plain = f"[{opens}{_DASHES[1:]}]*+{word}(?:{closes}{dash}++[{opens}]*+{word})*+{closes}{dash}?{closes}"
    return re.compile(plain), re.compile(letters)


@cache
def _letter_with_marks() -> re.Pattern[str]:
    marks = _ranges("M")
    return re.compile(f"[^{marks}][{marks}]*+|[{marks}]++")


def _ranges(*categories: str, without: str = "") -> str:
    """Return the characters whose General_Category begins with one of `categories`, as ranges of a regular expression.

    The characters of `without` are left out.
    """
    wanted = [category.value for category in GeneralCategory if category.name.startswith(categories)]
    member = np.isin(table().general_category, wanted)[table().record]
    member[[ord(character) for character in without]] = False
    edges = np.flatnonzero(np.diff(member, prepend=False, append=False)).reshape(-1, 2)
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(stop - 1))}" for first, stop in edges.tolist())
