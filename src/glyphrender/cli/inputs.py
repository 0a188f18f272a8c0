"""Arguments → inputs → text: files, folders, globs and standard input, read block by block.

Only one block is held in memory, so a text of any length can be streamed. A file in a folder that is not text is
skipped, and is always listed. If a file that the user names is not text, there is an error.
"""

from __future__ import annotations

import codecs
import errno
import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from glyphrender._system.regular_file import kind_of, open_regular
from glyphrender.errors import DataError, counted
from glyphrender.text.parts import Part, headed

if TYPE_CHECKING:
    from glyphrender.theta import Theta

BLOCK = 1 << 20
# Most names that a message lists. For the others, the message gives their number.
_LISTED = 5
# Control characters other than \b \t \n \v \f \r and ESC. In encodings that extend ASCII, text has none of these
# characters. In random bytes, one byte in ten is one. A file is binary if at least one byte in fifty is one.
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\b\t\n\v\f\r\x1b")
_BINARY_SHARE = 50
# With this many escape sequences, a text is the output of a program that wrote to a terminal.
_MANY_ESCAPES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One file to read.

    Attributes:
        name: the name in headings, and the path in the output folder, with "/" between its parts.
        path: the file, or None for standard input.
        walked: whether the file was found in a folder. If not, the user named it.
    """

    name: str
    path: Path | None
    walked: bool = False

    @property
    def shown(self) -> str:
        """Return the name in messages."""
        return str(self.path) if self.path else "standard input"


def inputs_of(
    arguments: Sequence[str], *, include: Sequence[str] = (), exclude: Sequence[str] = (), output: Path | None = None
) -> list[Input]:
    """Return the inputs that `arguments` name, in that order. Inputs from a folder or a glob are sorted by path.

    Args:
        arguments: files, folders, globs, or "-" for standard input.
        include, exclude: globs for files in folders. A glob with "/" is matched against the path inside the folder,
            any other against the name alone. Excluded folders and hidden folders are not entered.
        output: a folder that is not entered.

    Raises:
        DataError: an argument matches no file, or "-" is given twice.
    """
    inputs: list[Input] = []
    for argument in arguments:
        if argument == "-":
            if any(source.path is None for source in inputs):
                raise DataError("- is given twice. Standard input can be read once.")
            inputs.append(Input(name="stdin", path=None))
            continue
        for path in _matches(argument):
            if path.is_dir():
                inputs += _walked(path, include, exclude, output)
            else:
                inputs.append(Input(name=_name(path), path=path))
    return inputs


class Reader:
    """A reader of inputs that counts what it has read and lists what it has skipped.

    Attributes:
        bytes: number of bytes read so far.
        escapes: number of control sequences in the text read so far.
        skipped: (file, reason) for each file that was skipped.
    """

    def __init__(self, *, encoding: str | None = None, errors: str = "strict") -> None:
        self.encoding, self.errors = encoding, errors
        self.bytes = 0
        self.escapes = 0
        self.skipped: list[tuple[str, str]] = []

    def text(self, source: Input) -> Iterator[str] | None:
        """Return the text of `source`, block by block. If the file is skipped, add it to `skipped` and return None.

        A file is skipped only if it was found in a folder and is not text.

        Raises:
            DataError: the file cannot be read, or is not text. In most cases, the error is raised while you iterate.
        """
        if source.walked and source.path and (reason := self._refusal(source.path)):
            self.skipped.append((source.shown, reason))
            return None
        return self._decoded(source)

    def _refusal(self, path: Path) -> str:
        """Return the reason to skip a file that was found in a folder, or "" if there is none."""
        try:
            kind = kind_of(os.stat(path).st_mode)
        except OSError:  # or a link that leads to itself
            return "dangling"
        if kind:
            return "a link to a directory" if path.is_dir() else kind
        if self.encoding is None:
            with _opened(path, named=False) as file:
                if _is_binary(file.read(BLOCK)):
                    self.bytes += os.fstat(file.fileno()).st_size
                    return "binary"
        return ""

    def _decoded(self, source: Input) -> Iterator[str]:
        # Both import numpy, which the listing of inputs does not need.
        from glyphrender.text.consumed import Consumption
        from glyphrender.text.source import decode_blocks

        escapes = Consumption(sequences=True)
        with _opened(source.path, named=not source.walked) as file:
            blocks = self._counted(file, source)
            for text in decode_blocks(blocks, name=source.shown, encoding=self.encoding, errors=self.errors):
                self.escapes += sum(1 for _ in escapes.found_sequences(text, 0, len(text)))
                yield text

    def _counted(self, file: BinaryIO, source: Input) -> Iterator[bytes]:
        # A file in a folder is read up to the size that it has now: one that grows for ever has an end.
        left = os.fstat(file.fileno()).st_size if source.walked else BLOCK
        while left > 0 and (block := _block(file, source, min(left, BLOCK))):
            self.bytes += len(block)
            left -= len(block) if source.walked else 0
            yield block


def joined(inputs: Iterable[Input], reader: Reader, heading: str) -> Iterator[str | Part]:
    """Yield the texts of `inputs`, one after the other, each below `heading`; see `headed`.

    Raises:
        DataError: see `Reader.text`; or all inputs were skipped.
    """
    found = False
    texts = ((source.name, text) for source in inputs if (text := reader.text(source)) is not None)
    for piece in headed(texts, heading):
        yield piece
        found = True
    if not found:
        raise DataError(
            f"none of {len(reader.skipped)} files is text; the first is {reader.skipped[0][0]}. "
            "Pass --encoding if they are text."
        )


def listed(skipped: Sequence[tuple[str, str]]) -> str:
    """Return a message about the files that a `Reader` skipped; "" if it skipped none."""
    if not skipped:
        return ""
    names = [f"{file} ({reason})" for file, reason in skipped[:_LISTED]]
    more = f" and {len(skipped) - _LISTED:,} more" if len(skipped) > _LISTED else ""
    return f"skipped {counted(len(skipped), 'file')} without text: {', '.join(names)}{more}"


def escapes_hint(reader: Reader, theta: Theta) -> str:
    """Return a line that says that many escape sequences are drawn, and the way out; "" if they are few or left out."""
    if reader.escapes < _MANY_ESCAPES or theta.ansi != "ESCAPE":
        return ""
    return f"{reader.escapes:,} escape sequences are drawn; --preset log or --set ansi=STRIP leaves them out."


def total_bytes(inputs: Iterable[Input]) -> int | None:
    """Return the number of bytes of all inputs, or None if the size of an input is not known."""
    total = 0
    for source in inputs:
        if source.path is None or not source.path.is_file():
            if source.walked:  # it is skipped
                continue
            return None
        total += source.path.stat().st_size
    return total


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Input]) -> None:
    """Refuse an output that is an input, or a folder that holds an input: writing would replace the input.

    The file of --theta is an input too. Links are followed.

    Raises:
        DataError: an output is an input, or holds one.
    """
    places = {Path(os.path.realpath(output)): output for output in outputs}
    context = click.get_current_context(silent=True)
    theta_file = context.params.get("theta_file") if context else None
    for path in (theta_file, *(source.path for source in inputs)):
        if path is None:
            continue
        real = Path(os.path.realpath(path))
        for place in (real, *real.parents):
            if place in places:
                raise DataError(
                    f"{path} is an input, and lies inside the output {places[place]}. Choose another output."
                    if place != real
                    else f"{path} is an input and the output. Choose another output.",
                    path=places[place],
                )


def _opened(path: Path | None, *, named: bool) -> AbstractContextManager[BinaryIO]:
    """Open the file at `path`. If `path` is None, return standard input, which stays open at the end.

    A pipe that the user named, such as that of a shell's `<(command)`, is read. A device never ends, and is refused.
    """
    if path is None and sys.stdin is None:
        raise DataError("standard input is closed. Pass a file, or - after a pipe.")
    try:
        return open_regular(path, pipes=named) if path else nullcontext(sys.stdin.buffer)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise DataError(
                f"{path} is {error.strerror}. Name a file, a folder, or - for standard input.", path=path or ""
            ) from error
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Check the path and its rights.", path=path or ""
        ) from error


def _block(file: BinaryIO, source: Input, size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise DataError(f"{source.shown} cannot be read ({error.strerror}). Check the disk or folder.") from error


def _matches(argument: str) -> list[Path]:
    if os.path.lexists(argument):
        return [Path(argument)]
    if glob.has_magic(argument):
        if found := sorted(glob.glob(argument, recursive=True)):
            return [Path(path) for path in found if not Path(path).is_dir() or "**" not in argument]
        raise DataError(f"{argument} matches no file. Check the pattern, or put it in quotes.")
    raise DataError(f"{argument} does not exist. Name a file, a folder, or - for standard input.")


def _walked(folder: Path, include: Sequence[str], exclude: Sequence[str], output: Path | None) -> list[Input]:
    found: list[Input] = []
    seen = 0
    away = output.resolve() if output else None

    def refused(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror}). Pass --exclude to skip it.")

    for at, folders, files in os.walk(folder, onerror=refused):
        inside = Path(at).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and not _matched((inside / name).as_posix(), exclude)
            and (away is None or (Path(at) / name).resolve() != away)
        )
        # `walk` does not follow links to folders. They are listed, so that the reader tells of them.
        links = [name for name in folders if (Path(at) / name).is_symlink()]
        seen += len(files)
        for name in (*files, *links):
            path = (inside / name).as_posix()
            if (not include or _matched(path, include)) and not _matched(path, exclude):
                found.append(Input(name=_name(folder, path), path=Path(at) / name, walked=True))
    if not found:
        reason = f"none of its {seen} files is chosen by --include and --exclude" if seen else "the folder is empty"
        raise DataError(f"{folder}: {reason}. Name a folder that holds text.")
    return sorted(found, key=lambda source: source.name.split("/"))


def _is_binary(head: bytes) -> bool:
    from glyphrender.text.source import BYTE_ORDER_MARKS

    if any(head.startswith(mark) for mark, _ in BYTE_ORDER_MARKS):
        return False
    if b"\0" in head:
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        controls = len(head) - len(head.translate(None, _CONTROLS))
        return controls * _BINARY_SHARE >= len(head)
    return False


def _matched(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern.rstrip("/")) for pattern in patterns)


def _name(path: Path, inside: str = "") -> str:
    """Return the path as it was given. If it is absolute or has "..", return only its last part and what follows it."""
    if path.is_absolute() or ".." in path.parts:
        path = Path(path.resolve().name)
    # A byte that is not UTF-8 must not get into the text as a lone surrogate.
    return os.fsencode((path / inside).as_posix()).decode("utf-8", "replace")
