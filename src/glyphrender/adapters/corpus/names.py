"""Ids → names of folders. An id is data: whatever it is, its folder lies inside the folder of images."""

from __future__ import annotations

import hashlib
import re

# Names that every file system takes as they are. No capitals: on some systems "A" and "a" are one folder.
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9._-]{0,98}[a-z0-9_-]|[a-z0-9_]")
_OTHER = re.compile(r"[^A-Za-z0-9._-]")
# Windows opens a device of these names, whatever follows a dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_KEPT = 60


def folder_of(identity: str, *, repeat: int | None = None) -> str:
    """Return a folder name for an id: the id if it is plain, else a short plain form, "~" and a digest of 64 bits.

    No plain name has a "~". So ids that differ, even if only in letter case, have different folders.

    Args:
        identity: any text.
        repeat: the item's position, if an earlier item has the same id.

    >>> folder_of("novel-1")
    'novel-1'
    >>> folder_of("../etc")
    '_etc~f7f9121fdb53d8de'
    """
    name = identity
    if not _PLAIN.fullmatch(identity) or _DEVICES.fullmatch(identity):
        digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        kept = _OTHER.sub("_", identity)[:_KEPT].lstrip(".") or "_"
        name = f"{'_' if _DEVICES.fullmatch(kept.lower()) else ''}{kept}~{digest}"
    return name if repeat is None else f"{name}~{repeat}"
