"""A path that a caller gives: the one place that says which values can be a path."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from glyphrender.errors import DataError, shown


def path_of(value: str | os.PathLike[str], way_out: str) -> Path:
    """Return `value` as a `Path`.

    Args:
        value: what the caller gave.
        way_out: what to give in its place, for the error: "Name a file of text."

    Raises:
        DataError: `value` is not a str or a path of text, is empty, or holds a character that no file name can have.

    >>> path_of("pages", "Name a folder.").name
    'pages'
    """
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise DataError(f"{type(value).__name__} is not a path. {way_out}")
    if not text:
        raise DataError(f"the path is empty. {way_out}")
    try:
        if b"\0" in os.fsencode(text):
            raise ValueError("a NUL character")
    except ValueError as error:  # a lone surrogate that stands for no byte of a file name, too
        raise DataError(f"{shown(text)} cannot be a path ({error}). {way_out}", path=text) from None
    path = Path(text)
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise DataError(f"{text} cannot be a path ({error.strerror}). {way_out}", path=text) from None
    return path
