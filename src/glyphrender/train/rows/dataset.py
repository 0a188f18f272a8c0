"""Samples → a `datasets.Dataset`, the only kind of map-style dataset that TRL's trainers take (extra `train`).

The dataset holds numbers; a sample is made when its row is read, in the loader's worker. So the trainer shuffles,
shards, skips and resumes as it does with any dataset, and nothing is drawn before its batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glyphrender.adapters.data import train_extra
from glyphrender.errors import DataError
from glyphrender.train.rows.sample import Sample

__all__ = ["as_dataset"]


def as_dataset(samples: Sequence[Sample]) -> Any:
    """Return a `datasets.Dataset` whose row i is {"sample": samples[i]}, made when it is read.

    `SampleCollator` takes these rows. With `SFTTrainer`, set `dataset_kwargs={"skip_prepare_dataset": True}` and
    `remove_unused_columns=False`.

    Raises:
        DataError: there are no samples.
        DependencyError: `datasets` is not installed.
    """
    if not len(samples):
        raise DataError("there are no samples. Give at least one.")
    datasets = train_extra("datasets")
    return datasets.Dataset.from_dict({"index": range(len(samples))}).with_transform(_Made(samples))


@dataclass(frozen=True, slots=True)
class _Made:
    """A function from a batch of indexes, as `with_transform` gives it, to their samples."""

    samples: Sequence[Sample]

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[Sample]]:
        return {"sample": [self.samples[int(index)] for index in rows["index"]]}
