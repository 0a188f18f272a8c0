"""Line breaks inside Thai, Lao, Khmer and Burmese, which put no spaces between words: Line_Break SA of UAX #14.

The standard leaves these to a dictionary. A dictionary is data of a library that may be there or not and changes
with its release, so what needs none is the default: a line may end after a written syllable's letters, that is
between grapheme clusters that the script's spelling does not tie together (a vowel written before its consonant
is never left alone at a line's end). That fills lines as Chinese does; a word may be cut, as a reader of these
scripts knows from narrow columns. With the `icu` extra a line ends only between words.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import DependencyError
from glyphrender.text import grapheme, linebreak
from glyphrender.text.properties import EAST_ASIAN, SCRIPT_TAGS, Flag, LineBreak, codepoints, records, table
from glyphrender.theta.choices import ComplexBreaks

# Which clusters hold together, by a character that either of them contains. Logical_Order_Exception: vowels
# stored and written before their consonant (Thai, Lao, New Tai Lue, Tai Viet); and those that only stand in a
# syllable that a consonant or another vowel sign closes: mai han-akat, sara uee, maitaikhu, Lao mai kan, mai kon.
_TIED_TO_NEXT: Final = codepoints("เแโใไເແໂໃໄ\u19b5\u19b6\u19b7\u19baꪵꪶꪹꪻꪼ\u0e31\u0e37\u0e47\u0eb1\u0ebb")
# Vowels written after their consonant, and signs that repeat or shorten the word before them.
_TIED_TO_PREVIOUS: Final = codepoints("ะาๅๆฯະາຽໆៗ")
# What silences or closes a consonant, so that it belongs to the syllable before: thanthakhat, Lao cancellation
# mark, Khmer bantoc and toandakhiat, Burmese asat.
_CLOSING: Final = codepoints("\u0e4c\u0ecc\u17cb\u17cd\u103a")

# The scripts that ICU has a dictionary of; others of class SA (Tai Le, Tai Tham, Ahom) break as with CLUSTER.
_DICTIONARIES: Final = [SCRIPT_TAGS.index(tag) for tag in ("Thai", "Laoo", "Khmr", "Mymr")]


def add_breaks(cps: NDArray[np.uint32], actions: NDArray[np.uint8], breaks: ComplexBreaks) -> None:
    """Set to ALLOWED in `actions`, as `linebreak.break_actions` gives them for `cps`, what `breaks` allows.

    Only where the standard's own rules see two letters (LB28): never before a mark, beside a joiner or inside
    brackets.

    Raises:
        DependencyError: DICTIONARY, and icu4py is not installed.
    """
    record = records(cps)
    complex_ = (table().flags.take(record) & Flag.COMPLEX.value) != 0
    if not complex_.any():
        return
    index = np.arange(len(cps))
    kind = table().line_break.take(record) & (EAST_ASIAN - 1)
    letter = complex_ & (kind == LineBreak.AL)
    absorbed = (kind == LineBreak.CM) | (kind == LineBreak.ZWJ)
    base = np.maximum.accumulate(np.where(absorbed, 0, index))  # LB9
    starts = grapheme.cluster_starts(cps)
    between = (actions[:-1] == linebreak.PROHIBITED) & complex_[:-1] & letter[base[:-1]] & letter[1:] & starts[1:]
    allowed = between & ~_tied(cps, starts)
    if breaks is ComplexBreaks.DICTIONARY:
        known = np.isin(table().script.take(record), _DICTIONARIES) & complex_
        both = known[:-1] & known[1:]
        if both.any():
            allowed = np.where(both, between & _word_ends(cps, known)[:-1], allowed)
    actions[:-1][allowed] = linebreak.ALLOWED


def _tied(cps: NDArray[np.uint32], starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[n - 1] whether the clusters before and after hold together, where a cluster ends."""
    cluster = np.cumsum(starts) - 1
    count = int(cluster[-1]) + 1

    def holding(some: NDArray[np.uint32]) -> NDArray[np.bool_]:
        holds = np.zeros(count, bool)
        holds[cluster[np.isin(cps, some)]] = True
        return holds

    before = holding(_TIED_TO_NEXT)[cluster[:-1]]
    after = (holding(_TIED_TO_PREVIOUS) | holding(_CLOSING))[cluster[1:]]
    tied: NDArray[np.bool_] = before | after
    return tied


def _word_ends(cps: NDArray[np.uint32], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[n] whether a word of a dictionary ends with each character that is `known`."""
    at = np.flatnonzero(known)
    # Runs, a line each: ICU looks a run up by itself, so that what stands beside it does not matter.
    first = np.append(True, np.diff(at) > 1)
    place = np.arange(len(at)) + np.cumsum(first) - 1
    text = np.full(int(place[-1]) + 1, 0x0A, np.uint32)
    text[place] = cps[at]
    segments = dictionary()(text.astype("<u4").tobytes().decode("utf-32-le"), "und")
    ends = np.zeros(len(text), bool)
    # Their lengths, not their offsets, which count UTF-16.
    ends[np.cumsum(np.fromiter(map(len, segments), np.int64)) - 1] = True
    found = np.zeros(len(cps), bool)
    found[at] = ends[place]
    return found


@cache
def dictionary() -> Any:
    """ICU's line breaker: text and locale → segments.

    Raises:
        DependencyError: icu4py is not installed.
    """
    try:
        from icu4py.breakers import LineBreaker
    except ImportError:
        raise DependencyError(
            "complex_breaks=DICTIONARY needs icu4py. Install it with: pip install 'glyphrender[icu]', "
            "or set complex_breaks=CLUSTER."
        ) from None
    return LineBreaker
