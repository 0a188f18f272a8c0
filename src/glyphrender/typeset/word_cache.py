"""The word cache of a style: word → segments in the glyph store.

A book of a million words has some 30,000 distinct ones. The new words of a chunk are analysed and shaped together, once
(new_words.py: Unicode line breaks, clusters, scripts, faces, HarfBuzz). So this work costs little, even though it is
done with care. Each later occurrence of a word is only looked up (word_index.py).

A word is analysed without its neighbors. That is exact for UAX #14: its rules reach across a space only through the
classes at the ends of the words beside the space. These classes are kept as flags (boundary_flags.py), and analyse.py
joins words by them. A test compares the result with the analysis of whole paragraphs. Shaping is exact too, in every
font whose lookups do not reach across a space.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.typeset.alone import AloneGlyphs
from glyphrender.typeset.glyph_store import SEPARATORS, Column, GlyphStore
from glyphrender.typeset.new_words import add_words
from glyphrender.typeset.style import WordStyle
from glyphrender.typeset.word_index import WordIndex


class WordCache:
    """The words of one style, shaped once each into `store`."""

    def __init__(self, style: WordStyle, store: GlyphStore, lock: Any, alone: AloneGlyphs | None = None) -> None:
        self.style, self.store = style, store
        self.alone = AloneGlyphs() if alone is None else alone
        self._lock = lock
        self._index = WordIndex(list(SEPARATORS))
        self._first_segment, self._segment_count = Column(np.int32), Column(np.int32)
        self._first_segment.write(0, np.arange(len(SEPARATORS)))
        self._segment_count.write(0, np.ones(len(SEPARATORS), np.int32))
        self._words = len(SEPARATORS)  # words whose segments are known

    def __len__(self) -> int:
        return self._words

    @property
    def nbytes(self) -> int:
        """The memory of the index, in bytes; the store is not counted."""
        segments = self._first_segment.rows.nbytes + self._segment_count.rows.nbytes
        return self._index.nbytes + self.alone.nbytes + segments

    def segments(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return (segment numbers of the words in order, whether each segment is the last of its word).

        Args:
            text: words, each followed by a space; the last space may be left out. Words that were not met before are
                shaped now.

        Raises:
            FontError: θ asks for an error where no font has a character.
        """
        with self._lock:
            word, new = self._index.numbers(text, known=self._words)
            if new:
                try:
                    starts, counts = add_words(new, self.style, self.store, self.alone)
                except Exception:
                    self._index.forget(self._words)  # no later text is to fail because of these words
                    raise
                self._first_segment.write(self._words, starts)
                self._segment_count.write(self._words, counts)
                self._words += len(new)
        first, count = self._first_segment.take(word), self._segment_count.take(word)
        ends = np.cumsum(count)
        if len(ends) and ends[-1] == len(word) and count.max() == 1:  # most texts: a word is a segment
            return first, np.ones(len(word), bool)
        number = np.repeat(first - (ends - count), count) + np.arange(ends[-1], dtype=np.int32)
        last = np.zeros(len(number), bool)
        last[ends[count > 0] - 1] = True
        return number.astype(np.int32, copy=False), last
