"""Folders as outputs: a folder is written under a hidden name, and takes its place as a whole or not at all.

A folder that is there already is replaced only if it is empty, or if it holds nothing but unchanged files of the same
writer, which `FolderKind` tells. Everything else is the user's, and stays. A link is followed.

Where the system can, old and new are exchanged in one step (see exchange.py), so readers never find the name missing.
Elsewhere two renamings follow each other; if a process is killed between them, the next run that writes to the same
place puts the old folder back. Hidden folders have one of two kinds:

    .NAME.TOKEN.part   being written, or being removed: holds nothing that is needed
    .NAME.TOKEN.old    a whole folder, the old or the new one, at the moment of the exchange

The next run removes or puts back what a killed run has left (see hidden_names.py). While names change, the folder that
holds them is locked. A process that cannot get this lock within seconds goes on without the lock. Each step is safe
alone, but one of two writers to one place may then end with an error.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from glyphrender._system.exchange import exchange
from glyphrender._system.hidden_names import hidden_beside, hidden_name, lock, locked, renamed
from glyphrender._system.paths import path_of
from glyphrender._system.sync import sync_files_of, sync_folder
from glyphrender.errors import DataError

# Seconds that a process waits for others that change names in the same folder. Each holds the lock for milliseconds.
_WAIT: Final = 2.0
_NOT_EMPTY: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST})


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderKind:
    """The folders of one writer.

    Attributes:
        names: matches the name of every file that the writer writes into a folder.
        foreign: returns the first thing in a folder that the writer did not write, or that was changed since, in words;
            "" if there is none. Files that are missing do not matter.
    """

    names: re.Pattern[str]
    foreign: Callable[[Path], str]


class WorkFolder:
    """A hidden folder beside a file that is being made. This is a context manager: the block leaves nothing hidden.

    Args:
        path: the file that is being made. Folders above it are made.
        kind: what the hidden folder may hold.

    Attributes:
        target: the file with links resolved.
        folder: the hidden folder.

    Raises:
        DataError: nothing can be written beside `path`.
    """

    def __init__(self, path: str | os.PathLike[str], kind: FolderKind) -> None:
        self._shown = str(path_of(path, "Name a folder or a file."))
        self.target = real_path(path)
        self.folder = hidden_name(self.target, "part")
        self._kind = kind
        self._hidden: set[Path] = set()  # names that this object may have made
        self._made: list[Path] = []
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            with self._errors_named("Choose another place."):
                self._check()
                self._made = made_parents(self.target)
                with _changing_names_in(self.target.parent) as held:
                    for hidden in hidden_beside(self.target):
                        with locked(hidden) as left:
                            # Without locks (on NFS) too, an old folder is put back where nothing is in its place.
                            if (held and left) or (hidden.suffix == ".old" and not os.path.lexists(self.target)):
                                self._tidy(hidden)
                    self._look_inside()
                    self._hidden.add(self.folder)
                    self.folder.mkdir(mode=0o700)
                    self._lock = lock(self.folder)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for hidden in sorted(self._hidden):
                if os.path.lexists(hidden):
                    with suppress(OSError):
                        self._tidy(hidden)
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
            remove_empty(self._made)
        if isinstance(error, OSError):
            with self._errors_named("Free space or choose another."):
                raise error

    def _tidy(self, hidden: Path) -> None:
        """Remove what a run has left under a hidden name, or put it back."""
        if hidden.suffix == ".old":
            if not os.path.lexists(self.target):
                hidden.rename(self.target)
                return
            if foreign := self._kind.foreign(hidden):
                raise DataError(
                    f"{hidden} holds {foreign}, which a killed run took from {self._shown}. Move it back by hand.",
                    path=hidden,
                )
            trash = renamed(hidden, "part")
            hidden.rename(trash)
            hidden = trash
        if hidden.suffix != ".part":
            return
        if not hidden.is_dir():
            hidden.unlink()
        elif all(self._kind.names.fullmatch(name) for name in os.listdir(hidden)):
            shutil.rmtree(hidden, ignore_errors=True)

    def _check(self) -> None:
        """Refuse what cannot become a file."""
        self._check_above()
        if self.target.is_dir():
            raise DataError(f"{self._shown} is a directory. Choose a file.", path=self._shown)

    def _check_above(self) -> None:
        above = next(parent for parent in self.target.parents if os.path.lexists(parent))
        if not above.is_dir():
            raise DataError(
                f"{self._shown} cannot be written ({above} is a file). Choose another directory.", path=self._shown
            )

    def _look_inside(self) -> None:
        """Refuse what may not be replaced."""

    @contextmanager
    def _errors_named(self, way_out: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{self._shown} cannot be written ({error.strerror or error}). {way_out}", path=self._shown
            ) from error


class FolderOutput(WorkFolder):
    """A folder that is being written, under a hidden name until `publish`. A context manager.

    Args:
        path: the folder to make or replace. Folders above it are made.
        kind: the folders that may be replaced.

    Raises:
        DataError: `path` cannot be written, or holds something that `kind` does not know. This is found at the start or
            at `publish`.
    """

    def publish(self) -> None:
        """Put the folder in its place. First sync its files to the disk, then rename the folder, then sync the name.

        Raises:
            DataError: by now the place holds something that is not ours. It stays as it is.
        """
        sync_files_of(self.folder)
        parent = self.target.parent
        with _changing_names_in(parent):
            self.folder.chmod(self.target.stat().st_mode & 0o7777 if self.target.exists() else 0o777 & ~_umask())
            try:
                os.rename(self.folder, self.target)  # works if the target is not there, or is an empty folder
            except OSError as problem:
                if problem.errno not in _NOT_EMPTY:
                    raise
                self._refuse(self._kind.foreign(self.target))
                self._replace()
            sync_folder(parent)

    def _replace(self) -> None:
        """Exchange the new folder and the old one, and remove the old one if it is ours alone."""
        aside = self._hide_as("old")
        self.folder.rename(aside)
        if exchange(aside, self.target):
            old = aside
        else:
            old = hidden_name(self.target, "old")
            self._hidden.add(old)
            self.target.rename(old)
            aside.rename(self.target)
        # If a file was added after the check and before the exchange, it is in the old folder. Then exchange back.
        if foreign := self._kind.foreign(old):
            if old == aside:
                exchange(old, self.target)
            else:
                self.target.rename(aside)
                old.rename(self.target)
            self._refuse(foreign)
        trash = renamed(old, "part")
        self._hidden.add(trash)
        old.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    def _hide_as(self, kind: str) -> Path:
        hidden = renamed(self.folder, kind)
        self._hidden.add(hidden)
        return hidden

    def _check(self) -> None:
        """Refuse what cannot become a folder."""
        self._check_above()
        target, shown = self.target, self._shown
        if os.path.lexists(target) and not target.is_dir():
            target.stat()  # raises if it is a link in a circle
            raise DataError(f"{shown} is a file. Choose a directory.", path=shown)
        if target == Path(os.path.realpath(os.curdir)):
            raise DataError(
                f"{shown} is the working directory, which cannot be replaced. Name a directory inside it.", path=shown
            )

    def _look_inside(self) -> None:
        if self.target.exists():
            self._refuse(self._kind.foreign(self.target))

    def _refuse(self, foreign: str) -> None:
        if foreign:
            raise DataError(
                f"{self._shown} holds other files ({foreign}). Choose an empty or a new directory, or move them away.",
                path=self._shown,
            )


def first_foreign(folder: Path, digests: Mapping[str, str]) -> str:
    """Return the name of the first entry of `folder` that `digests` does not describe, in words; "" if there is none.

    An entry is described if it is a regular file with a name and a content that `digests` has.

    Args:
        folder: the folder.
        digests: name → SHA-256 in hex, or "" if any content will do.
    """
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name not in digests or not entry.is_file(follow_symlinks=False):
                return entry.name
    for name, digest in digests.items():
        with suppress(FileNotFoundError):
            if digest and file_digest(folder / name) != digest:
                return f"{name}, which was changed since"
    return ""


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path that `path` leads to. Nothing need be there.

    Raises:
        DataError: the working directory is gone.
    """
    try:
        return Path(os.path.realpath(path))
    except OSError as error:
        raise DataError(f"{path} leads nowhere ({error.strerror}). Change to another directory.", path=path) from error


def made_parents(target: Path) -> list[Path]:
    """Make the directories above `target`; return those that were not there before, the innermost first."""
    absent = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        remove_empty([parent for parent in absent if parent.exists()])
        raise
    return absent


def remove_empty(directories: list[Path]) -> None:
    """Remove `directories` in their order, and stop at the first that is not empty."""
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return


@contextmanager
def _changing_names_in(folder: Path) -> Iterator[bool]:
    """Keep other processes of this package from changing names in `folder`. Yield whether the lock was free."""
    held = lock(folder, wait=_WAIT)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
