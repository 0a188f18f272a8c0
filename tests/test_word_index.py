"""The word index: numbers of words, by the hash table and by the dict behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glyphrender.typeset.word_index import WordIndex

# Words of all lengths around the longest of the table, words of few letters (so that they come again), words of any
# characters.
WORDS = st.one_of(
    st.text("ab", max_size=20),
    st.text(alphabet=st.characters(exclude_characters=" "), max_size=18),
    st.sampled_from(["", "\0", "a\0", "a", "\ud800", "é" * 8, "é" * 9, "x" * 16, "x" * 17, "\n", "\t"]),
)


@given(st.lists(st.lists(WORDS, max_size=40).map(" ".join), max_size=8))
def test_words_are_numbered_as_a_dict_numbers_them(texts: list[str]) -> None:
    words, numbers = WordIndex(["", "\n"]), {"": 0, "\n": 1}
    for text in texts:
        split = text.split(" ")
        if len(split) > 1 and not split[-1]:
            split.pop()
        known = len(numbers)
        expected = [numbers.setdefault(word, len(numbers)) for word in split]
        found, new = words.numbers(text, known=len(words))
        assert found.tolist() == expected
        assert new == list(numbers)[known:]
    assert len(words) == len(numbers)


class Asked(WordIndex):
    """A word index that counts the words that are looked up in its dict."""

    asked = 0

    def _of_dict(self, words: list[str]) -> NDArray[np.int32]:
        self.asked += len(words)
        return super()._of_dict(words)


def test_words_that_want_one_place_are_told_apart() -> None:
    """20,000 words are put into a table of 131,072 places.

    1158 of them find their place taken, and 132 of these find the place beside it taken too.
    """
    some = [f"{n * 7919 % 20_000:016x}" for n in range(20_000)]
    text = " ".join(some)
    words = Asked([])
    first, new = words.numbers(text, known=len(words))
    words.numbers(text, known=len(words))  # words that lost a place to another word of the same text enter now
    words.asked = 0
    again, none = words.numbers(text, known=len(words))
    assert len(new) == 20_000
    assert not none
    assert np.array_equal(first, again)
    assert np.array_equal(first, np.arange(20_000))
    inside = int((words._found >= 0).sum())
    assert 19_500 < inside < 20_000
    assert words.asked == 20_000 - inside
    # The first 16 bytes of these words are in the table.
    longer, new = words.numbers(" ".join(word + "x" for word in some), known=len(words))
    assert len(new) == 20_000
    assert np.array_equal(longer, first + 20_000)
