"""The second rasteriser: the `Canvas` interface on HarfBuzz and numpy, for systems without OpenGL.

skia-python links against libEGL and libGL, which bare containers lack, though no page ever touches them;
HarfBuzz is here already to shape the text, and rasterises outlines too. Its coverage is a few levels of
255 from that of FreeType, which Skia draws with and which rounds outlines to 1/64 px. What Skia does after
that (the tone curve for text, the blend, the snapping of positions) is reproduced to the bit.

A page of 10,000 glyphs (DejaVu Sans 9 px, black) differs from Skia's by 0.3 levels on average and 6 at
most, reads the same (tesseract: 0.9% of characters wrong with either), and takes 4 ms where Skia takes 2.

What is given up: hinting (outlines are always drawn as designed) and colour fonts.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.after_fork import after_fork_in_child
from glyphrender.raster.masks import PHASES, phases
from glyphrender.raster.scratch import scratch

if TYPE_CHECKING:
    from glyphrender.fonts.face import Face
    from glyphrender.raster.rows import Rows

Color = tuple[int, int, int]
Index = NDArray[np.intp]

# Cells along a pixel's side when glyphs are drawn bilevel; odd, so that one of them is the centre.
FINE: Final = 9
# A sheet is emptied when it passes this many inked pixels (5 bytes each). Latin text at 9 px needs 20,000,
# a Chinese novel a million.
SHEET_PIXELS: Final = 4_000_000
# Pixels of glyph boxes blended at a time: 30 bytes each while it lasts, and twice as fast in the cache.
BATCH_PIXELS: Final = 300_000
# Sheets kept: a page rarely has more than three faces, a batch rarely mixes more than a few sizes.
SHEETS: Final = 24


class HarfBuzzCanvas:
    """Draws into `pixels`, an (h, w) uint8 array for grey pages or (h, w, 3) for colour.

    Coordinates are pixels from the top left corner, y down. What lies outside the page is clipped.
    """

    __slots__ = ("_owner", "pixels")

    def __init__(self, width: int, height: int, *, grey: bool, background: Color, reuse: bool = False) -> None:
        shape = (height, width) if grey else (height, width, 3)
        self.pixels = scratch("canvas", shape) if reuse else np.empty(shape, np.uint8)
        self.pixels[:] = luma(background) if grey else background
        self._owner: NDArray[np.int32] | None = None

    def fill(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fill a rectangle; a pixel that its edge crosses is blended by the area covered."""
        self._cover(x0, y0, x1, y1, 0.0, color)

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Color) -> None:
        """Stroke a rectangle, with the stroke of `width` pixels inside it."""
        if width > 0:
            self._cover(x0, y0, x1, y1, width, color)

    def glyphs(
        self,
        face: Face,
        rows: Rows,
        color: Color,
        *,
        size: float,
        scale_x: float,
        hinting: str,
        subpixel: bool,
        antialias: bool,
    ) -> None:
        """Draw rows of glyphs of one face.

        Baselines snap to whole pixels; x to quarters when `subpixel`, else to whole pixels.

        Args:
            face: whose `hb_font` has a scale of 65536 an em and its variations set.
            rows: positions in pixels.
            color: of the text; it also selects Skia's tone curve, see `tone_curve`.
            size: pixels an em.
            scale_x: horizontal stretch of the outlines; x is given stretched already.
            hinting: ignored.
            subpixel: tell glyphs apart by the quarter pixel they start at.
            antialias: blend by coverage; otherwise ink the pixels whose centre is inside, see `_scan`.
        """
        glyphs = rows.glyph.astype(np.intp)
        # float32, as Skia computes: the quarter a position falls into is then the same.
        x = rows.x.astype(np.float32)
        baseline = np.floor(rows.baseline.astype(np.float32) + np.float32(0.5)).astype(np.intp)
        if subpixel:
            x += np.float32(0.5 / PHASES)
            left = np.floor(x).astype(np.intp)
            phase = phases(x - np.floor(x))
        else:
            left, phase = np.floor(x + np.float32(0.5)).astype(np.intp), np.zeros_like(glyphs)

        row: Index = np.repeat(baseline, np.diff(rows.bounds))
        curve = tone_curve(canonical_luma(color))
        step = max(1, int(BATCH_PIXELS / (size * size * scale_x)))
        for at in range(0, len(glyphs), step):
            part = slice(at, at + step)
            with _lock:
                sheet = _sheet(face, size, scale_x, antialias)
                dx, dy, coverage, which = sheet.ink(glyphs[part] * PHASES + phase[part])
            index, inside = self._index(left[part][which] + dx, row[part][which] + dy)
            self._blend(index, curve[coverage[inside]], color)

    def _index(self, column: Index, row: Index) -> tuple[Index, NDArray[np.bool_] | slice]:
        """Flat positions of the pixels (row, column) that lie on the page, and which those are."""
        height, width = self.pixels.shape[:2]
        # One comparison an axis: seen as unsigned, a negative number is a huge one.
        inside = (column.view(np.uintp) < width) & (row.view(np.uintp) < height)
        index = row * width + column
        return (index, slice(None)) if inside.all() else (index[inside], inside)

    def _blend(self, index: Index, alpha: NDArray[np.uint8], color: Color) -> None:
        """Blend `color` into the pixels at flat positions `index`, in order, by `alpha`."""
        flat = self.pixels.reshape(self.pixels.shape[0] * self.pixels.shape[1], -1)
        ink = np.array([luma(color)] if flat.shape[1] == 1 else color, np.uint16)
        if self._owner is None:
            self._owner = np.empty(len(flat), np.int32)
        owner = self._owner
        # Where glyphs overlap, a fancy assignment would keep the last only. Each round blends what comes
        # first at its pixel and leaves the rest to the next round; nearly always the second is the last.
        while len(index):
            order = np.arange(len(index), dtype=np.int32)
            owner[index[::-1]] = order[::-1]
            first = owner[index] == order
            target, weight = index[first], alpha[first].astype(np.uint16)[:, None]
            # Skia's division by 255: (v + 255) >> 8, which keeps both ends exact.
            flat[target] = (flat[target] * (255 - weight) + ink * weight + 255) >> 8
            index, alpha = index[~first], alpha[~first]

    def _cover(self, x0: float, y0: float, x1: float, y1: float, hole: float, color: Color) -> None:
        """Blend a rectangle less the one `hole` pixels inside it (no hole when 0), by area covered."""
        height, width = self.pixels.shape[:2]
        left, right = max(0, int(np.floor(x0))), min(width, int(np.ceil(x1)))
        top, bottom = max(0, int(np.floor(y0))), min(height, int(np.ceil(y1)))
        if left >= right or top >= bottom:
            return
        area = np.outer(_overlap(y0, y1, top, bottom), _overlap(x0, x1, left, right))
        if hole:
            inner_rows = _overlap(y0 + hole, y1 - hole, top, bottom)
            area -= np.outer(inner_rows, _overlap(x0 + hole, x1 - hole, left, right))
        alpha = np.floor(area * 255 + 0.5).astype(np.uint16)
        part = self.pixels[top:bottom, left:right]
        if part.ndim == 2:
            part[:] = (part * (255 - alpha) + luma(color) * alpha + 255) >> 8
        else:
            alpha = alpha[..., None]
            part[:] = (part * (255 - alpha) + np.array(color, np.uint16) * alpha + 255) >> 8


class Sheet:
    """The inked pixels of every glyph drawn so far with one face, size and stretch.

    A key is `glyph * PHASES + phase`. The pixels of all keys lie one after the other in three flat arrays
    (dx and dy from the pixel of the glyph's origin, coverage), so that a page is one gather.
    """

    __slots__ = ("_antialias", "_coverage", "_draw", "_dx", "_dy", "_length", "_scale", "_start", "face")

    def __init__(self, face: Face, size: float, scale_x: float, antialias: bool) -> None:
        import uharfbuzz

        self.face = face
        self._draw = uharfbuzz.RasterDraw()
        self._scale = (size * scale_x / 65536, size / 65536)
        self._antialias = antialias
        self._length = np.full(face.hb_font.face.glyph_count * PHASES, -1, np.int32)
        self._start = np.zeros_like(self._length)
        self._clear()

    def _clear(self) -> None:
        self._length[:] = -1
        self._dx = np.empty(0, np.int16)
        self._dy = np.empty(0, np.int16)
        self._coverage = np.empty(0, np.uint8)

    def ink(self, keys: Index) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.uint8], Index]:
        """dx, dy and coverage of every inked pixel of `keys`, and which of `keys` each belongs to."""
        length = self._length[keys]
        if length.min() < 0:
            if len(self._coverage) > SHEET_PIXELS:
                self._clear()
                length[:] = -1
            self._rasterise(np.unique(keys[length < 0]).tolist())
            length = self._length[keys]
        ends = np.cumsum(length)
        at = np.repeat(self._start[keys] - ends + length, length) + np.arange(ends[-1])
        which = np.repeat(np.arange(len(keys)), length)
        return self._dx[at], self._dy[at], self._coverage[at], which

    def _rasterise(self, keys: list[int]) -> None:
        end = len(self._coverage)
        dx, dy, coverage = [self._dx], [self._dy], [self._coverage]
        for key in keys:
            mask, left, top = self._mask(key // PHASES, (key % PHASES) / PHASES)
            y, x = np.nonzero(mask)
            dx.append((x + left).astype(np.int16))
            dy.append((y - top).astype(np.int16))
            coverage.append(mask[y, x])
            self._start[key], self._length[key] = end, len(x)
            end += len(x)
        self._dx, self._dy = np.concatenate(dx), np.concatenate(dy)
        self._coverage = np.concatenate(coverage)

    def _mask(self, glyph: int, phase: float) -> tuple[NDArray[np.uint8], int, int]:
        """Coverage 0–255 (h, w), the column of its left edge, and its number of rows above the baseline."""
        fine = 1 if self._antialias else FINE
        self._draw.transform = (fine * self._scale[0], 0.0, 0.0, fine * self._scale[1], fine * phase, 0.0)
        self._draw.draw_glyph(self.face.hb_font, glyph)
        image = self._draw.render()
        box = image.extents if image is not None else None
        if box is None or not box.width or not box.height:
            return np.zeros((0, 0), np.uint8), 0, 0
        # HarfBuzz's y points up, so its rows come bottom first and are padded to the stride.
        rows = np.frombuffer(image.buffer, np.uint8).reshape(box.height, box.stride)
        mask, left, top = rows[::-1, : box.width], box.x_origin, box.y_origin + box.height
        if self._antialias:
            return mask, left, top
        before, above = left % FINE, -top % FINE
        after, below = -(before + box.width) % FINE, -(above + box.height) % FINE
        inside = np.pad(mask >= 128, ((above, below), (before, after)))
        bilevel = _scan(inside[FINE // 2 :: FINE]) | _scan(inside[:, FINE // 2 :: FINE].T).T
        return bilevel.astype(np.uint8) * 255, left // FINE, -(-top // FINE)


def _scan(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels (n, w) that lines through pixel centres (n, FINE · w) ink: FreeType's bilevel rule.

    A pixel is inked when its centre is inside the outline. A stroke that passes between two centres would
    vanish, so the pixel that holds the middle of a span is inked too ("drop-out control").
    """
    pixels = lines[:, FINE // 2 :: FINE].copy()
    edges = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(edges > 0)
    stop = np.nonzero(edges < 0)[1]
    pixels[line, (start + stop - 1) // 2 // FINE] = True
    return pixels


_sheets: OrderedDict[tuple[Face, float, float, bool], Sheet] = OrderedDict()
_lock = Lock()


def _forked() -> None:
    """In a forked process a thread that was drawing is not there: its lock goes, and what it had half drawn."""
    global _lock
    _lock = Lock()
    _sheets.clear()


after_fork_in_child(_forked)


def _sheet(face: Face, size: float, scale_x: float, antialias: bool) -> Sheet:
    """The sheet for these parameters; the least recently used one makes room. Call under the lock."""
    key = (face, size, scale_x, antialias)
    if key in _sheets:
        _sheets.move_to_end(key)
    else:
        _sheets[key] = Sheet(face, size, scale_x, antialias)
        if len(_sheets) > SHEETS:
            _sheets.popitem(last=False)
    return _sheets[key]


def luma(color: Color) -> int:
    """Grey level of `color`: Rec. 709 weights on the encoded values, as Skia's Gray8 surface."""
    return int(0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2] + 0.5)


def canonical_luma(color: Color) -> int:
    """Luma of `color` as Skia's text cache sees it: three bits a channel, and three bits of the result.

    The weights are whole 256ths and the sum is cut, unlike in `luma`: of 600 colours 17 would come out otherwise.
    """
    red, green, blue = (_three_bits(channel) for channel in color)
    return _three_bits((54 * red + 183 * green + 19 * blue) >> 8)


def _three_bits(value: int) -> int:
    top = value >> 5
    return top << 5 | top << 2 | top >> 1


@lru_cache(maxsize=8)
def tone_curve(grey: int) -> NDArray[np.uint8]:
    """Skia's correction of text coverage for ink of level `grey`: 256 alphas, indexed by coverage.

    Blending by plain coverage in sRGB makes dark text too heavy and light text too thin. Skia raises the
    contrast of dark ink, asks which encoded value a blend in linear light would give on the opposite
    background, and solves for the alpha that an encoded blend reaches it with. Half coverage in black
    becomes 92 of 255, in white 188; without it pages are a third darker at 9 px.
    """
    ink, paper = grey / 255, 1 - grey / 255
    linear_ink, linear_paper = _linear(np.array([ink, paper])).tolist()
    coverage = np.arange(256) / 255
    # Contrast 0.5, kept by Skia in a byte; it tapers off as the ink gets lighter.
    coverage += (1 - coverage) * coverage * (128 / 255) * linear_paper
    wanted = _encoded(coverage * linear_ink + (1 - coverage) * linear_paper)
    # Three-bit greys never are 0.5, so ink and paper always differ.
    return np.floor(255 * (wanted - paper) / (ink - paper) + 0.5).astype(np.uint8)


def _linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1 (sRGB), encoded to linear."""
    linear: NDArray[np.float64] = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1 (sRGB), linear to encoded."""
    encoded: NDArray[np.float64] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded


def _overlap(start: float, stop: float, first: int, last: int) -> NDArray[np.float64]:
    """How much of each unit cell first … last-1 the interval start … stop covers, 0 to 1."""
    cells = np.arange(first, last)
    covered: NDArray[np.float64] = np.clip(np.minimum(stop, cells + 1) - np.maximum(start, cells), 0.0, 1.0)
    return covered


# Packages that hold what skia-python links against but does not bring (Debian and Ubuntu, Fedora).
_PACKAGES: Final = {
    "libEGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libexpat.so.1": ("libexpat1", "expat"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
}


def missing_library_message(error: ImportError) -> str:
    """One line that says what `import skia` lacks and how to get it, for a `DependencyError` or a warning."""
    reason = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name == "skia":
        return "skia-python is not installed. Run pip install skia-python (no wheels for musl, hence Alpine)."
    # The loader names only the first that is missing, by name; one that is damaged, by path.
    library = reason.partition(":")[0].rpartition("/")[2]
    if library not in _PACKAGES:
        return f"skia-python cannot be loaded: {reason}. Reinstall skia-python."
    debian, fedora = _PACKAGES[library]
    return (
        f"{library}, which skia-python needs, is missing or damaged. "
        f"Run apt-get install {debian} (Debian, Ubuntu) or dnf install {fedora} (Fedora)."
    )
