"""The bundled fonts, as their generated index tells of them: no font is opened here.

`fonts/index.json` names every bundled face with its style and digest, and the order in which faces
stand in for what the user's fonts lack (the chain). `fonts/fallback.bin` says for each code point which
face of the chain draws it: a byte each, deflated from 1.1 MB to 7 KB. Both are written by `index_bundle`,
and reading them takes 3 ms. The fonts lie in `fonts/` of a source checkout
and in `bundled_fonts/` of an installed package.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender.errors import FontError
from glyphrender.fonts.face import Face

__all__ = ["BLANK", "IGNORABLE", "NOBODY", "Bundle", "Style", "bundle"]

# Slots of fallback.bin above the chain, for characters that need no face of their own.
NOBODY: Final = 255  # no bundled face draws it
IGNORABLE: Final = 254  # Default_Ignorable: joiners, variation selectors; belongs to its cluster's face
BLANK: Final = 253  # spaces, which HarfBuzz makes from U+0020, and controls, which draw nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """One style of a family, known from an index or from a font's own tables.

    Attributes:
        family, style: names, such as "DejaVu Sans" and "Bold".
        weight: 1–1000, 400 is regular.
        width: percent of normal.
        italic: italic or oblique.
        path, index: the file and the font in it.
        sha256: hex digest of the file; empty for files of the system, which are hashed when needed.
        bundled: whether it comes with this package.
    """

    family: str
    style: str
    weight: int
    width: float
    italic: bool
    path: Path
    index: int = 0
    sha256: str = ""
    bundled: bool = False

    def face(self, variations: tuple[tuple[str, float], ...] = ()) -> Face:
        """The face of this style; opens nothing."""
        return Face(path=self.path, index=self.index, variations=variations, file_sha256=self.sha256)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What `index.json` and `fallback.bin` hold.

    Attributes:
        root: folder of both, and of the font files.
        digest: SHA-256 hex over all files, index and table.
        styles: every bundled face.
        chain: numbers of the styles that stand in for others, best first; a slot is a place in it.
        cjk: number of the style for each of SC, TC, HK, JP, KR; `chain` holds that of SC.
        emoji: number of the monochrome emoji font's style.
        aliases: family names that mean another, such as Spleen for its middle size.
        emoji_presentation: (first, last) code points drawn as emoji unless U+FE0E follows; shape (n, 2).
    """

    root: Path
    digest: str
    styles: tuple[Style, ...]
    chain: tuple[int, ...]
    cjk: dict[str, int]
    emoji: int
    aliases: dict[str, str]
    emoji_presentation: NDArray[np.uint32]

    @cached_property
    def fallback(self) -> NDArray[np.uint8]:
        """Slot of every code point, a place in `chain` or one of the names above; shape (1114112,)."""
        return np.frombuffer(zlib.decompress((self.root / "fallback.bin").read_bytes()), np.uint8)


@cache
def bundle() -> Bundle:
    """The fonts that come with this package.

    Raises:
        FontError: they are not there, or their index cannot be read.
    """
    package = Path(__file__).parents[1]
    for root in (package / "bundled_fonts", package.parents[1] / "fonts"):
        if (root / "index.json").is_file():
            break
    else:
        raise FontError(f"{package} has no bundled fonts. Install glyphrender again.")
    try:
        index: dict[str, Any] = json.loads((root / "index.json").read_bytes())
        styles = tuple(Style(path=root / face.pop("file"), bundled=True, **face) for face in index.pop("faces"))
        index["chain"] = tuple(index["chain"])
        ranges = np.array(index.pop("emoji_presentation"), np.uint32)
        return Bundle(root=root, styles=styles, emoji_presentation=ranges, **index)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{root / 'index.json'} cannot be read ({error}). Install glyphrender again."
        raise FontError(message) from error
