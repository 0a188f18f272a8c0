"""Numbers of words, by the table and by the dict behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.typeset import lexicon
from glyphrender.typeset.lexicon import Lexicon

# Words of all lengths around those of the table, of few letters so that they come again, and of any characters.
WORDS = st.one_of(
    st.text("ab", max_size=20),
    st.text(alphabet=st.characters(exclude_characters=" "), max_size=18),
    st.sampled_from(["", "\0", "a\0", "a", "\ud800", "é" * 8, "é" * 9, "x" * 16, "x" * 17, "\n", "\t"]),
)


@given(st.lists(st.lists(WORDS, max_size=40).map(" ".join), max_size=8))
def test_words_are_numbered_as_a_dict_numbers_them(texts: list[str]) -> None:
    words, numbers = Lexicon(["", "\n"]), {"": 0, "\n": 1}
    for text in texts:
        split = text.split(" ")
        if len(split) > 1 and not split[-1]:
            split.pop()
        known = len(numbers)
        expected = [numbers.setdefault(word, len(numbers)) for word in split]
        found, new = words.numbers(text)
        assert found.tolist() == expected
        assert new == list(numbers)[known:]
    assert len(words) == len(numbers)


def test_words_that_want_one_place_are_told_apart() -> None:
    """Of 20,000 words in a table of 65,536 some two thousand want a place that is taken."""
    text = " ".join(f"w{n * 7919 % 20_000:x}" for n in range(20_000))
    words = Lexicon([])
    first, new = words.numbers(text)
    again, none = words.numbers(text)
    assert len(new) == 20_000
    assert not none
    assert np.array_equal(first, again)
    assert np.array_equal(first, np.arange(20_000))
    inside = int((words._found >= 0).sum())
    assert 15_000 < inside < 20_000
    assert inside < 1 << lexicon._BITS
