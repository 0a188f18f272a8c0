"""Exchange two folders in one step, where the system can: both names exist at every moment."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

# From linux/fs.h and from stdio.h of macOS; both calls take the flag last.
_RENAME_EXCHANGE: Final = 2
_RENAME_SWAP: Final = 2
_AT_FDCWD: Final = -100
# The kernel, the C library or the file system cannot exchange: network file systems, FAT, Linux before 3.15.
_CANNOT: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM})


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of `one` and `other`, which lie on one file system. Return False if the system cannot.

    Raises:
        OSError: the system can, but this exchange failed; nothing has changed.
    """
    paths = os.fsencode(one), os.fsencode(other)
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], ctypes.c_uint(_RENAME_EXCHANGE))
    elif sys.platform == "darwin":
        failed = library.renamex_np(*paths, ctypes.c_uint(_RENAME_SWAP))
    else:
        return False
    if failed:
        number = ctypes.get_errno()
        if number in _CANNOT:
            return False
        raise OSError(number, os.strerror(number), str(other))
    return True
