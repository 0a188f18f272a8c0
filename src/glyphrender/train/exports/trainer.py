"""The parts of an export, and what the module of every trainer offers: `Trainer`.

A trainer's module knows four things: how its rows are written, how they are read again, which size it makes of an image
before the model's processor sees it, and which of its settings decide that. Folders, pages and the lint are the same
for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from glyphrender.errors import DataError, shown
from glyphrender.models.families.grid import GridModel
from glyphrender.models.model import VisionModel

__all__ = ["ExportRow", "ExportTurn", "Needs", "PageImage", "Settings", "Trainer", "WrittenRow"]

#: Settings of a training run, by the trainer's own names.
Settings: TypeAlias = Mapping[str, Any]
Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageImage:
    """A page of a row.

    Attributes:
        name: its file name, for trainers that take files.
        size: width and height in pixels.
        png: its bytes.
    """

    name: str
    size: Size
    png: bytes


@dataclass(frozen=True, slots=True)
class ExportTurn:
    """A turn of a row: its role, and texts and pages in order."""

    role: str
    parts: tuple[str | PageImage, ...]

    def marked(self, marker: str) -> str:
        """Return the turn as text, with `marker` for each page."""
        return "".join(part if isinstance(part, str) else marker for part in self.parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRow:
    """A row with its pages drawn.

    Attributes:
        key: names the row in messages.
        kind: the kind of row, or "".
        turns: the turns; the last one is the answer, which trainers of prompts do not write.
        answers: what is right.
        index: number of the row, from 0.
    """

    key: str
    kind: str
    turns: tuple[ExportTurn, ...]
    answers: tuple[str, ...]
    index: int

    @property
    def prompt(self) -> tuple[ExportTurn, ...]:
        """The turns before the answer."""
        return self.turns[:-1]

    @property
    def pages(self) -> tuple[PageImage, ...]:
        """All pages, in order."""
        return tuple(part for turn in self.turns for part in turn.parts if not isinstance(part, str))

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Width and height of all pages, in pixels."""
        return tuple(page.size for page in self.pages)


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRow:
    """A row of an export, as a trainer would find it.

    Attributes:
        place: where it stands, for people.
        markers: places for images in its text.
        sizes: width and height of its images that can be read, in order.
        unread: images that are missing or broken; each is among the problems.
        prompt: the text before the answer, with markers left out.
        answer: the text of the answer; "" if the trainer writes none.
        turns: number of turns.
        problems: what the trainer would refuse, drop or misread, in words.
    """

    place: str
    markers: int
    sizes: Sequence[Size]
    prompt: str
    answer: str
    turns: int
    unread: int = 0
    problems: Sequence[str] = ()

    @property
    def images(self) -> int:
        """Number of images, also of those that cannot be read."""
        return len(self.sizes) + self.unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """The needs of the rows of an export, which a trainer's settings must meet.

    Attributes:
        model: the vision model that is trained.
        largest, smallest: most and fewest pixels of a page; 0 if there are no pages.
        prompt: most tokens of a prompt, images included.
        tokens: most tokens of a whole row.
        several_answers: whether a row has answers before the one that is learned.
    """

    model: VisionModel
    largest: int
    smallest: int
    prompt: int
    tokens: int
    several_answers: bool


class RowWriter(Protocol):
    """Writes rows into the folder of an export."""

    def add(self, row: ExportRow, /) -> None:
        """Write one row."""

    def close(self) -> None:
        """Write what is left."""


class Trainer(ABC):
    """A trainer and its form of data.

    Attributes:
        name: its name on the command line.
        version: the version whose code this was written and checked with.
        data_file: the file of rows.
        settings_file: the file of settings that go with the rows.
        page_files: whether pages are files beside the rows; else the rows hold their bytes.
        prompts_only: whether the rows have no answers, because the model is to find them.
        limit: the setting that limits the tokens of a row, or of its prompt if `prompts_only`; "" if there is none.
        default_limit: the value of `limit` if it is not set; None for no limit.
        beyond: what happens to a row above the limit, in words.
        mixed: whether rows with pages and rows without may stand in one batch.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    data_file: ClassVar[str]
    settings_file: ClassVar[str]
    page_files: ClassVar[bool] = False
    prompts_only: ClassVar[bool] = False
    limit: ClassVar[str]
    default_limit: ClassVar[int | None]
    beyond: ClassVar[str] = ""
    mixed: ClassVar[bool] = True

    @abstractmethod
    def writer(self, folder: Path) -> RowWriter:
        """Return a writer of rows into `folder`."""

    @abstractmethod
    def rows(self, folder: Path) -> Iterator[WrittenRow]:
        """Yield the rows of an export, as the trainer would find them.

        Raises:
            DataError: the file of rows cannot be read.
        """

    @abstractmethod
    def resized(self, size: Size, model: VisionModel, settings: Settings) -> Size:
        """Return the size that the trainer makes of an image before the processor of `model` sees it.

        Raises:
            DataError: the trainer refuses the image, or a setting has no valid value.
        """

    @abstractmethod
    def settings(self, needs: Needs) -> dict[str, Any]:
        """Return the settings that a training run on the rows needs."""

    @abstractmethod
    def command(self, settings: Settings) -> str:
        """Return the command that trains on the rows, for the README of the export."""

    def shown(self, size: Size, model: VisionModel, settings: Settings) -> Size:
        """Return the size at which the model sees an image under this trainer.

        Raises:
            DataError: see `resized`.
            VisionModelError: the model refuses the image.
        """
        return model.image(*self.resized(size, model, settings)).size

    def way_out(self, needs: Needs) -> str:
        """Return what to do about pages that the trainer shows at another size."""
        return "Render the pages on the model's grid (theta.align_to), and export them again."


def turn_problems(roles: Sequence[str], *, answered: bool) -> list[str]:
    """Return what is wrong with the order of the turns of a chat, in words."""
    turns = [role for role in roles if role != "system"]
    problems = []
    if "system" in roles[1:]:
        problems.append("a turn of the system stands within the chat")
    if answered and (not turns or turns[-1] != "assistant"):
        problems.append(f"the chat ends with a turn of {turns[-1] if turns else 'nobody'}")
    if not answered and turns and turns[-1] == "assistant":
        problems.append("the prompt ends with an answer")
    if any((role == "assistant") == (number % 2 == 0) for number, role in enumerate(turns)):
        problems.append("turns of user and assistant do not alternate")
    return problems


def whole_number(settings: Settings, name: str, otherwise: int | None) -> int | None:
    """Return a setting that is a whole number, `otherwise` if it is not set, and None if it is set to null.

    Raises:
        DataError: the setting is something else.
    """
    value = settings.get(name, otherwise)
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "null", "none", "~")):
        return None
    try:
        number = float(str(value).replace("_", ""))
        if number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise DataError(f"{name}={shown(value)} is no whole number. Correct it in the settings.") from None
    return int(number)


def patch_of(model: VisionModel) -> int:
    """Return the side of a patch of the model's grid; 14 for models of other families."""
    return model.cell // 2 if isinstance(model, GridModel) else 14


def is_qwen(model: VisionModel) -> bool:
    """Return whether the model is of the Qwen-VL family."""
    return model.name.startswith("qwen")
