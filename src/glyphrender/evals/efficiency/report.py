"""`Report`: what was measured on one device, with the arithmetic beside each figure, as JSON and as tables."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glyphrender._system.version import __version__
from glyphrender.evals.efficiency.clock import Timing
from glyphrender.evals.efficiency.cost import Cost
from glyphrender.models.devices import Device
from glyphrender.report.tables import ReportTable

if TYPE_CHECKING:
    from glyphrender.evals.efficiency.backbone import Backbone

__all__ = ["FAR", "HostBill", "MeasuredLength", "MeasuredPrompt", "MeasuredRatio", "Report", "environment"]

#: A measured ratio that differs by more than this share from the arithmetic is marked in tables.
FAR = 0.15


@dataclass(frozen=True, kw_only=True, slots=True)
class HostBill:
    """Seconds that the host spends on the pages of one prompt, apart from the model.

    Attributes:
        pages: number of pages.
        bytes: bytes of their PNG files.
        draw, png, base64: drawing, PNG encoding, base64: what a request to a server costs.
        patchify: pages to pixel values, which a processor does in the server, or in this process.
    """

    pages: int
    bytes: int
    draw: Timing
    png: Timing
    base64: Timing
    patchify: Timing

    @property
    def local(self) -> float:
        """Seconds before the model sees pages in the same process: drawing and pixel values."""
        return self.draw.median + self.patchify.median

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        times = {name: getattr(self, name).to_dict() for name in ("draw", "png", "base64", "patchify")}
        return {"pages": self.pages, "png_bytes": self.bytes, **times}


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredPrompt:
    """One prompt, measured. A figure is None if it was left out, or cannot be seen on this device.

    Attributes:
        tokens, visual_tokens, pages: size of the prompt.
        expected: the prompt by arithmetic, on the device as it was calibrated.
        prefill: until the first token, the tower with it.
        tower: the vision tower alone.
        prefill_peak: bytes in use at most in prefill, above those before it.
        kv_bytes: bytes of the tensors of the cache.
        decode: one token at batch 1.
        batch: sequences of the largest batch that fits.
        batch_step: one step of this batch.
        batch_step_expected: its seconds by arithmetic.
        train, train_frozen: forward and backward pass, without the optimizer; the second with a frozen tower.
        train_peak, train_peak_frozen: bytes in use at most, gradients with them.
        left_out: what was not measured, and why.
    """

    tokens: int
    visual_tokens: int
    pages: int
    expected: Cost
    prefill: Timing | None = None
    tower: Timing | None = None
    prefill_peak: int | None = None
    kv_bytes: int | None = None
    decode: Timing | None = None
    batch: int | None = None
    batch_step: Timing | None = None
    batch_step_expected: float | None = None
    train: Timing | None = None
    train_peak: int | None = None
    train_frozen: Timing | None = None
    train_peak_frozen: int | None = None
    left_out: tuple[str, ...] = ()

    @property
    def throughput(self) -> float | None:
        """Tokens a second at the largest batch."""
        return self.batch / self.batch_step.median if self.batch and self.batch_step else None

    @property
    def line(self) -> str:
        """The prompt in one line."""
        parts = [f"{self.tokens:,} tokens"]
        for name in ("prefill", "tower", "decode", "batch_step", "train"):
            timing = getattr(self, name)
            if timing is not None:
                parts.append(f"{name} {timing.median:.3g} s")
        return ", ".join([*parts, *self.left_out])

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        found: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            found[name] = value.to_dict() if isinstance(value, Timing) else value
        return {**found, "expected": asdict(self.expected), "left_out": list(self.left_out)}


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRatio:
    """A ratio of text to pages, measured and by arithmetic.

    Attributes:
        measured: None if it was left out.
        expected: None if the arithmetic has no value.
    """

    measured: float | None
    expected: float | None

    @property
    def far(self) -> bool:
        """Whether both differ by more than `FAR`."""
        both = self.measured and self.expected
        return bool(both) and abs(self.measured / self.expected - 1) > FAR  # type: ignore[operator]

    @property
    def text(self) -> str:
        """Both, as "2.65 (2.62)"; an asterisk if they differ by more than `FAR`."""
        shown = ["–" if value is None else f"{value:.2f}" for value in (self.measured, self.expected)]
        return f"{shown[0]}{'*' if self.far else ''} ({shown[1]})"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredLength:
    """One length.

    Attributes:
        text_tokens: tokens of the text.
        text, pages: both arms.
        host: what the host spends on the pages.
    """

    text_tokens: int
    text: MeasuredPrompt
    pages: MeasuredPrompt
    host: HostBill

    @property
    def rho(self) -> float:
        """Text tokens for one visual token."""
        return self.text_tokens / self.pages.visual_tokens

    def _ratio(self, name: str, expected: str, of_pages: str | None = None, extra: float = 0.0) -> MeasuredRatio:
        text, pages = getattr(self.text, name), getattr(self.pages, of_pages or name)
        measured = None if text is None or pages is None else text.median / (pages.median + extra)
        wanted = getattr(self.pages.expected, f"{expected}_frozen" if of_pages else expected)
        return MeasuredRatio(measured=measured, expected=getattr(self.text.expected, expected) / wanted)

    @property
    def prefill(self) -> MeasuredRatio:
        """How many times faster the first token comes from pages, the tower's time with it."""
        return self._ratio("prefill", "prefill_seconds")

    @property
    def first_token(self) -> MeasuredRatio:
        """The same with drawing and pixel values, which the arithmetic does not count."""
        return self._ratio("prefill", "prefill_seconds", extra=self.host.local)

    @property
    def decode(self) -> MeasuredRatio:
        """How many times faster one sequence is decoded."""
        return self._ratio("decode", "decode_seconds")

    @property
    def throughput(self) -> MeasuredRatio:
        """How many times more tokens a second come at the largest batch that fits; both by the measured batch."""
        text, pages = self.text, self.pages
        if not text.throughput or not pages.throughput or not text.batch_step_expected or not pages.batch_step_expected:
            return MeasuredRatio(measured=None, expected=None)
        sequences = (pages.batch or 0) / (text.batch or 1)
        return MeasuredRatio(
            measured=pages.throughput / text.throughput,
            expected=sequences * text.batch_step_expected / pages.batch_step_expected,
        )

    @property
    def kv_saved(self) -> MeasuredRatio:
        """Share of the cache that pages save."""
        both = self.text.kv_bytes and self.pages.kv_bytes
        return MeasuredRatio(
            measured=1 - self.pages.kv_bytes / self.text.kv_bytes if both else None,  # type: ignore[operator]
            expected=1 - self.pages.expected.kv_bytes / self.text.expected.kv_bytes,
        )

    @property
    def training(self) -> MeasuredRatio:
        """How many times faster a step of fine-tuning is."""
        return self._ratio("train", "train_seconds")

    @property
    def training_frozen(self) -> MeasuredRatio:
        """The same with a tower that is not trained."""
        return self._ratio("train", "train_seconds", "train_frozen")

    def cells(self) -> dict[str, MeasuredRatio]:
        """Return the ratios by name."""
        names = ("prefill", "first_token", "decode", "throughput", "kv_saved", "training", "training_frozen")
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "text_tokens": self.text_tokens,
            "rho": self.rho,
            "ratios": {name: asdict(cell) for name, cell in self.cells().items()},
            "text": self.text.to_dict(),
            "pages": self.pages.to_dict(),
            "host": self.host.to_dict(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A report of one model on one device: a text against its pages.

    Attributes:
        model: name of the configuration, or path.
        random: whether its weights are random.
        parameters: parameters of the model.
        tower_share: FLOPs of the tower for each FLOP of the language model's weights, on these pages.
        device: the device as it was calibrated.
        clock: what is counted.
        environment: device, threads and versions.
        theta: digest of θ.
        vision: vision model that counts visual tokens.
        tokenizer: tokenizer that counts text tokens.
        plan: what was to be measured.
        rows: one for each length.
    """

    model: str
    random: bool
    parameters: int
    tower_share: float
    device: Device
    clock: str
    environment: Mapping[str, Any]
    theta: str
    vision: str
    tokenizer: str
    plan: Mapping[str, Any]
    rows: tuple[MeasuredLength, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "model": self.model,
            "random_weights": self.random,
            "parameters": self.parameters,
            "tower_share": self.tower_share,
            "device": asdict(self.device),
            "clock": self.clock,
            "environment": dict(self.environment),
            "theta": self.theta,
            "vision": self.vision,
            "tokenizer": self.tokenizer,
            "plan": dict(self.plan),
            "rows": [row.to_dict() for row in self.rows],
        }

    def _repr_html_(self) -> str:
        from glyphrender.evals.efficiency.plot import report_plot
        from glyphrender.report.notebook import cell, plot_image

        return cell(*self.tables(), plot_image(report_plot(self), alt="speed of pages against text"))

    def tables(self) -> Iterator[ReportTable]:
        """Yield the tables of the report; their captions say what they show."""
        ratios = ("prefill", "with drawing", "decode", "throughput", "cache saved", "training", "frozen")
        yield ReportTable(
            caption="text against pages: measured (by arithmetic); * if they differ by more than 15%",
            columns=("text tokens", "ρ", *ratios),
            rows=[
                [f"{row.text_tokens:,}", f"{row.rho:.2f}", *(cell.text for cell in row.cells().values())]
                for row in self.rows
            ],
        )
        sides = ("text", "spread", "pages", "spread", "of it tower", "cache MB text", "pages", "peak MB text", "pages")
        yield ReportTable(
            caption="seconds of prefill, and bytes",
            columns=("text tokens", *sides),
            rows=[self._bill(row) for row in self.rows],
        )
        work = ("draw", "png", "base64", "patchify")
        yield ReportTable(
            caption="the host's work on the pages, milliseconds",
            columns=("pages", "draw", "PNG", "base64", "pixel values", "PNG kB"),
            rows=[
                [
                    f"{row.host.pages:,}",
                    *(f"{1e3 * getattr(row.host, name).median:.1f}" for name in work),
                    f"{row.host.bytes / 1e3:,.0f}",
                ]
                for row in self.rows
            ],
        )

    def _bill(self, row: MeasuredLength) -> list[str]:
        def seconds(timing: Timing | None) -> list[str]:
            return ["–", "–"] if timing is None else [f"{timing.median:.3g}", f"{timing.spread:.0%}"]

        def megabytes(value: int | None) -> str:
            return "–" if value is None else f"{value / 1e6:,.1f}"

        text, pages = row.text, row.pages
        tower = "–" if pages.tower is None else f"{pages.tower.median:.3g}"
        return [
            f"{row.text_tokens:,}",
            *seconds(text.prefill),
            *seconds(pages.prefill),
            tower,
            *map(megabytes, (text.kv_bytes, pages.kv_bytes, text.prefill_peak, pages.prefill_peak)),
        ]


def environment(backbone: Backbone, torch_version: str) -> dict[str, Any]:
    """Return the device, the number of threads, and the versions of what ran."""
    import torch
    import transformers

    device = backbone.device
    name = platform.processor() or platform.machine()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return {
        "device": str(device),
        "device_name": name,
        "dtype": str(backbone.model.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "attention": str(getattr(backbone.model.config, "_attn_implementation", "")),
        "glyphrender": __version__,
        "torch": torch_version,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
