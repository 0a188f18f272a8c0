"""Values out of a processor's JSON file, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def integer(config: Mapping[str, Any], key: str, default: int) -> int:
    """`config[key]`, or `default` where it is left out or null.

    Raises:
        ValueError: it is not a whole number above 0.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{key}={value!r} is not a whole number above 0")
    return int(value)


def section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object `config[key]`, empty where it is left out or null.

    Raises:
        ValueError: it is not an object.
    """
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key}={value!r} is not an object")
    return value


def flag(config: Mapping[str, Any], key: str, default: bool) -> bool:
    """`config[key]`, or `default` where it is left out or null.

    Raises:
        ValueError: it is not true or false.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value!r} is not true or false")
    return value


def edge(config: Mapping[str, Any], key: str, default: int) -> int:
    """A side in pixels: `config[key]` as a number, or as {"height", "width"}, {"longest_edge"} or {"shortest_edge"}.

    Raises:
        ValueError: it is none of these, or not square.
    """
    value = config.get(key)
    if not isinstance(value, Mapping):
        return integer(config, key, default)
    sides = {
        integer(value, name, 0) for name in ("height", "width", "longest_edge", "shortest_edge") if value.get(name)
    }
    if len(sides) != 1:
        raise ValueError(f"{key}={value!r} is not one side in pixels")
    return sides.pop()
