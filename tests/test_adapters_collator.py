"""Rows become batches by the processors of six families; what is learned is the answers, and nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_language_models import FAMILIES, family

from glyphrender import Theta, render
from glyphrender.adapters.collator import IGNORED, Collator
from glyphrender.adapters.pixels import fast
from glyphrender.adapters.processor import load_processor, with_pages
from glyphrender.errors import DataError

pytestmark = pytest.mark.slow

SMALL = Theta(page_size=(224, 224), auto_crop_last_page=False, auto_crop_width=False)
DOCUMENT = render("It is a truth universally acknowledged … " * 30, SMALL)
OTHER = render("However little known the feelings … ", SMALL)


def rows() -> list[dict[str, Any]]:
    return [
        {"prompt": "Whose truth?", "completion": "Universal.", "document": DOCUMENT},
        {
            "pages": [OTHER[0].array],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "See "}, {"type": "image"}]},
                {"role": "assistant", "content": "Seen: ünïcode."},
                {"role": "user", "content": "And?"},
                {"role": "assistant", "content": [{"type": "text", "text": "Little known."}]},
            ],
        },
    ]


def learned(processor: Any, batch: dict[str, Any], row: int) -> str:
    labels = batch["labels"][row]
    text: str = processor.tokenizer.decode(labels[labels != IGNORED])
    return text


@pytest.mark.parametrize("name", FAMILIES)
def test_the_answers_are_learned_and_nothing_else(name: str) -> None:
    """A real model of the family takes the batch, and has a loss; no pixels are learned."""
    import torch

    model, processor = family(name)
    batch = Collator(processor=processor)(rows())
    end = processor.tokenizer.eos_token
    after = "\n" if name not in ("glm-4.1v", "llava") else ""
    if name == "llava":  # its template ends no turn, so that only the last answer gets an end
        assert learned(processor, batch, 0) == f"Universal.\n{end}"
        assert learned(processor, batch, 1) == f"Seen: ünïcode.\nLittle known.\n{end}"
    else:
        assert learned(processor, batch, 0) == f"Universal.{end}{after}"
        assert learned(processor, batch, 1) == f"Seen: ünïcode.{end}{after}Little known.{end}{after}"
    same = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][same], batch["input_ids"][same])
    with torch.no_grad():
        loss = model(**batch).loss
    assert torch.isfinite(loss)
    # An untrained model is about as sure of each of its tokens.
    assert float(loss) == pytest.approx(np.log(len(processor.tokenizer)), rel=0.1)


def test_smolvlm_is_learned_without_its_videos(tmp_path: Path) -> None:
    """Its processor asks for a package of number words, for videos alone; so the extra does not have it."""
    pytest.importorskip("num2words")
    model, processor = family("smolvlm")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = load_processor(tmp_path)
    batch = Collator(processor=loaded)(rows())
    assert learned(loaded, batch, 0) == "Universal.<end_of_utterance>\n"
    assert model(**batch).loss.item() == pytest.approx(np.log(len(loaded.tokenizer)), rel=0.1)


def test_pages_are_where_the_parts_say() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": [{"type": "image", "image": None}]},
    ]
    found = with_pages(messages, [DOCUMENT[0], OTHER[0].array])
    assert [part["type"] for part in found[0]["content"]] == ["text", "image", "text"]
    assert np.array_equal(np.asarray(found[0]["content"][1]["image"]), DOCUMENT[0].array)
    assert np.array_equal(np.asarray(found[1]["content"][0]["image"]), OTHER[0].array)
    assert messages[1]["content"] == [{"type": "image", "image": None}]  # theirs is as it was


def test_pages_that_are_stored_as_png_are_those_that_are_drawn() -> None:
    messages = [{"role": "user", "content": "a"}]
    stored = with_pages(messages, [{"bytes": DOCUMENT[0].png(), "path": None}])
    assert np.array_equal(np.asarray(stored[0]["content"][0]["image"]), DOCUMENT[0].array)
    with pytest.raises(DataError, match="the bytes of a page are no image"):
        with_pages(messages, [{"bytes": b"PNG", "path": None}])


def test_a_trainer_of_transformers_takes_the_collator(tmp_path: Path) -> None:
    """One step over batches whose pages travel as bytes, from two workers to a model that makes floats of them."""
    from tiny_glm4v import tiny_glm4v
    from transformers import Trainer, TrainingArguments

    from glyphrender.adapters.device import on_device

    model, processor = tiny_glm4v()
    on_device(model, processor)
    before = model.lm_head.weight.detach().clone(), model.model.visual.patch_embed.proj.weight.detach().clone()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    data = [row | {"pages": [page.image for page in row.get("document", [])] or row["pages"]} for row in rows()]
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=Collator(processor=fast(processor, expand=False)),
    )
    done = trainer.train()
    assert done.global_step == 1
    assert 0 < done.training_loss < 10
    assert not (model.lm_head.weight == before[0]).all()
    assert not (model.model.visual.patch_embed.proj.weight == before[1]).all()


def test_the_collator_goes_to_another_process(tiny: tuple[Any, Any]) -> None:
    import torch

    collator = Collator(processor=fast(tiny[1]))
    expected, found = collator(rows()), pickle.loads(pickle.dumps(collator))(rows())
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_every_family_can_be_pickled() -> None:
    for name in FAMILIES:
        processor = pickle.loads(pickle.dumps(family(name)[1]))
        assert type(processor).__name__ == type(family(name)[1]).__name__


GOOD = {"prompt": "What?", "completion": "That.", "document": OTHER}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a"}, r'row 1 has neither "messages" nor "prompt" and "completion"; it has \[\'text\'\]'),
        ({"messages": [{"role": "user", "content": "a"}]}, "row 1 has no answer to learn"),
        ({"messages": [{"role": "assistant", "content": "a"}], "pages": DOCUMENT}, "row 1: no message of the user"),
        ({"messages": ["a", {"role": "assistant", "content": "a"}]}, "row 1: 'a' is no message"),
        ({"prompt": [{"role": "user", "content": 3}], "completion": "b"}, "row 1: content 3 is neither text nor"),
        (
            {"prompt": [{"role": "user", "content": [{"type": "image"}]}], "completion": "b", "pages": []},
            "row 1: 1 image parts for 0 pages",
        ),
        (GOOD | {"completion": "an <|image|>"}, r"a text has '<\|image\|>' in it"),
        (GOOD | {"document": ["page.png"]}, "a page is a str, not bytes"),
        (GOOD | {"prompt": "a" * 900}, "row 1 has 9.. tokens, above max_length=500"),
    ],
)
def test_a_row_that_cannot_be_learned_is_named(tiny: tuple[Any, Any], row: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Collator(processor=tiny[1], max_length=500)([GOOD, row])


def test_a_row_without_pages_is_text(tiny: tuple[Any, Any]) -> None:
    batch = Collator(processor=tiny[1])([{"prompt": "What?", "completion": "That."}])
    assert "pixel_values" not in batch
    assert learned(tiny[1], batch, 0) == "That.<|endoftext|>"


def test_a_template_that_rewrites_turns_is_refused(tiny: tuple[Any, Any]) -> None:
    from copy import copy

    processor = copy(tiny[1])
    processor.chat_template = "{{ messages | length }}{%- for m in messages -%}{{ m.content[0].text }}{%- endfor -%}"
    with pytest.raises(DataError, match="row 0: the chat template renders turn 1 otherwise"):
        Collator(processor=processor)([{"prompt": "What?", "completion": "That."}])


@pytest.mark.filterwarnings("ignore:.gradient_checkpointing. is deprecated:FutureWarning")  # TRL's own default
def test_trl_trains_through_a_fast_processor(tmp_path: Path) -> None:
    """TRL's own collator gives the batch that it gives with the original processor, and a step is taken."""
    import torch
    from datasets import Dataset
    from tiny_glm4v import tiny_glm4v
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=1,
        max_length=None,
        bf16=False,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    row = {
        "images": [page.image for page in DOCUMENT],
        "prompt": [{"role": "user", "content": "Whose truth?"}],
        "completion": [{"role": "assistant", "content": "Universal."}],
    }
    batches = []
    for change in (lambda processor: processor, fast):
        model, processor = tiny_glm4v()
        trainer = SFTTrainer(
            model=model, args=arguments, train_dataset=Dataset.from_list([row]), processing_class=change(processor)
        )
        batches.append(next(iter(trainer.get_train_dataloader())))
    assert trainer.train().global_step == 1
    expected, found = batches
    assert torch.equal(found["labels"], expected["labels"])
    assert float((found["pixel_values"] - expected["pixel_values"]).abs().max()) < 1e-6
    ours = Collator(processor=fast(processor))([row])
    assert torch.equal(ours["input_ids"], expected["input_ids"])
    assert torch.equal(ours["labels"], expected["labels"])
