"""Names of hidden files and folders that a run works in, so that a later run can tell what a killed run has left.

A name is `.TARGET.RANDOM+CHECK.KIND`. CHECK is a hash of TARGET and RANDOM, so a file of a user does not get such a
name by chance. The process that works in a file or folder holds an advisory lock on it, and the system frees the lock
when the process ends, however it ends. So a file or folder that has such a name and can be locked was left by a killed
process. On a file system without locks nothing counts as left.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# A file name has at most 255 bytes on nearly every file system. A character has at most 4 bytes.
_MOST_BYTES, _MOST_CHARACTERS = 200, 50
# Seconds between two tries to get a lock.
_POLL: Final = 0.005
_NAME: Final = re.compile(r"\.(?P<shown>.*)\.(?P<random>[0-9a-f]{8})(?P<check>[0-9a-f]{8})\.(?P<kind>[a-z]+)", re.S)


def hidden_name(target: Path, kind: str) -> Path:
    """Return a new hidden name beside `target`."""
    random = os.urandom(4).hex()
    return target.with_name(f".{_shown(target.name)}.{random}{_check(target.name, random)}.{kind}")


def renamed(hidden: Path, kind: str) -> Path:
    """Return the hidden name `hidden` with another kind."""
    return hidden.with_name(f"{hidden.name.rpartition('.')[0]}.{kind}")


def hidden_beside(target: Path) -> list[Path]:
    """Return the files and folders beside `target` whose names `hidden_name` made for it."""
    # Compare the start before the rest: a folder may hold a million files.
    start = f".{_shown(target.name)}."
    try:
        with os.scandir(target.parent) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(start)]
    except OSError:
        return []
    found = []
    for name in names:
        match = _NAME.fullmatch(name)
        if match and match["check"] == _check(target.name, match["random"]):
            found.append(target.with_name(name))
    return sorted(found)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or folder during the block, if no other process holds it; yield whether this worked."""
    descriptor = lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def lock(path: Path, *, wait: float = 0.0) -> int | None:
    """Lock a file or folder, and return the descriptor that holds the lock. Return None if it cannot be locked.

    Args:
        path: the file or folder; a link is not followed.
        wait: seconds to wait while another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    end = time.monotonic() + wait
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held, named = os.fstat(descriptor), os.lstat(path)
            if (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino):  # not removed or renamed in between
                return descriptor
            break
        except BlockingIOError:
            if time.monotonic() >= end:
                break
            time.sleep(_POLL)
        except OSError:  # a file system without locks, or the path is gone
            break
    os.close(descriptor)
    return None


def _shown(name: str) -> str:
    return name if len(os.fsencode(name)) <= _MOST_BYTES else name[:_MOST_CHARACTERS]


def _check(name: str, random: str) -> str:
    import hashlib  # `import glyphrender` does without

    return hashlib.sha256(b"glyphrender\0" + os.fsencode(name) + b"\0" + random.encode()).hexdigest()[:8]
