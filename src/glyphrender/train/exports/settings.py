"""Settings of training runs as files: lines of `name: value` (YAML) or `name=value` (overrides of Hydra).

Only this is read: scalars by name. A nested name has its parents before it, as `data.max_prompt_length`. Lists and
texts of several lines are passed over, because no size or limit is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError

__all__ = ["read_settings", "settings_text"]

_LINE: Final = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z_][\w.-]*)\s*(?::(?=\s|$)|=)\s*(?P<value>.*?)\s*$")


def read_settings(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the scalars of a file of settings, by name.

    Names of the parts `ENV` and `env` are those of environment variables, and have no parent.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        lines = read_text(path, encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a file of settings.", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}). Name a file of settings.", path=path) from error
    found: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    for line in lines:
        match = _LINE.match(re.sub(r"(^|\s)#.*$", "", line))
        if not match:
            continue
        indent = len(match["indent"])
        while parents and parents[-1][0] >= indent:
            parents.pop()
        if not match["value"]:
            parents.append((indent, match["name"]))
            continue
        names = [name for _, name in parents if name.lower() != "env"]
        found[".".join([*names, match["name"]])] = match["value"].strip("\"'")
    return found


def settings_text(settings: Mapping[str, Any], *, overrides: bool = False) -> str:
    """Return settings as the text of a file: YAML, or `overrides` of Hydra, one a line.

    >>> print(settings_text({"max_length": None, "ENV": {"MAX_PIXELS": 9}}), end="")
    max_length: null
    ENV:
      MAX_PIXELS: 9
    """
    lines = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            lines += [f"{name}:", *(f"  {inner}: {_scalar(each)}" for inner, each in value.items())]
        else:
            lines.append(f"{name}={_scalar(value)}" if overrides else f"{name}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the variables of ENV beside the others, as `read_settings` has them."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= dict(value) if isinstance(value, Mapping) else {name: value}
    return found


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
