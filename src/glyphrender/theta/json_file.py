"""θ as JSON: the values and the text that `Theta.save` writes, and how a file or a text is read back.

Errors name the file and the way out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DataError, ThetaError, shown
from glyphrender.theta.fields import PARAMETERS

_WAY_OUT: Final = "Name a file that Theta.save or Glyph wrote."
# A file of every field has 3 KB. What is larger is no θ, and may be a disk image.
_MOST_BYTES: Final = 1 << 22
# No version of `Theta.save` wrote fewer fields.
_FEWEST_FIELDS: Final = 30


def json_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of θ as JSON values: lists for tuples, strings for enumerations."""
    return {name: _json_value(value) for name, value in fields.items()}


def json_text(values: Mapping[str, Any]) -> str:
    """Return JSON values of fields as the text of a file, one field a line."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def is_saved_theta(data: bytes) -> bool:
    """Return whether `data` is what `Theta.save` writes: all fields of some version, in the same layout.

    A file that a person wrote has fewer fields or another layout, and a Glyph config has other names.
    """
    try:
        text = data.decode("utf-8")
        values = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(values, dict) or not values.keys() <= PARAMETERS.keys() or len(values) < _FEWEST_FIELDS:
        return False
    return json_text(values) == text


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file at `path`.

    Raises:
        DataError: the file cannot be read, is not JSON, or holds no object.
        ThetaError: an object sets a key twice; `.field` is the key.
    """
    try:
        with open_regular(path, pipes=True) as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSON file of θ.", path=path) from error
    if len(data) > _MOST_BYTES:
        raise DataError(f"{path} has more than {_MOST_BYTES:,} bytes, too many for a θ. {_WAY_OUT}", path=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not JSON ({_reason(error)}). {_WAY_OUT}", path=path) from error
    return json_object(text, str(path), path=path)


def json_object(text: str, name: str, *, path: Path | str = "") -> dict[str, Any]:
    """Return the JSON object in `text`. Messages call it `name`.

    Raises:
        DataError: `text` is not JSON, or holds no object.
        ThetaError: an object sets a key twice; `.field` is the key.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            met: set[str] = set()
            twice = next(key for key, _ in pairs if key in met or met.add(key))  # type: ignore[func-returns-value]
            raise ThetaError(f"{name} sets {shown(twice)} twice. Keep one of them.", field=twice)
        return values

    way_out = _WAY_OUT if path else "Give an object."
    try:
        values = json.loads(text, object_pairs_hook=unique)
    except ThetaError:
        raise
    except (ValueError, RecursionError) as error:  # not JSON, too many digits, nested too deep
        raise DataError(f"{name} is not JSON ({_reason(error)}). {way_out}", path=path) from error
    if not isinstance(values, dict):
        raise DataError(f"{name} holds no JSON object. {way_out}", path=path)
    return values


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _json_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value
