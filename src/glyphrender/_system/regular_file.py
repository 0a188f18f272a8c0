"""Open regular files, and nothing else.

Reading a pipe or a device may wait for ever or never end, and merely opening a device may have an effect.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader, TextIOWrapper
from typing import Final

_KINDS: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a directory"),
)
# Flags that Windows lacks are 0 there, and the flag for binary files is 0 elsewhere.
_FLAGS: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


def open_regular(path: str | os.PathLike[str], *, pipes: bool = False) -> BufferedReader:
    """Open a regular file for reading. Links are followed.

    Args:
        path: the file.
        pipes: whether to open a pipe too, and wait until another process writes to it. Pass True for what the user
            names, so that a shell's `<(command)` can be read.

    Raises:
        OSError: there is no such file, or it cannot be opened. The error of what is no regular file has the number
            EINVAL, and its `strerror` says what the file is.
    """
    mode = os.stat(path).st_mode
    if pipes and stat.S_ISFIFO(mode):
        return open(path, "rb")
    _refuse(mode, path)
    # The name may stand for something else by now. O_NONBLOCK lets `open` of a pipe return at once.
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    try:
        _refuse(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def kind_of(mode: int) -> str:
    """Return in words what a file of this mode is, such as "a pipe"; "" for a regular file.

    Args:
        mode: `st_mode` of the result of `os.stat`.

    >>> import os
    >>> kind_of(os.stat(".").st_mode)
    'a directory'
    """
    if stat.S_ISREG(mode):
        return ""
    return next((words for test, words in _KINDS if test(mode)), "a special file")


def _refuse(mode: int, path: str | os.PathLike[str]) -> None:
    if kind := kind_of(mode):
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", os.fspath(path))


def read_bytes(path: str | os.PathLike[str], *, pipes: bool = False) -> bytes:
    """Return the bytes of a regular file, or of a pipe that the user names; see `open_regular`.

    Raises:
        OSError: the file cannot be opened, or is a device, a socket or a folder.
    """
    with open_regular(path, pipes=pipes) as file:
        return file.read()


def read_text(path: str | os.PathLike[str], *, encoding: str = "utf-8", pipes: bool = True) -> str:
    """Return the text of a regular file, or of a pipe that the user names; see `open_regular`.

    Raises:
        OSError: the file cannot be opened, or is a device, a socket or a folder.
        UnicodeDecodeError: the bytes are no text in `encoding`.
    """
    with TextIOWrapper(open_regular(path, pipes=pipes), encoding=encoding) as file:
        return file.read()
