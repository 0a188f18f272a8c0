"""Texts of a dataset → columns of page images, rendered as rows are read (`datasets`, torch's DataLoader).

The pages of a row follow from the row, the seed and the epoch alone. They do not depend on its place, its batch, the
rank or the worker that reads it. So there is no state here to split, save or restore: order, sharding and resumption
are left to `datasets`, whose `state_dict` is enough. The price is that θ is drawn from a hash of the row's key, or of
its text if it has no key: the same text twice in an epoch has the same θ twice.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from glyphrender.adapters.rows import Row, by_row, cell, document_of
from glyphrender.adapters.theta_sources import FromColumn, Sampled, ThetaSource
from glyphrender.document.layout import layout, layout_each
from glyphrender.errors import DataError, DependencyError, GlyphRenderError
from glyphrender.rich.rich_text import RichText
from glyphrender.theta import Theta, ThetaLike

if TYPE_CHECKING:
    from glyphrender.document.page import Page

__all__ = ["Epoch", "FromColumn", "PagesTransform", "Sampled", "ThetaSource", "stream"]

PageFormat: TypeAlias = Literal["image", "array", "png"]


class Epoch:
    """The number of an epoch, shared by this process and the DataLoader workers that it starts.

    If torch was imported before, the number is kept in torch's shared memory. Then workers that live on from epoch to
    epoch (`persistent_workers`) see it change, however they were started.
    """

    __slots__ = ("_value",)

    def __init__(self, value: int = 0) -> None:
        self._value: Any = value
        self._share()

    def __int__(self) -> int:
        return int(self._value)

    def set(self, value: int) -> None:
        """Change the number; a shared number is changed in place."""
        if isinstance(self._value, int):
            self._value = value
        else:
            self._value.fill_(value)

    def __getstate__(self) -> Any:
        return self._value

    def __setstate__(self, value: Any) -> None:
        self._value = value
        self._share()

    def __deepcopy__(self, memo: object) -> Self:
        return self  # `datasets` copies a dataset deeply to change its format; the epoch stays one

    def _share(self) -> None:
        if torch := sys.modules.get("torch"):
            self._value = torch.as_tensor(self._value).share_memory_()


@dataclass(frozen=True, kw_only=True, slots=True)
class PagesTransform:
    """A function that adds pages to rows of text, for `Dataset.with_transform`, `.map` and `IterableDataset.map`.

    A call takes and gives one row, or a batch as `datasets` has it, where each column is a list. All columns stay. A
    text of several pages gives several images, an empty text none.

    Attributes:
        text: the column with the text, or several columns, whose pages follow one another.
        into: the column that the list of pages is put in.
        theta: θ of all rows (see `Theta.of`), or a `ThetaSource` such as `Sampled()` and `FromColumn()`.
        format: "image" for PIL ("L", or "RGB" where θ has colors), "array" for uint8 (h, w) or (h, w, 3), "png" for
            {"bytes", "path"} as `datasets.Image` stores it.
        bits: bits for each pixel of a grey PNG, see `Page.png`.
        key: the column that tells rows apart (an index or id), from which θ is drawn; by default the text does.
        seed: seed of everything random.
        max_pages: highest number of pages of one text; a text that needs more is an error.

    Raises:
        ThetaError: `theta` is not valid.
        DataError: `text` names no column, or `format` is unknown.

    Source: `datasets` 5.2 for the two forms of a call, and {"bytes", "path"}.
    """

    text: str | tuple[str, ...] = "text"
    into: str = "images"
    theta: ThetaLike | ThetaSource = field(default_factory=Theta)
    format: PageFormat = "image"
    bits: int | None = None
    key: str | None = None
    seed: int = 0
    max_pages: int | None = None
    _epoch: Epoch = field(default_factory=Epoch, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.columns:
            raise DataError("text=() names no column. Name the columns that hold text.")
        if self.format not in ("image", "array", "png"):
            raise DataError(f"format={self.format!r} is unknown. Use image, array or png.")
        if not callable(self.theta):
            object.__setattr__(self, "theta", Theta.of(self.theta))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with text."""
        return (self.text,) if isinstance(self.text, str) else tuple(self.text)

    @property
    def epoch(self) -> int:
        """The epoch that θ is drawn for; 0 at first."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Draw θ for `epoch` from now on, here and in the DataLoader workers of this process."""
        self._epoch.set(epoch)

    def __call__(self, rows: Row) -> dict[str, Any]:
        """Return `rows` with the column `into`.

        Raises:
            DataError: a column is missing, or a text is not str.
            ThetaError: θ of a row is not valid; `.field` names the field. All errors name the row.
        """
        batched = isinstance(cell(rows, self.columns[0]), list)
        ready = self._laid_out(rows) if batched else {}
        return by_row(partial(self._row, ready=ready), rows, batched, names=(*rows, self.into), key=self.key)

    def theta_of(self, row: Row, texts: Sequence[str] | None = None) -> Theta:
        """Return θ of `row` in this epoch.

        Args:
            row: one row.
            texts: the texts that tell the row apart if there is no `key`; by default its text columns.
        """
        if isinstance(self.theta, Theta):
            return self.theta
        assert callable(self.theta)
        import numpy as np

        # The key becomes text, so that 3 of Python and 3 of numpy are one key.
        key = str(cell(row, self.key)) if self.key else texts or [cell(row, name) for name in self.columns]
        drawn = json.dumps([self.seed, self.epoch, key]).encode()
        entropy = int.from_bytes(hashlib.blake2b(drawn, digest_size=16).digest(), "little")
        return self.theta(row, np.random.default_rng(entropy))

    def drawn(self, text: str | RichText, theta: Theta) -> list[Any]:
        """Return the pages of one text, in the `format` of this column.

        Raises:
            FontError, LayoutError: see `glyphrender.layout`.
        """
        return [self._encoded(page) for page in layout(text, theta, max_pages=self.max_pages)]

    def features(self, features: Mapping[str, Any]) -> Any:
        """Return the `datasets.Features` of the output rows, for `Dataset.map`; `features` are those of the input rows.

        PNG bytes are then stored as they are, and read as images. Use `format="png"`; with "image", `datasets` encodes
        them.

        Raises:
            DependencyError: `datasets` is not installed.
        """
        datasets = train_extra("datasets")
        return datasets.Features({**features, self.into: datasets.List(datasets.Image())})

    def _row(self, row: Row, ready: Mapping[tuple[str | RichText, Theta], Sequence[Page]]) -> dict[str, Any]:
        texts = [document_of(row, name) for name in self.columns]
        theta = self.theta_of(row, [text if isinstance(text, str) else text.source for text in texts])
        pages: list[Any] = []
        for text in texts:
            if (laid_out := ready.get((text, theta))) is not None:
                pages += map(self._encoded, laid_out)
            else:
                pages += self.drawn(text, theta)
        return {**row, self.into: pages}

    def _laid_out(self, rows: Row) -> dict[tuple[str | RichText, Theta], Sequence[Page]]:
        """Return the pages of the texts of a batch, if θ is one for all: texts are laid out faster together.

        If a row is at fault, nothing is returned: each row is then laid out alone, and the error names the row.
        """
        theta, columns = self.theta, [rows.get(name) for name in self.columns]
        if not isinstance(theta, Theta) or not all(isinstance(column, list) for column in columns):
            return {}
        given = [text for column in columns for text in column or ()]
        if not all(isinstance(text, str | RichText) for text in given):
            return {}
        texts = list(dict.fromkeys(given))
        try:
            laid_out = layout_each(texts, theta, max_pages=self.max_pages)
        except GlyphRenderError:
            return {}
        return {(text, theta): pages for text, pages in zip(texts, laid_out, strict=True)}

    def _encoded(self, page: Page) -> Any:
        match self.format:
            case "image":
                return page.image
            case "array":
                return page.array
            case "png":
                return {"bytes": page.png(bits=self.bits), "path": None}


def stream(
    dataset: Any, rows: Callable[[Row], dict[str, Any]], *, rank: int = 0, world_size: int = 1, workers: int = 0
) -> Any:
    """Return the rows of a dataset that belong to this rank, rendered as they are read.

    The result is a `datasets.IterableDataset`. Torch's DataLoader divides it among its workers. `state_dict` and
    `load_state_dict` resume it (through StatefulDataLoader if there are workers). `set_epoch` puts its shards into a
    new order. All ranks and workers together give every row once; only rows of this rank are rendered.

    Args:
        dataset: a `datasets.Dataset` or `datasets.IterableDataset`.
        rows: a `PagesTransform`, or another function from a row to the whole row that comes out.
        rank: number of this process among those that train together, from 0.
        world_size: number of these processes.
        workers: number of DataLoader workers; a `Dataset` is cut into this many shards for each rank.

    Raises:
        DataError: `dataset` is neither, or empty; or there is no such rank.
        DependencyError: `datasets` is not installed.
    """
    datasets = train_extra("datasets")
    if not 0 <= rank < world_size:
        raise DataError(f"rank={rank} is not below world_size={world_size}. Number ranks from 0.")
    if isinstance(dataset, datasets.Dataset):
        if not len(dataset):
            raise DataError("the dataset has no rows. Give one that has.")
        dataset = dataset.to_iterable_dataset(num_shards=min(len(dataset), world_size * max(1, workers)))
    if not isinstance(dataset, datasets.IterableDataset):
        raise DataError(
            f"the dataset is a {type(dataset).__name__}. Give a datasets.Dataset or IterableDataset "
            "(IterableDataset.from_generator makes one of a generator)."
        )
    names = dataset.column_names or list(next(iter(dataset), ()))
    if dataset.num_shards % world_size == 0:
        dataset = datasets.distributed.split_dataset_by_node(dataset, rank=rank, world_size=world_size)
    else:
        # split_dataset_by_node would drop rows only after they have been rendered.
        dataset = dataset.filter(_Share(rank=rank, world_size=world_size), with_indices=True)
    return dataset.map(rows, remove_columns=names)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """A filter that takes every `world_size`th row, from the row numbered `rank` on."""

    rank: int
    world_size: int

    def __call__(self, row: Row, index: int) -> bool:
        return index % self.world_size == self.rank


def train_extra(name: str) -> Any:
    """Return the module `name`, which the extra `train` installs.

    Raises:
        DependencyError: it is not installed.
    """
    from importlib import import_module

    try:
        module = import_module(name)
        if name == "datasets":
            import_module("datasets.distributed")
    except ImportError as error:
        raise DependencyError.of(error, f"this needs the package {name}", extra="train") from error
    return module
