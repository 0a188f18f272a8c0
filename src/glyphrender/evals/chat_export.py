"""Items with their pages in the chat forms of other harnesses: Inspect, evalscope and OpenCompass.

An export is a folder: `items.jsonl`, and the PNG files of the pages under `pages/`. Each line has the whole
conversation of one item in one condition. Other harnesses ask and score; their scores are not those of the benchmark's
protocol. `protocol.json` says which benchmark, revision and condition was exported.

    inspect       inspect_ai.dataset.json_dataset: {id, input, target, metadata}
    evalscope     general_vqa: {messages, answer}, images as image_url
    opencompass   ChatMLDataset: {question, answer}, images as {"type": "image", "image_url": path}
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.version import __version__
from glyphrender.errors import DataError, shown
from glyphrender.evals.arms import Condition, Poser
from glyphrender.evals.item import Benchmark, Item
from glyphrender.inference.conversation import Conversation, ImageLike, png_bytes

__all__ = ["FORMS", "export_items"]

_Message: TypeAlias = dict[str, Any]
_Part: TypeAlias = dict[str, Any]


def _openai_image(path: Path) -> _Part:
    return {"type": "image_url", "image_url": {"url": str(path)}}


def _inspect_image(path: Path) -> _Part:
    return {"type": "image", "image": str(path)}


def _chatml_image(path: Path) -> _Part:
    return {"type": "image", "image_url": str(path)}


def _inspect_row(item: Item, messages: list[_Message]) -> dict[str, Any]:
    target: str | list[str] = item.answers[0] if len(item.answers) == 1 else list(item.answers)
    metadata = {"task": item.task, **item.buckets, "max_tokens": item.max_tokens}
    return {"id": item.key, "input": messages, "target": target, "metadata": metadata}


def _evalscope_row(item: Item, messages: list[_Message]) -> dict[str, Any]:
    return {"messages": messages, "answer": item.answers[0] if item.answers else "", "id": item.key, "task": item.task}


def _opencompass_row(item: Item, messages: list[_Message]) -> dict[str, Any]:
    return {"question": messages, "answer": [item.answers[0] if item.answers else ""], "id": item.key}


@dataclass(frozen=True, slots=True)
class _Form:
    """The part of a message that is an image, and the row of an item."""

    image: Callable[[Path], _Part]
    row: Callable[[Item, list[_Message]], dict[str, Any]]


#: The forms by name.
FORMS: Final[Mapping[str, _Form]] = {
    "inspect": _Form(_inspect_image, _inspect_row),
    "evalscope": _Form(_openai_image, _evalscope_row),
    "opencompass": _Form(_chatml_image, _opencompass_row),
}


def export_items(
    benchmark: Benchmark,
    condition: Condition,
    poser: Poser,
    folder: str | os.PathLike[str],
    *,
    form: str,
    limit: int | None = None,
) -> int:
    """Write the items of a benchmark in one condition, and return their number.

    Args:
        benchmark: the benchmark.
        condition: an arm under a θ.
        poser: see `Poser`.
        folder: the folder to write. It must be new or empty.
        form: one of `FORMS`.
        limit: number of items that are written, from the first on; all if None.

    Raises:
        DataError: the form is unknown, the folder has files or cannot be written, or an item has an image that cannot
            be read.
        ThetaError, FontError, LayoutError, VisionModelError: see `Poser.pose`.
    """
    if form not in FORMS:
        raise DataError(f"form={shown(form)} is not known. Use one of: {', '.join(FORMS)}.")
    chosen = FORMS[form]
    place = Path(folder).resolve()
    try:
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise DataError(f"{folder} has files. Name a new folder.", path=folder)
        (place / "pages").mkdir()
    except OSError as error:
        raise DataError(f"{folder} cannot be made ({error.strerror}). Name a new folder.", path=folder) from error
    rows = []
    for index in range(len(benchmark.items) if limit is None else min(limit, len(benchmark.items))):
        item = benchmark.items[index]
        conversation = poser.pose(item, condition).conversation
        rows.append(chosen.row(item, _messages(conversation, place / "pages", index, chosen.image)))
    facts = {
        "glyphrender": __version__,
        "benchmark": benchmark.name,
        "revision": benchmark.revision,
        "protocol": benchmark.protocol.name,
        "condition": condition.identity,
        "form": form,
        "sampling": dict(benchmark.protocol.sampling),
    }
    write_atomically(place / "protocol.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    # The list comes last: a folder that has it is whole.
    write_atomically(place / "items.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows)


def _messages(conversation: Conversation, pages: Path, index: int, image: Callable[[Path], _Part]) -> list[_Message]:
    """Return the messages of an item, and write its images."""
    messages: list[_Message] = []
    number = 0
    for turn in conversation.turns:
        parts: list[_Part] = []
        for part in turn.flat():
            if isinstance(part, str):
                parts.append({"type": "text", "text": part})
            else:
                number += 1
                parts.append(image(_saved(part, pages / f"{index:06}-{number:04}.png")))
        if not turn.pictures:  # some forms take a list for the user's turns alone
            messages.append({"role": turn.role, "content": turn.text})
        else:
            messages.append({"role": turn.role, "content": parts})
    return messages


def _saved(picture: ImageLike, path: Path) -> Path:
    write_atomically(path, png_bytes(picture))
    return path
