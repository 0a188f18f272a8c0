"""Hyphenate: the places at which a word may be hyphenated, by Liang's patterns in pyphen (the `hyphenate` extra)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from glyphrender.errors import DependencyError, ThetaError, shown

_LETTERS = re.compile(r"[^\W\d_]{5,}")


@lru_cache(maxsize=8)
def hyphenator(language: str) -> Callable[[str], list[int]]:
    """Return a function: word → the positions before which the word may be hyphenated.

    Args:
        language: a BCP 47 tag; empty means English.

    Raises:
        DependencyError: pyphen is not installed.
        ThetaError: pyphen has no patterns for `language`.
    """
    try:
        import pyphen
    except ImportError:
        raise DependencyError(
            "hyphenate=true needs pyphen. Install it with: pip install 'glyphrender[hyphenate]'.", extra="hyphenate"
        ) from None
    found = pyphen.language_fallback(language or "en")
    if found is None:
        raise ThetaError(
            f"hyphenate=true has no patterns for language={shown(language)}. Set language, or hyphenate=false.",
            field="language",
        )
    patterns = pyphen.Pyphen(lang=found)

    def positions(word: str) -> list[int]:
        # Only five or more letters in a row are hyphenated. A hyphen inside an identifier, a number or a path would
        # read as part of it.
        return [match.start() + at for match in _LETTERS.finditer(word) for at in patterns.positions(match.group())]

    return positions
