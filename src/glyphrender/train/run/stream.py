"""`SampleStream`: the samples of a whole run, by index, in the order in which the run takes them.

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

from glyphrender.errors import DataError
from glyphrender.train.rows.sample import Sample

__all__ = ["SampleStream"]


@dataclass(frozen=True, kw_only=True)
class SampleStream(Sequence[Sample]):
    """The samples of a run, in order: a sequence for `as_dataset` and for torch's DataLoader.

    Attributes:
        of_epoch: function from the number of an epoch to its samples. All epochs have the same number of samples.
        length: number of samples of the run.
        seed: seed of the order.
        shuffled: whether samples are reordered within each epoch.

    Raises:
        DataError: an epoch has no samples.
    """

    of_epoch: Callable[[int], Sequence[Sample]]
    length: int
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
        return self.length

    def place(self, index: int) -> tuple[int, int]:
        """Return the epoch of a sample of the run, and its index among the samples of the epoch.

        Raises:
            IndexError: the run has no such sample.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"there is no sample {index} among {self.length}.")
        epoch, place = divmod(index, self._size)
        return epoch, int(self._order(epoch)[place]) if self.shuffled else place

    def __getitem__(self, index: Any) -> Any:
        epoch, place = self.place(index)
        return self._samples(epoch)[place]

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(self.length))

    def __getstate__(self) -> dict[str, Any]:
        # Caches and closures stay here: a spawned worker makes its own.
        return {name: getattr(self, name) for name in ("of_epoch", "length", "seed", "shuffled")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self.__post_init__()
