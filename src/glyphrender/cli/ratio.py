"""`glyphrender ratio`: ρ of texts under rendering parameters, for one model or all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.inputs import Reader, escapes_hint, inputs_of
from glyphrender.cli.options import text_options, theta_options
from glyphrender.cli.table import table
from glyphrender.errors import DataError, VisionModelError, one_line

if TYPE_CHECKING:
    from glyphrender.document.document import Document
    from glyphrender.ratio.ratio import Ratio
    from glyphrender.theta import Theta

_HEADINGS = ("text", "model", "ρ", "text tokens", "visual", "overhead", "pages", "chars/token", "font px", "resampled")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--vision", metavar="NAME", multiple=True, help="A vision model; repeatable. By default glm-4.1v.")
@click.option("--all", "every", is_flag=True, help="All vision models.")
@click.option("--tokenizer", metavar="NAME|FILE", help="A name or a tokenizer.json; by default the model's own.")
@click.option("--align", is_flag=True, help="Align the parameters to the grid of each model first.")
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
    theta: Theta,
    encoding: str | None,
    errors: str,
    as_json: bool,
) -> None:
    """Print the compression ratio: text tokens for one visual token.

    The ratio is exact. It is computed from each model's image arithmetic and tokenizer; nothing is drawn. "font px" is
    the em of the text as the model sees it. "resampled" is the number of pages that the model's processor blurs.
    "overhead" is the tokens around images, which the ratio leaves out. A "~" before text tokens means that another
    model's tokenizer counted them.
    """
    from glyphrender.models.vision import VISION_MODELS

    if every and vision:
        raise click.UsageError("--all and --vision are both given. Choose one.")
    models = VISION_MODELS if every else known_models(vision or ("glm-4.1v",))
    reader = Reader(encoding=encoding, errors=errors)
    rows: list[list[str]] = []
    values: list[dict[str, Any]] = []
    for source, text in texts(files, reader):
        for ratio in _ratios(text, theta, models, tokenizer, align=align, lenient=every):
            values.append({"text": source, **(ratio if isinstance(ratio, dict) else ratio.to_dict())})
            rows.append([source, *(_refused(ratio) if isinstance(ratio, dict) else _row(ratio, tokenizer))])
    print_skipped(reader)
    check_some_text(rows, reader)
    if not as_json and (hint := escapes_hint(reader, theta)):
        click.echo(f"glyphrender: {hint}", err=True)
    click.echo(json.dumps(values, indent=2, ensure_ascii=False) if as_json else table(_HEADINGS, rows, left=2))


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
        click.echo(one_line(f"glyphrender: {path} was passed over: {reason}."), err=True)


def texts(files: tuple[str, ...], reader: Reader) -> Iterator[tuple[str, str]]:
    """Yield (the name that a table shows, the text) of each input that is text."""
    for source in inputs_of(files):
        if (blocks := reader.text(source)) is not None:
            yield one_line(source.name), "".join(blocks)


def _ratios(
    text: str, theta: Theta, models: tuple[str, ...], tokenizer: str | None, *, align: bool, lenient: bool
) -> Iterator[Ratio | dict[str, Any]]:
    """Yield ρ for each model. If `lenient`, yield a model's reason to refuse the pages instead of raising an error."""
    from glyphrender.document.document import render
    from glyphrender.ratio.ratio import document_ratio

    documents: dict[Theta, Document] = {}
    for name in models:
        try:
            used = aligned(theta, name, lenient=lenient) if align else theta
            document = documents.setdefault(used, render(text, used))  # laid out once for all models with the same θ
            yield document_ratio(document, text=text, theta=used, model=name, tokenizer=tokenizer, over_limit="ignore")
        except VisionModelError as error:
            if not lenient:
                raise
            yield {"vision": name, "error": str(error)}


def aligned(theta: Theta, name: str, *, lenient: bool) -> Theta:
    """Return θ aligned to a model. If `lenient` and the model resamples every page, return θ as it is."""
    try:
        return theta.align_to(name)
    except VisionModelError:
        if not lenient:
            raise
        return theta


def _row(ratio: Ratio, tokenizer: str | None) -> list[str]:
    from glyphrender.models.tokenizers import tokenizer_of

    exact = tokenizer is not None or tokenizer_of(ratio.model) == ratio.tokenizer
    return [
        ratio.model,
        f"{ratio.rho:.2f}",
        f"{'' if exact else '~'}{ratio.text_tokens:,}",
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
