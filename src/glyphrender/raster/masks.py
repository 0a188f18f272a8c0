"""Glyph masks: Skia draws each glyph once, and compiled code stamps it into pages (stamp.py, extra `fast`).

Skia takes 1.2 ms to find and blend the 5,800 glyphs of a page, and the call that hands them over takes another 0.4 ms.
Code compiled by numba does all of it in 0.2 ms. The pixels are Skia's to the bit: Skia draws the masks, positions are
rounded as Skia rounds them, and glyphs that overlap are blended by Skia's formula, d + ((255 - d)(m + 1) >> 8) for a
mask m on a coverage d.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.raster.compiled import LOADER
from glyphrender.raster.rows import Rows
from glyphrender.raster.subpixel import PHASES, phases

if TYPE_CHECKING:
    import skia

# The largest size for which masks are used, in pixels per em. Above 256, Skia draws glyphs as paths; masks stop paying
# long before that.
LARGEST: Final = 64.0
# How often the distinct glyphs of a font are drawn, on average, before their masks pay. The four masks of a glyph are
# made in the time that stamping saves on some 600 glyphs: 60,000 for a Latin font, two million for a Chinese novel.
GLYPH_PAYS_AFTER: Final = 600
# The number of glyphs that Skia draws at a time. With 4,000 at once it takes eight times as long a glyph.
_SOME: Final = 256
# Positions nearer than this many pixels are exact in a float32. NaN and infinity are not near.
_FAR: Final = float(1 << 22)


class Masks:
    """One Skia font, and the masks of those glyphs and phases that were stamped.

    Attributes:
        font: Skia's font.
    """

    def __init__(self, font: skia.Font, lock: Any, max_bytes: int, grown: Callable[[], None] = lambda: None) -> None:
        """Begin without masks.

        Args:
            font: Skia's font.
            lock: the lock under which masks are made and stamped.
            max_bytes: if the masks need more bytes than this, all are forgotten before new ones are made.
            grown: called after new masks were made.
        """
        self.font = font
        self._glyphs: int = font.getTypeface().countGlyphs()
        self._drawn, self._pays = 0, False
        self._seen = np.zeros(self._glyphs, bool)
        self._lock = lock
        self._max_bytes, self._on_growth = max_bytes, grown
        self._forget()

    @property
    def nbytes(self) -> int:
        """The memory of the masks, in bytes."""
        return self._number.nbytes + self._boxes.nbytes + self._words.nbytes

    def _forget(self) -> None:
        """Forget all masks."""
        # The number of the mask at place glyph × PHASES + phase, or -1. Empty until the first glyph is stamped.
        self._number = np.zeros(0, np.int32)
        # Five numbers a mask: its first word, words a row, number of rows, and the distances from the glyph's origin to
        # the left and the top edge of the mask.
        self._boxes = np.zeros((0, 5), np.int32)
        self._words = np.zeros(0, np.uint64)

    def pay(self, rows: Rows, following: int = 0) -> bool:
        """Return whether to stamp `rows`: stamping is available and faster, and can draw all of them.

        Two things are left to Skia: glyphs that a broken font names but does not have, and places far off every page.

        Args:
            rows: the glyphs.
            following: characters of the text after the page, as far as known. They help to decide whether to load the
                compiled code.

        Raises:
            DependencyError: GLYPHRENDER_RASTER=numba asks for stamping, and numba cannot be used.
        """
        wanted = os.environ.get("GLYPHRENDER_RASTER", "")
        if wanted == "skia" or self.font.getSize() > LARGEST:
            return False
        if wanted == "numba":
            LOADER.now()
        else:
            self._drawn += len(rows.glyph)
            if not self._pays:
                self._seen[rows.glyph[rows.glyph < self._glyphs]] = True
                self._pays = self._drawn > GLYPH_PAYS_AFTER * len(self._seen.nonzero()[0])
            if LOADER.note(len(rows.glyph), following=following) is None or not self._pays:
                return False
        near = all(np.abs(at).max(initial=0.0) < _FAR for at in (rows.x, rows.baseline))
        return near and int(rows.glyph.max(initial=0)) < self._glyphs

    def stamp(self, memory: NDArray[np.uint8], shape: tuple[int, ...], rows: Rows) -> None:
        """Blend glyphs into the coverage of a page.

        Args:
            memory: [h * w + SPARE] the coverage, row by row, and then the spare bytes.
            shape: (h, w).
            rows: the glyphs; `pay` must have returned True.
        """
        run = LOADER.now()
        subpixel = self.font.isSubpixel()
        with self._lock:
            if not len(self._number):
                self._number = np.full(self._glyphs * PHASES, -1, np.int32)
            done = 0
            while True:
                atlas = self._number, self._boxes, self._words
                done = run(memory, *shape, rows.baseline, rows.bounds, rows.glyph, rows.x, done, subpixel, *atlas)
                if done == len(rows.glyph):
                    return
                if self._words.nbytes > self._max_bytes:  # a Chinese novel at 12 px needs 3 MB
                    self._forget()
                    self._number = np.full(self._glyphs * PHASES, -1, np.int32)
                keys = self._missing(rows, done, subpixel)
                for start in range(0, len(keys), _SOME):
                    self._add(keys[start : start + _SOME])
                self._on_growth()

    def _missing(self, rows: Rows, start: int, subpixel: bool) -> NDArray[np.intp]:
        """Return the keys, glyph × PHASES + phase, of the glyphs from number `start` on that have no mask."""
        phase: NDArray[np.intp] | int = 0
        if subpixel:
            at = rows.x[start:].astype(np.float32) + np.float32(0.5 / PHASES)
            phase = phases(at - np.floor(at))
        keys = np.unique(rows.glyph[start:].astype(np.intp) * PHASES + phase)
        missing: NDArray[np.intp] = keys[self._number[keys] < 0]
        return missing

    def _add(self, keys: NDArray[np.intp]) -> None:
        """Add the masks of `keys`: Skia draws each glyph in a cell of its own, and the inked part of it is kept."""
        cells, left, top = self._drawn_by_skia(keys)
        boxes, words, size = [], [self._words], len(self._words)
        for cell in cells:
            (first_row, rows), (first, columns) = _inked(cell.any(axis=1)), _inked(cell.any(axis=0))
            mask = np.zeros((rows, -(-columns // 8) * 8), np.uint8)
            mask[:, :columns] = cell[first_row : first_row + rows, first : first + columns]
            boxes.append((size, mask.shape[1] // 8, rows, left + first, top + first_row))
            words.append(mask.reshape(-1).view("<u8"))
            size += mask.size // 8
        # Numbers are written last. What an interrupt leaves before that is never referred to.
        number = np.arange(len(self._boxes), len(self._boxes) + len(keys))
        grown, self._words = np.concatenate([self._boxes, np.array(boxes, np.int32)]), np.concatenate(words)
        self._boxes = grown
        self._number[keys] = number

    def _drawn_by_skia(self, keys: NDArray[np.intp]) -> tuple[NDArray[np.uint8], int, int]:
        """Draw each of `keys` in a cell of its own.

        Returns:
            (cells [n, h, w] of coverage, distance from a glyph's origin to the left edge of its cell, to the top edge).
        """
        import skia

        glyphs, quarters = (part.tolist() for part in np.divmod(keys, PHASES))
        bounds = self.font.getBounds(glyphs)
        # Cells are two pixels larger than the outlines, for phases and antialiasing.
        left, top = (int(min(side)) - 3 for side in zip(*((box.left(), box.top()) for box in bounds), strict=True))
        right, bottom = (
            int(max(side)) + 4 for side in zip(*((box.right(), box.bottom()) for box in bounds), strict=True)
        )
        cells = np.zeros((len(keys), bottom - top, right - left), np.uint8)
        builder = skia.TextBlobBuilder()
        for cell, (glyph, quarter) in enumerate(zip(glyphs, quarters, strict=True)):
            builder.allocRunPosH(self.font, [glyph], [quarter / PHASES - left], cell * cells.shape[1] - top)
        kind, alpha = skia.ColorType.kAlpha_8_ColorType, skia.AlphaType.kPremul_AlphaType
        info = skia.ImageInfo.Make(cells.shape[2], len(keys) * cells.shape[1], kind, alpha)
        canvas = skia.Surface.MakeRasterDirect(info, cells.reshape(-1, cells.shape[2]), cells.shape[2]).getCanvas()
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(AntiAlias=True))
        return cells, left, top


def _inked(line: NDArray[np.bool_]) -> tuple[int, int]:
    """Return (number of the first inked place, how many places from there to the last inked one); (0, 0) if none.

    >>> _inked(np.array([False, True, False, True, False]))
    (1, 3)
    """
    at = np.flatnonzero(line)
    return (int(at[0]), int(at[-1] - at[0]) + 1) if len(at) else (0, 0)
