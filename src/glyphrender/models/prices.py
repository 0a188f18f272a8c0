"""Prices of hosted models, from a table that anyone can edit: `prices.toml` here, and a file of the user's own.

A price is found by the name under which a provider serves a model: dates, prefixes of gateways and suffixes such as
"-preview" do not count. A sibling of another size has no price of its own here, so it gets none. Prices change, and
nothing was paid to check these: each has the date and the source at which it was read.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from glyphrender._system.paths import path_of
from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, shown
from glyphrender.models.names import spelled

__all__ = ["Price", "PriceTable", "Rates", "prices"]

#: The environment variable that may name a file of prices.
PRICES_VARIABLE: Final = "GLYPHRENDER_PRICES"
#: The largest rate, in dollars for a million tokens. No sum of such rates is infinite.
MOST_DOLLARS: Final = 1_000_000

_NUMBERS: Final = ("input", "output", "cached_input", "image_input")
_FIELDS: Final = frozenset({"model", *_NUMBERS, "above", "date", "source"})
# What may follow the name of a model without making it another: a date, or a word for a release.
_RELEASE: Final = r"(?:-(?:latest|preview|exp|chat|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}(?:\d{2})?|v\d(?:-\d)?))*"
# What may come before it: a region and a provider of Amazon's, a word of OpenAI's.
_BEFORE: Final = r"(?:(?:us|eu|apac|jp|au|global)-)?(?:anthropic-|openai-|google-)?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Dollars for a million tokens.

    Attributes:
        input: tokens of the prompt.
        output: tokens of the answer, with the model's thoughts.
        cached_input: tokens of the prompt that the provider had in its cache; None if they cost as much as `input`.
        image_input: visual tokens; None if they cost as much as `input`.
    """

    input: float
    output: float
    cached_input: float | None = None
    image_input: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """The price of a model.

    Attributes:
        model: name by which the provider serves the model.
        rates: the rates of a request.
        above: `(tokens, rates)`: the rates of a request whose prompt has more than `tokens` tokens; None if they are
            the same.
        date: when the figures were read, as YYYY-MM or YYYY-MM-DD; empty if it is not known.
        source: where the figures were read.
    """

    model: str
    rates: Rates
    above: tuple[int, Rates] | None = None
    date: str = ""
    source: str = ""

    @classmethod
    def of(cls, input: float, output: float = 0.0) -> Price:
        """Return the price of a model that costs so many dollars for a million tokens of prompt and of answer."""
        return cls(model="", rates=Rates(input=input, output=output))

    def cost(
        self, *, text_tokens: float = 0, image_tokens: float = 0, cached_tokens: float = 0, output_tokens: float = 0
    ) -> float:
        """Return the dollars that one request costs.

        Args:
            text_tokens: tokens of text in the prompt.
            image_tokens: tokens of images in the prompt.
            cached_tokens: tokens of text and of images that the provider had in its cache.
            output_tokens: tokens of the answer.

        >>> Price.of(3, 15).cost(text_tokens=200_000, output_tokens=1000)
        0.615
        """
        rates, prompt = self.rates, text_tokens + image_tokens
        if self.above is not None and prompt > self.above[0]:
            rates = self.above[1]
        image = rates.input if rates.image_input is None else rates.image_input
        fresh = text_tokens * rates.input + image_tokens * image
        cached = 0.0
        if rates.cached_input is not None and prompt:
            share = min(1.0, cached_tokens / prompt)
            fresh, cached = fresh * (1 - share), share * prompt * rates.cached_input
        return (fresh + cached + output_tokens * rates.output) / 1e6


class PriceTable:
    """Prices by the names of models.

    Args:
        found: the prices; of two with the same model, the later one holds.
    """

    def __init__(self, found: Iterable[Price]) -> None:
        self._prices = {spelled(price.model): price for price in found}

    def __iter__(self) -> Iterator[Price]:
        return iter(self._prices.values())

    def __len__(self) -> int:
        return len(self._prices)

    def of(self, model: str) -> Price | None:
        """Return the price of a model; None if the table has none.

        >>> table = prices()
        >>> table.of("us.anthropic.claude-opus-4-5-20251101-v1:0").rates.input, table.of("gpt-5-nano")
        (5.0, None)
        """
        name = spelled(model)
        found = [key for key in self._prices if re.fullmatch(rf"{_BEFORE}{re.escape(key)}{_RELEASE}", name)]
        return self._prices[max(found, key=len)] if found else None


def prices(file: str | os.PathLike[str] | None = None) -> PriceTable:
    """Return the prices that come with glyphrender. The rows of `file` replace rows for the same models.

    Args:
        file: a TOML file of the same form as `prices.toml`; by default the file that the environment variable
            GLYPHRENDER_PRICES names, if any.

    Raises:
        DataError: the file cannot be read, or a row is not of that form.

    >>> prices().of("gpt-4o-2024-08-06").model
    'gpt-4o'
    """
    if file is None:
        file = os.environ.get(PRICES_VARIABLE) or None
    ours = _ours()
    return PriceTable(ours if file is None else [*ours, *_read(path_of(file, "Name a TOML file of prices."))])


@lru_cache(maxsize=1)
def _ours() -> tuple[Price, ...]:
    return tuple(_read(Path(__file__).with_name("prices.toml")))


def _read(path: Path) -> list[Price]:
    try:
        data = tomllib.loads(read_text(path, encoding="utf-8-sig"))  # editors on Windows write this mark
    except (OSError, ValueError, RecursionError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise DataError(f"{path} cannot be read as TOML ({reason}). Write it as prices.toml is.", path=path) from error
    rows = data.get("price")
    if not isinstance(rows, list) or data.keys() != {"price"}:
        raise DataError(f"{path} has no rows [[price]], or has other keys too. Write it as prices.toml is.", path=path)
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(_price(row))
        except ValueError as error:
            raise DataError(f"{path}: price {number}: {error}. Write it as prices.toml is.", path=path) from None
    return found


def _price(row: Any) -> Price:
    if not isinstance(row, Mapping):
        raise ValueError("it is no table")
    if unknown := sorted(row.keys() - _FIELDS):
        raise ValueError(f"{unknown[0]!r} is no field; fields are {', '.join(sorted(_FIELDS))}")
    texts = {name: row.get(name, "") for name in ("model", "date", "source")}
    for name, value in texts.items():
        if not isinstance(value, str) and not (name == "date" and hasattr(value, "isoformat")):
            raise ValueError(f"{name}={value!r} is no text")
    if not spelled(str(texts["model"])):
        raise ValueError("it has no model")
    rates = _rates(row, {})
    above = row.get("above")
    if above is not None:
        if not isinstance(above, Mapping) or above.keys() - {"tokens", *_NUMBERS}:
            raise ValueError("above is no table of tokens and rates")
        tokens = above.get("tokens")
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1:
            raise ValueError(f"above.tokens={tokens!r} is no number of tokens")
        above = (tokens, _rates(above, {name: row[name] for name in _NUMBERS if name in row}))
    return Price(model=texts["model"], rates=rates, above=above, date=str(texts["date"]), source=texts["source"])


def _rates(row: Mapping[str, Any], rest: Mapping[str, Any]) -> Rates:
    """Return the rates of a row. A rate that the row lacks is taken from `rest`."""
    values: dict[str, float] = {}
    for name, value in {**rest, **{name: row[name] for name in _NUMBERS if name in row}}.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_DOLLARS:
            raise ValueError(f"{name}={shown(value)} is no number of dollars from 0 to {MOST_DOLLARS:,}")
        values[name] = float(value)
    for name in ("input", "output"):
        if name not in values:
            raise ValueError(f"it has no {name}")
    return Rates(**values)
