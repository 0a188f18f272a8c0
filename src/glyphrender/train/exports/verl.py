"""verl: parquet of prompts with `<image>` markers, the bytes of their pages, and what is right, for GRPO and PPO.

verl puts every image on a grid of 2 × `data.image_patch_size` px with qwen_vl_utils, for every model: 28 px by default,
also for models whose grid is 32. Prompts above `data.max_prompt_length` (512 by default) end the run, or are dropped if
`data.filter_overlong_prompts` is set.

Source: verl 0.9.1: utils/dataset/rl_dataset.py and vision_utils.py, trainer/config/data/legacy_data.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

from glyphrender.models.families.grid import GridModel
from glyphrender.models.model import VisionModel
from glyphrender.train.exports.files import ParquetWriter, read_parquet, written_row
from glyphrender.train.exports.resizing import qwen_vl_utils_size
from glyphrender.train.exports.trainer import (
    ExportRow,
    Needs,
    Settings,
    Size,
    Trainer,
    WrittenRow,
    patch_of,
    whole_number,
)

__all__ = ["Verl"]

_PATCH: Final = "data.image_patch_size"
_DEFAULT_PATCH: Final = 14


class Verl(Trainer):
    """Prompts for reinforcement learning with verl."""

    name: ClassVar[str] = "verl"
    version: ClassVar[str] = "verl 0.9.1"
    data_file: ClassVar[str] = "data.parquet"
    settings_file: ClassVar[str] = "overrides.txt"
    prompts_only: ClassVar[bool] = True
    limit: ClassVar[str] = "data.max_prompt_length"
    default_limit: ClassVar[int | None] = 512
    beyond: ClassVar[str] = "refused"

    def writer(self, folder: Path) -> _Writer:  # noqa: D102
        return _Writer(folder)

    def rows(self, folder: Path) -> Iterator[WrittenRow]:  # noqa: D102
        path = folder / self.data_file
        for number, values in read_parquet(path):
            turns = [(turn.get("role"), turn.get("content")) for turn in values.get("prompt") or ()]
            images = [image["bytes"] for image in values.get("images") or ()]
            row = written_row(f"{path.name}, row {number}", turns, images, answered=False)
            if not ((values.get("reward_model") or {}).get("ground_truth") or "").strip():
                row = _with_problem(row, "reward_model.ground_truth is empty, so no answer earns a reward")
            if not values.get("data_source"):
                row = _with_problem(row, "data_source is empty, by which verl chooses the reward function")
            yield row

    def resized(self, size: Size, model: VisionModel, settings: Settings) -> Size:  # noqa: D102
        return qwen_vl_utils_size(*size, patch=whole_number(settings, _PATCH, _DEFAULT_PATCH) or _DEFAULT_PATCH)

    def settings(self, needs: Needs) -> dict[str, Any]:  # noqa: D102
        return {
            "data.train_files": self.data_file,
            "data.image_key": "images",
            self.limit: needs.prompt,
            "data.filter_overlong_prompts": False,
            _PATCH: patch_of(needs.model),
        }

    def command(self, settings: Settings) -> str:  # noqa: D102
        return "python -m verl.trainer.main_ppo algorithm.adv_estimator=grpo $(cat overrides.txt) …"

    def way_out(self, needs: Needs) -> str:  # noqa: D102
        if isinstance(needs.model, GridModel):
            return (
                f"Set {_PATCH}={patch_of(needs.model)}, and render the pages on the model's grid "
                f"(theta.align_to({needs.model.name!r}))."
            )
        return f"verl resizes for models of other families than {needs.model.family}. Make both sides multiples of 28."


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._file = ParquetWriter(
            folder / Verl.data_file,
            {
                "data_source": "string",
                "prompt": [{"role": "string", "content": "string"}],
                "images": "images",
                "ability": "string",
                "reward_model": {"style": "string", "ground_truth": "string"},
                "extra_info": {"index": "int64", "key": "string", "answers": ["string"]},
            },
        )

    def add(self, row: ExportRow, /) -> None:
        self._file.write(
            {
                "data_source": f"glyphrender/{row.kind or 'chat'}",
                "prompt": [{"role": turn.role, "content": turn.marked("<image>")} for turn in row.prompt],
                "images": [{"bytes": page.png, "path": None} for page in row.pages],
                "ability": row.kind or "reading",
                "reward_model": {"style": "rule", "ground_truth": row.answers[0]},
                "extra_info": {"index": row.index, "key": row.key, "answers": list(row.answers)},
            }
        )

    def close(self) -> None:
        self._file.close()


def _with_problem(row: WrittenRow, problem: str) -> WrittenRow:
    return replace(row, problems=[*row.problems, problem])
