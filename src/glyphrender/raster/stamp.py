"""Stamp: masks → pixels. This is the inner loop of masks.py, compiled by numba. Eight pixels are one word.

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
    memory: Any, height: Any, width: Any, baseline: Any, bounds: Any, glyph: Any, x: Any, start: Any, subpixel: Any,
    number: Any, boxes: Any, words: Any,
) -> Any:  # fmt: skip
    """Blend glyphs from number `start` on into a page, up to the first glyph that has no mask.

    Args:
        memory: the coverage of the page, flat, with SPARE bytes after it.
        height, width: size of the page in pixels.
        baseline, bounds, glyph, x: the fields of `Rows`.
        start: the number of the first glyph.
        subpixel: whether x snaps to quarters of a pixel; else it snaps to whole pixels.
        number, boxes, words: the masks, as `Masks` keeps them.

    Returns:
        The number of the glyph that has no mask, or the number of all glyphs.
    """
    shift = _HALF / np.float32(PHASES) if subpixel else _HALF
    for row in range(len(baseline)):
        origin = np.int64(np.floor(np.float32(baseline[row]) + _HALF))
        for index in range(max(start, bounds[row]), bounds[row + 1]):
            # float32, because Skia computes in float32.
            at = np.float32(x[index]) + shift
            pixel = np.floor(at)
            # The same as `phases` in subpixel.py.
            phase = np.int64(((at - pixel) + _WHOLE) * np.float32(PHASES)) & (PHASES - 1) if subpixel else 0
            mask = number[np.int64(glyph[index]) * PHASES + phase]
            if mask < 0:
                return index
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
    return len(glyph)
