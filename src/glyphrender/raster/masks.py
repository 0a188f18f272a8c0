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
from glyphrender.raster.rows import GlyphRuns, Rows
from glyphrender.raster.subpixel import PHASES, phases
from glyphrender.text.runs import distinct

if TYPE_CHECKING:
    import skia

# The largest size for which masks are used, in pixels per em. Above 256, Skia draws glyphs as paths; masks stop paying
# long before that.
LARGEST: Final = 64.0
# How often the distinct glyphs of a font are drawn, on average, before their masks pay. The four masks of a glyph are
# made in 20 µs, the time that stamping saves on some 40 glyphs: 4,000 for a Latin font, 120,000 for a Chinese novel.
GLYPH_PAYS_AFTER: Final = 40
# The number of glyphs that Skia draws at a time. With 4,000 at once it takes eight times as long a glyph.
_SOME: Final = 256
# The number of cells beside each other, in which Skia draws them.
_COLUMNS: Final = 32


class Masks:
    """One Skia font, and the masks of those glyphs and phases that were stamped.

    Attributes:
        font: Skia's font.
        used: the number of the last use, among the uses of all masks of a cache.
    """

    used = 0

    def __init__(self, font: skia.Font, lock: Any, max_bytes: int, grown: Callable[[], None] = lambda: None) -> None:
        """Begin without masks.

        Args:
            font: Skia's font.
            lock: the lock under which masks are made and stamped.
            max_bytes: if the masks need more bytes than this, all are forgotten before new ones are made.
            grown: called after new masks were made.
        """
        self.font = font
        self._size, self._subpixel = font.getSize(), font.isSubpixel()
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

    def pay(self, rows: Rows | GlyphRuns, following: int = 0) -> bool:
        """Return whether to stamp `rows`: stamping is available and faster.

        Args:
            rows: the glyphs.
            following: characters of the text after the page, as far as known. They help to decide whether to load the
                compiled code.

        Raises:
            DependencyError: GLYPHRENDER_RASTER=numba asks for stamping, and numba cannot be used.
        """
        wanted = os.environ.get("GLYPHRENDER_RASTER", "")
        if wanted == "skia" or self._size > LARGEST:
            return False
        if wanted == "numba":
            LOADER.now()
            return True
        if LOADER.note(rows.count, following=following) is None:
            return False
        if not self._pays:
            glyph = rows.gathered.glyph
            self._drawn += len(glyph)
            self._seen[glyph[glyph < self._glyphs]] = True
            self._pays = self._drawn > GLYPH_PAYS_AFTER * len(self._seen.nonzero()[0])
        return self._pays

    def stamp(self, memory: NDArray[np.uint8], shape: tuple[int, ...], rows: Rows | GlyphRuns) -> bool:
        """Blend glyphs into the coverage of a page, and return whether that was done.

        Nothing is done, and all is left to Skia, if a broken font names glyphs that it does not have, or if places are
        far off every page.

        Args:
            memory: [h * w + SPARE] the coverage, row by row, and then the spare bytes.
            shape: (h, w).
            rows: the glyphs; `pay` must have returned True.
        """
        run, count = LOADER.now().stamp, rows.count
        places = rows.baseline, rows.first, rows.last, rows.glyph, rows.x
        with self._lock:
            if not len(self._number):
                self._number = np.full(self._glyphs * PHASES, -1, np.int32)
            done = 0
            while True:
                atlas = self._number, self._boxes, self._words
                done = run(memory, *shape, *places, done, self._subpixel, *atlas)
                if done == count:
                    return True
                if done < 0:
                    return False
                if self._words.nbytes > self._max_bytes:  # a Chinese novel at 12 px needs 3 MB
                    self._forget()
                    self._number = np.full(self._glyphs * PHASES, -1, np.int32)
                keys = self._missing(rows, done)
                for start in range(0, len(keys), _SOME):
                    self._add(keys[start : start + _SOME])
                self._on_growth()

    def _missing(self, rows: Rows | GlyphRuns, start: int) -> NDArray[np.intp]:
        """Return the keys, glyph × PHASES + phase, that are made for the glyphs from number `start` on.

        A glyph that lacks one mask gets all that it lacks: they are wanted soon, and a call costs as much as ten masks.
        """
        phase: NDArray[np.intp] | int = 0
        gathered = rows.gathered
        if self._subpixel:
            at = gathered.x[start:].astype(np.float32) + np.float32(0.5 / PHASES)
            phase = phases(at - np.floor(at))
        keys = gathered.glyph[start:].astype(np.intp) * PHASES + phase
        keys = distinct(keys[self._number[keys] < 0])
        if self._subpixel:
            keys = (distinct(keys // PHASES)[:, np.newaxis] * PHASES + np.arange(PHASES)).reshape(-1)
            keys = keys[self._number[keys] < 0]
        return keys

    def _add(self, keys: NDArray[np.intp]) -> None:
        """Add the masks of `keys`: Skia draws each glyph in a cell of its own, and the inked part of it is kept."""
        image, cell, (left, top) = self._drawn_by_skia(keys)
        boxes = np.empty((len(keys), 5), np.int32)
        words = np.empty(len(keys) * cell[0] * -(-cell[1] // 8), np.uint64)
        count = LOADER.now().packed(image, _COLUMNS, *cell, left, top, boxes, words, len(self._words))
        # Numbers are written last. What an interrupt leaves before that is never referred to.
        number = np.arange(len(self._boxes), len(self._boxes) + len(keys))
        grown, self._words = np.concatenate([self._boxes, boxes]), np.concatenate([self._words, words[:count]])
        self._boxes = grown
        self._number[keys] = number

    def _drawn_by_skia(self, keys: NDArray[np.intp]) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[int, int]]:
        """Draw each of `keys` in a cell of its own.

        Returns:
            ([h, w] the coverage of all cells, `_COLUMNS` in a row, (height, width) of a cell, (distance from a glyph's
            origin to the left edge of its cell, to the top edge)).
        """
        import skia

        glyphs = (keys // PHASES).tolist()
        bounds = self.font.getBounds(glyphs)
        # Cells are two pixels larger than the outlines, for phases and antialiasing.
        left, top = (int(min(side)) - 3 for side in zip(*((box.left(), box.top()) for box in bounds), strict=True))
        right, bottom = (
            int(max(side)) + 4 for side in zip(*((box.right(), box.bottom()) for box in bounds), strict=True)
        )
        height, width = bottom - top, right - left
        count = min(_COLUMNS, len(keys))
        image = np.zeros((-(-len(keys) // count) * height, count * width), np.uint8)
        builder = skia.TextBlobBuilder()
        x = (keys % PHASES / PHASES + np.arange(len(keys)) % count * width - left).tolist()
        for row, start in enumerate(range(0, len(keys), count)):
            some = slice(start, start + count)
            builder.allocRunPosH(self.font, glyphs[some], x[some], row * height - top)
        kind, alpha = skia.ColorType.kAlpha_8_ColorType, skia.AlphaType.kPremul_AlphaType
        info = skia.ImageInfo.Make(image.shape[1], image.shape[0], kind, alpha)
        canvas = skia.Surface.MakeRasterDirect(info, image, image.shape[1]).getCanvas()
        canvas.drawTextBlob(builder.make(), 0, 0, skia.Paint(AntiAlias=True))
        return image, (height, width), (left, top)
