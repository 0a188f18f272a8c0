"""Options that, together with the input, decide the bytes of a corpus. They are stored, and compared on resumption."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from glyphrender.document.page import checked_bits
from glyphrender.errors import DataError
from glyphrender.theta import Theta

#: The formats of shards: parquet files, webdataset tars, or folders of PNG files as Glyph's script writes them.
FORMATS = ("parquet", "webdataset", "png")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Options that are the same for every shard of a corpus.

    Attributes:
        theta: θ of items that have none (see `Theta.of`). If an item has fields of θ, they change this θ.
        format: one of `FORMATS`.
        id_field: names of the id in JSONL and parquet, in order of preference.
        text_field: names of the text, likewise.
        theta_field: names of θ, likewise.
        bits: bits for each pixel of a grey PNG, see `Page.png`.
        sample: a seed, or None. An item without a θ gets one drawn from the Glyph paper's training distributions
            (`Theta.sample`), by this seed and the position of the item.
        max_pages: an item of more pages fails. This bounds memory: a page of 9 px type is 57 KB.
        max_bytes: a record of more bytes fails, unread.
        shard_items: highest number of records in a shard.
        shard_bytes: bytes of input after which a shard ends; 8 MB of text are some 800 pages, or 47 MB.

    Raises:
        DataError: a value is out of range.
    """

    theta: Theta = field(default_factory=Theta)
    format: str = "parquet"
    id_field: tuple[str, ...] = ("id", "unique_id")
    text_field: tuple[str, ...] = ("text", "context")
    theta_field: tuple[str, ...] = ("theta", "config")
    bits: int | None = None
    sample: int | None = None
    max_pages: int = 1000
    max_bytes: int = 1 << 26
    shard_items: int = 1000
    shard_bytes: int = 1 << 23

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", Theta.of(self.theta))
        if self.format not in FORMATS:
            raise DataError(f"format={self.format!r} is none of {', '.join(FORMATS)}. Choose one.")
        if self.bits is not None:
            checked_bits(self.bits)
        for name in ("max_pages", "max_bytes", "shard_items", "shard_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise DataError(f"{name}={value!r} is no whole number from 1. Leave it out for the default.")
        if self.sample is not None and (not isinstance(self.sample, int) or self.sample < 0):
            raise DataError(f"sample={self.sample!r} is no whole number from 0. Use it as a seed.")
        for name in ("id_field", "text_field", "theta_field"):
            names = getattr(self, name)
            object.__setattr__(self, name, (names,) if isinstance(names, str) else tuple(names))
        if not self.text_field:
            raise DataError("text_field=() names no field. Name that of the text.")

    def to_dict(self) -> dict[str, Any]:
        """Return all options but θ as JSON values."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "theta"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
