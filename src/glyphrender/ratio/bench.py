"""Compare compression ratios over texts × θ × models: the figures of `glyphrender bench`, for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from glyphrender.errors import DataError, shown
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.ratio.align import align_if_possible
from glyphrender.ratio.costs import Ratio
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.ratio.tables import RATIO_COLUMNS, ratio_cells
from glyphrender.report.progress import progress_bar
from glyphrender.report.scatter import Point, scatter
from glyphrender.report.tables import ReportTable
from glyphrender.rich.rich_text import RichText
from glyphrender.theta import Theta, ThetaLike

__all__ = ["MODELS", "PRESETS", "Bench", "BenchLine", "bench", "bench_plot"]

PRESETS: Final = ("glyph-en", "dense", "code", "code-flow", "book")
"""The presets that are compared where no θ is named."""
MODELS: Final = ("glm-4.1v", "qwen3-vl", "claude")
"""The models that are compared where none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchLine:
    """One text under one θ for one model.

    Attributes:
        text: name of the text.
        theta: name of the θ.
        ratio: the figures.
    """

    text: str
    theta: str
    ratio: Ratio


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Bench:
    """The result of `bench`.

    Attributes:
        lines: one for each text, θ and model, in this order.
    """

    lines: tuple[BenchLine, ...]

    def __repr__(self) -> str:
        return f"<Bench: {len(self.lines):,} lines>\n{self.table().text()}"

    def _repr_html_(self) -> str:
        from glyphrender.report.notebook import cell, plot_image

        return cell(plot_image(self.plot(), alt="ρ against the size of the type"), self.table())

    def table(self) -> ReportTable:
        """Return a row for each line."""
        rows = [[each.text, each.theta, *ratio_cells(each.ratio)] for each in self.lines]
        return ReportTable(columns=("text", "parameters", *RATIO_COLUMNS), rows=rows, left=3)

    def plot(self) -> str:
        """Return an SVG document: ρ against the size of the type as the model sees it."""
        return bench_plot(self.lines)


def bench(
    texts: str | RichText | Mapping[str, str | RichText],
    *,
    thetas: Sequence[ThetaLike] | Mapping[str, ThetaLike] = PRESETS,
    models: Sequence[str] = MODELS,
    tokenizer: TokenizerLike | None = None,
    align: bool = True,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Bench:
    """Return ρ of every text under every θ for every model. Nothing is drawn.

    Args:
        texts: a text, or name → text.
        thetas: θ or names of presets, or name → θ; see `Theta.of`.
        models: names in `VISION_MODELS`.
        tokenizer: see `compression_ratio`.
        align: align each θ to the grid of each model that has one.
        progress: called with the lines so far and in all. By default a bar of tqdm is shown in a notebook and on a
            terminal; False shows none.

    Raises:
        DataError: there is no text, no θ or no model.
        ThetaError, VisionModelError, TokenizerError, DependencyError: see `compression_ratio`.

    >>> found = bench("It was the best of times. " * 400, thetas=["dense"], models=["glm-4.1v", "qwen3-vl"])
    >>> [round(line.ratio.rho, 1) for line in found.lines]
    [6.2, 8.3]
    """
    named_texts = texts if isinstance(texts, Mapping) else {"text": texts}
    for what, given in (("texts", named_texts), ("thetas", thetas), ("models", models)):
        if not isinstance(given, list | tuple | Mapping) or not given:
            raise DataError(f"{what}={shown(given)} is nothing to compare. Give at least one, in a list or a mapping.")
    for model in models:
        vision_model(model)  # an unknown name is found before the work begins
    named = thetas if isinstance(thetas, Mapping) else {_name(each): each for each in thetas}
    found = {name: Theta.of(theta) for name, theta in named.items()}
    total, lines = len(named_texts) * len(found) * len(models), []
    with progress_bar("bench", unit="line", asked=progress) as tell:
        for line in _lines(named_texts, found, models, tokenizer, align):
            lines.append(line)
            if callable(progress):
                progress(len(lines), total)
            tell(len(lines), total, line.theta)
    return Bench(lines=tuple(lines))


def bench_plot(lines: Sequence[BenchLine], *, notes: Sequence[str] = ()) -> str:
    """Return ρ against the em in pixels as an SVG document. Each text and model is a series.

    Args:
        lines: the lines.
        notes: for each line a few words after the name of its θ, such as the share that a reader reads wrong.
    """
    series: dict[str, list[Point]] = {}
    one_text = len({each.text for each in lines}) == 1
    for each, note in zip(lines, notes or [""] * len(lines), strict=True):
        ratio = each.ratio
        title = f"{each.text}, {each.theta}, {ratio.model}: ρ {ratio.rho:.2f}{f', {note} read wrong' if note else ''}"
        point = Point(ratio.font_pixels, ratio.rho, title, f"{each.theta} {note}".strip())
        series.setdefault(ratio.model if one_text else f"{each.text}, {ratio.model}", []).append(point)
    across = "em of the text as the model sees it, in pixels"
    return scatter(series, x=across, y="ρ", title="ρ against the size of the type")


def _lines(
    texts: Mapping[str, str | RichText],
    thetas: Mapping[str, Theta],
    models: Sequence[str],
    tokenizer: TokenizerLike | None,
    align: bool,
) -> Iterator[BenchLine]:
    for text_name, text in texts.items():
        for name, theta in thetas.items():
            for model in models:
                used = align_if_possible(theta, model) if align else theta  # else "resampled" shows it
                ratio = compression_ratio(text, theta=used, model=model, tokenizer=tokenizer, over_limit="ignore")
                yield BenchLine(text=text_name, theta=name, ratio=ratio)


def _name(theta: ThetaLike) -> str:
    return theta if isinstance(theta, str) else Theta.of(theta).digest[:8]
