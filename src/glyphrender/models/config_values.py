"""Read values from the JSON config of an image processor, and check their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def integer(config: Mapping[str, Any], key: str, default: int) -> int:
    """Return `config[key]`, or `default` if the key is left out or null.

    Raises:
        ValueError: the value is not a whole number above 0.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{key}={value!r} is not a whole number above 0")
    return int(value)


def section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object `config[key]`, or an empty one if the key is left out or null.

    Raises:
        ValueError: the value is not an object.
    """
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key}={value!r} is not an object")
    return value


def flag(config: Mapping[str, Any], key: str, default: bool) -> bool:
    """Return `config[key]`, or `default` if the key is left out or null.

    Raises:
        ValueError: the value is not true or false.
    """
    value = config.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value!r} is not true or false")
    return value


def edge(config: Mapping[str, Any], key: str, default: int) -> int:
    """Return a side in pixels, or `default` if the key is left out or null.

    `config[key]` is a number, or an object with "height" and "width", with "longest_edge", or with "shortest_edge".

    Raises:
        ValueError: the value is none of these, or is not square.
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
