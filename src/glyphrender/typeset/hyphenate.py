"""Where a word may be hyphenated: Liang's patterns, as pyphen keeps them (the `hyphenate` extra)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from glyphrender.errors import DependencyError, ThetaError

_LETTERS = re.compile(r"[^\W\d_]{5,}")


@lru_cache(maxsize=8)
def hyphenator(language: str) -> Callable[[str], list[int]]:
    """A function that gives the positions in a word before which it may be hyphenated.

    Raises:
        DependencyError: pyphen is not installed.
        ThetaError: pyphen has no patterns for `language`.
    """
    try:
        import pyphen
    except ImportError:
        raise DependencyError(
            "hyphenate=true needs pyphen. Install it with: pip install 'glyphrender[hyphenate]'."
        ) from None
    found = pyphen.language_fallback(language or "en")
    if found is None:
        raise ThetaError(
            f"hyphenate=true has no patterns for language={language!r}. Set language, or hyphenate=false.",
            field="language",
        )
    patterns = pyphen.Pyphen(lang=found)

    def positions(word: str) -> list[int]:
        # Only runs of letters: a hyphen inside an identifier, number or path would read as part of it.
        return [match.start() + at for match in _LETTERS.finditer(word) for at in patterns.positions(match.group())]

    return positions
