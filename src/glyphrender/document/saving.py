"""Pages → a directory of PNG or npy files with a manifest, or one PDF: all of it, or nothing.

Everything is written into a hidden directory beside the target. Once it is complete and synced to the disk, it takes
the target's place in one step (see folder_output.py and manifest.py). An error, a full disk or an interrupt removes the
hidden directory. The next save to the same target removes what a killed process has left. When all pages are written,
they are renamed if the last page needs more digits.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from glyphrender._system.atomic_write import check_replaceable, write_atomically
from glyphrender._system.counts import checked_count
from glyphrender._system.folder_output import FolderOutput, WorkFolder
from glyphrender._system.paths import path_of
from glyphrender._system.processes import can_fork, imap_forked
from glyphrender._system.seal import is_sealed, sealed
from glyphrender._system.version import __version__
from glyphrender.document.manifest import MANIFEST, PAGES_FOLDER, file_name, manifest_bytes, sealed_manifest
from glyphrender.document.page import checked_bits
from glyphrender.errors import DataError, DependencyError, shown
from glyphrender.raster.canvas import rasteriser
from glyphrender.raster.typesetter import Typesetter, default_typesetter
from glyphrender.text.properties import UNICODE_VERSION

if TYPE_CHECKING:
    from glyphrender.document.page import Page
    from glyphrender.theta import Theta

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
    """Write `pages`, which were laid out under `theta`; see `Document.save`.

    If there are several jobs and `shares`, forked processes write the shares, and `pages` is not used.
    """
    target = path_of(path, "Name a folder for the pages, or a file that ends in .pdf.")
    format = _format(target, format)
    if progress is not None and not callable(progress):
        raise DataError(f"progress is {type(progress).__name__}, not a function of the number of pages. Leave it out.")
    if bits is not None and checked_bits(bits) and format == "npy":
        raise DataError(f"bits={bits} does not go with format='npy', which has 8. Leave one out.")
    jobs = checked_count(jobs)
    work = WorkFolder if format == "pdf" else FolderOutput
    if format == "pdf":
        check_replaceable(path, is_sealed)
    about = describe(theta, typesetter)  # loads the rasteriser, before a process is forked that could find another
    with work(path, PAGES_FOLDER) as output:
        share = shares(jobs) if shares is not None and jobs > 1 and can_fork() else None
        encoding = _Encoding(format="npy" if format == "npy" else "png", bits=bits, theta=theta)
        entries = []
        for entry in _written(pages, output.folder, encoding, jobs, share):
            entries.append(entry)
            if progress is not None:
                progress(len(entries))
        entries.sort(key=itemgetter("number"))
        _name_for_good(entries, output.folder, encoding.format)
        if format == "pdf":
            return _save_pdf(Path(path), output.folder, entries, theta, about)
        manifest = sealed_manifest({**about, "pages": entries})
        (output.folder / MANIFEST).write_bytes(manifest_bytes(manifest))
        assert isinstance(output, FolderOutput)
        output.publish()
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
    target: Path, folder: Path, entries: list[dict[str, Any]], theta: Theta, described: dict[str, Any]
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
    data = sealed(data, pdf=True)
    write_atomically(target, data, replaces=is_sealed)
    pages = [{name: value for name, value in entry.items() if name not in _OF_A_FILE} for entry in entries]
    about = {"file": target.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {**described, **about, "pages": pages}


_OF_A_FILE: Final = ("file", "bytes", "sha256")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Encoding:
    """A way to turn a page into bytes.

    Attributes:
        format: "png", or "npy" for the array of pixels as numpy.load reads it.
        bits: see `Page.png`.
        theta: θ that the manifest gives for all pages. The entry of a page with another θ names that θ.
    """

    format: str
    bits: int | None
    theta: Theta

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
        "number": page.number,
        "file": name,
        "width": page.size[0],
        "height": page.size[1],
        "start": page.span[0],
        "end": page.span[1],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "missing": {f"U+{ord(character):04X}": count for character, count in sorted(page.missing.items())},
        **({"collisions": page.collisions} if page.collisions else {}),
        **({"parts": parts} if parts else {}),
        **(
            {"theta": page.theta.to_dict()} if page.theta is not encoding.theta and page.theta != encoding.theta else {}
        ),
    }


def _name_for_good(entries: list[dict[str, Any]], folder: Path, format: str) -> None:
    """Remove the numbers from `entries`, and rename the files so that all names have the digits of the last page."""
    for entry in entries:
        name = file_name(entry.pop("number"), format, pages=len(entries))
        if name != entry["file"]:
            (folder / entry["file"]).rename(folder / name)
            entry["file"] = name
