"""Glyph masks: cut out of Skia once, then stamped into pages by compiled code (stamp.py, extra `fast`).

Skia takes 1.2 ms to find and blend the 5,800 glyphs of a page, and 0.4 ms more to be told of them; numba does both in
0.2. The pixels are Skia's to the bit: the masks are its own, positions round as its do, and where glyphs overlap
they blend by its formula, d + ((255 - d)(m + 1) >> 8) for a mask m on a coverage d.
"""

from __future__ import annotations

import os
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.after_fork import reinit_after_fork
from glyphrender.errors import DependencyError
from glyphrender.raster.rows import Rows

if TYPE_CHECKING:
    import skia

# Bytes behind the pixels that stamping may rewrite: it works by words of eight.
SPARE: Final = 8
# Horizontal positions within a pixel at which Skia rasterises a glyph.
PHASES: Final = 4
# In pixels an em. Skia draws as paths what is larger than 256, and masks do not pay long before that.
LARGEST: Final = 64.0
# Loading numba and its compiled code takes 0.4 s, the first time 0.8, and saves some 0.2 µs a glyph.
_PAYS: Final = 5_000_000
# Words of masks at which they are thrown away, 64 MB. A Chinese novel at 12 px needs 3.
_MOST: Final = 1 << 23
# Glyphs that Skia draws at a time: of 4,000 at once it takes eight times as long.
_SOME: Final = 256
# Positions that a whole number of pixels, and a float32, hold exactly; NaN and infinity are not among them.
_FAR: Final = float(1 << 22)


class Masks:
    """The masks of one `skia.Font`: of all glyphs and phases that were met."""

    def __init__(self, font: skia.Font) -> None:
        self._font = font
        self._glyphs: int = font.getTypeface().countGlyphs()
        self._drawn = 0
        self.begin()
        _alive.add(self)

    def begin(self) -> None:
        """With no masks and a lock that nobody holds: in a forked process the thread that held it is not there."""
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        # By glyph × PHASES + phase: the number of its mask, or -1.
        self._number = np.full(self._glyphs * PHASES, -1, np.int32)
        # Of each mask: its first word, words a row, rows, and from the origin to its left and top edges.
        self._boxes = np.zeros((0, 5), np.int32)
        self._words = np.zeros(0, np.uint64)

    def pay(self, rows: Rows) -> bool:
        """Whether stamping is the faster way to draw `rows`, and can be had.

        What only Skia knows how to draw is left to it: glyphs that a broken font names and does not have, and
        places far off every page.

        Raises:
            DependencyError: GLYPHRENDER_RASTER=numba asks for it, and numba cannot be used.
        """
        self._drawn += len(rows.glyph)
        wanted = os.environ.get("GLYPHRENDER_RASTER", "")
        if wanted == "skia" or self._font.getSize() > LARGEST:
            return False
        asked = wanted == "numba"
        if not (asked or self._drawn > _PAYS) or compiled(asked) is None:
            return False
        near = all(np.abs(at).max(initial=0.0) < _FAR for at in (rows.x, rows.baseline))
        return near and int(rows.glyph.max(initial=0)) < self._glyphs

    def stamp(self, memory: NDArray[np.uint8], shape: tuple[int, ...], rows: Rows) -> None:
        """Blend glyphs into a coverage of `shape` (h, w), which `memory` holds with SPARE bytes behind it."""
        run = compiled(True)
        subpixel = self._font.isSubpixel()
        with self._lock:
            done = 0
            while True:
                atlas = self._number, self._boxes, self._words
                done = run(memory, *shape, rows.baseline, rows.bounds, rows.glyph, rows.x, done, subpixel, *atlas)
                if done == len(rows.glyph):
                    return
                if len(self._words) > _MOST:
                    self._forget()
                keys = self._missing(rows, done, subpixel)
                for start in range(0, len(keys), _SOME):
                    self._add(keys[start : start + _SOME])

    def _missing(self, rows: Rows, start: int, subpixel: bool) -> NDArray[np.intp]:
        """Keys of the glyphs from `start` on that have no mask."""
        phase: NDArray[np.intp] | int = 0
        if subpixel:
            at = rows.x[start:].astype(np.float32) + np.float32(0.5 / PHASES)
            phase = phases(at - np.floor(at))
        keys = np.unique(rows.glyph[start:].astype(np.intp) * PHASES + phase)
        missing: NDArray[np.intp] = keys[self._number[keys] < 0]
        return missing

    def _add(self, keys: NDArray[np.intp]) -> None:
        """Let Skia draw glyphs, each in a cell of its own, and keep what it drew."""
        cells, left, top = self._drawn_by_skia(keys)
        boxes, words, size = [], [self._words], len(self._words)
        for cell in cells:
            (first_row, rows), (first, columns) = _inked(cell.any(axis=1)), _inked(cell.any(axis=0))
            mask = np.zeros((rows, -(-columns // 8) * 8), np.uint8)
            mask[:, :columns] = cell[first_row : first_row + rows, first : first + columns]
            boxes.append((size, mask.shape[1] // 8, rows, left + first, top + first_row))
            words.append(mask.reshape(-1).view("<u8"))
            size += mask.size // 8
        # Numbers last: what an interrupt leaves before that is never referred to.
        number = np.arange(len(self._boxes), len(self._boxes) + len(keys))
        grown, self._words = np.concatenate([self._boxes, np.array(boxes, np.int32)]), np.concatenate(words)
        self._boxes = grown
        self._number[keys] = number

    def _drawn_by_skia(self, keys: NDArray[np.intp]) -> tuple[NDArray[np.uint8], int, int]:
        """(cells [n, h, w] of coverage, from a glyph's origin to the left and to the top of its cell)."""
        import skia

        glyphs, quarters = (part.tolist() for part in np.divmod(keys, PHASES))
        bounds = self._font.getBounds(glyphs)
        # Two pixels more than the outlines span, for phases and antialiasing.
        left, top = (int(min(side)) - 3 for side in zip(*((box.left(), box.top()) for box in bounds), strict=True))
        right, bottom = (
            int(max(side)) + 4 for side in zip(*((box.right(), box.bottom()) for box in bounds), strict=True)
        )
        cells = np.zeros((len(keys), bottom - top, right - left), np.uint8)
        builder = skia.TextBlobBuilder()
        for cell, (glyph, quarter) in enumerate(zip(glyphs, quarters, strict=True)):
            builder.allocRunPosH(self._font, [glyph], [quarter / PHASES - left], cell * cells.shape[1] - top)
        kind, alpha = skia.ColorType.kAlpha_8_ColorType, skia.AlphaType.kPremul_AlphaType
        info = skia.ImageInfo.Make(cells.shape[2], len(keys) * cells.shape[1], kind, alpha)
        canvas = skia.Surface.MakeRasterDirect(info, cells.reshape(-1, cells.shape[2]), cells.shape[2]).getCanvas()
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(AntiAlias=True))
        return cells, left, top


def phases(fraction: NDArray[np.float32]) -> NDArray[np.intp]:
    """Which quarter of a pixel; as Skia packs it, where adding 1 rounds the last bits off and the & makes 4 a 0."""
    return ((fraction + np.float32(1)) * np.float32(PHASES)).astype(np.intp) & (PHASES - 1)


def _inked(line: NDArray[np.bool_]) -> tuple[int, int]:
    """(first, how many) from the first that is inked to the last."""
    at = np.flatnonzero(line)
    return (int(at[0]), int(at[-1] - at[0]) + 1) if len(at) else (0, 0)


@lru_cache(maxsize=2)
def compiled(asked: bool) -> Any:
    """The compiled loop, or None where numba cannot be used and was not asked for."""
    try:
        from glyphrender.raster.stamp import stamp

        # Compiled here, where failing to (no numba, a full disk) leaves the page to Skia.
        rows, memory = Rows.of([]), np.zeros(SPARE, np.uint8)
        atlas = np.zeros(0, np.int32), np.zeros((0, 5), np.int32), np.zeros(0, np.uint64)
        stamp(memory, 0, 0, rows.baseline, rows.bounds, rows.glyph, rows.x, 0, True, *atlas)
    except Exception as error:
        if not asked:
            return None
        raise DependencyError(
            f"GLYPHRENDER_RASTER=numba cannot be had ({type(error).__name__}: {error}). Run pip install "
            "'glyphrender[fast]', and see that there is room in the folder that NUMBA_CACHE_DIR names."
        ) from error
    return stamp


_alive: Final = reinit_after_fork(Masks.begin)
