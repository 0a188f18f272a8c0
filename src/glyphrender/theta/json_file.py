"""Read a JSON object from a file or a text, with errors that name the file and the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DataError, ThetaError, shown

_WAY_OUT: Final = "Name a file that Theta.save or Glyph wrote."
# A file of every field has 3 KB. What is larger is no θ, and may be a disk image.
_MOST_BYTES: Final = 1 << 22


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
