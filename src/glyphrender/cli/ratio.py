"""`glyphrender ratio`: ρ of texts under rendering parameters, for one model or all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Reader, escapes_hint, inputs_of
from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, dollars, price_options, text_options, theta_options
from glyphrender.errors import DataError, VisionModelError, one_line
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from glyphrender.document.document import Document
    from glyphrender.models.prices import Price
    from glyphrender.ratio.costs import PromptCost, Ratio
    from glyphrender.theta import Theta

_HEADINGS = ("text", "model", "ρ", "text tokens", "visual", "overhead", "pages", "chars/token", "font px", "resampled")
MONEY = ("as pages", "as text")
# The most texts that the verdict names.
_NAMED = 3
# Documents of fewer pages get no hint.
_WORTH_A_HINT = 3


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--vision", metavar="NAME", multiple=True, help="A vision model; repeatable. By default glm-4.1v.")
@click.option("--all", "every", is_flag=True, help="All vision models.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option("--align", is_flag=True, help="Align the parameters to the grid of each model first.")
@price_options
@theta_options
@text_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with each page, instead of a table.")
def command(
    *,
    files: tuple[str, ...],
    vision: tuple[str, ...],
    every: bool,
    tokenizer: str | None,
    align: bool,
    pricing: Pricing,
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> None:
    """Print the compression ratio: text tokens for one visual token.

    The ratio is exact. It is computed from each model's image arithmetic and tokenizer; nothing is drawn. "font px" is
    the em of the text as the model sees it. "resampled" is the number of pages that the model's processor blurs.
    "overhead" is the tokens around images, which the ratio leaves out. A "~" before text tokens means that another
    model's tokenizer counted them. Where a price is known, "as pages" and "as text" are dollars of a prompt. Standard
    error says first which texts are not worth it: text is cheaper.
    """
    from glyphrender.models.vision import VISION_MODELS
    from glyphrender.rich.door import for_file

    if every and vision:
        raise click.UsageError("--all and --vision are both given. Choose one.")
    models = VISION_MODELS if every else known_models(vision or ("glm-4.1v",))
    reader = Reader(encoding=encoding, errors=errors)
    lines: list[_Line] = []
    text = ""
    for source, text in texts(files, reader):
        ratios = _ratios(text, for_file(theta, source), models, tokenizer, align=align, lenient=every)
        lines += [_Line(source, name, ratio, pricing.of(name)) for name, ratio in ratios]
    print_skipped(reader)
    check_some_text(lines, reader)
    totals = [total for name in models if (total := _total([line for line in lines if line.model == name])) is not None]
    found = [(line.source, line.model, line.ratio) for line in lines if not isinstance(line.ratio, dict)]
    say(verdict(found, pricing))
    say("" if every else pricing.hint(models))
    if not every and len(lines) == 1 and len(found) == 1:
        say(flow_hint(text, found[0][2]))
    shown: list[_Line | _Total] = [*lines, *totals]
    if as_json:
        click.echo(json.dumps([each.to_dict() for each in shown], indent=2, ensure_ascii=False))
        return
    say(escapes_hint(reader, theta))
    has_price = any(line.price is not None for line in lines)
    rows = [[*each.row(tokenizer), *(money(each.cost) if has_price else ())] for each in shown]
    click.echo(text_table((*_HEADINGS, *(MONEY if has_price else ())), rows, left=2))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the table: the name of a text, the name of a model, the model's price, and the ratio.

    If the model refuses the pages, `ratio` is a dict with the reason.
    """

    source: str
    model: str
    ratio: Ratio | dict[str, Any]
    price: Price | None

    @property
    def cost(self) -> PromptCost | None:
        return None if isinstance(self.ratio, dict) or self.price is None else self.ratio.cost(self.price)

    def row(self, tokenizer: str | None) -> list[str]:
        cells = _refused(self.ratio) if isinstance(self.ratio, dict) else _row(self.ratio, tokenizer)
        return [self.source, *cells, *[""] * (len(_HEADINGS) - 1 - len(cells))]

    def to_dict(self) -> dict[str, Any]:
        if isinstance(self.ratio, dict):
            return {"text": self.source, **self.ratio}
        return {"text": self.source, **self.ratio.to_dict(), "worth_it": self.ratio.worth_it, **priced(self.cost)}


@dataclass(frozen=True, slots=True)
class _Total:
    """The sums of several texts for one model."""

    model: str
    ratios: tuple[Ratio, ...]
    cost: PromptCost | None

    @property
    def sums(self) -> dict[str, int]:
        names = ("text_tokens", "visual_tokens", "overhead", "characters", "resampled")
        return {name: sum(getattr(ratio, name) for ratio in self.ratios) for name in names}

    @property
    def pages(self) -> int:
        return sum(len(ratio.pages) for ratio in self.ratios)

    def row(self, tokenizer: str | None) -> list[str]:
        sums, visual = self.sums, self.sums["visual_tokens"] or 1
        return [
            f"{len(self.ratios):,} texts",
            self.ratios[0].model,
            f"{sums['text_tokens'] / visual:.2f}",
            f"{'' if _exact(self.ratios[0], tokenizer) else '~'}{sums['text_tokens']:,}",
            f"{sums['visual_tokens']:,}",
            f"{sums['overhead']:,}",
            f"{self.pages:,}",
            f"{sums['characters'] / visual:.1f}",
            "",
            f"{sums['resampled']:,}",
        ]

    def to_dict(self) -> dict[str, Any]:
        sums = self.sums
        return {
            "text": None,
            "total": True,
            "texts": len(self.ratios),
            "vision": self.ratios[0].model,
            "rho": sums["text_tokens"] / (sums["visual_tokens"] or 1),
            **sums,
            "pages": self.pages,
            "worth_it": sums["visual_tokens"] + sums["overhead"] < sums["text_tokens"],
            **priced(self.cost),
        }


def _total(lines: Sequence[_Line]) -> _Total | None:
    """Return the sums of the lines of one model, or None if there are not several."""
    from glyphrender.ratio.costs import PromptCost

    ratios = tuple(line.ratio for line in lines if not isinstance(line.ratio, dict))
    if len(ratios) < 2:
        return None
    costs = [line.cost for line in lines if line.cost is not None]
    cost = PromptCost(as_pages=sum(each.as_pages for each in costs), as_text=sum(each.as_text for each in costs))
    return _Total(lines[0].model, ratios, cost if costs else None)


def priced(cost: PromptCost | None) -> dict[str, float | None]:
    """Return the fields of JSON for what a text costs; None where no price is known."""
    if cost is None:
        return {"cost_as_pages": None, "cost_as_text": None}
    return {"cost_as_pages": cost.as_pages, "cost_as_text": cost.as_text}


def money(cost: PromptCost | None) -> tuple[str, str]:
    """Return the two cells of a table for what a text costs, as pages and as text."""
    return ("", "") if cost is None else (dollars(cost.as_pages), dollars(cost.as_text))


def verdict(found: Sequence[tuple[str, str, Ratio]], pricing: Pricing) -> str:
    """Return one sentence that names the texts whose pages cost no less than the text; "" if there are none.

    Money decides where a price is known, and tokens decide elsewhere.

    Args:
        found: (name of a text, name of a model, ratio of the text for the model).
        pricing: the prices.
    """
    dear = []
    for source, model, ratio in found:
        price = pricing.of(model)
        cost = None if price is None else ratio.cost(price)
        # A price of 0 decides nothing: then tokens do.
        by_tokens = cost is None or not cost.as_pages + cost.as_text
        if ratio.pages and not (ratio.worth_it if by_tokens else cost):
            figures = f"{ratio.prompt_tokens:,} tokens for {ratio.text_tokens:,}"
            if cost is not None:
                figures += f", {dollars(cost.as_pages)} for {dollars(cost.as_text)}"
            dear.append(f"{source} for {model} ({figures})")
    if not dear:
        return ""
    more = f", and {len(dear) - _NAMED:,} more" if len(dear) > _NAMED else ""
    count = f" for {len(dear):,} of {len(found):,}" if len(found) > 1 else ""
    return f"not worth it{count}: pages cost no less than text: {', '.join(dear[:_NAMED])}{more}."


def flow_hint(text: str, ratio: Ratio) -> str:
    """Return one sentence on a flow under which the text costs less; "" if there is none, or the text is short.

    For code, a log or a table in a proportional font, the sentence names the command that compares presets for them.
    """
    from glyphrender.ratio.propose import COMPARED, better_flow, needs_cells

    if reason := needs_cells(text, ratio.theta):
        return f"the text looks like {reason}, in a proportional font. `glyphrender propose` compares presets for it."
    if len(ratio.pages) < _WORTH_A_HINT:
        return ""
    better = better_flow(ratio.theta, text, model=ratio.model)
    if better is None:
        return ""
    fields = " ".join(f"--set {field}" for field in better.name.split())
    part = f" on the first {COMPARED:,} characters" if len(text) > COMPARED else ""
    return f"{fields} would give ρ {better.rho:.2f}{part} with the same type. `glyphrender propose` compares more."


def known_models(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return `names` if each is a vision model. An unknown name raises an error before anything is read.

    Raises:
        VisionModelError: there is no model of that name.
    """
    from glyphrender.models.vision import vision_model

    for name in names:
        vision_model(name)
    return names


def check_some_text(found: Sized, reader: Reader) -> None:
    """Raise DataError if no file had any text."""
    if not found:
        raise DataError(f"none of {len(reader.skipped)} files is text. Pass --encoding if they are text.")


def print_skipped(reader: Reader) -> None:
    """Print the skipped files to stderr, with the reasons."""
    for path, reason in reader.skipped:
        say(f"{path} was passed over: {reason}.")


def texts(files: tuple[str, ...], reader: Reader) -> Iterator[tuple[str, str]]:
    """Yield (the name that a table shows, the text) of each input that is text."""
    for source in inputs_of(files):
        if (blocks := reader.text(source)) is not None:
            yield one_line(source.name), "".join(blocks)


def _ratios(
    text: str, theta: Theta, models: tuple[str, ...], tokenizer: str | None, *, align: bool, lenient: bool
) -> Iterator[tuple[str, Ratio | dict[str, Any]]]:
    """Yield each model's name, and its ρ.

    If `lenient`, yield a model's reason to refuse the pages instead of raising an error.
    """
    from glyphrender.document.render import render
    from glyphrender.ratio.align import align_if_possible
    from glyphrender.ratio.ratio import document_ratio

    documents: dict[Theta, Document] = {}
    for name in models:
        try:
            used = theta
            if align:
                used = align_if_possible(theta, name) if lenient else theta.align_to(name)
            document = documents.setdefault(used, render(text, used))  # laid out once for all models with the same θ
            yield (
                name,
                document_ratio(document, text=text, theta=used, model=name, tokenizer=tokenizer, over_limit="ignore"),
            )
        except VisionModelError as error:
            if not lenient:
                raise
            yield name, {"vision": name, "error": str(error)}


def _exact(ratio: Ratio, tokenizer: str | None) -> bool:
    """Return whether the text was counted by the model's own tokenizer, or by the one that was asked for."""
    from glyphrender.models.tokenizers import tokenizer_of

    return tokenizer is not None or tokenizer_of(ratio.model) == ratio.tokenizer


def _row(ratio: Ratio, tokenizer: str | None) -> list[str]:
    return [
        ratio.model,
        f"{ratio.rho:.2f}",
        f"{'' if _exact(ratio, tokenizer) else '~'}{ratio.text_tokens:,}",
        f"{ratio.visual_tokens:,}",
        f"{ratio.overhead:,}",
        f"{len(ratio.pages):,}{'!' if ratio.exceeds else ''}",
        f"{ratio.characters_per_token:.1f}",
        f"{ratio.font_pixels:.2f}",
        f"{ratio.resampled:,}",
    ]


def _refused(ratio: dict[str, Any]) -> list[str]:
    reason = ratio["error"].split(": ", 1)[-1]
    return [ratio["vision"], "–", one_line(reason if len(reason) < 60 else "refused")]
