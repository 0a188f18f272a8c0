"""LLaMA-Factory: sharegpt JSON with `<image>` markers, an entry in dataset_info.json, and PNG files.

LLaMA-Factory shrinks every image above `image_max_pixels` (768² = 589,824 by default) without a word, before the
model's processor sees it, and cuts rows off at `cutoff_len` (2,048 by default), visual tokens included.

Source: llamafactory 0.9.5: data/mm_plugin.py (images, markers), data/converter.py (turns), data/parser.py
(dataset_info.json), data/processor/supervised.py (`cutoff_len`, `mask_history`), hparams/model_args.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError
from glyphrender.models.model import VisionModel
from glyphrender.train.exports.files import written_row
from glyphrender.train.exports.resizing import LLAMA_FACTORY_MAX, LLAMA_FACTORY_MIN, llama_factory_size
from glyphrender.train.exports.trainer import (
    ExportRow,
    Needs,
    Settings,
    Size,
    Trainer,
    WrittenRow,
    whole_number,
)

__all__ = ["LlamaFactory"]

DATASET: Final = "pages"
_INFO: Final = "dataset_info.json"
_TAGS: Final = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
# Names of tags that an entry of dataset_info.json may change.
_TAG_NAMES: Final = {
    "role_tag": "from",
    "content_tag": "value",
    "system_tag": "system",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
}
_TEMPLATES: Final = {
    "glm-4.1v": "glm4v",
    "glm-4.5v": "glm4_5v",
    "glm-4.6v": "glm4_5v",
    "glm-ocr": "glm_ocr",
    "qwen2-vl": "qwen2_vl",
    "qwen2.5-vl": "qwen2_vl",
    "qwen3-vl": "qwen3_vl",
    "qwen3.5": "qwen3_5",
    "qwen3.6": "qwen3_6",
}


class LlamaFactory(Trainer):
    """Rows for supervised fine-tuning with LLaMA-Factory."""

    name: ClassVar[str] = "llama-factory"
    version: ClassVar[str] = "llamafactory 0.9.5"
    data_file: ClassVar[str] = "data.json"
    settings_file: ClassVar[str] = "settings.yaml"
    page_files: ClassVar[bool] = True
    limit: ClassVar[str] = "cutoff_len"
    default_limit: ClassVar[int | None] = 2048
    beyond: ClassVar[str] = "cut off, images included"

    def writer(self, folder: Path) -> _Writer:  # noqa: D102
        return _Writer(folder)

    def rows(self, folder: Path) -> Iterator[WrittenRow]:  # noqa: D102
        for place, turns, images in _read(folder):
            yield written_row(place, turns, [folder / name for name in images])

    def resized(self, size: Size, model: VisionModel, settings: Settings) -> Size:  # noqa: D102
        most = whole_number(settings, "image_max_pixels", None) or LLAMA_FACTORY_MAX
        least = whole_number(settings, "image_min_pixels", None) or LLAMA_FACTORY_MIN
        return llama_factory_size(*size, max_pixels=most, min_pixels=least)

    def settings(self, needs: Needs) -> dict[str, Any]:  # noqa: D102
        values: dict[str, Any] = {"stage": "sft", "dataset_dir": ".", "media_dir": ".", "dataset": DATASET}
        if needs.model.name in _TEMPLATES:
            values["template"] = _TEMPLATES[needs.model.name]
        values["cutoff_len"] = needs.tokens
        values["image_max_pixels"] = max(LLAMA_FACTORY_MAX, needs.largest)
        if 0 < needs.smallest < LLAMA_FACTORY_MIN:
            values["image_min_pixels"] = needs.smallest
        if needs.several_answers:
            values["mask_history"] = True
        return values

    def command(self, settings: Settings) -> str:  # noqa: D102
        return "llamafactory-cli train run.yaml    # settings.yaml and your model_name_or_path, output_dir, …"

    def way_out(self, needs: Needs) -> str:  # noqa: D102
        return f"Set image_max_pixels: {max(LLAMA_FACTORY_MAX, needs.largest)}."


class _Writer:
    def __init__(self, folder: Path) -> None:
        columns = {"messages": "conversations", "images": "images"}
        info = {DATASET: {"file_name": LlamaFactory.data_file, "formatting": "sharegpt", "columns": columns}}
        (folder / _INFO).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
        self._file = (folder / LlamaFactory.data_file).open("w", encoding="utf-8", newline="\n")
        self._file.write("[")
        self._first = True

    def add(self, row: ExportRow, /) -> None:
        turns = [{"from": _TAGS[turn.role], "value": turn.marked("<image>")} for turn in row.turns]
        values = {"id": row.key, "conversations": turns, "images": [page.name for page in row.pages]}
        self._file.write(("\n" if self._first else ",\n") + json.dumps(values))
        self._first = False

    def close(self) -> None:
        self._file.write("\n]\n")
        self._file.close()


def _read(folder: Path) -> Iterator[tuple[str, list[tuple[Any, Any]], list[str]]]:
    """Yield place, turns and images of the rows of all files of sharegpt with images that dataset_info.json names."""
    found = False
    try:
        info = json.loads(read_text(folder / _INFO, pipes=False))
        for entry in info.values():
            columns = entry.get("columns", {})
            if entry.get("formatting") != "sharegpt" or "images" not in columns or "file_name" not in entry:
                continue
            found = True
            path = folder / entry["file_name"]
            tags = {**_TAG_NAMES, **entry.get("tags", {})}
            roles = {tags["system_tag"]: "system", tags["user_tag"]: "user", tags["assistant_tag"]: "assistant"}
            roles[tags["observation_tag"]] = "tool"
            for number, row in enumerate(_objects(path)):
                turns = [
                    (roles.get(str(turn.get(tags["role_tag"]))), turn.get(tags["content_tag"]))
                    if isinstance(turn, dict)
                    else (None, None)
                    for turn in row.get(columns.get("messages", "conversations")) or ()
                ]
                yield f"{path.name}, row {number}", turns, row.get(columns["images"]) or []
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}). Name the folder of an export.") from error
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"{folder} is no export for LLaMA-Factory ({error!r}). Export again.", path=folder) from error
    if not found:
        raise DataError(f"{folder / _INFO} names no file of formatting sharegpt with images.", path=folder)


def _objects(path: Path) -> list[Any]:
    text = read_text(path, pipes=False)
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return list(json.loads(text))
