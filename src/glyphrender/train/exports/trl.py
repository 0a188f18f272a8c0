"""TRL: parquet with `images`, and `prompt` and `completion` (SFT, GOLD) or `prompt` and `answers` (GRPO).

TRL resizes nothing; the model's processor does all. But SFT cuts rows off at `max_length` (1,024 by default), visual
tokens included, and then fails; and whether a dataset is one of images is decided by its first row, so every row has
`images`, without pages an empty list. Content is a list of parts: TRL would put the images of text content all at the
start.

Source: trl 1.16.0: trainer/sft_trainer.py (first row, collator), sft_config.py (`max_length`), grpo_trainer.py,
experimental/gold/gold_trainer.py, data_utils.py (`prepare_multimodal_messages`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from glyphrender.models.model import VisionModel
from glyphrender.train.exports.files import ParquetWriter, read_parquet, written_row
from glyphrender.train.exports.trainer import ExportRow, ExportTurn, Needs, Settings, Size, Trainer, WrittenRow

__all__ = ["TrlGold", "TrlGrpo", "TrlSft"]

_MESSAGES = [{"role": "string", "content": [{"type": "string", "text": "string"}]}]
# Stands for an image part, and occurs in no text that a person writes.
_MARK = "\ue000image\ue000"


class TrlSft(Trainer):
    """Rows of prompt and completion for TRL's `SFTTrainer`."""

    name: ClassVar[str] = "trl-sft"
    version: ClassVar[str] = "trl 1.16.0"
    data_file: ClassVar[str] = "data.parquet"
    settings_file: ClassVar[str] = "settings.yaml"
    limit: ClassVar[str] = "max_length"
    default_limit: ClassVar[int | None] = 1024
    beyond: ClassVar[str] = "cut off, images included"

    def writer(self, folder: Path) -> _Writer:  # noqa: D102
        return _Writer(folder / self.data_file, answered=not self.prompts_only)

    def rows(self, folder: Path) -> Iterator[WrittenRow]:  # noqa: D102
        path = folder / self.data_file
        for number, values in read_parquet(path):
            names = ("prompt",) if self.prompts_only else ("prompt", "completion")
            images = values.get("images")
            turns = [turn for name in names for turn in _turns(values.get(name), len(images or ()))]
            row = written_row(
                f"{path.name}, row {number}",
                turns,
                [image["bytes"] for image in images or ()],
                answered=not self.prompts_only,
                marker=_MARK,
            )
            problems = [] if images is not None else ["images is missing; TRL looks for the column in every row"]
            if any(role == "tool" and text and _MARK in text for role, text in turns):
                problems.append("a turn of a tool has images, which TRL does not put in")
            if self.prompts_only and not values.get("answers"):
                problems.append("answers is empty, so no reward can be computed")
            yield replace(row, problems=[*row.problems, *problems])

    def resized(self, size: Size, model: VisionModel, settings: Settings) -> Size:  # noqa: D102
        return size

    def settings(self, needs: Needs) -> dict[str, Any]:  # noqa: D102
        return {"max_length": None, "remove_unused_columns": False}

    def command(self, settings: Settings) -> str:  # noqa: D102
        return (
            'SFTTrainer(model, SFTConfig(max_length=None), train_dataset=load_dataset("parquet", '
            f'data_files="{self.data_file}", split="train"), processing_class=processor)'
        )


class TrlGrpo(TrlSft):
    """Prompts for TRL's `GRPOTrainer`, with the columns that rewards need: `answers`, `kind` and `key`."""

    name: ClassVar[str] = "trl-grpo"
    prompts_only: ClassVar[bool] = True
    limit: ClassVar[str] = ""  # GRPOTrainer of 1.16 has no limit on prompts
    default_limit: ClassVar[int | None] = None
    mixed: ClassVar[bool] = False  # a prompt without images becomes None in a list that the processor refuses

    def settings(self, needs: Needs) -> dict[str, Any]:  # noqa: D102
        return {"remove_unused_columns": False}

    def command(self, settings: Settings) -> str:  # noqa: D102
        return (
            'GRPOTrainer(model, reward_funcs=[…], train_dataset=load_dataset("parquet", '
            f'data_files="{self.data_file}", split="train"), processing_class=processor)'
        )


class TrlGold(TrlSft):
    """Rows of prompt and completion for TRL's experimental `GOLDTrainer`, which distills a teacher."""

    name: ClassVar[str] = "trl-gold"

    def command(self, settings: Settings) -> str:  # noqa: D102
        return (
            "GOLDTrainer(model, teacher_model=…, args=GOLDConfig(max_length=None), train_dataset=load_dataset("
            f'"parquet", data_files="{self.data_file}", split="train"), processing_class=processor)'
        )


class _Writer:
    def __init__(self, path: Path, *, answered: bool) -> None:
        self._answered = answered
        rest = {"completion": _MESSAGES} if answered else {"answers": ["string"]}
        self._file = ParquetWriter(
            path, {"images": "images", "prompt": _MESSAGES, **rest, "kind": "string", "key": "string"}
        )

    def add(self, row: ExportRow, /) -> None:
        rest = {"completion": _messages(row.turns[-1:])} if self._answered else {"answers": list(row.answers)}
        images = [{"bytes": page.png, "path": None} for page in row.pages]
        prompt = _messages(row.prompt)
        self._file.write({"images": images, "prompt": prompt, **rest, "kind": row.kind, "key": row.key})

    def close(self) -> None:
        self._file.close()


def _messages(turns: Sequence[ExportTurn]) -> list[dict[str, Any]]:
    """Return turns as messages whose content is a list of parts, a structure that Arrow keeps as it is."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "text", "text": part} if isinstance(part, str) else {"type": "image", "text": None}
                for part in turn.parts
            ],
        }
        for turn in turns
    ]


def _turns(messages: Any, images: int) -> list[tuple[Any, str | None]]:
    """Return role and text of messages, with a mark for each image."""
    found: list[tuple[Any, str | None]] = []
    placed = False
    for message in messages or ():
        role, parts = message.get("role"), message.get("content")
        if isinstance(parts, str):
            # TRL puts all images before the first text of the user.
            marks = _MARK * images if role == "user" and not placed else ""
            placed = placed or role == "user"
            found.append((role, marks + parts))
            continue
        known = isinstance(parts, list) and all(
            part.get("type") == "image" or isinstance(part.get("text"), str) for part in parts
        )
        text = "".join(_MARK if part["type"] == "image" else part["text"] for part in parts) if known else None
        found.append((role, text))
    return found
