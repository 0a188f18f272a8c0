"""Pages → a directory of PNG or npy files with a manifest, or one PDF: all of it, or nothing.

Everything is written into a hidden directory beside the target. Once it is complete, it takes the target's place by
renaming. An error, a full disk or an interrupt removes the hidden directory; a killed process leaves only that
directory behind. Pages are not synced to the disk one by one, because that would take longer than drawing them. So only
a PDF is safe if the power fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.paths import path_of
from glyphrender._system.processes import can_fork, imap_forked
from glyphrender._system.version import __version__
from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.raster.canvas import rasteriser
from glyphrender.raster.typesetter import Typesetter, default_typesetter
from glyphrender.text.properties import UNICODE_VERSION

if TYPE_CHECKING:
    from glyphrender.document.page import Page
    from glyphrender.theta import Theta

MANIFEST: Final = "manifest.json"
FORMATS: Final = ("png", "npy", "pdf")

#: Number of jobs → a function from a job to its share of the pages.
Shares: TypeAlias = Callable[[int], Callable[[int], Iterator["Page"]]]


def save(
    pages: Iterable[Page],
    path: str | os.PathLike[str],
    *,
    theta: Theta,
    bits: int | None = None,
    jobs: int = 1,
    shares: Shares | None = None,
    progress: Callable[[int], object] | None = None,
    format: str | None = None,
    typesetter: Typesetter | None = None,
) -> dict[str, Any]:
    """Write `pages`, which were set under `theta`; see `Document.save`.

    With several jobs and `shares`, forked processes write the shares, and `pages` is not used.
    """
    target = path_of(path, "Name a folder for the pages, or a file that ends in .pdf.")
    format = _format(target, format)
    if progress is not None and not callable(progress):
        raise DataError(f"progress is {type(progress).__name__}, not a function of the number of pages. Leave it out.")
    if target.is_symlink():
        target = target.resolve()  # so that the target of a link is replaced, not the link
    with _hidden_folder(target, is_file=format == "pdf") as part:
        share = shares(jobs) if shares is not None and jobs > 1 and can_fork() else None
        encoding = _Encoding(format="npy" if format == "npy" else "png", bits=bits)
        entries = []
        for entry in _written(pages, part, encoding, jobs, share):
            entries.append(entry)
            if progress is not None:
                progress(len(entries))
        entries.sort(key=itemgetter("start", "file"))
        if format == "pdf":
            return _save_pdf(target, part, entries, theta, typesetter)
        manifest = {**describe(theta, typesetter), "pages": entries}
        (part / MANIFEST).write_bytes(_json(manifest).encode("utf-8", "surrogatepass"))
        part.chmod(0o777 & ~_umask())
        _take_place(part, target)
    return manifest


def describe(theta: Theta, typesetter: Typesetter | None = None) -> dict[str, Any]:
    """Return everything, except the text, that the pixels of a page depend on.

    Raises:
        FontError: a font of `theta` cannot be used.
    """
    return {
        "versions": _versions() | {"rasteriser": rasteriser()},
        "theta": theta.to_dict(),
        "theta_digest": theta.digest,
        "fonts_digest": (typesetter or default_typesetter()).shaper.style(theta).stack.digest,
    }


@cache
def _versions() -> dict[str, str]:
    versions = {"glyphrender": __version__, "unicode": UNICODE_VERSION}
    for name in ("skia-python", "uharfbuzz"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _json(manifest: dict[str, Any]) -> str:
    """Return `manifest` as JSON that people can read, one page a line."""
    head = json.dumps(manifest | {"pages": []}, indent=1, ensure_ascii=False)
    pages = ",\n".join(json.dumps(page, ensure_ascii=False) for page in manifest["pages"])
    return head.removesuffix("[]\n}") + f"[\n{pages}\n]}}\n"


def _format(target: Path, format: str | None) -> str:
    """Return the format to write: `format` if it is given, else the format that the name of `target` implies.

    Raises:
        DataError: the format is unknown, or contradicts the name.
        DependencyError: a PDF needs the extra `pdf`.
    """
    named = target.suffix.lower() == ".pdf"
    if format is None:
        format = "pdf" if named else "png"
    if not isinstance(format, str) or format not in FORMATS:
        raise DataError(f"format={shown(format)} is unknown. Use {', '.join(FORMATS)}.")
    if named and format != "pdf":
        raise DataError(f"format={shown(format)} writes a directory, which {target} does not name. Leave out .pdf.")
    if format == "pdf":
        try:
            import img2pdf  # noqa: F401 -- before any page is drawn
        except ImportError as error:
            raise DependencyError.of(error, "a PDF needs the package img2pdf", extra="pdf") from error
    return format


def _save_pdf(
    target: Path, folder: Path, entries: list[dict[str, Any]], theta: Theta, typesetter: Typesetter | None
) -> dict[str, Any]:
    """Write the PNGs of `folder` as one PDF; return its manifest.

    The compressed pixels of the PNGs are copied unchanged, so nothing is lost: grey levels and bit depths stay as they
    are.
    """
    import img2pdf

    if not entries:
        raise DataError(
            f"{target} would have no pages, which a PDF cannot. Save an empty document as png.", path=target
        )

    def points(width: int, height: int, _: object) -> tuple[float, float, float, float]:
        # Use the exact dpi. A PNG can state only whole pixels per metre.
        size = width * 72 / theta.dpi, height * 72 / theta.dpi
        return *size, *size

    files = [str(folder / entry["file"]) for entry in entries]
    # No date is written, so that equal pages give equal bytes.
    data = img2pdf.convert(files, layout_fun=points, nodate=True, engine=img2pdf.Engine.internal, allow_oversized=True)
    write_atomically(target, data)
    pages = [{name: value for name, value in entry.items() if name not in _OF_A_FILE} for entry in entries]
    about = {"file": target.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {**describe(theta, typesetter), **about, "pages": pages}


_OF_A_FILE: Final = ("file", "bytes", "sha256")


def file_name(number: int, format: str = "png") -> str:
    """Return the file name of page `number`.

    >>> file_name(7)
    'page_0007.png'
    """
    return f"page_{number:04d}.{format}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Encoding:
    """A way to turn a page into bytes.

    Attributes:
        format: "png", or "npy" for the array of pixels as numpy.load reads it.
        bits: see `Page.png`.
    """

    format: str
    bits: int | None

    def encoded(self, page: Page) -> bytes:
        """Return the bytes of `page`."""
        if self.format == "png":
            return page.png(bits=self.bits)
        file = BytesIO()
        np.save(file, page.array, allow_pickle=False)
        return file.getvalue()


def _written(
    pages: Iterable[Page],
    folder: Path,
    encoding: _Encoding,
    jobs: int,
    share: Callable[[int], Iterator[Page]] | None,
) -> Iterator[dict[str, Any]]:
    """Write the pages into `folder`, and yield the manifest entry of each. With `share`, forked processes write."""
    if share is None:
        for page in pages:
            yield _write(page, folder, encoding)
    else:
        yield from imap_forked(jobs, lambda job: (_write(page, folder, encoding) for page in share(job)))


def _write(page: Page, folder: Path, encoding: _Encoding) -> dict[str, Any]:
    data = encoding.encoded(page)
    name = file_name(page.number, encoding.format)
    (folder / name).write_bytes(data)
    parts = [{"name": part.name, "start": part.start} for part in page.parts]
    return {
        "file": name,
        "width": page.size[0],
        "height": page.size[1],
        "start": page.span[0],
        "end": page.span[1],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "missing": {f"U+{ord(character):04X}": count for character, count in sorted(page.missing.items())},
        **({"parts": parts} if parts else {}),
    }


@contextmanager
def _hidden_folder(target: Path, *, is_file: bool) -> Iterator[Path]:
    """Make a hidden directory beside `target`, and remove it at the end if it is still there.

    Raises:
        DataError: `target` cannot be written, at the start or during the block.
    """
    # The name is chosen before the directory is made, because an interrupt may fall between the two.
    part = _hidden_name(target.absolute(), "part")
    made: list[Path] = []
    try:
        try:
            _check_target(target, is_file=is_file)
            made = _made_parents(target)
            part.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(
                f"{target} cannot be written ({error.strerror}). Choose another place.", path=target
            ) from error
        yield part
    except OSError as error:
        raise DataError(
            f"{target} cannot be written ({error.strerror}). Free space or choose another.", path=target
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _remove_empty(made)


def _made_parents(target: Path) -> list[Path]:
    """Make the directories above `target`; return those that were not there before, the innermost first."""
    absent = [parent for parent in target.absolute().parents if not parent.exists()]
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        _remove_empty([parent for parent in absent if parent.exists()])
        raise
    return absent


def _remove_empty(directories: list[Path]) -> None:
    """Remove `directories` in their order, up to the first that is not empty. After a success none is empty."""
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return


def _check_target(target: Path, *, is_file: bool) -> None:
    if not target.exists():
        above = next(parent for parent in target.absolute().parents if parent.exists())
        if not above.is_dir():
            raise DataError(f"{target} cannot be written ({above} is a file). Choose another directory.", path=target)
    elif is_file:
        if target.is_dir():
            raise DataError(f"{target} is a directory. Choose a file for the PDF.", path=target)
    elif not target.is_dir():
        raise DataError(f"{target} is a file. Choose a directory for the pages.", path=target)
    elif not (target / MANIFEST).exists() and any(target.iterdir()):
        raise DataError(f"{target} holds other files. Choose an empty or a new directory for the pages.", path=target)


def _take_place(part: Path, target: Path) -> None:
    """Rename `part` to `target`. An earlier document at `target` is removed only after the renaming has worked."""
    if not target.exists():
        part.rename(target)
        return
    old = _hidden_name(target.absolute(), "old")
    try:
        target.rename(old)
        part.rename(target)
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(target)


def _hidden_name(home: Path, suffix: str) -> Path:
    return home.parent / f".{home.name}.{secrets.token_hex(4)}.{suffix}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
