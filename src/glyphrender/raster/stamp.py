"""The inner loops of masks.py, compiled by numba: masks → pixels, and cells that Skia drew → masks.

Eight pixels are one word.

Nearly every glyph falls on background, where blending is a bitwise or. Only the words in which ink meets ink, some 80
of 50,000 a page, are blended pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from glyphrender.raster.subpixel import PHASES

# Words in which each of the eight bytes has its low seven bits set, and its high bit.
_LOW, _HIGH = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x8080808080808080)
_BYTE, _ONE, _SEVEN, _EIGHT, _NONE = (np.uint64(n) for n in (255, 1, 7, 8, 0))
_HALF, _WHOLE = np.float32(0.5), np.float32(1)
# Positions nearer than this many pixels are exact in a float32. NaN and infinity are not near.
_FAR = float(1 << 22)


def _compiled(function: Callable[..., Any]) -> Any:
    """Return `function` compiled by numba. The compiled code is kept on disk if a folder for it can be written."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # there is no such folder
        return njit(function)


@intrinsic
def _load(context: Any, memory: Any, at: Any) -> Any:
    """Return the word of eight bytes from byte `at` on, which need not be aligned."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(memory, at), code


@intrinsic
def _store(context: Any, memory: Any, at: Any, word: Any) -> Any:
    """Write a word of eight bytes from byte `at` on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(memory, at, word), code


@_compiled
def _blended(below: Any, mask: Any) -> Any:
    """Return eight pixels of coverage with eight pixels of a mask blended over them, one by one."""
    result = _NONE
    for lane in range(8):
        shift = np.uint64(8 * lane)
        d, m = (below >> shift) & _BYTE, (mask >> shift) & _BYTE
        result |= (d + (((_BYTE - d) * (m + _ONE)) >> _EIGHT)) << shift
    return result


@_compiled
def stamp(
    memory: Any, height: Any, width: Any, baseline: Any, first: Any, last: Any, glyph: Any, x: Any, start: Any,
    subpixel: Any, number: Any, boxes: Any, words: Any,
) -> Any:  # fmt: skip
    """Blend the glyphs of rows into a page, without the first `start` ones, up to one that has no mask.

    Nothing is blended if a glyph has no place in `number`, or stands far off every page.

    Args:
        memory: the coverage of the page, flat, with SPARE bytes after it.
        height, width: size of the page in pixels.
        baseline, first, last, glyph, x: the fields of `GlyphRuns`.
        start: how many glyphs are blended already.
        subpixel: whether x snaps to quarters of a pixel; else it snaps to whole pixels.
        number, boxes, words: the masks, as `Masks` keeps them.

    Returns:
        How many glyphs are blended now: all, or those before the one that has no mask; -1 if all are left to Skia.
    """
    if start == 0:
        for row in range(len(baseline)):
            if not abs(baseline[row]) < _FAR:
                return -1
            for index in range(first[row], last[row]):
                if not abs(x[index]) < _FAR or np.int64(glyph[index]) * PHASES >= len(number):
                    return -1
    shift = _HALF / np.float32(PHASES) if subpixel else _HALF
    done = 0
    for row in range(len(baseline)):
        origin = np.int64(np.floor(np.float32(baseline[row]) + _HALF))
        before = min(max(start - done, 0), last[row] - first[row])
        done += before
        for index in range(first[row] + before, last[row]):
            # float32, because Skia computes in float32.
            at = np.float32(x[index]) + shift
            pixel = np.floor(at)
            # The same as `phases` in subpixel.py.
            phase = np.int64(((at - pixel) + _WHOLE) * np.float32(PHASES)) & (PHASES - 1) if subpixel else 0
            mask = number[np.int64(glyph[index]) * PHASES + phase]
            if mask < 0:
                return done
            done += 1
            word, a_row, rows = np.int64(boxes[mask, 0]), np.int64(boxes[mask, 1]), np.int64(boxes[mask, 2])
            left, top = np.int64(pixel) + boxes[mask, 3], origin + boxes[mask, 4]
            for y in range(top, top + rows):
                for part in range(a_row):
                    ink = words[word]
                    word += 1
                    column = left + 8 * part
                    if y < 0 or y >= height or column <= -8 or column >= width or ink == _NONE:
                        continue
                    if column < 0:
                        ink >>= np.uint64(-8 * column)
                        column = 0
                    if column + 8 > width:
                        ink &= ~_NONE >> np.uint64(8 * (column + 8 - width))
                    below = _load(memory, y * width + column)
                    # `inked` has 255 in each byte in which the mask is not 0: adding 127 carries into the high bit.
                    inked = (((((ink & _LOW) + _LOW) | ink) & _HIGH) >> _SEVEN) * _BYTE
                    free = below & inked == _NONE
                    _store(memory, y * width + column, below | ink if free else _blended(below, ink))
    return done


@_compiled
def packed(
    image: Any, columns: Any, height: Any, width: Any, left: Any, top: Any, boxes: Any, words: Any, size: Any
) -> Any:
    """Cut masks out of cells, each around its ink, into words of eight pixels.

    Args:
        image: [h, w] coverage, in cells of `height` × `width` pixels, `columns` in a row.
        columns, height, width: the grid of cells.
        left, top: distances from the origin of a glyph to the left and the top edge of its cell.
        boxes: [n, 5] gets the boxes of the masks, as `Masks` keeps them.
        words: gets the masks. There must be room for all cells.
        size: the number of the first word.

    Returns:
        The number of words.
    """
    done = 0
    for cell in range(len(boxes)):
        y0, x0 = cell // columns * height, cell % columns * width
        upper, lower, first, last = height, -1, width, -1
        for y in range(height):
            for x in range(width):
                if image[y0 + y, x0 + x]:
                    upper, lower = min(upper, y), y
                    first, last = min(first, x), max(last, x)
        if lower < 0:
            upper, first = 0, 0
        a_row = (last - first + 8) // 8 if lower >= 0 else 0
        boxes[cell, 0], boxes[cell, 1], boxes[cell, 2] = size + done, a_row, lower - upper + 1 if lower >= 0 else 0
        boxes[cell, 3], boxes[cell, 4] = left + first, top + upper
        for y in range(upper, lower + 1):
            for part in range(a_row):
                word = _NONE
                for x in range(first + 8 * part, min(first + 8 * part + 8, last + 1)):
                    word |= np.uint64(image[y0 + y, x0 + x]) << np.uint64(8 * ((x - first) % 8))
                words[done] = word
                done += 1
    return done
