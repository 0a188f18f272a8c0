"""Cut words: where words end inside the text between two separators, and where lines may break beside such places.

A word is cut where its direction turns, where the look of rich text changes, and where something is consumed. The parts
are looked up as words of their own, but lines break as in the whole text. So the text that is cut is analysed, with the
words beside it: the rules of UAX #14 reach across spaces no further.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glyphrender.text import grapheme, linebreak
from glyphrender.text.properties import Flag, records, table
from glyphrender.text.runs import are_in, ranges
from glyphrender.text.tailored_breaks import BLANKS
from glyphrender.typeset.glyph_store import MAY_BREAK, NO_BREAK
from glyphrender.typeset.style import WordStyle


@dataclass(frozen=True, kw_only=True, slots=True)
class CutWords:
    """The words of a text whose separators are spaces, tabs and newlines, some of which are cut.

    Attributes:
        places: the places at which a word is cut, inside what separators enclose; rising.
        starts: the first characters of all words and parts that have characters; rising.
        allowed: [c] NO_BREAK or MAY_BREAK after each character of the words that are cut and of the spaces around them;
            UNKNOWN after all others.
    """

    UNKNOWN: ClassVar[int] = 255
    places: NDArray[np.intp]
    starts: NDArray[np.intp]
    allowed: NDArray[np.uint8]
    _whole: NDArray[np.intp]  # the first characters of the words that are not parts
    _number: NDArray[np.intp]  # how many words, separators and empty words come before each of them
    _total: int  # how many come before the last of these words; it is empty if the text ends with a separator

    @classmethod
    def of(cls, cps: NDArray[np.uint32], cuts: NDArray[np.intp], style: WordStyle) -> CutWords:
        """Return the words of a text, cut at `cuts`; cuts beside separators have no effect."""
        n = len(cps)
        separators = np.flatnonzero((cps == 0x0A) | (cps == 0x20) | (cps == 0x09))
        found = cps[separators]
        first, end = np.append(0, separators + 1), np.append(separators, n)
        inked = np.flatnonzero(first < end)
        starts, ends = first[inked], end[inked]
        # A tab or newline is a word with a space on each side, so two more words come before the next one.
        number = np.append(0, np.cumsum(np.where(found == 0x20, 1, 2)))
        total, number = int(number[-1]), number[inked]
        allowed = np.full(max(n, 1), cls.UNKNOWN, np.uint8)
        cuts = cuts if len(starts) else cuts[:0]
        word = np.searchsorted(starts, cuts, "right") - 1
        inside = (word >= 0) & (starts[word] < cuts) & (cuts < ends[word])
        cuts, word = cuts[inside], word[inside]
        if not len(cuts):
            return cls(places=cuts, starts=starts, allowed=allowed, _whole=starts, _number=number, _total=total)
        some, known = _around(np.unique(word), starts, ends, separators[found == 0x0A], n)
        apart = np.append(False, some[1:] != some[:-1] + 1)
        at = np.arange(len(some)) + np.cumsum(apart)
        # Stretches that do not touch, and the end, are separated by newlines.
        text = np.full(at[-1] + 2, 0x0A, np.uint32)
        text[at] = cps[some]
        blank = np.where(text == 0x09, np.uint32(0x20), text)
        actions = style.break_actions(blank)
        cut = np.zeros(len(text), bool)
        cut[at[np.searchsorted(some, cuts)]] = True
        places = some[(turns(text, blank, None, cut, np.zeros(len(text), bool), actions, style) | cut)[at]]
        may = np.where(actions[at] == linebreak.ALLOWED, MAY_BREAK, NO_BREAK)
        allowed[some[known]] = may[known]
        parts = np.insert(starts, np.searchsorted(starts, places), places)
        return cls(places=places, starts=parts, allowed=allowed, _whole=starts, _number=number, _total=total)

    @property
    def words_before_last(self) -> int:
        """How many words come before the last one, which is empty if the text ends with a separator.

        Parts, separators and empty words count.
        """
        return self._total + len(self.places)

    @property
    def word_of_starts(self) -> NDArray[np.intp]:
        """[s] the number of the word or part that begins at each of `starts`; separators and empty words count."""
        is_part = np.zeros(len(self.starts), bool)
        is_part[np.searchsorted(self._whole, self.places) + np.arange(len(self.places))] = True
        parts = np.cumsum(is_part)
        words: NDArray[np.intp] = self._number[np.arange(len(is_part)) - parts] + parts
        return words

    def word_of(self, starts: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the number of the word or part that begins at each of `starts`; separators and empty words count."""
        whole = np.searchsorted(self._whole, starts, "right") - 1
        words: NDArray[np.intp] = self._number[whole] + np.searchsorted(self.places, starts, "right")
        return words


def _around(
    word: NDArray[np.intp],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    newlines: NDArray[np.intp],
    length: int,
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return (the characters of some words, of the spaces around them and of the words beside; which are known).

    A break after a character of a word beside is not known, because the words further on are missing.

    Args:
        word: the words, rising.
        starts, ends: the first character of each word of the text, and the character after its last.
        newlines: the characters that end lines.
        length: length of the text.
    """
    line = np.searchsorted(newlines, starts[word])
    opens, closes = np.append(0, newlines + 1)[line], np.append(newlines, length)[line]
    before, after = np.maximum(word - 1, 0), np.minimum(word + 1, len(starts) - 1)
    has_before = (word > 0) & (starts[before] >= opens)
    has_after = (word < after) & (starts[after] < closes)
    low, high = np.where(has_before, starts[before], opens), np.where(has_after, ends[after], closes)
    # Both rise, so stretches that overlap or touch follow each other.
    apart = low[1:] > high[:-1]
    first, last = low[np.append(True, apart)], high[np.append(apart, True)]
    count = last - first
    some = ranges(first, count)
    change = np.zeros(len(some) + 1, np.intp)
    np.add.at(change, np.searchsorted(some, np.where(has_before, ends[before], opens)), 1)
    np.add.at(change, np.searchsorted(some, np.where(has_after, starts[after], closes)), -1)
    return some, np.cumsum(change[:-1]) > 0


def inside_words(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return whether each character stands inside a word: no separator is before it, and it is none."""
    separator = are_in(cps, BLANKS)
    inside = np.zeros(len(cps), bool)
    inside[1:] = ~separator[1:] & ~separator[:-1]
    return inside


def turns(
    cps: NDArray[np.uint32],
    blank: NDArray[np.uint32],
    level: NDArray[np.uint8] | None,
    cuts: NDArray[np.bool_] | None,
    implicit: NDArray[np.bool_],
    actions: NDArray[np.uint8],
    style: WordStyle,
) -> NDArray[np.bool_]:
    """Return whether a word begins at each character because of a turn, a cut, or a break that a part would lack.

    A turn is a change of direction. The parts of a word beside a turn or a cut are analysed without each other, and may
    lack a break that the whole text has: ")" closes a quotation only where one was opened. Such a part is cut at that
    break. This depends on the characters between two separators alone, so a word is cut in the same way in any text.

    Args:
        cps: the text.
        blank: the text with spaces for tabs.
        level: the bidi level of each character, or None where all are 0.
        cuts: whether a word is cut before each character, or None where none is.
        implicit: whether a word begins at each character for a reason that the breaks beside it do not depend on: it
            and the one before are ideographs, or the script changes.
        actions: what may happen after each character of the whole text.
        style: the style of the words.
    """
    inside = inside_words(cps)
    turn = np.zeros(len(cps), bool) if cuts is None else cuts & inside
    if level is not None:
        turn[1:] |= inside[1:] & (level[1:] != level[:-1])
    if not turn.any():
        return turn
    token = np.cumsum(~inside)  # tokens are the text between separators; only some of them turn
    turning = np.zeros(token[-1] + 1, bool)
    turning[token[turn]] = True
    some = np.flatnonzero(turning[token])
    edge = ~inside[some] | implicit[some] | turn[some]
    may_lack = np.zeros(len(some), bool)
    may_lack[1:] = actions[some[1:] - 1] == linebreak.ALLOWED
    invisible = (table().flags[records(cps[some])] & Flag.DEFAULT_IGNORABLE.value) != 0
    may_lack &= grapheme.cluster_starts(cps)[some] & ~invisible
    turn[some[edge]] |= inside[some[edge]]
    kept = _of_parts(edge, may_lack & ~edge)  # most parts have no break inside
    while kept.any():
        some, edge, may_lack = some[kept], edge[kept], may_lack[kept]
        # The parts as they are analysed: a line each.
        at = np.arange(len(some)) + np.cumsum(edge)
        alone = np.full(at[-1] + 1, 0x0A, np.uint32)
        alone[at] = blank[some]
        found = style.break_actions(alone)[at]
        lost = may_lack & ~edge
        lost[1:] &= found[:-1] != linebreak.ALLOWED
        turn[some[lost]] = True
        kept = _of_parts(edge, lost)
        edge |= lost
    return turn


def _of_parts(edge: NDArray[np.bool_], asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which characters are in a part that holds one of `asked`; a part begins at each `edge`."""
    part = np.cumsum(edge)
    held = np.zeros(part[-1] + 1 if len(part) else 1, bool)
    held[part[asked]] = True
    return held[part]
