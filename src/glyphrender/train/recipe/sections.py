"""The sections of recipes: every field with its default, the values it accepts and its help, in one place.

A default is what a small run wants. What the Glyph paper states stands in the recipes `glyph-9b-*`, beside the name of
the paper's section; what the paper leaves open is said there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from glyphrender.train.recipe.fields import (
    RecipeSection,
    choice,
    flag,
    names,
    number,
    options,
    pair,
    shares,
    text,
    whole,
    wholes,
)
from glyphrender.train.rewards.functions import REWARDS
from glyphrender.train.rows.kinds import CPT_KINDS
from glyphrender.train.rows.themes import THEMES

__all__ = [
    "AlignSection",
    "BatchSection",
    "CptDataSection",
    "DataSection",
    "GrpoDataSection",
    "GrpoSection",
    "LoraSection",
    "MachineSection",
    "ModelSection",
    "OptimSection",
    "RunSection",
    "SftDataSection",
]

_POLICIES = ("split", "drop", "error")
_TOKENS = (1, 2**24)


@dataclass(frozen=True, kw_only=True)
class ModelSection(RecipeSection):
    """The model that is trained."""

    section: ClassVar[str] = "model"

    name: str = text("tiny-reader", help="shapes: a bundled configuration, or tiny-reader")
    weights: str = text("", help="folder or hub name that weights and processor are loaded from; empty: random weights")
    options: dict[str, Any] = options(help="arguments of tiny_reader, such as hidden_size")
    frozen_tower: bool = flag(False, help="whether the vision tower is left as it is")


@dataclass(frozen=True, kw_only=True)
class LoraSection(RecipeSection):
    """Low-rank adapters in place of training all weights."""

    section: ClassVar[str] = "lora"

    rank: int = whole(0, range=(0, 1024), help="rank of the adapters; 0 trains all weights")
    alpha: int = whole(32, range=(1, 4096), help="scale of the adapters: alpha / rank")
    dropout: float = number(0.0, range=(0, 0.9), help="dropout before the adapters")
    targets: tuple[str, ...] = names(
        ("q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"), help="names of the layers with adapters"
    )


@dataclass(frozen=True, kw_only=True)
class BatchSection(RecipeSection):
    """How many samples make a step."""

    section: ClassVar[str] = "batch"

    samples: int = whole(16, range=(1, 2**20), help="samples of a step over all processes; prompts, in GRPO")
    per_device: int = whole(
        1, range=(1, 2**20), help="samples that a process takes at once; completions, in GRPO", free=True
    )


@dataclass(frozen=True, kw_only=True)
class OptimSection(RecipeSection):
    """AdamW and its schedule."""

    section: ClassVar[str] = "optim"

    steps: int = whole(1000, range=(1, 2**31), help="steps of the optimizer")
    lr: float = number(1e-5, range=(0, 1), help="highest learning rate")
    min_lr: float = number(0.0, range=(0, 1), help="learning rate at the end")
    schedule: str = choice(
        "cosine", ("cosine", "linear", "stable", "constant"), help="course of the rate after the warm-up"
    )
    decay: float = number(0.3, range=(0, 1), help="share of the steps in which the schedule `stable` falls")
    warmup_steps: int = whole(0, range=(0, 2**31), help="steps in which the rate rises to its highest")
    betas: tuple[float, float] = pair((0.9, 0.999), range=(0, 1), help="decay rates of AdamW's moments")
    weight_decay: float = number(0.0, range=(0, 10), help="decoupled weight decay")
    max_grad_norm: float = number(1.0, range=(0, 1000), help="norm to which gradients are clipped")


@dataclass(frozen=True, kw_only=True)
class RunSection(RecipeSection):
    """How a run is done and recorded."""

    section: ClassVar[str] = "run"

    dtype: str = choice("float32", ("float32", "bfloat16"), help="type of products; weights of AdamW stay float32")
    workers: int = whole(0, range=(0, 1024), help="loader processes of each process", free=True)
    log_every: int = whole(10, range=(1, 2**31), unit="steps", help="distance of points of the curve", free=True)
    save_every: int = whole(0, range=(0, 2**31), unit="steps", help="distance of checkpoints; 0: none", free=True)
    keep: int = whole(2, range=(1, 1000), help="checkpoints that are kept", free=True)
    eval_every: int = whole(0, range=(0, 2**31), unit="steps", help="distance of evaluations; 0: none", free=True)
    eval_samples: int = whole(64, range=(1, 2**20), help="held-out samples of an evaluation", free=True)


@dataclass(frozen=True, kw_only=True)
class MachineSection(RecipeSection):
    """The machine, for arithmetic and memory. Nothing here changes what is learned."""

    section: ClassVar[str] = "machine"

    threads: int = whole(0, range=(0, 1024), help="threads of torch in a process; 0: torch's own choice", free=True)
    gpus: int = whole(1, range=(1, 2**16), help="accelerators that share a step", free=True)
    memory: float = number(80, range=(0.1, 10_000), unit="GB", help="memory of one", free=True)
    tflops: float = number(400, range=(0.001, 100_000), unit="TFLOP/s", help="rate that one achieves", free=True)
    sharding: str = choice(
        "none", ("none", "fsdp", "deepspeed"), help="whether weights, gradients and moments are split", free=True
    )
    checkpoint_layers: bool = flag(False, help="keep only the inputs of layers and compute the rest again", free=True)
    offload_activations: bool = flag(False, help="move kept activations to the host's memory", free=True)
    attention: str = choice(
        "sdpa", ("sdpa", "flash_attention_2", "eager"), help="implementation of attention", free=True
    )


@dataclass(frozen=True, kw_only=True)
class DataSection(RecipeSection):
    """Fields that the rows of all stages share."""

    section: ClassVar[str] = "data"

    theta: str = text("glyph-en", help="preset for all pages; empty: θ is drawn for each row")
    fixed: dict[str, Any] = options(help="fields of θ that all pages have, such as dpi and page_size")
    max_visual_tokens: int = whole(4096, range=_TOKENS, help="budget of visual tokens a sample, or a prompt")
    max_text_tokens: int = whole(4096, range=_TOKENS, help="budget of text tokens a sample, or a prompt")
    over_budget: str = choice("drop", _POLICIES, help="what happens to longer samples")
    held_out: float = number(0.01, range=(0, 0.9), help="share of the texts or rows that only evaluation sees")
    aligned: bool = flag(True, help="whether θ is moved to the model's grid, so that no page is resampled")


@dataclass(frozen=True, kw_only=True)
class CptDataSection(DataSection):
    """Rows of continual pre-training, from plain texts or from a writer of pages."""

    corpora: tuple[str, ...] = names((), help="files, folders or patterns of texts: .txt, .jsonl, .parquet")
    column: str = text("text", help="column that holds the text, in .jsonl and .parquet")
    mixture: dict[str, float] = shares(
        dict.fromkeys(CPT_KINDS, 1.0), keys=CPT_KINDS, help="weights of the kinds of rows"
    )
    themes: dict[str, float] = shares(
        dict.fromkeys(("paper", *THEMES), 1.0),
        keys=("paper", *THEMES),
        help="weights of the paper's distributions of θ, and of its themes",
    )
    theta: str = text("", help="preset for all pages; empty: θ is drawn for each row")
    over_budget: str = choice("split", _POLICIES, help="what happens to longer samples")
    pack: bool = flag(False, help="whether short texts share a sample")
    writer: str = choice("", ("", "characters", "prose"), help="full pages of random characters or of the corpora")
    writer_options: dict[str, Any] = options(help="arguments of the writer, such as a_cell and font_size")
    shapes: tuple[str, ...] = names((), help="sizes of the writer's pages in visual tokens, as 12x3")


@dataclass(frozen=True, kw_only=True)
class AlignSection(RecipeSection):
    """Stage 0: visual tokens learn the characters of their cell, by a head that is not saved (`train.reader.align`)."""

    section: ClassVar[str] = "align"

    steps: int = whole(0, range=(0, 2**31), help="first steps, in which only the tower is trained")
    share: float = number(0.0, range=(0, 10), help="weight of that loss afterwards")
    slots: int = whole(0, range=(0, 256), help="characters of a cell that are learned; 0: those of the writer")
    pointing: tuple[int, ...] = wholes(
        range=(0, 1023), help="layers whose attention is told the cell of each character; pages of a writer only"
    )


@dataclass(frozen=True, kw_only=True)
class SftDataSection(DataSection):
    """Rows of fine-tuning: chats whose long contexts become pages, and transcription beside."""

    chats: tuple[str, ...] = names((), help=".jsonl files of chats, as train.rows.chat_rows reads them")
    corpora: tuple[str, ...] = names((), help="texts of the OCR task; empty: the contexts of the chats")
    ocr_weight: float = number(0.0, range=(0, 0.95), help="share of the rows that transcribe pages")
    over_budget: str = choice("drop", ("drop", "error"), help="what happens to longer samples")
    ocr_characters: int = whole(1500, range=(1, 2**24), help="longest text that is transcribed")
    min_characters: int = whole(2000, range=(0, 2**31), help="shortest context that becomes pages")
    answers: str = choice("last", ("last", "each"), help="whether a chat's last answer is learned, or each in turn")
    faults: str = choice("error", ("error", "drop"), help="what happens to faulty rows, such as empty answers")
    keep_thinking: bool = flag(True, help="whether <think>…</think> stays in the targets")


@dataclass(frozen=True, kw_only=True)
class GrpoDataSection(DataSection):
    """Prompts, and the columns that rewards need."""

    over_budget: str = choice("drop", ("drop", "error"), help="what happens to longer prompts")
    prompts: tuple[str, ...] = names(
        (), help=".jsonl files of prompts with answers, as train.rows.grpo_rows reads them"
    )


@dataclass(frozen=True, kw_only=True)
class GrpoSection(RecipeSection):
    """Group-relative policy optimization, as TRL's GRPOTrainer does it."""

    section: ClassVar[str] = "grpo"

    generations: int = whole(16, range=(2, 4096), help="completions of a prompt: a group")
    max_completion_tokens: int = whole(256, range=_TOKENS, help="longest completion")
    temperature: float = number(1.0, range=(0.01, 10), help="temperature of sampling")
    clip_low: float = number(0.2, range=(0, 1), help="how far a probability ratio may fall below 1")
    clip_high: float = number(0.28, range=(0, 10), help="how far a probability ratio may rise above 1")
    beta: float = number(0.0, range=(0, 10), help="weight of the divergence from the starting model")
    rewards: dict[str, float] = shares({"exact": 1.0}, keys=(*REWARDS, "judge"), help="weights of the rewards")
    drop_flat: bool = flag(True, help="whether groups without variance leave the loss and its normalizer")
    rounds: int = whole(1, range=(1, 100), help="rounds of sampling, at most, until the batch is full")
    judge_url: str = text("", help="address of the server of the judge", free=True)
    judge_model: str = text("", help="name of the judge's model")
