"""Recipes → samples in order: corpora, chats, budgets, splits, epochs; and the stages that train on them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from glyphrender.errors import DataError
from glyphrender.train.recipe import CptRecipe, SftRecipe

pytestmark = [
    pytest.mark.slow,  # the processor of a tiny reader takes torch
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),  # peft 0.21
]

WORDS = """the quick brown fox jumps over a lazy dog and then sleeps all day under old trees near water""".split()  # noqa: SIM905


def texts(count: int, seed: int = 0) -> list[str]:
    """Return texts of some forty words, all different."""
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(40)) for _ in range(count)]


@pytest.fixture(scope="module")
def processor() -> Any:
    from glyphrender.train.reader.tiny_reader import tiny_reader

    return tiny_reader()[1]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts(60)), encoding="utf-8")
    return path


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    rows = [
        {"context": text, "question": "Which word is first?", "answer": f"<think>I look.</think>{text.split()[0]}"}
        for text in texts(40, seed=1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def cpt(corpus: Path, *settings: str) -> CptRecipe:
    """Return a recipe for the texts of a file, without a writer."""
    base = ["data.writer=", f"data.corpora={corpus}", "data.held_out=0.2", "align.steps=0", "align.share=0"]
    small = ["optim.steps=3", "optim.warmup_steps=1", "run.log_every=1", "batch.samples=4", "batch.per_device=2"]
    page = ["data.max_visual_tokens=120", "data.max_text_tokens=400", "data.theta=glyph-en", "model.options={}"]
    page += ["data.fixed={page_size = [280, 112]}"]
    return CptRecipe.load("tiny-cpt").with_overrides([*base, *small, *page, *settings])


def sft(chats: Path, *settings: str) -> SftRecipe:
    """Return a recipe for the chats of a file, from random weights."""
    base = [f"data.chats={chats}", "data.held_out=0.2", "data.min_characters=20", "model.weights="]
    base += ["data.fixed={page_size = [280, 112]}"]
    small = ["optim.steps=3", "optim.warmup_steps=1", "run.log_every=1", "batch.samples=4", "batch.per_device=2"]
    return SftRecipe.load("tiny-sft").with_overrides([*base, *small, *settings])


def test_samples_of_corpora_keep_the_budget_and_no_text_is_in_both_splits(corpus: Path, processor: Any) -> None:
    from glyphrender.train.rows.sample import visual_tokens
    from glyphrender.train.run.streams import cpt_streams

    streams = cpt_streams(cpt(corpus, "run.eval_every=1", "optim.steps=20"), processor)
    assert streams.held_out is not None
    train = list(streams.train)
    held_out = list(streams.held_out)
    assert {sample.kind for sample in train} == {"ocr", "interleaved", "generation"}
    assert max(visual_tokens(sample, "glm-4.1v") for sample in train) <= 120

    def keys(samples: list[Any]) -> set[str]:
        return {sample.key.rpartition(":")[0] for sample in samples}

    assert keys(train).isdisjoint(keys(held_out))
    assert streams.counts["train: kept"] + streams.counts["held out: kept"] == 60


def test_questions_about_one_document_are_in_one_split(tmp_path: Path, processor: Any) -> None:
    from glyphrender.train.run.streams import sft_streams

    rows = [
        {"context": text, "question": f"Which word is number {number}?", "answer": text.split()[number]}
        for text in texts(20, seed=3)
        for number in range(4)
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    streams = sft_streams(sft(path, "run.eval_every=1", "run.eval_samples=80", "data.ocr_weight=0"), processor)
    assert streams.held_out is not None
    train = {sample.pages[0].text for sample in streams.train.of_epoch(0)}
    held_out = {sample.pages[0].text for sample in streams.held_out}
    assert len(train) + len(held_out) == 20
    assert train.isdisjoint(held_out)


def test_rows_of_an_epoch_are_drawn_anew_and_each_once(corpus: Path, processor: Any) -> None:
    from glyphrender.train.run.streams import cpt_streams

    streams = cpt_streams(cpt(corpus, "optim.steps=100", "data.theta="), processor)
    size = len(streams.train.of_epoch(0))
    places = [streams.train.place(index) for index in range(2 * size)]
    assert sorted(place for _, place in places[:size]) == list(range(size))
    assert [epoch for epoch, _ in places[size:]] == [1] * size
    one, two = (streams.train.of_epoch(epoch)[0] for epoch in (0, 1))
    assert one.key.rpartition(":")[0] == two.key.rpartition(":")[0]
    assert one.pages[0].theta != two.pages[0].theta
    assert streams.train.of_epoch(0)[0] == one  # the first epoch is as it was


def test_chats_above_the_budget_are_dropped_and_counted_or_refused(chats: Path, processor: Any) -> None:
    from glyphrender.train.run.streams import sft_streams

    long = {"context": " ".join(texts(20)), "question": "Which word is first?", "answer": "the"}
    with chats.open("a", encoding="utf-8") as file:
        file.write(json.dumps(long) + "\n")
    recipe = sft(chats, "data.held_out=0", "data.ocr_weight=0", "data.max_visual_tokens=100", "optim.steps=11")
    streams = sft_streams(recipe, processor)
    samples = list(streams.train)
    assert len(samples) == 44
    assert streams.counts["dropped"] >= 1
    assert all(long["context"] != pages.text for sample in samples for pages in sample.pages)
    strict = sft_streams(recipe.with_overrides(["data.over_budget=error"]), processor)
    with pytest.raises(DataError, match=r"above data\.max_visual_tokens=100.*set data\.over_budget=drop"):
        list(strict.train)


def test_empty_answers_and_missing_files_are_one_line(chats: Path, processor: Any) -> None:
    from glyphrender.train.run.streams import cpt_streams, sft_streams

    with chats.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"context": "x" * 50, "question": "Who?", "answer": " "}) + "\n")
    with pytest.raises(DataError, match="line 41"):
        sft_streams(sft(chats), processor)
    dropped = sft_streams(sft(chats, "data.faults=drop"), processor)
    assert dropped.counts["empty responses"] == 1
    for wrong, message in (
        (sft(chats, "data.chats=none.jsonl"), r"data\.chats has 'none\.jsonl', which names no file"),
        (sft(chats, "data.chats=[]"), r"data\.chats is empty"),
    ):
        with pytest.raises(DataError, match=message):
            sft_streams(wrong, processor)
    with pytest.raises(DataError, match=r"data\.corpora is empty"):
        cpt_streams(cpt(chats, "data.corpora=[]"), processor)


def test_an_evaluation_without_rows_is_the_same_line_in_all_stages(corpus: Path, chats: Path, processor: Any) -> None:
    from glyphrender.train.run.streams import cpt_streams, sft_streams

    few = ["data.held_out=0.0001", "run.eval_every=1"]
    with pytest.raises(DataError, match=r"data\.held_out=0\.0001 holds out none of 60 texts, and run\.eval_every=1"):
        cpt_streams(cpt(corpus, *few), processor)
    with pytest.raises(DataError, match=r"data\.held_out=0\.0001 holds out none of 40 rows, and run\.eval_every=1"):
        sft_streams(sft(chats, *few), processor)


def test_texts_to_read_aloud_that_are_all_held_out_are_refused(chats: Path, tmp_path: Path, processor: Any) -> None:
    from glyphrender.train.rows.documents import split_of
    from glyphrender.train.run.streams import sft_streams

    shares = {"train": 0.8, "held out": 0.2}
    text = next(text for text in texts(60, seed=5) if split_of(text, shares) == "held out")
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    recipe = sft(chats, f"data.corpora={tmp_path}/book.txt", "data.ocr_weight=0.25")
    with pytest.raises(DataError, match=r"data\.corpora has 1 texts, none of them train, and data\.ocr_weight=0\.25"):
        sft_streams(recipe, processor)
    assert sft_streams(recipe.with_overrides(["data.ocr_weight=0"]), processor).held_out is None


def test_continual_pre_training_runs_on_corpora_with_trl_and_with_stage_0(corpus: Path, tmp_path: Path) -> None:
    from glyphrender.train.cpt import train

    for number, settings in enumerate(
        (["run.eval_every=3", "run.eval_samples=2"], ["align.steps=1", "align.share=0.1", "align.slots=24"])
    ):
        result = train(cpt(corpus, *settings), out=tmp_path / str(number))
        assert result.steps == 3
        assert result.last_loss is not None
    curve = (tmp_path / "0/curve.jsonl").read_text(encoding="utf-8")
    assert "eval_loss" in curve


def test_stages_follow_one_another_over_adapters(corpus: Path, chats: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from glyphrender.train.cpt import train as pre_train
    from glyphrender.train.run.loading import model_and_processor
    from glyphrender.train.sft import train

    lora = ["lora.rank=4", "lora.alpha=8", "optim.lr=1e-2", "batch.samples=2", "optim.warmup_steps=0"]
    lora.append("model.options={hidden_size = 32, layers = 1, intermediate_size = 32, rope_sections = [1, 1, 1]}")
    first = pre_train(cpt(corpus, *lora), out=tmp_path / "cpt")
    (tmp_path / "cpt").rename(tmp_path / "moved")  # random weights lie beside the adapters, and are found there
    weights = tmp_path / "moved" / Path(first.model).name
    recipe = sft(chats, *lora, f"model.weights={weights}", "run.save_every=2")
    base, added = load_file(tmp_path / "moved/base/model.safetensors"), load_file(weights / "adapter_model.safetensors")
    name = "language_model.layers.0.self_attn.q_proj"
    down, up = (added[f"base_model.model.model.{name}.lora_{side}.weight"] for side in "AB")
    start = model_and_processor(recipe)[0].state_dict()[f"model.{name}.weight"]
    assert up.abs().max() > 0
    assert torch.allclose(start, base[f"model.{name}.weight"] + 8 / 4 * up @ down, atol=1e-6)

    second = train(recipe, out=tmp_path / "sft")
    (tmp_path / "sft/model").rename(tmp_path / "sft-model")
    (tmp_path / "sft/checkpoint-3/trainer_state.json").unlink()  # killed while it was written
    again = train(recipe, out=tmp_path / "sft", resume=True)
    assert again.steps == second.steps == 3
    one, other = (load_file(each / "adapter_model.safetensors") for each in (tmp_path / "sft-model", Path(again.model)))
    assert all(torch.equal(one[name], other[name]) for name in one)

    both = model_and_processor(sft(chats, f"model.weights={second.model}"))[0]
    down, up = (one[f"base_model.model.model.{name}.lora_{side}.weight"] for side in "AB")
    assert torch.allclose(both.state_dict()[f"model.{name}.weight"], start + 8 / 4 * up @ down, atol=1e-6)
    assert all(weight.requires_grad for weight in both.parameters())
    (tmp_path / "moved/base").rename(tmp_path / "gone")
    with pytest.raises(DataError, match=r"are adapters of .*base.*, which is not there\. Put that folder back"):
        model_and_processor(recipe)


def test_fine_tuning_runs_on_chats_and_adapters_are_all_that_is_saved(chats: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from glyphrender.train.sft import train

    result = train(sft(chats, "run.eval_every=3", "run.eval_samples=2"), out=tmp_path / "whole")
    assert (result.steps, result.recipe) == (3, "tiny-sft")
    again = sft(chats, "lora.rank=4", f"model.weights={tmp_path}/whole/model")
    train(again, out=tmp_path / "lora")
    names = load_file(tmp_path / "lora/model/adapter_model.safetensors").keys()
    assert names
    assert all("lora_" in name for name in names)
