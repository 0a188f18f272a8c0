"""Documents: the texts of plain corpora, by number, each text in one split alone.

A text belongs to a split by a hash of its letters and digits. So copies that differ in spaces, line ends, case or
punctuation fall into one split, and none is seen in training and in evaluation, whatever the order, the number or the
names of the files. Only whole texts are compared: a page quoted in another text is not found.
"""

from __future__ import annotations

import glob
import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, overload

from glyphrender._system.arguments import ANYTHING, MAPPING, TEXT, all_of, demand
from glyphrender.adapters.corpus.items import item_of
from glyphrender.adapters.corpus.options import Options
from glyphrender.adapters.corpus.plan import plan
from glyphrender.adapters.corpus.sources import SequentialReader
from glyphrender.errors import DataError, GlyphRenderError, shown
from glyphrender.rich.rich_text import RichText

__all__ = ["SPLITS", "CorpusText", "CorpusTexts", "fingerprint", "split_of"]

#: Shares of the splits, unless others are given.
SPLITS: Final[Mapping[str, float]] = {"train": 0.98, "validation": 0.01, "test": 0.01}
# Faults that are kept in words; all are counted.
_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class CorpusText:
    """A text of a corpus.

    Attributes:
        text: the characters.
        key: its id, or the place of its record.
    """

    text: str
    key: str


def fingerprint(text: str) -> bytes:
    """Return 16 bytes that are the same for texts with the same letters and digits.

    Case, spaces, punctuation and compatibility forms (ﬁ, ２) do not count. A text without letters and digits has the
    fingerprint of its characters without spaces.

    Raises:
        DataError: `text` is not str.

    >>> fingerprint("It was the best of times,\\nit was …") == fingerprint("it was  the best of times; It was")
    True
    """
    demand("text", text, TEXT)
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(filter(str.isalnum, folded)) or "".join(folded.split())
    return hashlib.blake2b(kept.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def split_of(text: str, shares: Mapping[str, float] = SPLITS) -> str:
    """Return the split that a text belongs to.

    Args:
        text: the text.
        shares: name of each split → its share of the texts. They are divided by their sum.

    Raises:
        DataError: there is no split, or a share is negative.

    >>> split_of("Call me Ishmael.", {"train": 1, "test": 1})
    'train'
    """
    return _split(fingerprint(text), _checked(shares))


class CorpusTexts(Sequence[CorpusText]):
    """The texts of one split of a corpus, by number.

    Rows are kept as they are given: a list is in memory, and a `datasets.Dataset` stays a file that is mapped. All
    texts are read once when the object is made.

    Attributes:
        counts: how many rows were "kept", "duplicates" of kept ones, in "other splits", "empty", or "faults" that hold
            no text.
        faults: the first faults in words.

    Raises:
        DataError: there is no such split, or it has no text; or a row has a RichText.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        column: str = "text",
        key: str = "id",
        split: str = "train",
        shares: Mapping[str, float] = SPLITS,
        deduplicate: bool = True,
    ) -> None:
        """Read all rows once.

        Args:
            rows: a list, a `datasets.Dataset`, or an iterable, which is kept as a list.
            column: the column with the text.
            key: the column with an id, if rows have one.
            split: the split whose texts are kept.
            shares: see `split_of`.
            deduplicate: whether later texts with the fingerprint of an earlier one are left out.
        """
        demand("rows", rows, all_of("a list of records", ANYTHING))
        demand("shares", shares, MAPPING)
        for name, value in (("column", column), ("key", key), ("split", split)):
            demand(name, value, TEXT)
        whole = _checked(shares)
        if split not in whole:
            raise DataError(f"split={shown(split)} is none of {', '.join(whole)}. Name one of them.")
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self._column, self._key = column, key
        self._rows: Any = rows if isinstance(rows, list) or hasattr(rows, "column_names") else list(rows)
        seen: set[bytes] = set()
        self._kept: list[int] = []
        for number, row in enumerate(self._rows):
            kind = self._kind(row, number, split, whole, seen if deduplicate else None)
            self.counts[kind] += 1
            if kind == "kept":
                self._kept.append(number)
        self._check(split)

    @classmethod
    def read(
        cls,
        inputs: Sequence[str | os.PathLike[str]],
        *,
        column: str = "",
        split: str = "train",
        shares: Mapping[str, float] = SPLITS,
        deduplicate: bool = True,
        max_bytes: int = 1 << 26,
    ) -> Self:
        """Return the texts in files, in order.

        Args:
            inputs: JSONL (`.jsonl`, `.ndjson`, also with `.gz` or `.zst`), `.parquet`, files that each hold one text,
                folders of these, and patterns such as "books/*.txt". `glyphrender corpus` reads the same.
            column: the field with the text in JSONL and parquet; "" for "text", or else "context".
            split, shares, deduplicate: as in the class.
            max_bytes: a longer record counts as a fault.

        Raises:
            DataError: an input does not exist or holds no record, there is no such split, or it has no text.
            DependencyError: pyarrow is not installed, and an input needs it.
        """
        options = Options(text_field=(column,) if column else ("text", "context"), theta_field=(), max_bytes=max_bytes)
        faults: list[str] = []
        found = cls(
            _records(list(_expanded(inputs)), options, faults),
            split=split,
            shares=shares,
            deduplicate=deduplicate,
        )
        found.counts["faults"] += len(faults)
        found.faults = [*faults, *found.faults][:_FAULTS]
        return found

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> CorpusText: ...
    @overload
    def __getitem__(self, index: slice) -> list[CorpusText]: ...
    def __getitem__(self, index: int | slice) -> CorpusText | list[CorpusText]:
        """Return a text, or a list of texts."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        row = self._rows[self._kept[index]]
        given = row.get(self._key)
        return CorpusText(row[self._column], f"row {self._kept[index]}" if given is None else str(given))

    def __iter__(self) -> Iterator[CorpusText]:
        """Return an iterator over the texts."""
        return (self[index] for index in range(len(self)))

    def _kind(self, row: Any, number: int, split: str, shares: Mapping[str, float], seen: set[bytes] | None) -> str:
        """Return what becomes of a row: the name of its count."""
        text = row.get(self._column) if isinstance(row, Mapping) else None
        if isinstance(text, RichText):
            raise DataError(
                f"row {number}: {self._column} is a RichText. A corpus holds plain texts. Give its source, and "
                "name its markup in θ."
            )
        if not isinstance(text, str) or not _encodes(text):
            if len(self.faults) < _FAULTS:
                self.faults.append(f"row {number}: {self._column} is {shown(text)}, which is no text")
            return "faults"
        if not text.strip():
            return "empty"
        digest = fingerprint(text)
        if _split(digest, shares) != split:
            return "other splits"
        if seen is not None:
            if digest in seen:
                return "duplicates"
            seen.add(digest)
        return "kept"

    def _check(self, split: str) -> None:
        if not self._kept:
            told = ", ".join(f"{count} {name}" for name, count in self.counts.items()) or "no rows"
            raise DataError(f"the split {split} has no text ({told}). Give more texts, or another split.")


def _records(inputs: Sequence[str | os.PathLike[str]], options: Options, faults: list[str]) -> Iterator[dict[str, str]]:
    """Yield the id and text of each record of files; what cannot be read is put into `faults`."""
    planned = plan(inputs, options, away=Path(os.devnull))
    faults += planned.faults
    with SequentialReader() as reader:
        for shard in planned.shards:
            for record in shard.cut.records(reader):
                place = shard.cut.source.place(record.number)
                if record.fault:
                    faults.append(f"{place}: {record.fault}")
                elif record.values is not None:
                    try:
                        item = item_of(record.values, options, position=0, place=place)
                    except GlyphRenderError as error:
                        faults.append(f"{place}: {error}")
                    else:
                        yield {"id": item.id, "text": item.text}


def _expanded(inputs: Sequence[str | os.PathLike[str]]) -> Iterator[str]:
    """Yield paths; those that a pattern names, sorted."""
    for given in (os.fspath(each) for each in inputs):
        if os.path.exists(given) or not glob.has_magic(given):
            yield given
            continue
        if not (found := sorted(glob.glob(given, recursive=True))):
            raise DataError(f"{given} matches no file. Check the pattern.")
        yield from found


def _checked(shares: Mapping[str, float]) -> dict[str, float]:
    """Return shares that add up to 1."""
    total = sum(shares.values())
    if not total > 0 or any(share < 0 for share in shares.values()):
        raise DataError(f"shares={shown(dict(shares))} are no shares. Give each split a number of 0 or more.")
    return {name: share / total for name, share in shares.items()}


def _split(digest: bytes, shares: Mapping[str, float]) -> str:
    place = int.from_bytes(digest[:8], "big") / 2**64
    for name, share in shares.items():
        place -= share
        if place < 0:
            return name
    return max(shares, key=lambda name: shares[name])  # rounding left a crumb over


def _encodes(text: str) -> bool:
    """Return whether a text has no lone surrogate, which no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
