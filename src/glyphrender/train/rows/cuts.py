"""Cuts: where a long text is cut into pieces and spans. The parts joined are always the text.

A cut is made where a reader would make it: at the end of a paragraph, else of a line, of a sentence, of a word; and if
there is none of these, between two grapheme clusters. It depends on the text alone.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from glyphrender.text.grapheme import cluster_starts
from glyphrender.text.properties import codepoints

__all__ = ["cut_before", "pieces_of"]

# The ends of paragraphs, lines, sentences and words, each with the space after it.
_ENDS: Final = (
    re.compile(r"\n[ \t\r]*\n\s*"),
    re.compile(r"\n"),
    re.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？][」』”’）]*\s*"),
    re.compile(r"\s+"),
)
# Characters before a place that are looked at for a boundary of clusters. Longer clusters do not occur in writing.
_CLUSTER: Final = 1024
# Characters before the slack in which an end may begin that reaches into it: spaces after a sentence.
_REACH: Final = 64


def cut_before(text: str, place: int, slack: int) -> int:
    """Return the best place to cut `text` at `place`, or up to `slack` characters before it.

    Returns:
        a place from 1 to `len(text) - 1`; 0 if the text cannot be cut there, as one letter cannot.

    >>> text = "One fish. Two fish. Red fish."
    >>> text[: cut_before(text, 25, 10)]
    'One fish. Two fish. '
    """
    place = min(place, len(text) - 1)
    low = max(1, place - slack)
    if place < low:
        return 0
    for end in _ENDS:
        # An end that reaches over `place` is no end here. One that begins before `low` may end after it.
        found = [match.end() for match in end.finditer(text, max(0, low - _REACH), min(place + 1, len(text)))]
        if places := [each for each in found if low <= each <= place]:
            return places[-1]
    head = max(0, place - _CLUSTER)
    starts = np.flatnonzero(cluster_starts(codepoints(text[head : place + 1]))) + head
    starts = starts[starts > head]
    return int(starts[-1]) if len(starts) else 0


def pieces_of(text: str, length: int) -> list[tuple[int, int]]:
    """Return (start, end) of pieces of `text` of at most `length` characters, about equally long.

    A piece is longer only if a grapheme cluster is.

    >>> text = "One fish. Two fish. Red fish. Blue fish."
    >>> [text[start:end] for start, end in pieces_of(text, 25)]
    ['One fish. Two fish. ', 'Red fish. Blue fish.']
    """
    pieces: list[tuple[int, int]] = []
    start = 0
    while (left := len(text) - start) > length:
        # As long as those that are still to come, so that none is a short rest.
        wanted = min(length, -(-left // -(-left // length)) + length // 8)
        size = cut_before(text[start : start + length + 1], wanted, wanted // 3) or min(length, left)
        pieces.append((start, start + size))
        start += size
    if left:
        pieces.append((start, len(text)))
    return pieces
