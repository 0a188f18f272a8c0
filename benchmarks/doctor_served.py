"""Seeded misconfigurations of a real server: `transformers serve` with small models of random weights.

The models are GLM-4.1V of 0.3 million weights with the processor of transformers, and a text model. What is changed
are files beside the weights: the limits of the image processor, the chat template. `doctor_faults.py --served` runs
them. What the models say is noise, so nothing is said about thoughts and reading.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_glm4v import byte_tokenizer, save, serving, tiny_glm4v

from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.preflight.probes import PreflightPlan
from glyphrender.inference.preflight.run import preflight
from glyphrender.models.tokenizers import Tokenizer, tokenizer
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A fault of a served folder: how its files differ, and the kinds of finding that stand for it."""

    name: str
    kinds: tuple[str, ...]
    change: Callable[[Path], object] = lambda folder: None
    vision: str = "glm-4.1v"
    tokenizer: str = "bytes"
    text_only: bool = False


def _size(least: int, most: int) -> Callable[[Path], object]:
    """Set the limits of the image processor, in pixels of one image; its file counts two frames."""

    def change(folder: Path) -> None:
        for name in ("processor_config.json", "preprocessor_config.json"):
            file = folder / name
            if not file.exists():
                continue
            config = json.loads(file.read_text())
            holder = config.get("image_processor", config)
            if "size" in holder:
                holder["size"] = {"shortest_edge": 2 * least, "longest_edge": 2 * most}
            file.write_text(json.dumps(config))

    return change


def _template(old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        file = folder / "chat_template.jinja"
        text = file.read_text()
        assert old in text, f"the template has no {old!r}"
        file.write_text(text.replace(old, new))

    return change


_SKIP = "{%- for message in messages -%}"
_IMAGE = "<|begin_of_image|><|image|><|end_of_image|>"
SEEDED = (
    Seeded(name="nothing", kinds=()),
    Seeded(name="min_pixels raised to 200,704", kinds=("min-pixels",), change=_size(200_704, 4_816_896)),
    Seeded(name="min_pixels lowered to 784", kinds=("min-pixels",), change=_size(784, 4_816_896)),
    Seeded(name="max_pixels lowered to 602,112", kinds=("max-pixels",), change=_size(6_272, 602_112)),
    Seeded(name="max_pixels below a page", kinds=("max-pixels",), change=_size(6_272, 301_056)),
    Seeded(name="both limits", kinds=("both-limits",), change=_size(100_352, 501_760)),
    Seeded(name="Qwen3-VL is expected", kinds=("other-model",), vision="qwen3-vl"),
    Seeded(name="InternVL3 is expected", kinds=("other-model",), vision="internvl3"),
    Seeded(name="GLM's own vocabulary is expected", kinds=("other-vocabulary",), tokenizer="glm-4"),
    Seeded(name="instructions dropped by the template", kinds=("no-system",),
           change=_template(_SKIP, "{%- for message in messages if message.role != 'system' -%}")),
    Seeded(name="a prompt put before by the template", kinds=("hidden-prompt",),
           change=_template("[gMASK]<sop>", "[gMASK]<sop>" + "You are a careful assistant of a large firm. " * 6)),
    Seeded(name="images dropped by the template", kinds=("images-not-counted", "images-refused"),
           change=_template(_IMAGE, "")),
    Seeded(name="a text model", kinds=("images-not-counted", "images-refused"), text_only=True),
)  # fmt: skip


def served(room: Path, names: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """(fault, kinds that stand for it, kinds that were found), for `transformers serve`.

    Args:
        room: an empty folder for the models.
        names: beginnings of the faults to run; empty for all.
    """
    glm = room / "glm"
    save(*tiny_glm4v(), glm)
    for number, fault in enumerate(SEEDED):
        if names and not fault.name.startswith(names):
            continue
        folder = room / f"served-{number}"
        if fault.text_only:
            _text_model(folder)
        else:
            shutil.copytree(glm, folder)
        fault.change(folder)
        counter = (
            Tokenizer("bytes", lambda text: len(text.encode())) if fault.tokenizer == "bytes" else tokenizer("glm-4")
        )
        model = vision_model(fault.vision)
        plan = PreflightPlan(
            model=model, theta=Theta().align_to(model), counter=counter, images=6, most=2048, answer=16, nonce=number
        )
        with serving(folder) as url:
            report = preflight(Endpoint(base_url=url, model=str(folder), timeout=120.0, temperature=0.0), plan)
        yield f"`transformers serve`: {fault.name}", fault.kinds, [finding.kind for finding in report.faults]


def _text_model(folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    counter = byte_tokenizer()
    counter.chat_template = (
        "{%- for message in messages -%}<|{{ message.role }}|>"
        "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
        "{%- for part in message.content if part.type == 'text' -%}{{ part.text }}{%- endfor -%}{%- endif -%}"
        "{%- endfor -%}{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
    )
    config: Any = LlamaConfig(
        vocab_size=len(counter), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=65_536, pad_token_id=counter.pad_token_id,
        eos_token_id=counter.eos_token_id,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    counter.save_pretrained(folder)
