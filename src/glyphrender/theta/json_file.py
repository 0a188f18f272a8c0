"""Read a JSON object from a file, with errors that name the file and the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glyphrender.errors import DataError, ThetaError


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file at `path`.

    Raises:
        DataError: the file cannot be read, is not JSON, or holds no object.
        ThetaError: an object sets a key twice; `.field` is the key.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ThetaError(f"{path} sets {twice!r} twice. Keep one of them.", field=twice)
        return values

    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSON file of θ.", path=path) from error
    except ThetaError:
        raise
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, too many digits, nested too deep
        way_out = "Name a file that Theta.save or Glyph wrote."
        raise DataError(f"{path} is not JSON ({error}). {way_out}", path=path) from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no JSON object. Name a file that Theta.save or Glyph wrote.", path=path)
    return values
