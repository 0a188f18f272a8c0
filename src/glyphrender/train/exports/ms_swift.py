"""ms-swift: JSON lines of {"messages", "images"} with `<image>` markers, and PNG files.

ms-swift itself shrinks images only if `max_pixels` is set. Its templates of Qwen-VL call `fetch_image`, which puts each
image on a grid and shrinks it above IMAGE_MAX_TOKEN_NUM tokens, or MAX_PIXELS pixels, of the environment (examples use
1,024 tokens). Its templates of GLM-4V do not. Rows above `max_length` are dropped (`truncation_strategy: delete`).

Source: ms-swift 4.6.0: template/base.py and vision_utils.py (`max_pixels`, paths), template/templates/{qwen,glm}.py,
model/models/qwen.py (environment), cli/main.py (a file of settings with ENV), dataset/preprocessor/core.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from glyphrender.models.model import VisionModel
from glyphrender.train.exports.files import JsonLinesWriter, read_json_lines, written_row
from glyphrender.train.exports.resizing import QWEN_MAX_TOKENS, QWEN_MIN_TOKENS, ms_swift_size, qwen_vl_utils_size
from glyphrender.train.exports.trainer import (
    ExportRow,
    Needs,
    Settings,
    Size,
    Trainer,
    WrittenRow,
    is_qwen,
    patch_of,
    whole_number,
)

__all__ = ["MsSwift"]


class MsSwift(Trainer):
    """Rows for supervised fine-tuning with ms-swift."""

    name: ClassVar[str] = "ms-swift"
    version: ClassVar[str] = "ms-swift 4.6.0"
    data_file: ClassVar[str] = "data.jsonl"
    settings_file: ClassVar[str] = "settings.yaml"
    page_files: ClassVar[bool] = True
    limit: ClassVar[str] = "max_length"
    default_limit: ClassVar[int | None] = None
    beyond: ClassVar[str] = "dropped"

    def writer(self, folder: Path) -> _Writer:  # noqa: D102
        return _Writer(folder)

    def rows(self, folder: Path) -> Iterator[WrittenRow]:  # noqa: D102
        path = folder / self.data_file
        for number, values in read_json_lines(path):
            messages = values.get("messages") if isinstance(values, dict) else None
            turns = [
                (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
                for turn in messages or ()
            ]
            images = values.get("images") if isinstance(values, dict) else None
            yield written_row(f"{path.name}, line {number}", turns, [folder / name for name in images or ()])

    def resized(self, size: Size, model: VisionModel, settings: Settings) -> Size:  # noqa: D102
        size = ms_swift_size(*size, max_pixels=whole_number(settings, "max_pixels", None))
        if not is_qwen(model):
            return size
        patch = patch_of(model)
        tokens = {}
        for end, otherwise in (("MIN", QWEN_MIN_TOKENS), ("MAX", QWEN_MAX_TOKENS)):
            pixels = whole_number(settings, f"{end}_PIXELS", None)
            given = whole_number(settings, f"IMAGE_{end}_TOKEN_NUM", None)
            tokens[end] = given or (pixels // (2 * patch) ** 2 if pixels else otherwise)
        return qwen_vl_utils_size(*size, patch=patch, min_tokens=tokens["MIN"], max_tokens=tokens["MAX"])

    def settings(self, needs: Needs) -> dict[str, Any]:  # noqa: D102
        values: dict[str, Any] = {"dataset": self.data_file, "max_length": needs.tokens}
        if needs.several_answers:
            values["loss_scale"] = "last_round"
        if is_qwen(needs.model):
            values["ENV"] = {"IMAGE_MAX_TOKEN_NUM": QWEN_MAX_TOKENS}
        return values

    def command(self, settings: Settings) -> str:  # noqa: D102
        return "swift sft settings.yaml --model …    # in this folder: the names of pages are relative"

    def way_out(self, needs: Needs) -> str:  # noqa: D102
        if is_qwen(needs.model):
            return f"Leave out max_pixels and MAX_PIXELS, and set IMAGE_MAX_TOKEN_NUM={QWEN_MAX_TOKENS}."
        return "Leave out max_pixels."


class _Writer:
    def __init__(self, folder: Path) -> None:
        self._file = JsonLinesWriter(folder / MsSwift.data_file)

    def add(self, row: ExportRow, /) -> None:
        messages = [{"role": turn.role, "content": turn.marked("<image>")} for turn in row.turns]
        values = {"id": row.key, "messages": messages, "images": [page.name for page in row.pages]}
        self._file.write(values)

    def close(self) -> None:
        self._file.close()
