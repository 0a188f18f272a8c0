"""Pages that travel as bytes reach the vision tower as what the processor makes of them, in every trainer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_glm4v import tiny_glm4v
from vision_language_models import family

from glyphrender import Theta, render
from glyphrender.adapters.collator import Collator
from glyphrender.adapters.device import for_device, on_device
from glyphrender.adapters.pixels import fast
from glyphrender.errors import VisionModelError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),  # TRL 1.16
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),  # torch, without a GPU
]

SMALL = Theta(page_size=(112, 56), page_grid=28, margin_x=0, margin_y=0, font_size=12, line_height=14)
PAGES = [render(f"Page {number} of all.", SMALL)[0] for number in range(8)]
ROWS = [
    {"prompt": f"Page {number}?", "completion": f"It is {number}.", "pages": [page.image]}
    for number, page in enumerate(PAGES)
]
TINY = {"hidden_size": 32, "layers": 1, "vision_layers": 1, "intermediate_size": 32}


def picture(*, color: bool, seed: int = 0) -> Image.Image:
    shape = (56, 112, 3) if color else (56, 112)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


@contextmanager
def arriving(model: Any) -> Iterator[dict[str, list[Any]]]:
    """Yield what the model is given as pixel values ("sent"), and what reaches its tower ("seen")."""
    found: dict[str, list[Any]] = {"sent": [], "seen": []}
    tower = model.model.visual

    def sent(_: Any, args: Any, kwargs: Any) -> None:
        if kwargs.get("pixel_values") is not None:
            found["sent"].append(kwargs["pixel_values"])

    hooks = [
        model.model.register_forward_pre_hook(sent, with_kwargs=True, prepend=True),
        tower.register_forward_hook(
            lambda _, args, kwargs, out: found["seen"].append(args[0] if args else kwargs["hidden_states"]),
            with_kwargs=True,
        ),
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def forward(model: Any, processor: Any, images: list[Any]) -> dict[str, list[Any]]:
    """Return what arrives when a model reads images."""
    import torch

    content = [*({"type": "image", "image": image} for image in images), {"type": "text", "text": "What?"}]
    batch = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="pt"
    )
    with arriving(model) as found, torch.no_grad():
        model(**batch)
    return found


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("name", ["glm-4.1v", "qwen2-vl", "qwen2.5-vl", "qwen3-vl"])
def test_bytes_reach_the_tower_as_the_values_of_the_processor(name: str, color: bool) -> None:
    model, processor = family(name)
    images = [picture(color=color, seed=seed).resize((128, 64)) for seed in range(2)]
    expected = forward(model, processor, images)
    handle = on_device(model, processor)
    try:
        found = forward(model, fast(processor, expand=False), images)
        floats = forward(model, processor, images)
    finally:
        handle.remove()
    (sent,), (seen,), (whole,) = found["sent"], found["seen"], expected["seen"]
    assert str(sent.dtype) == "torch.uint8"
    assert sent.nbytes * (8 if color else 24) == expected["sent"][0].nbytes
    assert float((seen - whole).abs().max()) < 1e-6
    assert bool((floats["seen"][0] == whole).all())
    assert not model.model._forward_pre_hooks


def test_color_of_a_model_with_one_frame_is_not_taken_for_floats() -> None:
    """Such patches have as many bytes as the tower takes floats."""
    from glyphrender.train.reader.tiny_reader import tiny_reader

    model, processor = tiny_reader()
    expected = forward(model, processor, [picture(color=True)])
    found = forward(model, for_device(model, processor), [picture(color=True)])
    assert found["sent"][0].shape == expected["sent"][0].shape
    assert float((found["seen"][0] - expected["seen"][0]).abs().max()) < 1e-5
    assert float(expected["seen"][0].abs().max()) > 1


def test_a_model_in_half_precision_gets_values_of_its_own_type() -> None:
    import torch

    model, processor = tiny_glm4v(**TINY)
    found = forward(model.to(torch.bfloat16), for_device(model, processor), [PAGES[0].image])
    assert found["seen"][0].dtype == torch.bfloat16


def test_a_second_call_replaces_the_first_and_copies_keep_the_hooks() -> None:
    from glyphrender.train.reader.tiny_reader import tiny_reader

    model, processor = tiny_glm4v(**TINY)
    on_device(model, processor)
    sends = for_device(model, processor)
    assert len(model.model._forward_pre_hooks) == len(model.model.visual._forward_pre_hooks) == 1
    expected = forward(model, processor, [PAGES[0].image])["seen"][0]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        found = forward(other, pickle.loads(pickle.dumps(sends)), [PAGES[0].image])
        assert str(found["sent"][0].dtype) == "torch.uint8"
        assert float((found["seen"][0] - expected).abs().max()) < 1e-6
    assert "_patchify" not in "".join(model.state_dict())
    on_device(*tiny_reader()).remove()


def test_a_model_without_a_tower_of_patches_is_refused() -> None:
    model, processor = family("llava")
    with pytest.raises(VisionModelError, match="does not cut images into patches of one grid"):
        Collator(processor=processor, model=model)
    processor = tiny_glm4v(**TINY)[1]
    with pytest.raises(VisionModelError, match=r"Llava.* has no vision tower `visual`"):
        Collator(processor=processor, model=model)


def trained(out: Path, *, as_bytes: bool, adapters: bool = False, **options: Any) -> tuple[list[float], list[Any]]:
    """Return the losses of four steps, and the pixel values that the model was given."""
    from transformers import Trainer, TrainingArguments

    model, processor = tiny_glm4v(**TINY)
    collator = Collator(processor=processor, model=model) if as_bytes else Collator(processor=processor)
    whole = model
    if adapters:
        from peft import LoraConfig, get_peft_model

        whole = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], lora_dropout=0.0))
    arguments = {
        "output_dir": str(out),
        "max_steps": 4,
        "per_device_train_batch_size": 2,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "use_cpu": True,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "seed": 0,
    }
    trainer = Trainer(
        model=whole, args=TrainingArguments(**arguments | options), train_dataset=ROWS, data_collator=collator
    )
    with arriving(model) as found:
        trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], found["sent"]


@pytest.mark.parametrize(
    "options",
    [
        {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 1},
        {"dataloader_num_workers": 1, "dataloader_pin_memory": True, "activation_checkpointing": True},
        {"adapters": True, "bf16": True},
    ],
    ids=["accumulated", "workers", "adapters"],
)
def test_a_trainer_learns_the_same_from_bytes(tmp_path: Path, options: dict[str, Any]) -> None:
    floats, whole = trained(tmp_path / "floats", as_bytes=False, **options)
    bytes_, sent = trained(tmp_path / "bytes", as_bytes=True, **options)
    assert {str(values.dtype) for values in sent} == {"torch.uint8"}
    assert {str(values.dtype) for values in whole} == {"torch.float32"}
    assert sum(values.nbytes for values in sent) * 24 == sum(values.nbytes for values in whole)
    assert bytes_ == pytest.approx(floats, rel=1e-3 if "bf16" in options else 1e-5)
    assert floats[-1] < floats[0]


def test_the_collator_of_trl_sends_bytes_too(tmp_path: Path) -> None:
    """With `for_device`, a processor needs no collator of ours."""
    pytest.importorskip("trl")
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [
        {
            "images": row["pages"],
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["completion"]}],
        }
        for row in ROWS
    ]
    losses = []
    for as_bytes in (False, True):
        model, processor = tiny_glm4v(**TINY)
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(
                output_dir=str(tmp_path / str(as_bytes)),
                max_steps=2,
                per_device_train_batch_size=2,
                learning_rate=1e-2,
                logging_steps=1,
                use_cpu=True,
                bf16=False,
                report_to=[],
                save_strategy="no",
                disable_tqdm=True,
                max_length=None,
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=for_device(model, processor) if as_bytes else processor,
        )
        with arriving(model) as found:
            trainer.train()
        assert {str(values.dtype) for values in found["sent"]} == {"torch.uint8" if as_bytes else "torch.float32"}
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
