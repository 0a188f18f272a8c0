"""The manifest of a folder of pages: its keys, how it is written and read, and how we know a folder of ours by it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from glyphrender._system.folder_output import FolderKind, first_foreign
from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DataError

MANIFEST: Final = "manifest.json"

# A file name has at least so many digits, and as many as the last page needs, so names sort as pages do.
_DIGITS: Final = 4
_FILE: Final = re.compile(r"page_\d{4,}\.(?:png|npy)")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _FILE.fullmatch(value) is not None


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


#: The keys of a manifest, and below those of each of its pages: key → a test of its value.
KEYS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "versions": _is_object,
    "theta": _is_object,
    "theta_digest": _is_text,
    "fonts_digest": _is_text,
    "pages": lambda value: isinstance(value, list),
}
PAGE_KEYS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "file": _is_name,
    "width": _is_count,
    "height": _is_count,
    "start": _is_count,
    "end": _is_count,
    "bytes": _is_count,
    "sha256": _is_digest,
    "missing": _is_counts,
}
# The digest of all other values. Manifests of earlier versions lack it.
_SEAL: Final = "sha256"
# Keys that a page may lack. A manifest with any other key was not written by `save`, and is not replaced.
_OPTIONAL: Final = frozenset({"collisions", "parts", "theta"})


def file_name(number: int, format: str = "png", *, pages: int = 1) -> str:
    """Return the file name of page `number` of `pages`. The names of all pages sort in the order of the pages.

    >>> file_name(7), file_name(7, pages=10_000)
    ('page_0007.png', 'page_00007.png')
    """
    return f"page_{number:0{max(_DIGITS, len(str(pages)))}d}.{format}"


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return `manifest` as JSON that people can read, one page a line."""
    head = json.dumps({**manifest, "pages": []}, indent=1, ensure_ascii=False)
    pages = ",\n".join(json.dumps(page, ensure_ascii=False) for page in manifest["pages"])
    return (head.removesuffix("[]\n}") + f"[\n{pages}\n]}}\n").encode("utf-8", "surrogatepass")


def sealed_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return `manifest` with the digest of its values, by which a later render knows that nobody has changed them."""
    return {_SEAL: hashlib.sha256(manifest_bytes(manifest)).hexdigest(), **manifest}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of pages.

    Raises:
        DataError: the manifest is missing, is not JSON, or lacks a value or has one of the wrong type.
    """
    path = folder / MANIFEST
    try:
        with open_regular(path) as file:
            values = json.loads(file.read().decode("utf-8", "surrogatepass"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Render the pages again.", path=path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error}). Render the pages again.", path=path) from error
    if problem := _problem(values):
        raise DataError(f"{path} is damaged ({problem}). Render the pages again.", path=path)
    return dict(values)


def is_pages_folder(folder: Path) -> bool:
    """Return whether `folder` looks like pages that were saved: it has a manifest, and pages or nothing else."""
    if not folder.is_dir() or not (folder / MANIFEST).exists():
        return False
    names = [path.name for path in folder.iterdir()]
    return any(map(_FILE.fullmatch, names)) or len(names) == 1


def dpi_of(manifest: Mapping[str, Any]) -> float:
    """Return the resolution of the pages of a manifest; 72 if its θ has none that a page can have."""
    dpi = manifest["theta"].get("dpi")
    good = isinstance(dpi, int | float) and not isinstance(dpi, bool) and 1 <= dpi < 1e5
    return float(dpi) if good else 72.0


def _problem(values: Any) -> str:
    """Return why `values` cannot be a manifest; "" if they can."""
    if not isinstance(values, dict):
        return "it is no object"
    if problem := _wrong(values, KEYS):
        return problem
    for number, page in enumerate(values["pages"], 1):
        if not isinstance(page, dict):
            return f"page {number} is no object"
        if problem := _wrong(page, PAGE_KEYS):
            return f"page {number}: {problem}"
    return ""


def _wrong(values: dict[str, Any], keys: Mapping[str, Callable[[Any], bool]]) -> str:
    for name, is_good in keys.items():
        if name not in values:
            return f"{name} is missing"
        if not is_good(values[name]):
            return f"{name}={str(values[name])[:40]!r} is not a valid value"
    return ""


def _foreign(folder: Path) -> str:
    """Return the first thing in `folder` that a render did not write, or that was changed since; "" if none."""
    names = sorted(path.name for path in folder.iterdir())
    if MANIFEST not in names or (folder / MANIFEST).is_symlink():
        return names[0] if names else ""
    try:
        manifest = read_manifest(folder)
    except DataError:
        return f"{MANIFEST}, which no render wrote"
    keys = set(manifest) - set(KEYS) - {_SEAL} or {
        key for page in manifest["pages"] for key in set(page) - set(PAGE_KEYS) - _OPTIONAL
    }
    if keys:  # the manifest of something else, or with notes that a person added
        return f"{MANIFEST}, which has {min(keys)!r}"
    if _SEAL in manifest:
        values = {name: value for name, value in manifest.items() if name != _SEAL}
        if sealed_manifest(values)[_SEAL] != manifest[_SEAL]:
            return f"{MANIFEST}, which was changed since"
    return first_foreign(folder, {MANIFEST: "", **{page["file"]: page["sha256"] for page in manifest["pages"]}})


PAGES_FOLDER: Final = FolderKind(
    names=re.compile(rf"{_FILE.pattern}|{re.escape(MANIFEST)}"),
    foreign=_foreign,
)
"""Folders of page images with a manifest, as `Document.save` writes them."""
