"""`expected`: what pages should save, by arithmetic, over lengths of text; and from which length on they save time.

    rows = expected("glm-4.1v-9b", "h100-sxm", 3.3).rows

Rendering is left out: it runs on the host, beside other requests. `page_seconds` puts it into the break-even length.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, shown
from glyphrender.evals.efficiency.cost import Cost, Shares, cost
from glyphrender.models.arithmetic import ModelShape, published, published_names
from glyphrender.models.devices import Device
from glyphrender.models.devices import device as device_of
from glyphrender.report.tables import ReportTable

__all__ = ["LENGTHS", "Expected", "ExpectedRow", "break_even", "configuration", "expected", "page_tokens_of"]

#: Text tokens, from 1 K to 1 M.
LENGTHS = tuple(1 << exponent for exponent in range(10, 21))

_A4 = (595, 842)  # pixels at 72 dpi


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedRow:
    """One length: the text, and pages of it.

    Attributes:
        text_tokens: tokens of the text.
        text: the cost of the text.
        pages: the cost of its pages.
    """

    text_tokens: int
    text: Cost
    pages: Cost

    @property
    def prefill(self) -> float:
        """How many times faster the first token comes from pages, the tower's time with it."""
        return self.text.prefill_seconds / self.pages.prefill_seconds

    @property
    def decode(self) -> float:
        """How many times faster one sequence is decoded."""
        return self.text.decode_seconds / self.pages.decode_seconds

    @property
    def throughput(self) -> float:
        """How many times more tokens a second come at the largest batch that fits; NaN if a text does not fit."""
        return self.pages.throughput / self.text.throughput if self.text.batch and self.pages.batch else math.nan

    @property
    def kv_saved(self) -> float:
        """Share of the cache that pages save."""
        return 1 - self.pages.kv_bytes / self.text.kv_bytes

    @property
    def training(self) -> float:
        """How many times fewer FLOPs a sample takes in training."""
        return self.text.train_flops / self.pages.train_flops

    @property
    def training_frozen(self) -> float:
        """The same with a tower that is not trained."""
        return self.text.train_flops / self.pages.train_flops_frozen

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values; None where one has no value."""
        ratios = {
            name: getattr(self, name)
            for name in ("prefill", "decode", "throughput", "kv_saved", "training", "training_frozen")
        }
        return {
            "text_tokens": self.text_tokens,
            **{name: None if math.isnan(value) else value for name, value in ratios.items()},
            "text": asdict(self.text),
            "pages": asdict(self.pages),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """The arithmetic of a model on a device.

    Attributes:
        model: name of the model.
        shape: its shapes.
        device: the device.
        rho: text tokens for one visual token.
        page_tokens: visual tokens of a full page.
        shares: what of the device is reached.
        rows: one for each length.
        break_even: the text length, in tokens, from which on the first token comes sooner from pages; 0 if it does at
            any length, None if never.
    """

    model: str
    shape: ModelShape
    device: Device
    rho: float
    page_tokens: int
    shares: Shares
    rows: tuple[ExpectedRow, ...]
    break_even: float | None

    @property
    def tower_share(self) -> float:
        """FLOPs of the tower for each FLOP of the language model's weights, on one visual token of a full page."""
        return self.shape.tower.flops(self.page_tokens) / self.shape.decoder.linear_flops(self.page_tokens)

    def _repr_html_(self) -> str:
        from glyphrender.evals.efficiency.plot import expected_plot
        from glyphrender.report.notebook import cell, plot_image

        return cell(self.table(), plot_image(expected_plot(self), alt="speed of pages against text"))

    def table(self) -> ReportTable:
        """Return a row for each length."""
        ratios = ("prefill", "decode", "throughput", "batch text", "pages", "cache saved", "training", "frozen")
        return ReportTable(
            columns=("text tokens", *ratios, "prefill s text", "pages"),
            rows=[
                [
                    f"{row.text_tokens:,}",
                    *(f"{value:.2f}" for value in (row.prefill, row.decode, row.throughput)),
                    f"{row.text.batch:,}",
                    f"{row.pages.batch:,}",
                    *(f"{value:.2f}" for value in (row.kv_saved, row.training, row.training_frozen)),
                    *(f"{side.prefill_seconds:.3g}" for side in (row.text, row.pages)),
                ]
                for row in self.rows
            ],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and what they rest on as JSON values."""
        return {
            "model": self.model,
            "parameters": self.shape.parameters,
            "device": asdict(self.device),
            "rho": self.rho,
            "page_tokens": self.page_tokens,
            "tower_share": self.tower_share,
            "shares": asdict(self.shares),
            "break_even": self.break_even,
            "rows": [row.to_dict() for row in self.rows],
        }


def expected(
    model: str | ModelShape,
    device: str | Device,
    rho: float,
    *,
    lengths: Sequence[int] = LENGTHS,
    page_tokens: int | None = None,
    marks: int = 0,
    page_seconds: float = 0.0,
    shares: Shares | None = None,
) -> Expected:
    """Return what pages should save, by arithmetic.

    Args:
        model: a bundled configuration, a folder with a config.json, or shapes.
        device: a name of `models.devices`, "TFLOPS,GB,TB/s", or a `Device`.
        rho: text tokens for one visual token, as `compression_ratio` measures it.
        lengths: text tokens of the rows.
        page_tokens: visual tokens of a full page; by default those of A4 at 72 dpi. The last page is cropped.
        marks: tokens beside the visual ones for each page: 2 in GLM-4.1V and Qwen3-VL.
        page_seconds: seconds of the host for a page (drawing, PNG, processor), counted in `break_even` alone.
        shares: what of the device is reached; by default see `Shares`.

    Raises:
        DataError: a name is not known, or a number is out of its range.

    >>> row = expected("glm-4.1v-9b", "h100-sxm", 3.3, lengths=[131_072]).rows[0]
    >>> f"{row.prefill:.2f} {row.decode:.2f} {row.throughput:.2f} {row.kv_saved:.3f}"
    '5.33 1.19 3.33 0.697'
    """
    shares = shares or Shares()
    shape = model if isinstance(model, ModelShape) else ModelShape.of(configuration(model))
    device = device if isinstance(device, Device) else device_of(device)
    _check("rho", rho, 1e-3, 1e6)
    _check("marks", marks, 0, 1e6, whole=True)
    _check("page_seconds", page_seconds, 0, 1e6)
    full = page_tokens_of(shape) if page_tokens is None else page_tokens
    _check("page_tokens", full, 1, 1e9, whole=True)
    if not isinstance(lengths, Sequence) or isinstance(lengths, str | bytes | bytearray):
        raise DataError(f"lengths={shown(lengths)} is no sequence. Use text tokens, as [4096, 131072].")
    rows = []
    for length in lengths:
        _check("lengths", length, 1, 1e9, whole=True)
        visual = max(1, round(length / rho))
        pages = [full] * (visual // full) + ([visual % full] if visual % full else [])
        text = cost(shape, device, text_tokens=length, shares=shares)
        drawn = cost(shape, device, text_tokens=marks * len(pages), pages=pages, shares=shares)
        rows.append(ExpectedRow(text_tokens=length, text=text, pages=drawn))
    rate = shares.mfu * device.flops * shares.devices
    return Expected(
        model=model if isinstance(model, str) else "",
        shape=shape,
        device=device,
        rho=rho,
        page_tokens=full,
        shares=shares,
        rows=tuple(rows),
        break_even=break_even(shape, rho, page_tokens=full, marks=marks, page_flops=page_seconds * rate),
    )


def break_even(
    shape: ModelShape, rho: float, *, page_tokens: int | None = None, marks: int = 0, page_flops: float = 0.0
) -> float | None:
    """Return the text length, in tokens, from which on prefill takes fewer FLOPs from pages.

    A text of n tokens takes a·n + b·n², and its pages (a + t)·n/ρ + b·n²/ρ², where a are the weights of the language
    model, b is attention, and t the tower's FLOPs for a visual token. So pages pay at any length if t ≤ a·(ρ - 1), and
    else from the length at which attention has caught up. If ρ ≤ 1, they never pay. A length beyond the context of the
    model means never, too.

    Args:
        shape: shapes of the model.
        rho: text tokens for one visual token.
        page_tokens: visual tokens of a page; by default those of A4 at 72 dpi.
        marks: tokens beside the visual ones for each page.
        page_flops: what else a page costs, as the FLOPs that the device could do in that time.

    >>> break_even(ModelShape.of(published("glm-4.1v-9b")), 3.3)
    0.0
    >>> round(break_even(ModelShape.of(published("glm4v-30m-large-tower")), 3.3))
    2419
    """
    page_tokens = page_tokens or page_tokens_of(shape)
    if rho <= 1:
        return None
    linear = shape.decoder.linear_flops(1)
    quadratic = 2 * shape.decoder.layers * shape.decoder.heads * shape.decoder.head_width
    each = (shape.tower.flops(page_tokens) + page_flops) / page_tokens
    longer = (page_tokens + marks) / page_tokens / rho  # tokens of the prompt for one of the text
    if longer >= 1:
        return None
    return max(0.0, (linear * longer + each / rho - linear) / (quadratic * (1 - longer**2)))


def page_tokens_of(shape: ModelShape) -> int:
    """Return the visual tokens of a page of A4 at 72 dpi, on the grid of the model.

    >>> page_tokens_of(ModelShape.of(published("glm-4.1v-9b")))
    630
    """
    return math.prod(max(1, round(side / shape.tower.cell)) for side in _A4)


def configuration(name: str) -> dict[str, Any]:
    """Return the configuration of a bundled name, or of a folder with a config.json.

    Raises:
        DataError: there is no such configuration.
    """
    if isinstance(name, str) and name in published_names():
        return published(name)
    try:
        read = json.loads(read_text(Path(name) / "config.json", pipes=False))
    except (OSError, ValueError, TypeError, RecursionError):
        read = None
    if not isinstance(read, dict):
        known = ", ".join(published_names())
        raise DataError(f"model={shown(name)} is no model. Use one of {known}, or a folder with a config.json.")
    return read


def _check(name: str, value: Any, least: float, most: float, *, whole: bool = False) -> None:
    """Raise a DataError unless `value` is a number from `least` to `most`."""
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        kind = "an integer" if whole else "a number"
        raise DataError(f"{name}={shown(value)} is out of range. Use {kind} from {least:g} to {most:g}.")
