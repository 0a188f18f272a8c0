"""Options that several commands share: rendering parameters, and how bytes become text."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from glyphrender.theta import Theta

Command = Callable[..., Any]


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
