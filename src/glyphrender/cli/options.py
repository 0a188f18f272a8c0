"""Options that several commands share: rendering parameters, how bytes become text, chats, and prices."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from glyphrender.models.prices import Price, PriceTable
    from glyphrender.theta import Theta

Command = Callable[..., Any]

#: Options of the commands that ask a model, on a server or on this machine.
base_url_option = click.option(
    "--base-url", metavar="URL", help="Address of the server, such as http://127.0.0.1:8000/v1. [env: OPENAI_BASE_URL]"
)
local_option = click.option(
    "--local", is_flag=True, help="Load the model with transformers; --model is a directory, or a name on the hub."
)
model_option = click.option(
    "--model", metavar="NAME", default="", help="Name of the model on the server; by default its only one."
)


def theta_options(function: Command) -> Command:
    """Add `--theta`, `--preset` and `--set`. The command gets the resulting θ as the parameter `theta`."""

    @click.option(
        "--theta",
        "theta_file",
        type=click.Path(path_type=Path),
        help="Rendering parameters: a JSON file, ours or Glyph's.",
    )
    @click.option("--preset", metavar="NAME", help="A bundled preset; see `glyphrender theta presets`.")
    @click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="Change one parameter; repeatable. See `glyphrender theta explain`.",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, theta_file: Path | None, preset: str | None, settings: tuple[str, ...], **rest: Any) -> Any:
        return function(*args, theta=theta_of(theta_file, preset, settings), **rest)

    return wrapper


def theta_of(file: Path | None, preset: str | None, settings: tuple[str, ...]) -> Theta:
    """Return θ from a file, a preset or the defaults, with the fields of `settings` changed.

    Raises:
        click.UsageError: a file and a preset are both given, or a setting has no value.
        ThetaError: a field or value is not valid.
    """
    from glyphrender.errors import ThetaError
    from glyphrender.theta import Theta
    from glyphrender.theta.describe import parse_value

    if file is not None and preset is not None:
        raise click.UsageError(f"--theta {file} and --preset {preset} are both given. Choose one.")
    if preset is not None and preset.partition("@")[0] == "auto":
        raise click.UsageError(
            f"--preset {preset} depends on the text. Run `glyphrender propose FILE -o theta.json`, then use "
            "--theta theta.json."
        )
    theta = Theta.load(file) if file is not None else Theta.preset(preset) if preset is not None else Theta()
    changes = {}
    wrong = []
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set {setting} has no value. Write --set name=value, as font_size=8.")
        try:
            changes[name.strip().replace("-", "_")] = parse_value(name, text)
        except ThetaError as error:
            wrong.append(error)
    if wrong:
        raise ThetaError.joined(wrong)
    return theta.replace(**changes)


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices of one call of a command.

    Attributes:
        given: the price of `--price`, which holds for every model; or None.
        table: the table of prices.
    """

    given: Price | None
    table: PriceTable

    def of(self, model: str) -> Price | None:
        """Return the price of the model of this name; None if there is none."""
        return self.given or self.table.of(model)

    def hint(self, models: Iterable[str]) -> str:
        """Return how to give a price, if one of the `models` is hosted and has none; else an empty string."""
        from glyphrender.models.vision import vision_model

        lacking = [name for name in models if self.of(name) is None and vision_model(name).hosted]
        if not lacking:
            return ""
        return (
            f"no price is known for {lacking[0]}. Name a model that has one (`glyphrender models` lists them), or pass "
            "--price IN,OUT or --prices FILE."
        )


def price_options(function: Command) -> Command:
    """Add `--price` and `--prices`. The command gets the parameter `pricing`, a `Pricing`."""

    @click.option(
        "--price", metavar="IN,OUT", help="Dollars for a million tokens of prompt and of answer, for every model."
    )
    @click.option(
        "--prices",
        "prices_file",
        type=click.Path(path_type=Path),
        help="Prices of models from a TOML file, before those that come with glyphrender. [env: GLYPHRENDER_PRICES]",
    )
    @functools.wraps(function)
    def wrapper(*args: Any, price: str | None, prices_file: Path | None, **rest: Any) -> Any:
        from glyphrender.models.prices import prices

        return function(*args, pricing=Pricing(_price(price), prices(prices_file)), **rest)

    return wrapper


def chat_options(function: Command) -> Command:
    """Add FILE… of chats and `--min-characters`: which texts of a chat become pages."""
    files = click.argument("chats", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
    shortest = click.option(
        "--min-characters",
        type=click.IntRange(min=0),
        default=2_000,
        show_default=True,
        help="Shortest text that becomes pages.",
    )
    return files(shortest(function))


def faults_option(what: str) -> Callable[[Command], Command]:
    """Return the option `--faults`: stop at `what`, or drop and count it."""
    return click.option(
        "--faults",
        type=click.Choice(["error", "drop"]),
        default="error",
        show_default=True,
        help=f"Stop at {what}, or drop and count it.",
    )


def _price(given: str | None) -> Price | None:
    from glyphrender.models.prices import MOST_DOLLARS, Price

    if given is None:
        return None
    try:
        prompt, completion = (float(each) for each in given.split(","))
    except ValueError:
        raise click.UsageError(f"--price {given} is not two numbers. Write --price IN,OUT, as 0.25,2.") from None
    if not (0 <= prompt <= MOST_DOLLARS and 0 <= completion <= MOST_DOLLARS):
        raise click.UsageError(f"--price {given} is no price. Write two numbers of dollars, as 0.25,2.")
    return Price.of(prompt, completion)


def dollars(value: float) -> str:
    """Return a sum of money for a person: four digits, and cents at least.

    >>> dollars(0.0034096), dollars(12.5), dollars(0)
    ('$0.003410', '$12.50', '$0.00')
    """
    if value >= 1 or value <= 0:
        return f"${value:,.2f}"
    return f"${value:.{min(9, 3 - math.floor(math.log10(value)))}f}"


def text_options(function: Command) -> Command:
    """Add `--encoding` and `--errors`."""
    function = click.option(
        "--errors",
        type=click.Choice(["strict", "replace", "backslashreplace"]),
        default="strict",
        show_default=True,
        help="What to do with bytes that are not valid in the encoding.",
    )(function)
    return click.option(
        "--encoding",
        metavar="NAME",
        callback=_known_encoding,
        help="Encoding of the input; by default its byte order mark decides, else UTF-8.",
    )(function)


def _known_encoding(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            b"a".decode(value)
        except LookupError:
            raise click.BadParameter(f"{value!r} is no text encoding that Python knows. Use cp1252.") from None
        except UnicodeError:
            pass  # one byte is not enough for UTF-16 and similar encodings
    return value
