"""The error message for a system on which Skia cannot be loaded: one line that says why, and how to mend it."""

from __future__ import annotations

import errno
import os
import re
from typing import Final

# Libraries that skia-python links against but does not bring → the packages that hold them (Debian and Ubuntu, Fedora).
_PACKAGES: Final = {
    "libEGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libexpat.so.1": ("libexpat1", "expat"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
}


# Where the loader has no memory left, it says this without the system's reason; where files may not be run, with it.
_NO_MEMORY: Final = re.compile(r"failed to map segment from shared object$")
_SHORTAGES: Final = (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN)


def is_shortage(error: ImportError) -> bool:
    """Return whether Skia is there, but the system had no memory or no file descriptors left for it.

    >>> is_shortage(ImportError("libskia.so: failed to map segment from shared object"))
    True
    """
    reason = str(error).strip()
    return bool(_NO_MEMORY.search(reason)) or any(os.strerror(number) in reason for number in _SHORTAGES)


def missing_library_message(error: ImportError) -> str:
    """Return one line that says what `import skia` lacks and how to get it, for a `DependencyError` or a warning.

    >>> print(missing_library_message(ImportError("undefined symbol: _ZN4")))
    skia-python cannot be loaded: undefined symbol: _ZN4. Reinstall skia-python.

    Args:
        error: what `import skia` raised.
    """
    reason = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name == "skia":
        return "skia-python is not installed. Run pip install skia-python (no wheels for musl, hence Alpine)."
    # The loader names only the first library that fails: by its name if it is missing, by its path if it is damaged.
    library = reason.partition(":")[0].rpartition("/")[2]
    if library not in _PACKAGES:
        return f"skia-python cannot be loaded: {reason}. Reinstall skia-python."
    debian, fedora = _PACKAGES[library]
    return (
        f"{library}, which skia-python needs, is missing or damaged. "
        f"Run apt-get install {debian} (Debian, Ubuntu) or dnf install {fedora} (Fedora)."
    )
