"""The text that ρ is of stands for the whole: by length, by kind of file, and by the ρ that it gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import Theta, compression_ratio
from glyphrender.search.rho_text import RHO_TEXT, rho_texts

pytestmark = pytest.mark.slow

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
LENGTHS = st.lists(st.one_of(st.integers(0, 3_000), st.integers(0, 40_000), st.integers(0, 2_000_000)), max_size=40)


@given(LENGTHS)
def test_short_texts_are_whole_and_long_ones_begin_at_their_beginning(lengths) -> None:
    texts = [f"{number:06}" + "x" * length for number, length in enumerate(lengths)]
    taken = rho_texts(texts)
    assert taken == rho_texts(texts)
    if sum(map(len, texts)) <= RHO_TEXT:
        assert taken == tuple(texts)
        return
    assert abs(sum(map(len, taken)) - RHO_TEXT) <= 20_000
    rest = iter(texts)
    for piece in taken:
        whole = next(text for text in rest if text.startswith(piece[:6]))  # in their order
        assert whole.startswith(piece)
        assert piece == whole or len(piece) >= 20_000
        assert len(piece) <= max(20_000, RHO_TEXT * len(whole) / sum(map(len, texts)))


def test_one_text_is_its_beginning() -> None:
    assert rho_texts([NOVEL * 2]) == ((NOVEL * 2)[:RHO_TEXT],)


def test_a_folder_of_many_short_files_and_a_few_long_ones_is_weighed_as_it_is() -> None:
    """1,000 notes of 600 characters, each a page that is half empty, and two books: ρ of the sample is that of all."""
    notes = [NOVEL[at : at + 600] for at in range(0, 600_000, 600)]
    books = [NOVEL[:600_000], NOVEL[100_000:700_000]]
    texts = [*notes[:300], books[0], *notes[300:], books[1]]
    taken = rho_texts(texts)
    short = sum(len(text) for text in taken if len(text) == 600)
    assert abs(short / sum(map(len, taken)) - 1 / 3) < 0.01

    def rho(texts) -> float:
        ratios = [compression_ratio(text, theta=Theta(), model="glm-4.1v", tokenizer=len) for text in texts]
        return sum(ratio.text_tokens for ratio in ratios) / sum(ratio.visual_tokens for ratio in ratios)

    whole = rho(texts)
    assert abs(rho(taken) / whole - 1) < 0.05  # 0.036
    # As much of each would weigh the notes as nearly everything: 30% less.
    assert rho([text[: RHO_TEXT // len(texts)] for text in texts]) / whole < 0.8
