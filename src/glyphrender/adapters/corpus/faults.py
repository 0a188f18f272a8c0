"""Tell whether a record, an input file or the machine is at fault for an error.

If a record is at fault, it becomes a line of failed.jsonl. If the machine is at fault (no memory, no disk, no file
descriptors, a library that cannot be loaded), the run ends and can be resumed, because a corpus must be a function of
records and options. Any other error counts as the record's only if Python raises errors of its class for bad values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from glyphrender.errors import DataError, DependencyError, GlyphRenderError, ResourceError

# Errors that Python and its libraries raise for a bad value. They show a bug of ours, which the same record meets on
# every machine.
_OF_A_VALUE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    NotImplementedError,
    StopIteration,
    NameError,
)
# Words of decompressors that get no memory. Otherwise the error is the same as for a damaged file.
_NO_MEMORY: Final = ("not enough memory", "out of memory", "cannot allocate", "malloc of size", "bad_alloc")
# Most characters of another error's text in a message.
_SHOWN: Final = 300


class Damage(Exception):
    """An error of an input that cannot be decoded from some place on. The message says why, and where."""


def reason_of(error: BaseException) -> str:
    """Return what an error says, on one line of at most 300 characters."""
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__


def machine_fault(error: BaseException) -> str:
    """Return what was wrong with the machine; "" if the error depends only on the record.

    The causes of an error count too: a font that cannot be opened for want of file descriptors is a `FontError`.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        if isinstance(each, MemoryError):
            return "out of memory"
        if isinstance(each, OSError | ImportError | ResourceError) or not isinstance(
            each, (*_OF_A_VALUE, GlyphRenderError, Damage)
        ):
            return f"{type(each).__name__}: {reason_of(each)}"
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return ""


def resource_error(error: BaseException, during: str) -> GlyphRenderError:
    """Return the error that ends a run, for an error of the machine.

    Args:
        error: the error of the machine.
        during: the work that failed, such as "reading books.jsonl", or the place of a record.
    """
    if isinstance(error, DependencyError):
        return error.with_context(during)
    return ResourceError(
        f"{during}: the machine failed, not the input ({machine_fault(error) or reason_of(error)}). Free memory, disk "
        "or files, or use fewer --jobs; then go on with --resume.",
        errno=error.errno if isinstance(error, OSError) else None,
    )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn errors of the operating system and lack of memory into one-line errors that name the file.

    Raises:
        DataError: the file cannot be read.
        ResourceError: memory ran out.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or reason_of(error)}). Check the path and its rights.", path=path
        ) from error
    except MemoryError as error:
        raise resource_error(error, f"reading {path}") from error


@contextmanager
def decoding() -> Iterator[None]:
    """Turn the errors that a decoder raises for damaged data into `Damage`. Errors of the machine pass unchanged.

    Inside the block, call only a decoder and the file that the decoder reads.
    """
    try:
        yield
    except (Damage, MemoryError):
        raise
    except OSError as error:
        if error.errno:
            raise
        if any(words in str(error).lower() for words in _NO_MEMORY):
            raise MemoryError(reason_of(error)) from error
        raise Damage(reason_of(error)) from error
    except Exception as error:
        raise Damage(reason_of(error)) from error


def pyarrow() -> Any:
    """Return the library pyarrow, with `pyarrow.parquet` loaded.

    Raises:
        DependencyError: pyarrow is not installed, or cannot be loaded.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError.of(error, "parquet and .zst files need the package pyarrow", extra="corpus") from error
    return arrow
