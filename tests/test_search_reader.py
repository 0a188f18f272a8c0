"""The reader evaluator: alignment by definition, excerpts, and tesseract on real pages."""

from __future__ import annotations

import os

import numpy as np
import pytest
import texts
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from glyphrender import Theta, render
from glyphrender.errors import DataError
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.search.evaluation import Evaluation, Evaluator
from glyphrender.search.reader import ReaderEvaluator, excerpt_theta, letters
from glyphrender.tasks.alignment import Edit, confusions, differences
from glyphrender.tasks.excerpts import Excerpts, identifiers
from glyphrender.tasks.statistics import error_rate_interval

words = st.text(alphabet="abc", max_size=14)
PAGE = {"page_size": (588, 840), "auto_crop_width": False}


@given(words, words)
@examples(300)
def test_edits_turn_the_truth_into_what_was_read_at_least_cost(true, read) -> None:
    edits = differences(true, read)
    made, at = "", 0
    for edit in edits:
        assert true[edit.start : edit.start + len(edit.true)] == edit.true
        made += true[at : edit.start] + edit.read
        at = edit.start + len(edit.true)
    assert made + true[at:] == read
    assert sum(edit.cost for edit in edits) == edit_distance(true, read)


def test_confusions_are_counted() -> None:
    edits = [edit for _ in range(3) for edit in differences("Ill mode, barn", "I1l rnode barn")]
    assert confusions(edits) == [(",", "", 3), ("l", "1", 3), ("m", "rn", 3)]
    assert confusions([Edit(0, "abcd", "x")]) == []


@pytest.mark.slow
@given(st.integers(0, 40), st.integers(0, 3))
@examples(40)
def test_excerpts_are_stretches_of_the_text_of_about_the_length_asked(number, seed) -> None:
    novel = texts.novel()
    excerpt = Excerpts(texts=(novel,), length=600).excerpt(number, seed)
    assert excerpt in " ".join(novel.split())
    assert 350 <= len(excerpt) <= 900
    assert not excerpt[0].isspace()
    assert excerpt == Excerpts(texts=(novel,), length=600).excerpt(number, seed)


def test_excerpts_spread_over_all_texts_and_count_ideographs_twice() -> None:
    both = Excerpts(texts=("latin text " * 2000, texts.chinese()[:22_000]), length=600)
    drawn = [both.excerpt(number, 1) for number in range(10)]
    latin = [excerpt for excerpt in drawn if excerpt.isascii()]
    assert 3 <= len(latin) <= 7
    assert all(len(excerpt) < 520 for excerpt in drawn if not excerpt.isascii())


@pytest.mark.parametrize("text", ["short", "x" * 5000, "a\n" * 3000, "\n" * 500 + "word " * 50, "one line " * 900])
def test_any_text_gives_an_excerpt(text) -> None:
    for number in range(10):
        assert comparable(Excerpts(texts=(text,)).excerpt(number, 0))


def test_an_excerpt_is_one_paragraph_and_ideographs_stay_together() -> None:
    text = "第二十二条\n每个人\n\n has\tthree\r\nwords 和\n一个 " * 40
    excerpt = Excerpts(texts=(text,), length=400).excerpt(0, 0)
    assert "第二十二条每个人has three words 和一个第二" in excerpt
    assert not set(excerpt) & set("\n\r\t")


def test_identifiers_are_as_they_stand_in_logs_and_the_same_each_time() -> None:
    drawn = [name for number in range(20) for name in identifiers(number, 0)]
    assert drawn == [name for number in range(20) for name in identifiers(number, 0)]
    assert len(set(drawn)) == len(drawn) == 80
    assert {len(name) for name in drawn if "-" in name} == {36}
    assert all(not any(c.isspace() for c in name) for name in drawn)


def test_the_interval_covers_and_narrows() -> None:
    def interval(wrong, characters: int, seed: int) -> tuple[float, float]:
        found = error_rate_interval(wrong, characters, seed=seed)
        return found.low, found.high

    rng, held = np.random.default_rng(0), 0
    for trial in range(200):
        low, high = interval(rng.poisson(1.0, size=100), 10_000, trial)
        held += low <= 0.01 <= high
    assert 175 <= held <= 200
    assert interval(np.zeros(20, int), 2000, 0) == (0.0, 0.0015)
    assert interval(np.zeros(20, int), 2000, -1) == (0.0, 0.0015)
    few, many = interval(rng.poisson(1.0, 20), 2000, 0), interval(rng.poisson(1.0, 2000), 200_000, 0)
    assert many[1] - many[0] < (few[1] - few[0]) / 5


@pytest.mark.parametrize(
    "theta", [Theta(), Theta(columns=3, column_gap=7), Theta(columns=2, line_numbers=3, margin_x=20)]
)
def test_an_excerpt_breaks_its_lines_as_a_column_of_the_page_does(theta) -> None:
    text = texts.novel()[10_000:12_000]
    page, excerpt = render(text, theta)[0], render(text, excerpt_theta(theta))[0]
    assert [line.text for line in excerpt.lines][:40] == [line.text for line in page.lines][:40]


@pytest.fixture(scope="session")
def novel() -> ReaderEvaluator:
    pytest.importorskip("tesserocr")
    return ReaderEvaluator(texts.novel(), length=600)


@pytest.fixture(scope="session")
def plain(novel) -> Evaluation:
    return novel(Theta(**PAGE).align_to("glm-4.1v"), samples=3, seed=0)


@pytest.mark.slow
def test_the_environment_stays_as_it_was() -> None:
    """It once got OMP_THREAD_LIMIT=1, under which torch computes wrong gradients in all processes started later."""
    before = dict(os.environ)
    assert letters(ReaderEvaluator("word " * 500).reader(render("Hello", Theta(dpi=144))[0].image)) == "Hello"
    assert dict(os.environ) == before


@pytest.mark.slow
def test_plain_type_is_read_and_the_error_has_an_interval(novel, plain) -> None:
    assert isinstance(novel, Evaluator)
    assert plain.error < 0.02
    assert plain.low <= plain.error <= plain.high
    assert 1000 < plain.details["characters"] < 2400
    assert plain.details["identifiers"]["of"] == 12
    assert plain.error == pytest.approx(plain.details["wrong"] / plain.details["characters"], abs=1e-6)
    assert Evaluation.from_dict(plain.to_dict()) == plain


@pytest.mark.slow
def test_small_type_is_read_worse_and_says_which_letters(novel, plain) -> None:
    theta = Theta(font_size=6, line_height=6.5, **PAGE).align_to("glm-4.1v")
    small = novel(theta, samples=3, seed=0)
    assert small.low > plain.high
    assert small.details["identifiers"]["error"] > plain.details["identifiers"]["error"]
    true, read, count = small.details["confusions"][0]
    assert count >= 3
    assert true != read


@pytest.mark.slow
def test_what_was_read_before_does_not_change_what_is_read(novel, plain) -> None:
    fresh = ReaderEvaluator(texts.novel(), length=600)
    assert fresh(Theta(**PAGE).align_to("glm-4.1v"), samples=3, seed=0) == plain
    assert fresh.name == novel.name
    assert fresh.name != ReaderEvaluator(texts.novel()[1:], length=600).name


def test_pages_are_read_at_the_size_that_the_model_sees() -> None:
    reader = ReaderEvaluator("word " * 500, model="glm-4.1v", reader=lambda image: "", name="none")
    small = reader.images(Theta(page_size=(595, 842)), "some words")[0]
    assert small.width == 588  # what GLM makes of 595
    assert reader.images(Theta(**PAGE), "some words")[0].width == 588


def test_a_reader_of_ones_own_is_any_function() -> None:
    pytest.importorskip("tesserocr")
    text = "It is a truth universally acknowledged. " * 50
    silent = ReaderEvaluator(text, reader=lambda image: "", name="silent")
    evaluation = silent(Theta(), samples=2, seed=0)
    assert evaluation.error == 1.0
    assert evaluation.details["identifiers"] == {"error": 1.0, "exact": 0, "of": 8}
    assert evaluation.details["confusions"] == []
    with pytest.raises(DataError, match="needs a name"):
        ReaderEvaluator(text, reader=lambda image: "")
    with pytest.raises(DataError, match="nothing to read"):
        ReaderEvaluator(" \n")
    with pytest.raises(DataError, match="too short to be read"):
        ReaderEvaluator(text, reader=lambda image: "", name="silent", length=10)


def test_perfect_reading_has_no_error_whatever_the_quotes() -> None:
    from glyphrender.search.reader import excerpt_reading

    text, names = "She said: \"It's -- well, 9 o'clock.\"", identifiers(0, 0)
    read = "She said: “It’s –− well, 9 o‘clock.”" + "".join(names)
    true, known = letters(text), [letters(name) for name in names]
    reading = excerpt_reading(true, known, letters(read))
    assert sum(reading.wrong) == reading.identifier_wrong == 0
    assert reading.exact == reading.identifiers == 4
    spoilt = excerpt_reading(true, known, letters(read[:-1] + "#"))
    assert (sum(spoilt.wrong), spoilt.identifier_wrong, spoilt.exact) == (0, 1, 3)


@pytest.mark.slow
def test_a_search_with_tesseract_goes_from_text_to_front(tmp_path) -> None:
    from glyphrender.search.search import search
    from glyphrender.search.space import Space

    text = texts.novel()[:60_000]
    space = Space.preset("none", vary=["font_size=6:11:1", "leading=1.0|1.1"], base=Theta(**PAGE))
    result = search(
        text,
        evaluator=ReaderEvaluator(text, length=300),
        space=space,
        rounds=1,
        steps=6,
        rungs=(1, 2),
        journal=tmp_path / "journal.jsonl",
        jobs=2,
    )
    assert result.front
    assert all(c.rho > 1 for c in result.front)
    assert result.front == tuple(sorted(result.front, key=lambda c: c.rho))
