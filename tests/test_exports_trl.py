"""Exports for TRL, loaded by `datasets` and given to TRL's own trainers, on a tiny GLM-4.1V."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, Theta
from glyphrender.train.exports.export import TRAINERS, export, lint
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.page_policy import PagePolicy

pytest.importorskip("trl")
import datasets
from tiny_glm4v import tiny_glm4v
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing:FutureWarning"),  # TRL 1.16
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),  # torch, without a GPU
]

THETA = Theta(page_size=(196, 84), auto_crop_width=False, auto_crop_last_page=False)
LONG = "The buyer pays.\n" * 12
RECORDS: list[dict[str, Any]] = [
    {"id": "none", "instruction": "Say ho.", "output": "Ho"},  # the first row has no pages
    {"id": "one", "context": LONG, "question": "Who pays?", "answers": ["he", "the buyer"]},
    {
        "id": "two",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Read "}, {"type": "document", "text": LONG}]},
            {"role": "assistant", "content": "Done."},
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "<think>Hm.</think>she"},
        ],
    },
]


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    return tiny_glm4v()


def rows(*, only_pages: bool = False) -> list[ChatRow]:
    found = chat_rows(RECORDS, policy=PagePolicy(min_characters=100))
    return [row for row in found if row.documents or not only_pages]


def loaded(path: Path, trainer: str, rows: list[ChatRow]) -> Any:
    assert export(rows, path, trainer=trainer, model="glm-4.1v", theta=THETA, tokenizer=len).findings == ()
    files = str(path / TRAINERS[trainer].data_file)
    return datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(path.parent / "cache"))


def settings(path: Path, **more: Any) -> dict[str, Any]:
    common = {"output_dir": str(path), "report_to": "none", "save_strategy": "no", "use_cpu": True, "bf16": False}
    return {**common, "remove_unused_columns": False, "max_steps": 1, "dataloader_pin_memory": False, **more}


def shown(processor: Any, ids: Any) -> str:
    text = re.sub(r"(<\|endoftext\|>)+", "", processor.tokenizer.decode(ids))
    return re.sub(r"(<\|image\|>)+", lambda run: f"<{len(run[0]) // len('<|image|>')}>", text)


def test_sft_sees_every_page_at_its_size_and_learns_the_answer(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    dataset = loaded(tmp_path / "sft", "trl-sft", rows())
    model, processor = tiny
    arguments = SFTConfig(**settings(tmp_path, max_length=None, per_device_train_batch_size=3, learning_rate=0.0))
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=dataset, processing_class=processor)
    batch = trainer.data_collator(list(dataset))
    report = lint(tmp_path / "sft", tokenizer=len)
    assert len(batch["image_grid_thw"]) == report.pages > 2
    assert {(int(w) * 14, int(h) * 14) for _, h, w in batch["image_grid_thw"]} == {page.shown for page in report.shown}
    pages = "<|begin_of_image|><21><|end_of_image|>" * (report.pages // 2)
    assert [shown(processor, ids) for ids in batch["input_ids"]] == [
        "[gMASK]<sop><|user|>\nSay ho.<|assistant|>\nHo",
        f"[gMASK]<sop><|user|>\n{pages}\n\nWho pays?<|assistant|>\nhe",
        f"[gMASK]<sop><|user|>\nRead {pages}<|assistant|>\nDone.<|user|>\nWho?<|assistant|>\n<think>Hm.</think>she",
    ]
    learned = [processor.tokenizer.decode(labels[labels >= 0]) for labels in batch["labels"]]
    assert learned == ["Ho<|endoftext|>", "he<|endoftext|>", "<think>Hm.</think>she<|endoftext|>"]
    assert trainer.train().training_loss > 0


def test_grpo_gets_prompts_with_pages_and_the_columns_that_rewards_need(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 row without pages beside 2 with pages"):
        export(rows(), tmp_path / "grpo", trainer="trl-grpo", model="glm-4.1v", theta=THETA, tokenizer=len)
    dataset = loaded(tmp_path / "grpo", "trl-grpo", rows(only_pages=True))
    model, processor = tiny
    asked: list[dict[str, Any]] = []

    def reward(completions: list[Any], **columns: Any) -> list[float]:
        asked.append(columns)
        return [float(number % 2) for number in range(len(completions))]

    arguments = GRPOConfig(
        **settings(tmp_path, per_device_train_batch_size=4, num_generations=2, max_completion_length=4, beta=0.0)
    )
    trainer = GRPOTrainer(
        model=model, args=arguments, reward_funcs=reward, train_dataset=dataset, processing_class=processor
    )
    trainer.train()
    (columns,) = asked
    right = dict(zip(columns["key"], columns["answers"], strict=True))
    assert right == {"one": ["he", "the buyer"], "two": ["she"]}
    images = dict(zip(columns["key"], columns["images"], strict=True))
    assert [len(images[key]) for key in ("one", "two")] == [2, 2]
    assert images["one"][0].size == (196, 84)


@pytest.mark.parametrize("on_policy", [0.0, 1.0])
def test_gold_takes_rows_of_prompts_and_completions(tiny: tuple[Any, Any], on_policy: float, tmp_path: Path) -> None:
    gold = pytest.importorskip("trl.experimental.gold")
    dataset = loaded(tmp_path / "gold", "trl-gold", rows())
    model, processor = tiny
    arguments = gold.GOLDConfig(
        **settings(tmp_path, per_device_train_batch_size=3, max_length=None, max_completion_length=4, lmbda=on_policy)
    )
    trainer = gold.GOLDTrainer(
        model=model,
        teacher_model=tiny_glm4v(seed=1)[0],
        args=arguments,
        train_dataset=dataset,
        processing_class=processor,
    )
    assert trainer.train().training_loss > 0
