"""The bundled fonts, as their generated index describes them. No font is opened here.

`fonts/index.json` names every bundled face with its style and digest. It also holds the chain: the order in which
bundled faces draw the characters that the user's fonts lack. `fonts/fallback.bin` says for each code point which face
of the chain draws it, in one byte each, deflated from 1.1 MB to 7 KB. `src/generators/index_fonts.py` writes both
files, and reading them takes 3 ms. The fonts are in `fonts/` of a source checkout and in `bundled_fonts/` of an
installed package.
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

__all__ = ["BLANK", "IGNORABLE", "UNCOVERED", "Bundle", "FaceStyle", "bundle"]

# Values of fallback.bin that are not a place in the chain.
UNCOVERED: Final = 255  # no bundled face draws the character
IGNORABLE: Final = 254  # Default_Ignorable (joiners, variation selectors): the character takes its cluster's face
BLANK: Final = 253  # spaces, which HarfBuzz makes from U+0020, and control characters, which draw nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceStyle:
    """One style of a font family, as an index or the font's own tables describe it.

    Attributes:
        family: name of the family, such as "DejaVu Sans".
        style: name of the style, such as "Bold".
        weight: 1–1000; 400 is regular.
        width: percent of the normal width.
        italic: whether the style is italic or oblique.
        path: the font file.
        index: number of the font in its file.
        sha256: hex digest of the file; empty for installed fonts, whose files are hashed when needed.
        bundled: whether the font comes with this package.
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
        """Return the face of this style, without opening its file."""
        return Face(path=self.path, index=self.index, variations=variations, file_sha256=self.sha256)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The contents of `index.json` and `fallback.bin`. A style has a number, its index in `styles`.

    Attributes:
        root: folder that holds both files and the font files.
        digest: SHA-256 (hex) over all font files, the index and the fallback table.
        styles: every bundled style.
        chain: numbers of the styles that draw what the user's fonts lack, best first. A slot is a place in the chain.
        cjk: number of the style for each of SC, TC, HK, JP, KR; `chain` holds that of SC.
        emoji: number of the monochrome emoji style.
        aliases: family names that mean another family, such as "Spleen" for its 8x16 size.
        emoji_presentation: (first, last) code points that are drawn as emoji unless U+FE0E follows; shape (n, 2).
    """

    root: Path
    digest: str
    styles: tuple[FaceStyle, ...]
    chain: tuple[int, ...]
    cjk: dict[str, int]
    emoji: int
    aliases: dict[str, str]
    emoji_presentation: NDArray[np.uint32]

    @cached_property
    def fallback(self) -> NDArray[np.uint8]:
        """Slot of every code point: a place in `chain`, or UNCOVERED, IGNORABLE or BLANK; shape (1114112,)."""
        return np.frombuffer(zlib.decompress((self.root / "fallback.bin").read_bytes()), np.uint8)


@cache
def bundle() -> Bundle:
    """Return the index of the bundled fonts; the first call reads it.

    Raises:
        FontError: the fonts are missing, or their index cannot be read.
    """
    package = Path(__file__).parents[1]
    for root in (package / "bundled_fonts", package.parents[1] / "fonts"):
        if (root / "index.json").is_file():
            break
    else:
        raise FontError(f"{package} has no bundled fonts. Install glyphrender again.")
    try:
        index: dict[str, Any] = json.loads((root / "index.json").read_bytes())
        styles = tuple(FaceStyle(path=root / face.pop("file"), bundled=True, **face) for face in index.pop("faces"))
        index["chain"] = tuple(index["chain"])
        ranges = np.array(index.pop("emoji_presentation"), np.uint32)
        return Bundle(root=root, styles=styles, emoji_presentation=ranges, **index)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{root / 'index.json'} cannot be read ({error}). Install glyphrender again."
        raise FontError(message) from error
