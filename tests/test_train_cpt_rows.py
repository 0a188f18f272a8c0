"""Rows of continual pre-training: documents, splits, cuts, themes and samples. Nothing here needs torch."""

from __future__ import annotations

import json
import pickle
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts

from glyphrender import Theta
from glyphrender.errors import DataError, ThetaError
from glyphrender.models.vision import vision_model
from glyphrender.text.grapheme import cluster_starts
from glyphrender.text.properties import codepoints
from glyphrender.train.rows.cpt_rows import CptSamples
from glyphrender.train.rows.cuts import cut_before, pieces_of
from glyphrender.train.rows.documents import CorpusText, CorpusTexts, fingerprint, split_of
from glyphrender.train.rows.kinds import CPT_KINDS
from glyphrender.train.rows.sample import Pages, Sample, Text, visual_tokens
from glyphrender.train.rows.themes import THEMES, Themed

SMALL = Theta(page_size=(224, 112), margin_x=4, margin_y=4, page_grid=28)
SHARES = {"train": 0.5, "validation": 0.25, "test": 0.25}


def prose(seed: int, words: int) -> str:
    """Return sentences of invented words, in paragraphs."""
    rng = random.Random(seed)
    pieces = []
    for number in range(words):
        end = rng.choice((" ", " ", " ", " ", ", ", ". ", ".\n\n" if number % 7 == 0 else ". "))
        pieces.append("".join(rng.choices("aeioulmnrst", k=rng.randint(2, 9))) + end)
    return "".join(pieces)


DOCUMENTS = [CorpusText(prose(seed, 40 + 40 * seed), f"doc{seed}") for seed in range(6)]


def cpt(**options: object) -> CptSamples:
    values = {"documents": DOCUMENTS, "visual_tokens": 64, "theta": SMALL, "characters": 900} | options
    return CptSamples(**values)


def shown(sample: Sample) -> str:
    """Return the text of a sample that belongs to the corpus, as pages and as text."""
    if sample.kind == "ocr":
        assert sample.pages[0].text == sample.learned
        return sample.learned
    return "".join(part.text for part in sample.parts)


# ── Cuts ──


@pytest.mark.slow
@given(texts(max_size=90), st.integers(1, 40))
@examples(20)
def test_pieces_are_the_text_and_no_cluster_is_torn(text: str, length: int) -> None:
    pieces = pieces_of(text, length)
    edges = [start for start, _ in pieces] + [len(text)]
    assert edges == [0, *(end for _, end in pieces)]
    assert "".join(text[start:end] for start, end in pieces) == text
    starts = cluster_starts(codepoints(text))
    for start, end in pieces:
        assert start < end <= start + length
        # Only a cluster longer than a piece is torn.
        assert end == len(text) or starts[end] or not starts[start + 1 : end].any()


def test_a_text_is_cut_at_its_paragraphs_else_lines_sentences_and_words() -> None:
    for text, cut in [
        ("One two.\n\nThree four. Five", "One two.\n\n"),
        ("One two.\nThree four. Five six", "One two.\n"),
        ("One two. Three four five six", "One two. "),
        ("一二三。四五六七八九十", "一二三。"),
        ("One two three four", "One two three "),
        ("Onetwothreefour", "Onetwothreefou"),
        ("Onetwothree\u0301\u0301", "Onetwothre"),
    ]:
        assert text[: cut_before(text, 14, 13)] == cut
    assert cut_before("a", 1, 1) == cut_before("", 5, 5) == cut_before("\r\n", 1, 1) == 0


# ── Documents and splits ──


@pytest.mark.slow
@given(st.lists(texts(), max_size=8), st.randoms(use_true_random=False))
@examples(20)
def test_no_text_is_in_two_splits_however_it_is_written(given: list[str], rng: random.Random) -> None:
    rows = [{"text": text} for text in given]
    rows += [{"text": f" {text.upper()}!\n"} for text in given] + [
        {"text": text.replace(" ", "\n\n")} for text in given
    ]
    rng.shuffle(rows)
    found: dict[str, set[bytes]] = {}
    for split in SHARES:
        try:
            documents = CorpusTexts(rows, split=split, shares=SHARES)
        except DataError:
            continue
        found[split] = {fingerprint(document.text) for document in documents}
        assert len(found[split]) == len(documents)
        assert all(split_of(document.text, SHARES) == split for document in documents)
    assert sum(map(len, found.values())) == len(set().union(*found.values()))


def test_shares_of_splits_are_kept_and_a_split_does_not_depend_on_other_texts() -> None:
    numbers = [f"text {number}" for number in range(4000)]
    rows = [{"text": text} for text in numbers[:40]]
    counts = Counter(split_of(text, SHARES) for text in numbers)
    assert all(abs(counts[name] / 4000 - share) < 0.03 for name, share in SHARES.items())
    assert split_of(numbers[0], SHARES) == next(
        split for split in SHARES if numbers[0] in {each.text for each in CorpusTexts(rows, split=split, shares=SHARES)}
    )


def test_files_folders_and_patterns_are_read_and_faults_are_counted(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text("Call me Ishmael.", encoding="utf-8")
    (tmp_path / "books" / "b.txt").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "copy.txt").write_text("CALL ME\nISHMAEL!", encoding="utf-8")
    rows = [{"id": "x", "text": "Some years ago"}, {"text": 3}, {"text": "  \n"}, {"id": "y"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nno json\n", encoding="utf-8")
    everything = {"split": "all", "shares": {"all": 1.0}}
    found = CorpusTexts.read([tmp_path / "books", str(tmp_path / "*.txt"), tmp_path / "rows.jsonl"], **everything)
    assert [document.text for document in found] == ["Call me Ishmael.", "Some years ago"]
    assert found[1].key == "x"
    assert found.counts == {"kept": 2, "duplicates": 1, "empty": 1, "faults": 4}
    assert any("b.txt" in fault for fault in found.faults)
    assert any("line 2" in fault for fault in found.faults)
    for inputs, words in [
        ([tmp_path / "none"], "does not exist"),
        ([tmp_path / "*.md"], "matches no file"),
        ([tmp_path / "books" / "b.txt"], "the split all has no text"),
    ]:
        with pytest.raises(DataError, match=words):
            CorpusTexts.read(inputs, **everything)
    with pytest.raises(DataError, match=r"split='dev' is none of train"):
        CorpusTexts(rows, split="dev")


# ── Themes ──


@pytest.mark.slow
def test_themes_keep_their_type_and_colors_and_have_many_shapes() -> None:
    rng = np.random.default_rng(0)
    for name in THEMES:
        preset, drawn = Theta.preset(name), [Themed(weights={name: 1})({}, rng) for _ in range(8)]
        assert {(theta.font, theta.font_size, theta.page_bg_color) for theta in drawn} == {
            (preset.font, preset.font_size, preset.page_bg_color)
        }
        assert len({theta.page_pixels for theta in drawn}) > 3
    fonts = Counter(Themed()({}, rng).font for _ in range(80))
    assert len(fonts) > 5
    assert Themed(model="glm-4.1v")({}, rng).page_grid == 28


def test_themes_that_cannot_be_are_refused_before_work_starts() -> None:
    with pytest.raises(DataError, match="no 'neon'"):
        Themed(weights={"neon": 1})
    with pytest.raises(DataError, match="no theme has a weight above 0"):
        Themed(weights={"paper": 0})
    with pytest.raises(ThetaError, match="dpj"):
        Themed(fixed={"dpj": 1})


# ── Samples ──


@pytest.mark.slow
def test_a_sample_follows_from_seed_epoch_and_index_alone() -> None:
    samples = cpt(theta=Themed(fixed={"dpi": 72.0, "page_size": (224.0, 112.0), "margin_x": 4.0, "margin_y": 4.0}))
    first = list(samples)
    order = list(range(len(samples)))
    random.Random(1).shuffle(order)
    copied = pickle.loads(pickle.dumps(samples))
    assert [copied[index] for index in order] == [first[index] for index in order]
    samples.set_epoch(1)
    second = list(samples)
    assert sum(one == other for one, other in zip(first, second, strict=True)) < len(first) / 4
    samples.set_epoch(0)
    assert list(samples) == first
    assert list(cpt(seed=1)) != list(cpt(seed=2))


def test_an_epoch_shows_every_text_once_and_in_order() -> None:
    samples = cpt(visual_tokens=2000, seed=3)
    told: dict[str, str] = {}
    for sample in samples:
        name = sample.key.partition(":")[0]
        told[name] = told.get(name, "") + shown(sample)
    assert told == {document.key: document.text for document in DOCUMENTS}
    assert samples.counts["split"] == 0
    packed = cpt(visual_tokens=2000, characters=5000, pack=True)
    assert len(packed) < len(DOCUMENTS)
    assert "\n\n".join(map(packed.piece, range(len(packed)))) == "\n\n".join(each.text for each in DOCUMENTS)


@pytest.mark.slow
@pytest.mark.parametrize("text_tokens", [None, 60])
def test_no_sample_is_above_its_budget_and_parts_are_of_their_piece(text_tokens: int | None) -> None:
    vision = vision_model("glm-4.1v")
    samples = cpt(text_tokens=text_tokens, count_text=lambda text: len(text) // 4, seed=5)
    seen: Counter[str] = Counter()
    for epoch in range(3):
        samples.set_epoch(epoch)
        for index, sample in enumerate(samples):
            assert visual_tokens(sample, vision) <= 64
            assert text_tokens is None or samples.tokens(sample)[1] <= text_tokens
            assert shown(sample) in samples.piece(index)
            assert sample.learned.strip()
            assert all(pages.text.strip() for pages in sample.pages)
            seen[sample.kind] += 1
            if sample.kind == "generation":
                assert [type(part) for part in sample.parts] == [Pages, Text]
            elif sample.kind == "interleaved":
                kinds = [type(part) for part in sample.parts]
                assert all(one is not other for one, other in zip(kinds, kinds[1:], strict=False))
                assert kinds[-1] is Text
                assert all(part.learn for part in sample.parts if isinstance(part, Text))
    assert set(seen) == set(CPT_KINDS)
    assert samples.counts["split"] > 0


@pytest.mark.slow
@given(st.lists(texts(max_size=200), min_size=1, max_size=3), st.integers(5, 200), st.booleans(), st.integers(0, 99))
@examples(10)
def test_samples_of_any_texts_keep_the_budget(given: list[str], length: int, pack: bool, seed: int) -> None:
    documents = [CorpusText(text, str(number)) for number, text in enumerate(given)]
    if not any(text.strip() for text in given):
        return
    samples = cpt(documents=documents, characters=length, pack=pack, visual_tokens=32, seed=seed)
    for index, sample in enumerate(samples):
        assert samples.tokens(sample)[0] <= 32
        assert shown(sample) in samples.piece(index)
        assert sample.learned.strip()


def test_only_a_sample_that_reaches_the_end_of_its_text_learns_to_end() -> None:
    samples = cpt(visual_tokens=2000, mixture={"generation": 1}, seed=1)
    last = {document.text[-30:] for document in DOCUMENTS}
    assert {sample.ends for sample in samples} == {True, False}
    assert all(sample.ends == (shown(sample)[-30:] in last) for sample in samples)


@pytest.mark.slow
def test_mixtures_and_policies_are_kept() -> None:
    assert {sample.kind for sample in cpt(mixture={"ocr": 1})} == {"ocr"}
    counts: Counter[str] = Counter()
    samples = cpt(visual_tokens=2000, characters=200, mixture={"ocr": 3, "generation": 1})
    for epoch in range(2):
        samples.set_epoch(epoch)
        counts += Counter(sample.kind for sample in samples)
    assert 0.65 < counts["ocr"] / counts.total() < 0.85
    tight = {"visual_tokens": 32, "mixture": {"ocr": 1}}
    dropping = cpt(over="drop", **tight)
    assert all(dropping.tokens(sample)[0] <= 32 for sample in dropping)
    assert dropping.counts["dropped"] > 0
    with pytest.raises(DataError, match=r"doc\d:\d+ has \d+ visual tokens .* above visual_tokens=32"):
        list(cpt(over="error", **tight))


def test_what_cannot_be_is_refused_before_work_starts() -> None:
    for options, words in [
        ({"visual_tokens": 8}, "one of 224×112 px takes more"),
        ({"visual_tokens": 0}, "visual_tokens=0 leaves no room"),
        ({"mixture": {"copy": 1}}, "has 'copy', which is no kind"),
        ({"mixture": {"ocr": 0}}, "no weight above 0"),
        ({"over": "cut"}, "over='cut' is unknown"),
        ({"documents": [CorpusText(" \n", "a")]}, "the documents have no text"),
        ({"documents": []}, "the documents have no text"),
    ]:
        with pytest.raises(DataError, match=words):
            cpt(**options)
    with pytest.raises(DataError, match="does not fit visual_tokens=64, text_tokens=5"):
        list(cpt(text_tokens=5))


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs" / "cpt-data.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec("\n".join(block for block in blocks if "from trl" not in block), {})


def test_a_budget_that_shorter_spans_of_text_cannot_keep_cuts_the_text() -> None:
    theta = Theta(page_size=(280, 280), dpi=72)
    samples = CptSamples(
        documents=[CorpusText(prose(1, 900), "long")],
        visual_tokens=630,
        text_tokens=60,
        characters=4400,
        theta=theta,
        mixture={"interleaved": 1, "generation": 1},
    )
    for epoch in range(12):
        samples.set_epoch(epoch)
        assert samples.tokens(samples[0])[1] <= 60
