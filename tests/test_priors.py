"""Texts without language priors keep the letters of a text, and what a reader guesses is reported beside them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import texts
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL.Image import Image
from strategies import examples

import glyphrender.ocr.tesseract
from glyphrender import DataError, Theta, render
from glyphrender.cli.bench import command as bench_command
from glyphrender.cli.search import command as search_command
from glyphrender.models.vision import vision_model
from glyphrender.ocr.comparison import comparable, edit_distance, errors_by_block
from glyphrender.ocr.legibility import legibility, seen_image
from glyphrender.ocr.priorless import PriorlessText, TextKind
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.front_table import front_table
from glyphrender.search.priors import PriorEvaluator, with_priors
from glyphrender.search.reader import ReaderEvaluator
from glyphrender.search.workers import Work
from glyphrender.tasks.priors import prior_share, share_of

ENGLISH = texts.declaration("eng")
CODE = texts.code()[:20_000]
CHINESE = texts.declaration("zho")
KINDS = [kind for kind in TextKind if kind is not TextKind.PROSE]


def shape(text: str) -> list[str]:
    """The text with x for every letter and digit."""
    return ["x" if c.isalnum() else c for c in text]


@pytest.mark.parametrize("text", [ENGLISH, CODE, CHINESE], ids=["english", "code", "chinese"])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_texts_and_other_seeds_others(text: str, kind: TextKind) -> None:
    excerpt = text[:800]
    drawn = [PriorlessText(text).of(excerpt, kind, seed=seed) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert excerpt != drawn[0]


@pytest.mark.parametrize("text", [ENGLISH, CODE, CHINESE], ids=["english", "code", "chinese"])
def test_words_and_letters_are_those_of_the_text_and_marks_stay(text: str) -> None:
    maker, excerpt = PriorlessText(text), text[:1500]
    for kind in (TextKind.WORDS, TextKind.LETTERS):
        assert Counter(maker.of(excerpt, kind)) == Counter(excerpt)
    for kind in (TextKind.PSEUDO, TextKind.LETTERS, TextKind.ALPHANUMERIC):
        assert shape(maker.of(excerpt, kind)) == shape(excerpt)


def test_pseudo_words_are_no_words_of_the_text_and_have_its_letters() -> None:
    drawn = PriorlessText(ENGLISH).of(ENGLISH, TextKind.PSEUDO)
    words = {word.lower() for word in ENGLISH.split() if word.isalpha()}
    long = [word for word in drawn.split() if word.isalpha() and len(word) >= 5]
    assert sum(word.lower() in words for word in long) < 0.02 * len(long)
    for letter in "etaoin":
        assert drawn.lower().count(letter) == pytest.approx(ENGLISH.lower().count(letter), rel=0.25)


def test_chinese_pseudo_text_has_few_pairs_of_the_text() -> None:
    pairs = {CHINESE[at : at + 2] for at in range(len(CHINESE) - 1)}
    drawn = {kind: PriorlessText(CHINESE).of(CHINESE[:1000], kind) for kind in (TextKind.PSEUDO, TextKind.WORDS)}

    def known(text: str) -> float:
        found = [text[at : at + 2] for at in range(len(text) - 1) if text[at : at + 2].isalpha()]
        return sum(pair in pairs for pair in found) / len(found)

    assert known(drawn[TextKind.PSEUDO]) < 0.05
    assert known(drawn[TextKind.WORDS]) > 0.4


@examples(20)
@given(st.text(max_size=40), st.sampled_from(TextKind), st.integers(-2, 2))
def test_any_text_can_be_set_without_priors(text: str, kind: TextKind, seed: int) -> None:
    drawn = PriorlessText(text).of(text, kind, seed=seed)
    assert drawn == PriorlessText(text).of(text, kind, seed=seed)
    assert PriorlessText("").of(text, kind, seed=seed).split() != [] or not text.split()


def test_an_unknown_kind_is_named_with_the_kinds_there_are() -> None:
    with pytest.raises(DataError, match=r"'nonsense'.*prose, words, pseudo, letters, alphanumeric"):
        legibility(render("text"), str, kind="nonsense")
    with pytest.raises(DataError, match="words, pseudo"):
        PriorEvaluator(ReaderEvaluator(ENGLISH, reader=lambda image: "", name="blind"), "prose")


@given(st.text("abc", max_size=260), st.text("abc", max_size=260))
@examples(60)
def test_errors_by_block_add_up_to_the_edit_distance(true: str, read: str) -> None:
    blocks = errors_by_block(true, read)
    assert sum(blocks) == edit_distance(true, read)
    assert len(blocks) == max(1, -(-len(true) // 100))


def guessing(theta: Theta, text: str) -> Any:
    """A reader that knows the pages of a text and sees two thirds of the letters of any other."""
    known = {seen_image(page, vision_model("glm-4.1v")).tobytes(): page.text for page in render(text, theta)}
    unknown: list[str] = []

    def reader(image: Image, /) -> str:
        return known.get(image.tobytes()) or unknown.pop(0)

    return reader, unknown


def test_the_priors_share_is_what_a_reader_saves_on_the_text() -> None:
    theta = Theta(page_size=(400, 400), font_size=10, line_height=12)
    text = ENGLISH[:3000]
    document = render(text, theta)
    reader, unknown = guessing(theta, text)
    prose = legibility(document, reader, pages=2)
    maker = PriorlessText(text)
    shown = [render(maker.of(document[page.number - 1].text, "letters"), theta) for page in prose.pages]
    for each in shown:
        for page in each:
            letters = comparable(page.text)
            unknown.append("".join(c if at % 10 else "?" for at, c in enumerate(letters)))
    without = legibility(document, reader, pages=2, kind="letters")
    assert (prose.wrong, without.kind) == (0, TextKind.LETTERS)
    assert without.error_rate == pytest.approx(0.1, abs=0.01)
    found = prior_share(prose, without)
    assert found.share is not None
    assert found.share.mean == 1
    assert 0.9 < found.share.low < found.share.high <= 1
    with pytest.raises(DataError, match="Read prose"):
        prior_share(without, without)
    with pytest.raises(DataError, match="same pages"):
        prior_share(legibility(document, reader, pages=1, seed=5), without)


def test_the_interval_of_the_share_holds_the_share_and_a_text_without_errors_has_none() -> None:
    found = share_of(TextKind.LETTERS, [1, 0, 2, 1] * 5, 2000, [9, 12, 7, 8] * 5, 2000).share
    assert found is not None
    assert found.mean == pytest.approx(1 - 4 / 36)
    assert found.low < found.mean < found.high
    assert share_of(TextKind.LETTERS, [0, 0], 200, [0, 0], 200).share is None


def fading(image: Image, /) -> str:
    """A reader of 30 letters in a line of the test below."""
    return "x" * 400


def test_a_search_reads_such_excerpts_under_a_name_of_its_own_and_reports_the_share() -> None:
    judge = ReaderEvaluator(ENGLISH, reader=fading, name="fading", length=200, kind="letters")
    prose = judge.of_kind("prose")
    assert judge.name == f"{prose.name}/letters"
    theta = Theta(page_size=(588, 840), auto_crop_width=False)
    assert judge(theta, samples=1, seed=0).details["text"] == "letters"
    evaluation = Evaluation(error=0.01, low=0.0, high=0.02, samples=2)
    candidate = Candidate(theta=theta, origin="random", round=1, step=1, rho=3.0, evaluation=evaluation)
    work = Work(texts=(ENGLISH,), model=vision_model("glm-4.1v"), tokenizer=None, evaluator=prose)
    (found,) = with_priors([candidate], "letters", work, seed=2)
    assert found.evaluation is not None
    prior = found.evaluation.details["prior"]
    assert prior["text"] == "letters"
    assert found.evaluation.error == 0.01
    table = front_table([found]).markdown()
    assert "| without priors | prior's share |" in table
    assert "letters" in table
    assert "without priors" not in front_table([candidate]).markdown()
    with pytest.raises(DataError, match="--evaluator reader"):
        with_priors([candidate], "letters", Work(**{**vars(work), "evaluator": SimpleNamespace(name="x")}), seed=2)


def test_bench_shows_the_share_beside_the_error_of_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphrender.ocr.tesseract, "Tesseract", lambda *, language: lambda image: "")
    source = Path(__file__).parent / "data/udhr-eng.txt"
    given = [str(source), "--preset", "dense", "--vision", "glm-4.1v", "--read", "1", "--priors", "letters"]
    result = CliRunner().invoke(bench_command, [*given, "--csv", str(tmp_path / "out.csv")], catch_exceptions=False)
    heading, line = result.stdout.splitlines()
    assert heading.endswith("pages read  error letters  prior's share")
    assert line.split()[-4:] == ["100.00%", "0%", "[0%,", "0%]"]
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0].endswith("prior's share,low,high,sha256")
    refused = CliRunner().invoke(bench_command, [*given, "--read", "0"])
    assert (refused.exit_code, "--read 0" in refused.output) == (2, True)


def test_a_search_by_a_function_has_no_excerpts_to_choose(tmp_path: Path) -> None:
    source = Path(__file__).parent / "data/udhr-eng.txt"
    given = [str(source), "--evaluator", "module:judge", "--excerpts", "letters", "-o", str(tmp_path / "found")]
    result = CliRunner().invoke(search_command, given)
    assert result.exit_code == 2
    assert "--evaluator reader" in result.output


def test_values_of_a_wrong_type_get_one_line_and_a_long_word_is_no_trouble() -> None:
    maker = PriorlessText("a text of words")
    for wrong in ({"kind": 3}, {"kind": "letters", "seed": "x"}, {"excerpt": b"x", "kind": "letters"}):
        with pytest.raises(DataError) as caught:
            maker.of(**{"excerpt": "a b", **wrong})  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    assert len(maker.of("x" * 20_000, "pseudo")) == 20_000
    assert maker.of("\ud800 ab", "letters").split()[0] == "\ud800"
