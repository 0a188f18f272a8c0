"""`Stream`: the samples of a whole run, by index, in the order in which the run takes them.

Sample i of a run belongs to epoch i // n, where n samples make an epoch, and each epoch has an order of its own. All
follows from the seed and i. So the order is the same for any number of processes and loader workers, no sample comes
twice in an epoch, and a resumed run needs no state but its step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from glyphrender.adapters.data import train_extra
from glyphrender.errors import DataError
from glyphrender.train.sample import Sample

__all__ = ["Collate", "Stream"]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A dataset for torch's DataLoader. Each item is {"sample": Sample}, because trainers look into rows by name.

    Attributes:
        of_epoch: function from the number of an epoch to its samples. All epochs have the same number of samples.
        count: number of samples of the run.
        seed: seed of the order.
        shuffled: whether samples are reordered within each epoch.

    Raises:
        DataError: an epoch has no samples.
    """

    of_epoch: Callable[[int], Sequence[Sample]]
    count: int
    seed: int = 0
    shuffled: bool = True
    _size: int = field(init=False, repr=False)
    _order: Any = field(init=False, repr=False, compare=False)
    _samples: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_samples", lru_cache(2)(self.of_epoch))
        object.__setattr__(self, "_size", len(self._samples(0)))
        if not self._size:
            raise DataError("there are no samples. Give more texts or rows.")
        order = lru_cache(2)(lambda epoch: np.random.default_rng((self.seed, epoch)).permutation(self._size))
        object.__setattr__(self, "_order", order)

    def __len__(self) -> int:
        return self.count

    def place(self, index: int) -> tuple[int, int]:
        """Return the epoch of a sample of the run, and its index among the samples of the epoch.

        Raises:
            IndexError: the run has no such sample.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"there is no sample {index} among {self.count}.")
        epoch, place = divmod(index, self._size)
        return epoch, int(self._order(epoch)[place]) if self.shuffled else place

    def __getitem__(self, index: int) -> dict[str, Sample]:
        epoch, place = self.place(index)
        return {"sample": self._samples(epoch)[place]}

    def __iter__(self) -> Iterator[dict[str, Sample]]:
        return (self[index] for index in range(self.count))

    def dataset(self) -> Any:
        """Return the samples as a `datasets.Dataset`, the only kind that TRL takes. Rows are made as they are read.

        Raises:
            DependencyError: datasets is not installed.
        """
        rows = train_extra("datasets").Dataset.from_dict({"index": np.arange(self.count)})
        return rows.with_transform(self._rows)

    def _rows(self, rows: dict[str, Any]) -> dict[str, list[Sample]]:
        return {"sample": [self[int(index)]["sample"] for index in rows["index"]]}

    def __getstate__(self) -> dict[str, Any]:
        # Caches and closures stay here: a spawned worker makes its own.
        return {name: getattr(self, name) for name in ("of_epoch", "count", "seed", "shuffled")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()


@dataclass(frozen=True, slots=True)
class Collate:
    """A function from items of a `Stream` to a batch.

    Attributes:
        collator: function from samples to a batch, such as `SampleCollator`.
    """

    collator: Callable[[Sequence[Sample]], dict[str, Any]]

    def __call__(self, items: Sequence[dict[str, Sample]]) -> dict[str, Any]:
        """Return the batch."""
        return self.collator([item["sample"] for item in items])
