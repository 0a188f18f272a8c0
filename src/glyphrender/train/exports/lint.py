"""Lint of an export: does the trainer show the model the pages as they were drawn, and does it take every row?

The lint reads the files of the export as the trainer finds them, and the settings of the run. It recomputes, for every
page, the size that the trainer and the model's processor make of it. An error is what the trainer would do silently or
late: shrink pages, cut rows off or drop them, lose an image, refuse a row after hours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from glyphrender.errors import DataError, VisionModelError, counted
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.train.exports.tokens import TokenCounts, rounded_up
from glyphrender.train.exports.trainer import Needs, Settings, Size, Trainer, WrittenRow, whole_number

__all__ = ["LintFinding", "LintReport", "ShownPage", "lint_rows"]

# Findings of one kind that are listed; the others are counted.
_LISTED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LintFinding:
    """One thing that the lint found.

    Attributes:
        kind: "size", "length", "markers", "row" or "images".
        level: "error" if training would not see the rows as they are; "warning" if it would, but at a price.
        message: what was found and the way out, in one line.
    """

    kind: str
    level: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPage:
    """Pages of one size, and what becomes of them.

    Attributes:
        size: width and height as drawn, in pixels.
        resized: size that the trainer makes of them.
        shown: size at which the model sees them, after its own processor.
        meant: size at which the model sees them if the trainer leaves them alone, as at inference.
        count: number of these pages.
        font_pixels: em size of their type as drawn, in pixels; None if the export does not say.
    """

    size: Size
    resized: Size
    shown: Size
    meant: Size
    count: int
    font_pixels: float | None = None

    @property
    def scale(self) -> float:
        """How much smaller than drawn the model sees the type: the mean of both directions, by area."""
        return math.sqrt(self.shown[0] * self.shown[1] / (self.size[0] * self.size[1]))

    @property
    def fate(self) -> str:
        """How the model sees them, in words."""
        type_ = ""
        if self.font_pixels:
            type_ = f": {self.font_pixels:.3g} px type at {self.font_pixels * self.scale:.2g} px"
        return f"shown at {self.shown[0]}×{self.shown[1]} px{type_}"

    def __str__(self) -> str:
        return f"{self.size[0]}×{self.size[1]} px, {self.fate}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LintReport:
    """The result of a lint.

    Attributes:
        trainer: name and version of the trainer.
        rows, pages: their numbers.
        needs: what the rows ask of the trainer's settings.
        shown: every size of page, and what becomes of it; the most frequent first.
        findings: what was found.
        exact_tokens: whether tokens of text were counted by the model's own tokenizer; if not, bytes were.
    """

    trainer: str
    rows: int
    pages: int
    needs: Needs
    shown: tuple[ShownPage, ...]
    findings: tuple[LintFinding, ...]
    exact_tokens: bool

    @property
    def errors(self) -> tuple[LintFinding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    def __str__(self) -> str:
        head = f"{counted(self.rows, 'row')}, {counted(self.pages, 'page')}"
        lines = [f"{self.trainer}: {head}, model {self.needs.model.name}"]
        lines += [f"  {page.count:,} × {page}" for page in self.shown[:8]]
        lines += [f"  … and {len(self.shown) - 8} more sizes"] if len(self.shown) > 8 else []
        most = "" if self.exact_tokens else ", one for each byte of text"
        lines.append(f"  at most {self.needs.prompt:,} tokens a prompt, {self.needs.tokens:,} a row{most}")
        return "\n".join([*lines, *map(str, self.findings), *([] if self.findings else ["no findings"])])


def lint_rows(
    rows: Iterable[WrittenRow],
    trainer: Trainer,
    *,
    model: str | VisionModel,
    settings: Settings | None = None,
    tokenizer: TokenizerLike | None = None,
    font_pixels: Mapping[Size, float] | None = None,
) -> LintReport:
    """Return what a trainer makes of rows under settings.

    Args:
        rows: the rows, as `Trainer.rows` reads them.
        trainer: the trainer.
        model: the vision model that is trained, or its name.
        settings: settings of the run by the trainer's names; missing names have the trainer's defaults.
        tokenizer: counts tokens of text; by default the model's own.
        font_pixels: em size of the type in pixels, by the size of the page.

    Raises:
        VisionModelError: there is no such model.
        DataError: a setting has no valid value.
    """
    model, settings = vision_model(model), settings or {}
    counts = TokenCounts.of(model, tokenizer)
    found = _Found()
    sizes: Counter[Size] = Counter()
    pages: dict[Size, ShownPage] = {}
    longest = dict.fromkeys(("prompt", "tokens"), 0)
    limit = whole_number(settings, trainer.limit, trainer.default_limit) if trainer.limit else None
    total, with_pages, several = 0, 0, False
    for row in rows:
        total += 1
        with_pages += bool(row.images)
        several = several or row.turns > 3
        _judge_form(row, found)
        for size in row.sizes:
            sizes[size] += 1
            if size not in pages:
                pages[size] = _shown(size, trainer, model, settings, font_pixels or {}, found)
        try:
            prompt = counts.prompt(row, trainer, settings)
            whole = prompt + counts.text(row.answer)
        except (VisionModelError, DataError):
            continue  # a size that is refused, which is a finding by now
        longest = {"prompt": max(longest["prompt"], prompt), "tokens": max(longest["tokens"], whole)}
        _judge_length(row.place, prompt if trainer.prompts_only else whole, limit, trainer, found)
    if not trainer.mixed and 0 < with_pages < total:
        message = f"{counted(total - with_pages, 'row')} without pages beside {with_pages:,} with pages"
        found.add("images", f"{message}: {trainer.version} fails on a batch that has both. Drop one kind.")
    if not total:
        found.add("row", "the export has no rows.")
    needs = Needs(
        model=model,
        largest=max((w * h for w, h in sizes), default=0),
        smallest=min((w * h for w, h in sizes), default=0),
        prompt=longest["prompt"],
        tokens=longest["tokens"],
        several_answers=several,
    )
    shown = [replace(pages[size], count=count) for size, count in sizes.most_common()]
    _judge(shown, trainer, needs, found)
    return LintReport(
        trainer=f"{trainer.name} ({trainer.version})",
        rows=total,
        pages=sizes.total(),
        needs=needs,
        shown=tuple(shown),
        findings=found.listed(),
        exact_tokens=counts.exact,
    )


def _judge_form(row: WrittenRow, found: _Found) -> None:
    """Add what is wrong with a row by itself, and markers that do not fit its images."""
    for problem in row.problems:
        found.add("row", f"{row.place}: {problem}.")
    if row.markers != row.images:
        places = f"the text has {counted(row.markers, 'place')} for images"
        found.add("markers", f"{row.place}: {places}, and the row has {counted(row.images, 'image')}.")


def _judge_length(place: str, length: int, limit: int | None, trainer: Trainer, found: _Found) -> None:
    """Add a row that is longer than the trainer takes."""
    if limit is not None and length > limit:
        beyond = f"above {trainer.limit}={limit:,}: it is {trainer.beyond}"
        way_out = f"Set {trainer.limit} to {rounded_up(length)}."
        found.add("length", f"{place} has {length:,} tokens, {beyond}. {way_out}")


@dataclass(slots=True)
class _Found:
    """Findings by kind. The first few of a kind are kept, the others counted."""

    kept: dict[tuple[str, str], list[LintFinding]] = field(default_factory=dict)
    more: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, kind: str, message: str, level: Literal["error", "warning"] = "error") -> None:
        kept = self.kept.setdefault((kind, level), [])
        if len(kept) < _LISTED:
            kept.append(LintFinding(kind=kind, level=level, message=message))
        else:
            self.more[kind, level] += 1

    def listed(self) -> tuple[LintFinding, ...]:
        findings: list[LintFinding] = []
        for key, kept in sorted(self.kept.items(), key=lambda item: item[0][1]):
            findings += kept
            if self.more[key]:
                message = f"{self.more[key]:,} more findings of this kind ({key[0]})."
                findings.append(LintFinding(kind=key[0], level=kept[0].level, message=message))
        return tuple(findings)


def _shown(
    size: Size,
    trainer: Trainer,
    model: VisionModel,
    settings: Settings,
    font_pixels: Mapping[Size, float],
    found: _Found,
) -> ShownPage:
    page = partial(ShownPage, size=size, count=0, font_pixels=font_pixels.get(size))
    try:
        meant = model.image(*size).size
        resized = trainer.resized(size, model, settings)
        return page(resized=resized, shown=model.image(*resized).size, meant=meant)
    except (VisionModelError, DataError) as error:
        found.add("size", str(error))
        return page(resized=size, shown=size, meant=size)


def _judge(shown: Sequence[ShownPage], trainer: Trainer, needs: Needs, found: _Found) -> None:
    off_grid = [page for page in shown if page.shown == page.meant != page.size]
    for page in shown:
        verb = "is" if page.count == 1 else "are"
        pages = f"{counted(page.count, 'page')} of {page.size[0]}×{page.size[1]} px {verb}"
        if page.shown != page.meant:
            meant = f"left alone, at {page.meant[0]}×{page.meant[1]} px"
            found.add("size", f"{pages} {page.fate} ({meant}). {trainer.way_out(needs)}")
        elif page.resized not in (page.size, page.shown):
            between = f"at {page.resized[0]}×{page.resized[1]} px between"
            found.add("size", f"{pages} {page.fate}, and resampled twice, {between}. {trainer.way_out(needs)}")
    if off_grid:
        count = sum(page.count for page in off_grid)
        found.add(
            "size",
            f"{counted(count, 'page')} {'is' if count == 1 else 'are'} resampled onto the model's grid, as at "
            f"inference ({off_grid[0]}). Align θ (theta.align_to) for pages that reach the model as they were drawn.",
            "warning",
        )
