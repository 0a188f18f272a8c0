"""Line breaks inside Thai, Lao, Khmer and Burmese, which put no spaces between words: Line_Break SA of UAX #14.

The standard leaves these breaks to a dictionary. A dictionary is part of a library, which may be missing and which
changes with its releases, so the default needs none: a line may end between two grapheme clusters, unless the
spelling of the script ties them together. For example, a vowel that is written before its consonant is never left
alone at the end of a line. This fills lines as in Chinese. A word may be cut, as readers of these scripts know from
narrow columns. With the `icu` extra a line ends only between words.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import DependencyError
from glyphrender.text import grapheme, linebreak
from glyphrender.text.properties import EAST_ASIAN, SCRIPT_TAGS, Flag, LineBreak, codepoints, records, table

# A cluster that holds one of these characters is tied to the next cluster. First, the vowels that are stored and
# written before their consonant (Logical_Order_Exception: Thai, Lao, New Tai Lue, Tai Viet). Then the signs whose
# syllable is always closed by a consonant or another vowel sign: mai han-akat, sara uee, maitaikhu, Lao mai kan,
# mai kon.
_TIED_TO_NEXT: Final = codepoints("เแโใไເແໂໃໄ\u19b5\u19b6\u19b7\u19baꪵꪶꪹꪻꪼ\u0e31\u0e37\u0e47\u0eb1\u0ebb")
# A cluster that holds one of these is tied to the one before: vowels written after their consonant, and signs that
# repeat or shorten the word before them.
_TIED_TO_PREVIOUS: Final = codepoints("ะาๅๆฯະາຽໆៗ")
# These signs silence or close a consonant, so that it belongs to the syllable before: thanthakhat, Lao cancellation
# mark, Khmer bantoc and toandakhiat, Burmese asat.
_CLOSING: Final = codepoints("\u0e4c\u0ecc\u17cb\u17cd\u103a")

# A text with fewer characters of class SA than one in this many is not looked at as a whole.
_FEW: Final = 16

# The scripts for which ICU has a dictionary. Other scripts of class SA (Tai Le, Tai Tham, Ahom) break as CLUSTER does.
_DICTIONARIES: Final = [SCRIPT_TAGS.index(tag) for tag in ("Thai", "Laoo", "Khmr", "Mymr")]


def add_breaks(cps: NDArray[np.uint32], actions: NDArray[np.uint8], breaks: str) -> None:
    """Add the breaks that `breaks` allows to `actions`, in place.

    Breaks are added only where the standard's rules see two letters (LB28): never before a mark, beside a joiner
    or inside brackets.

    Args:
        cps: code points, shape (n,).
        actions: the result of `linebreak.break_actions` for `cps`; becomes ALLOWED at the added breaks.
        breaks: "CLUSTER" allows breaks between grapheme clusters, "DICTIONARY" only between words.

    Raises:
        DependencyError: `breaks` is "DICTIONARY", and icu4py is not installed.
    """
    record = records(cps)
    complex_ = (table().flags.take(record) & Flag.COMPLEX.value) != 0
    if not complex_.any():
        return
    kind = table().line_break.take(record) & (EAST_ASIAN - 1)
    if not (complex_[:-1] & complex_[1:] & (kind[1:] == LineBreak.AL)).any():
        return
    if _FEW * np.count_nonzero(complex_) > len(cps):
        _add_breaks(cps, actions, breaks)
        return
    # Only the runs of such characters, and of what they absorb, are looked at, with the character before each run: no
    # rule looks further. A line feed stands between two runs.
    near = complex_ | (kind == LineBreak.CM) | (kind == LineBreak.ZWJ)
    near[:-1] |= near[1:]
    some = np.flatnonzero(near)
    at = np.arange(len(some)) + np.cumsum(np.append(False, np.diff(some) > 1))
    text = np.full(at[-1] + 1, 0x0A, np.uint32)
    text[at] = cps[some]
    found = np.full(len(text), linebreak.MANDATORY, np.uint8)
    found[at] = actions[some]
    _add_breaks(text, found, breaks)
    actions[some] = found[at]


def _add_breaks(cps: NDArray[np.uint32], actions: NDArray[np.uint8], breaks: str) -> None:
    """Do what `add_breaks` does, looking at every character."""
    record = records(cps)
    complex_ = (table().flags.take(record) & Flag.COMPLEX.value) != 0
    index = np.arange(len(cps))
    kind = table().line_break.take(record) & (EAST_ASIAN - 1)
    letter = complex_ & (kind == LineBreak.AL)
    absorbed = (kind == LineBreak.CM) | (kind == LineBreak.ZWJ)
    base = np.maximum.accumulate(np.where(absorbed, 0, index))  # LB9
    starts = grapheme.cluster_starts(cps)
    between = (actions[:-1] == linebreak.PROHIBITED) & complex_[:-1] & letter[base[:-1]] & letter[1:] & starts[1:]
    if not between.any():
        return
    allowed = between & ~_tied(cps, starts, complex_)
    if breaks == "DICTIONARY":
        known = np.isin(table().script.take(record), _DICTIONARIES) & complex_
        both = known[:-1] & known[1:]
        if both.any():
            allowed = np.where(both, between & _word_ends(cps, known)[:-1], allowed)
    actions[:-1][allowed] = linebreak.ALLOWED


def _tied(cps: NDArray[np.uint32], starts: NDArray[np.bool_], complex_: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether spelling ties the clusters of each character and the next together; shape (n - 1,).

    The result has a meaning only where a cluster ends. All characters that tie are among those of class SA, `complex_`.
    """
    cluster = np.cumsum(starts) - 1
    count = int(cluster[-1]) + 1
    at = np.flatnonzero(complex_)

    def contains(characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        found = np.zeros(count, bool)
        found[cluster[at[np.isin(cps[at], characters)]]] = True
        return found

    before = contains(_TIED_TO_NEXT)[cluster[:-1]]
    after = (contains(_TIED_TO_PREVIOUS) | contains(_CLOSING))[cluster[1:]]
    tied: NDArray[np.bool_] = before | after
    return tied


def _word_ends(cps: NDArray[np.uint32], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether a word of the dictionary ends after each character, among those that are `known`; shape (n,)."""
    at = np.flatnonzero(known)
    # Each run of known characters becomes one line, so that ICU looks it up by itself whatever stands beside it.
    first = np.append(True, np.diff(at) > 1)
    place = np.arange(len(at)) + np.cumsum(first) - 1
    text = np.full(int(place[-1]) + 1, 0x0A, np.uint32)
    text[place] = cps[at]
    segments = dictionary()(text.astype("<u4").tobytes().decode("utf-32-le"), "und")
    ends = np.zeros(len(text), bool)
    # Use the lengths of the segments: ICU's offsets count UTF-16 code units.
    ends[np.cumsum(np.fromiter(map(len, segments), np.int64)) - 1] = True
    found = np.zeros(len(cps), bool)
    found[at] = ends[place]
    return found


@cache
def dictionary() -> Any:
    """Return ICU's line breaker, a function from a text and a locale to segments.

    Raises:
        DependencyError: icu4py is not installed.
    """
    try:
        from icu4py.breakers import LineBreaker
    except ImportError as error:
        need, otherwise = "complex_breaks=DICTIONARY needs the package icu4py", ", or set complex_breaks=CLUSTER"
        raise DependencyError.of(error, need, extra="icu", otherwise=otherwise) from None
    return LineBreaker
