"""Joining: letters that take their shape from the letters beside them, also where a word is cut between two styles.

The parts of a word that is cut are looked up and shaped as words of their own. A part with joining letters carries some
characters from each side of it, and HarfBuzz shapes the part in their sight. Browsers do the same where a font changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import SCRIPT_TAGS, GeneralCategory, as_text, records, table
from glyphrender.text.runs import are_in, set_of
from glyphrender.text.tailored_breaks import BLANKS

#: The scripts whose letters have a Joining_Type. Their fonts join letters by contextual alternates, so these are never
#: turned off.
JOINING: Final = (
    "Arab", "Syrc", "Nkoo", "Mong", "Mand", "Adlm", "Rohg", "Mani", "Phag", "Phlp", "Sogd", "Ougr", "Chrs",
)  # fmt: skip
#: How many characters of context HarfBuzz reads.
CONTEXT: Final = 5
# The letters that the ligatures U+FEF5 to U+FEFC join to the lam before them.
_ALEFS: Final = set_of(map(ord, "آأإا"))
_LAM: Final = 0x0644
# How many characters of its word, on each side, a part sees for hyphenation. No word that is hyphenated is longer.
_LONGEST_WORD: Final = 200
#: Put between a part of a word and the characters beside it. No word has this character, because it ends lines.
ASIDE: Final = "\v"

#: Whether the letters of a script join, by its place in SCRIPT_TAGS.
JOINS: Final = np.isin(SCRIPT_TAGS, JOINING)
# Scripts that may have joining letters: those of no script of their own have some, such as U+0640.
_MAY_JOIN: Final = JOINS | np.isin(SCRIPT_TAGS, ("Zyyy", "Zinh", "Zzzz"))
_IS_LETTER: Final = np.array([category.name in ("Lu", "Ll", "Lt", "Lo") for category in GeneralCategory])
# Characters of these categories have the Joining_Type U, if their script has no joining letters.
_JOINS_NOTHING: Final = np.array(
    [category.name[0] in "NPSZ" or category.name in ("Cc", "Cn", "Co", "Cs") for category in GeneralCategory]
)


def never_join(record: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Return whether each character is a letter, number or sign that never joins, by its record.

    HarfBuzz looks no further than such a character.
    """
    script, category = (each.take(record) for each in (table().script, table().general_category))
    never: NDArray[np.bool_] = np.where(
        _JOINS_NOTHING[category], ~JOINS[script], ~_MAY_JOIN[script] & _IS_LETTER[category]
    )
    return never


def has_joining(cps: NDArray[np.uint32]) -> bool:
    """Return whether a text has letters that join."""
    return bool(JOINS[table().script.take(records(cps))].any())


def alefs_after_lam(
    cps: NDArray[np.uint32], starts: NDArray[np.bool_], places: NDArray[np.intp]
) -> list[tuple[int, int]]:
    """Return (start, end) of the clusters, among those that begin at `places`, that are an alef right after a lam.

    Every Arabic font draws the two as one glyph. Marks may stand between them, but nothing that keeps them apart.

    Args:
        cps: the text.
        starts: [n] whether a cluster starts at each character.
        places: starts of clusters, above 0.
    """
    found = []
    for alef in places[are_in(cps[places], _ALEFS)].tolist():
        lam = alef - 1
        while not starts[lam]:
            lam -= 1
        marks = table().general_category.take(records(cps[lam + 1 : alef]))
        if cps[lam] == _LAM and (marks == GeneralCategory.Mn).all():
            end = alef + 1
            while end < len(cps) and not starts[end]:
                end += 1
            found.append((alef, end))
    return found


def joined_cuts(cps: NDArray[np.uint32], cuts: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the places, among those at which words are cut, over which letters may join.

    Args:
        cps: the text.
        cuts: [n] whether a word is cut before each character.
    """
    at = np.flatnonzero(cuts)
    at = at[at > 0]
    if not len(at):
        return at
    before, after = records(cps[at - 1]), records(cps[at])
    script = table().script
    joins = JOINS[script.take(before)] | JOINS[script.take(after)]
    return at[joins & ~never_join(before) & ~never_join(after)]


def in_sight(
    text: str,
    cps: NDArray[np.uint32],
    places: NDArray[np.intp],
    words: NDArray[np.intp],
    mark: str,
    *,
    apart: NDArray[np.bool_] | None = None,
) -> str:
    """Return `text`, words with spaces between them, with the words beside each of `places` as parts in context.

    Args:
        text: the words; `mark` may stand before one.
        cps: the characters that were cut into these words.
        places: the characters before which a word was cut, and over which letters join; rising.
        words: [places] the number of the word that begins at each place.
        mark: what stands before a word that is set from right to left.
        apart: [n] whether a word begins at each character in the text without styles too. If `apart` is given, a part
            sees its whole word, for hyphenation; if not, it sees the characters that HarfBuzz reads.
    """
    most = CONTEXT if apart is None else _LONGEST_WORD
    parts = text.split(" ")
    before: dict[int, str] = {}
    after: dict[int, str] = {}
    for place, word in zip(places.tolist(), words.tolist(), strict=True):
        head, tail = cps[max(0, place - most) : place], cps[place : place + most]
        breaks, ends = np.flatnonzero(are_in(head, BLANKS)) + 1, np.flatnonzero(are_in(tail, BLANKS))
        if apart is not None:
            breaks = np.append(breaks, np.flatnonzero(apart[place - len(head) : place]))
            ends = np.append(ends, np.flatnonzero(apart[place : place + len(tail)]))
        before[word] = as_text(head[breaks.max(initial=0) :])
        after[word - 1] = as_text(tail[: ends.min(initial=len(tail))])
    for word in before.keys() | after.keys():
        part = parts[word]
        lead = mark if part.startswith(mark) else ""
        parts[word] = f"{lead}{before.get(word, '')}{ASIDE}{part[len(lead) :]}{ASIDE}{after.get(word, '')}"
    return " ".join(parts)


def without_sight(words: list[str], mark: str) -> tuple[list[str], dict[int, tuple[str, str]]]:
    """Return (`words` without what stands beside them, number of a word → the text before and after it).

    >>> without_sight(["ab", "\\nx\\vcd\\vy"], "\\n")
    (['ab', '\\ncd'], {1: ('x', 'y')})
    """
    bare, around = list(words), dict[int, tuple[str, str]]()
    for number, word in enumerate(words):
        if word.count(ASIDE) == 2:
            lead = mark if word.startswith(mark) else ""
            before, part, after = word[len(lead) :].split(ASIDE)
            bare[number], around[number] = lead + part, (before, after)
    return bare, around
