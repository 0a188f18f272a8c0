"""A file that holds the old or the new text at any time, never a part."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from glyphrender.errors import DataError


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path`, in UTF-8 with its line ends as they are: under another name first, then renamed.

    Raises:
        DataError: the file cannot be written; what was there is there still.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(target)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror}). Choose another file.") from error
    finally:
        with suppress(OSError):
            part.unlink()
