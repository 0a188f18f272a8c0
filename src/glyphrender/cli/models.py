"""`glyphrender models`: the vision models that are known, what a name stands for, and prices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from glyphrender.cli.notices import say
from glyphrender.cli.options import Pricing, price_options
from glyphrender.errors import one_line
from glyphrender.report.tables import text_table

if TYPE_CHECKING:
    from glyphrender.models.prices import Price

_A4 = (595, 842)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@price_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(*, names: tuple[str, ...], pricing: Pricing, as_json: bool) -> None:
    """List the vision models by family, and the prices that are known.

    With NAMEs, print which model each name stands for: names on the hub, at providers and at gateways are known too.
    "tokens" are visual tokens of a page of A4 at 72 dpi.
    """
    from glyphrender.models.vision import VISION_MODELS

    rows = [_row(name, pricing.of(name)) for name in names or sorted(VISION_MODELS, key=_family_first)]
    prices = [] if names else list(pricing.table)
    if as_json:
        found: dict[str, Any] = {"models": rows}
        if not names:
            found["prices"] = [_price(price) for price in prices]
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(_named_table(rows) if names else _family_table(rows))
    if prices:
        click.echo()
        click.echo("Dollars for a million tokens; nothing was paid to check them. --json has the sources.")
        click.echo(_price_table(prices))
    say(pricing.hint(names))


def _family_first(name: str) -> tuple[bool, str]:
    """Return a key that sorts open families before hosted ones, and the models of a family together."""
    from glyphrender.models.vision import vision_model

    model = vision_model(name)
    return model.hosted, model.family


def _named_table(rows: list[dict[str, Any]]) -> str:
    """Return a table of what names stand for, with a price where one is known."""
    headings = ["name", "stands for", "family", "grid", "tokens"]
    cells = [[one_line(row["name"]), row["model"], row["family"], row["grid"], f"{row['tokens']:,}"] for row in rows]
    if any(row["price"] for row in rows):
        headings += ["$ input", "$ output"]
        for line, row in zip(cells, rows, strict=True):
            line += [f"{row['price'][name]:g}" if row["price"] else "" for name in ("input", "output")]
    return text_table(headings, cells, left=3)


def _family_table(rows: list[dict[str, Any]]) -> str:
    cells = [[row["family"], row["model"], row["grid"], f"{row['tokens']:,}"] for row in rows]
    return text_table(["family", "model", "grid", "tokens"], cells, left=2)


def _price_table(prices: list[Price]) -> str:
    cells = [
        [price.model, f"{price.rates.input:g}", f"{price.rates.output:g}", _cached(price), _above(price), price.date]
        for price in prices
    ]
    return text_table(["price of", "input", "output", "cached", "above", "read"], cells)


def _row(name: str, price: Price | None) -> dict[str, Any]:
    from glyphrender.models.vision import vision_model

    model = vision_model(name)
    return {
        "name": name,
        "model": model.name,
        "family": model.family,
        "hosted": model.hosted,
        "grid": f"{model.grid[0]} px" if model.grid else "",
        "tokens": model.image(*_A4).tokens,
        "limits": list(model.limits.in_words()),
        "source": model.source,
        "checked": model.checked,
        "price": None if price is None else _price(price),
    }


def _price(price: Price) -> dict[str, Any]:
    def rates(found: Any) -> dict[str, float | None]:
        return {name: getattr(found, name) for name in ("input", "output", "cached_input", "image_input")}

    above = None if price.above is None else {"tokens": price.above[0], **rates(price.above[1])}
    return {"model": price.model, **rates(price.rates), "above": above, "date": price.date, "source": price.source}


def _cached(price: Price) -> str:
    return "" if price.rates.cached_input is None else f"{price.rates.cached_input:g}"


def _above(price: Price) -> str:
    if price.above is None:
        return ""
    tokens, rates = price.above
    return f"{rates.input:g}, {rates.output:g} above {tokens:,} tokens"
