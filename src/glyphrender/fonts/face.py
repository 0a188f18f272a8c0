"""One face: a font file, an index in its collection, and settings of its variable axes.

A `Face` names these three things, and making one opens no file. HarfBuzz (shaping, coverage, metrics) and Skia
(drawing) open the file on first use, both by memory map, so a chain of 150 faces costs only what its used faces cost:
0.1 ms to open DejaVu Sans, 0.5 ms more for its coverage.

`Face.from_file` is for files that nobody has checked. It reads the table directory first, because HarfBuzz turns a
broken font into an empty one, and an empty font draws nothing and reports nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender._system.regular_file import open_regular
from glyphrender.errors import DependencyError, FontError

if TYPE_CHECKING:
    import skia
    import uharfbuzz

__all__ = ["EM", "Face"]

EM: Final = 65536
"""Units per em of every `hb_font`, whatever the file says, so that lengths of all faces add up in one unit."""

_UNKNOWN: Final = (1 << 31) - 1
_OUTLINES: Final = frozenset({"glyf", "CFF ", "CFF2"})
_COLOR: Final = frozenset({"COLR", "CBDT", "sbix", "SVG "})
_REQUIRED: Final = ("head", "hhea", "hmtx", "maxp")
_SFNT: Final = frozenset({b"\0\1\0\0", b"OTTO", b"true"})


@dataclass(frozen=True, kw_only=True)
class Face:
    """One face of a font file. The file is opened on first use.

    Attributes:
        path: the font file.
        index: number of the font in a collection (TTC, OTC); 0 for other files.
        variations: (axis tag, value) pairs, sorted. Axes that are not listed stay at their default.
        file_sha256: hex digest of the file if it is known without reading the file, else empty.
    """

    path: Path
    index: int = 0
    variations: tuple[tuple[str, float], ...] = ()
    file_sha256: str = field(default="", repr=False, compare=False)

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], *, index: int = 0, variations: Mapping[str, float] | None = None
    ) -> Face:
        """Return the face at `index` of the file at `path`, after checking that it can draw Unicode text.

        Raises:
            FontError: the file does not exist, cannot be read, is not a font, or is damaged or cut short; or it has
                no such index, no Unicode character map, no outlines, or no such axis; or an axis value is out of
                range.
        """
        face = cls(path=Path(path), index=index, variations=tuple(sorted((variations or {}).items())))
        tables = _table_directory(face.path, index)
        _check_tables(face.path, tables)
        face._check_axes()
        if not face.unicodes.size:
            raise FontError(f"{path} maps no Unicode character to a glyph. Use another font.")
        return face

    def __getstate__(self) -> dict[str, object]:
        # Only the fields are pickled: open fonts cannot be.
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    # -- HarfBuzz ------------------------------------------------------------------------------------

    @cached_property
    def hb_face(self) -> uharfbuzz.Face:
        """The HarfBuzz face of the file, in the font's own units."""
        import uharfbuzz as hb

        try:
            open_regular(self.path).close()  # HarfBuzz would wait at a pipe
            return hb.Face(hb.Blob.from_file_path(str(self.path)), self.index)
        except (OSError, hb.HarfBuzzError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise FontError(f"{self.path} cannot be read ({reason}). Check that the file exists.") from error

    @cached_property
    def hb_font(self) -> uharfbuzz.Font:
        """The unhinted HarfBuzz font for shaping: `EM` units per em, with the variations of this face."""
        import uharfbuzz as hb

        font = hb.Font(self.hb_face)
        font.scale = (EM, EM)
        if self.variations:
            font.set_variations(dict(self.variations))
        return font

    @cached_property
    def unicodes(self) -> NDArray[np.uint32]:
        """The code points in the character map, sorted; shape (n,)."""
        return np.fromiter(self.hb_face.unicodes, np.uint32)

    @cached_property
    def _covered(self) -> NDArray[np.bool_]:
        # One entry up to the highest code point, and one more, False, which stands for all higher ones.
        covered = np.zeros(int(self.unicodes[-1]) + 2 if self.unicodes.size else 1, np.bool_)
        covered[self.unicodes] = True
        return covered

    def covers(self, cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return whether the character map holds each of `cps`; shape (n,). It takes about 2 ns a character."""
        return self._covered[np.minimum(cps, len(self._covered) - 1)]

    @cached_property
    def _covered_view(self) -> memoryview:
        return self._covered.data

    def has(self, cp: int) -> bool:
        """Return whether the character map holds `cp`. For one code point this takes a thirtieth of `covers`."""
        covered = self._covered_view
        return cp < len(covered) and bool(covered[cp])

    @cached_property
    def _ink(self) -> NDArray[np.int32]:
        """[4, glyphs] the boxes that `ink` returns; the left edge of a glyph that was not measured yet is _UNKNOWN."""
        ink = np.zeros((4, self.hb_face.glyph_count + 1), np.int32)
        ink[0, :-1] = _UNKNOWN  # the last place stands for glyphs that the file does not have
        return ink

    def ink(self, glyphs: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return [4, n] left, top, right and bottom of the ink of glyphs in EM units, y up; zeros if they have none."""
        at = np.minimum(glyphs, self._ink.shape[1] - 1).astype(np.intp)
        unknown = at[self._ink[0, at] == _UNKNOWN]
        if len(unknown):
            for glyph in np.unique(unknown).tolist():
                box = self.hb_font.get_glyph_extents(glyph)
                left, top, width, height = (box.x_bearing, box.y_bearing, box.width, box.height) if box else (0,) * 4
                self._ink[:, glyph] = np.clip((left, top, left + width, top + height), -_UNKNOWN + 1, _UNKNOWN - 1)
        return self._ink[:, at]

    def has_ink(self, cp: int) -> bool:
        """Return whether the character's own glyph draws anything. A face with colors counts as drawing everything."""
        glyph = self.hb_font.get_nominal_glyph(cp)
        if glyph is None or self.has_color:
            return glyph is not None
        extents = self.hb_font.get_glyph_extents(glyph)
        return extents is not None and extents.width != 0 and extents.height != 0

    # -- Skia ----------------------------------------------------------------------------------------

    @cached_property
    def typeface(self) -> skia.Typeface:
        """The Skia typeface, with index and variations applied.

        Raises:
            FontError: Skia cannot read the file.
            DependencyError: Skia, or a system library that it needs, is missing.
        """
        try:
            import skia
        except ImportError as error:
            message = f"skia-python cannot be loaded ({error}). Install it, and libegl1 and libgl1 with it."
            raise DependencyError(message) from error
        # An empty font manager, because the default one starts fontconfig to find system fonts, which are not needed
        # here. That costs 9 ms and may write warnings to stderr.
        typeface = skia.FontMgr.New_Custom_Empty().makeFromFile(str(self.path), self.index)
        if typeface is not None and self.variations:
            typeface = self._varied(typeface)
        if typeface is None:
            raise FontError(f"{self.path} (font {self.index}) cannot be drawn by Skia. Use another font.")
        return typeface

    def _varied(self, typeface: skia.Typeface) -> skia.Typeface:
        """Return a clone of `typeface` with the variations of this face."""
        import skia

        coordinates = skia.FontArguments.VariationPosition.Coordinates()
        for tag, value in self.variations:
            axis = int.from_bytes(tag.encode(), "big")
            coordinates.append(skia.FontArguments.VariationPosition.Coordinate(axis, value))
        # Skia keeps pointers to `coordinates` and `position`. Both must live until the clone is made, or it silently
        # stays at the default.
        position = skia.FontArguments.VariationPosition(coordinates)
        arguments = skia.FontArguments()
        arguments.setVariationDesignPosition(position)
        return typeface.makeClone(arguments)

    # -- Names, metrics and axes ---------------------------------------------------------------------

    @cached_property
    def family(self) -> str:
        """Family name: the typographic one (name 16) if the font has it, else name 1."""
        return self.hb_face.get_name(16) or self.hb_face.get_name(1) or self.path.stem

    @cached_property
    def style(self) -> str:
        """Style name, such as "Bold Oblique": name 17 or name 2."""
        return self.hb_face.get_name(17) or self.hb_face.get_name(2) or "Regular"

    @cached_property
    def weight(self) -> int:
        """Weight, 1–1000; 400 is regular, 700 bold."""
        import uharfbuzz as hb

        weight: float = self.hb_font.get_style_value(hb.StyleTag.WEIGHT)
        return round(weight)

    @cached_property
    def width(self) -> float:
        """Width in percent of normal; 75 is condensed."""
        import uharfbuzz as hb

        return float(self.hb_font.get_style_value(hb.StyleTag.WIDTH))

    @cached_property
    def italic(self) -> bool:
        """Whether the face is italic or oblique."""
        import uharfbuzz as hb

        tags = (hb.StyleTag.ITALIC, hb.StyleTag.SLANT_ANGLE)
        return any(self.hb_font.get_style_value(tag) != 0 for tag in tags)

    @property
    def ascent(self) -> float:
        """Height of the line above the baseline, in em."""
        return float(self.hb_font.get_font_extents("ltr").ascender) / EM

    @property
    def descent(self) -> float:
        """Depth of the line below the baseline, in em; positive downwards."""
        return -float(self.hb_font.get_font_extents("ltr").descender) / EM

    @property
    def line_gap(self) -> float:
        """Extra space between lines that the font asks for, in em."""
        return float(self.hb_font.get_font_extents("ltr").line_gap) / EM

    @cached_property
    def cell(self) -> int:
        """Width of a cell of a grid in EM units: the advance of "0", of a space, or else half an em."""
        font = self.hb_font
        glyphs = (font.get_nominal_glyph(ord(character)) for character in "0 ")
        advances = (font.get_glyph_h_advance(glyph) for glyph in glyphs if glyph is not None)
        return next((advance for advance in advances if advance > 0), EM // 2)

    @cached_property
    def is_monospaced(self) -> bool:
        """Whether "i", "M", "0" and the space have one advance."""
        glyphs = [self.hb_font.get_nominal_glyph(ord(character)) for character in "iM0 "]
        advances = {glyph and self.hb_font.get_glyph_h_advance(glyph) for glyph in glyphs}
        return len(advances) == 1 and advances != {None}

    @cached_property
    def has_color(self) -> bool:
        """Whether glyphs may have colors of their own (tables COLR, CBDT, sbix or SVG)."""
        return not _COLOR.isdisjoint(self.hb_face.table_tags)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all that the glyphs depend on: the bytes of the file, the index and the variations."""
        file_sha256 = self.file_sha256
        if not file_sha256:
            try:
                with open_regular(self.path) as file:
                    file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise FontError(f"{self.path} cannot be read ({error.strerror}). Check its permissions.") from error
        axes = ",".join(f"{tag}={value!r}" for tag, value in self.variations)
        return hashlib.sha256(f"{file_sha256}#{self.index}?{axes}".encode()).hexdigest()

    @property
    def axes(self) -> dict[str, tuple[float, float, float]]:
        """Variable axes: tag → (minimum, default, maximum). Empty if the font is not variable."""
        if not self.hb_face.has_var_data:
            return {}
        return {a.tag: (a.min_value, a.default_value, a.max_value) for a in self.hb_face.axis_infos}

    def _check_axes(self) -> None:
        axes = self.axes if self.variations else {}
        for tag, value in self.variations:
            if tag not in axes:
                known = f"It has {', '.join(axes)}" if axes else "It is not a variable font"
                raise FontError(f"{self.path} has no axis {tag!r}. {known}.")
            low, _, high = axes[tag]
            if not low <= value <= high:
                raise FontError(f"{self.path}: {tag}={value:g} is out of range. Use {low:g} … {high:g}.")


def _table_directory(path: Path, index: int) -> dict[str, bytes]:
    """Return the tables of one font by tag: `cmap` with its bytes, all others empty.

    Every table must lie within the file, because a download that was cut short still has a good header.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            signature = file.read(4)
            if signature in (b"wOFF", b"wOF2"):
                raise FontError(f"{path} is a web font (WOFF). Convert it to TTF or OTF first.")
            offset = 0
            if signature == b"ttcf":
                count = struct.unpack(">4xI", _whole(file.read(8), 8))[0]
                if not 0 <= index < count:
                    raise FontError(f"{path} holds {count} fonts; there is no font {index}. Use 0 … {count - 1}.")
                file.seek(12 + 4 * index)
                offset = struct.unpack(">I", _whole(file.read(4), 4))[0]
                file.seek(offset)
                signature = file.read(4)
            elif signature in _SFNT and index != 0:
                raise FontError(f"{path} holds one font; there is no font {index}. Use 0.")
            if signature not in _SFNT:
                raise FontError(f"{path} is not a font. Use a TTF, OTF, TTC or OTC file.")
            count = struct.unpack(">H6x", _whole(file.read(8), 8))[0]
            records = struct.iter_unpack(">4s4xII", _whole(file.read(16 * count), 16 * count))
            tables = {tag.decode("latin-1"): (start, length) for tag, start, length in records}
            if any(start + length > size for start, length in tables.values()):
                raise FontError(f"{path} is damaged or cut short at {size} bytes. Get the file again.")
            start, length = tables.get("cmap", (0, 0))
            file.seek(start)
            return dict.fromkeys(tables, b"") | ({"cmap": file.read(length)} if length else {})
    except EOFError as error:
        raise FontError(f"{path} is damaged or cut short. Get the file again.") from error
    except FileNotFoundError as error:
        raise FontError(f"{path} does not exist. Name a font file, or a family as 'DejaVu Sans'.") from error
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise FontError(f"{path} is {error.strerror}. Name one font file.") from error
        raise FontError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error


def _whole(data: bytes, length: int) -> bytes:
    """Return `data`; raises EOFError if it is shorter than `length`."""
    if len(data) < length:
        raise EOFError
    return data


def _check_tables(path: Path, tables: dict[str, bytes]) -> None:
    """Raise FontError unless the tables can draw Unicode text."""
    cmap = tables.get("cmap", b"")
    if len(cmap) < 4:
        raise FontError(f"{path} has no character map (cmap). Use another font.")
    count = struct.unpack_from(">H", cmap, 2)[0]
    records = struct.iter_unpack(">HH4x", cmap[4 : 4 + min(8 * count, (len(cmap) - 4) // 8 * 8)])
    # Platform 0 is Unicode; platform 3 is Windows, whose encodings 1 (BMP) and 10 (all) are Unicode.
    # Encoding 0 is a symbol font: its letters are pictures.
    if not any(platform == 0 or (platform == 3 and encoding in (1, 10)) for platform, encoding in records):
        raise FontError(f"{path} has no Unicode character map (a symbol or legacy font). Use another font.")
    if _OUTLINES.isdisjoint(tables) and _COLOR.isdisjoint(tables):
        raise FontError(f"{path} has no outlines (it is a bitmap font). Use a scalable font.")
    missing = [tag for tag in _REQUIRED if tag not in tables]
    if missing:
        raise FontError(f"{path} is damaged: it lacks the table {missing[0]!r}. Get the file again.")
