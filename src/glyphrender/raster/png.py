"""Pixels → PNG bytes: the same for the same pixels, but for a rare fault of ISA-L (docs/log.md, "Open faults").

Rows are stored unfiltered: text has few grey levels and long runs of background, where a filter only adds
symbols (a page of 9 px text is 17% larger with Paeth, 12% with Up). Deflate is ISA-L's, level 2: 57 KB in 0.30 ms
where zlib's level 6 takes 6.2 ms for 49 KB, and ISA-L's own level 3 0.73 ms for 56.7.
Nothing but pixels and their density is written: no time, no software, no gamma.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from glyphrender.raster.scratch import scratch

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
LEVEL: Final = 2


def encode(pixels: NDArray[np.uint8], *, dpi: float, bits: int = 8) -> bytes:
    """PNG of (h, w) grey or (h, w, 3) RGB pixels.

    Args:
        pixels: uint8.
        dpi: pixels per inch, stored as pHYs.
        bits: of a grey pixel: 8, 4, 2 or 1; colour is always 8 a channel.
    """
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2
    if not grey:
        bits = 8
    rows = _packed(pixels, bits) if bits < 8 else pixels.reshape(height, -1)
    lines = scratch("png", (height, rows.shape[1] + 1))
    lines[:, 0] = 0  # before each row: filter type None
    lines[:, 1:] = rows
    header = struct.pack(">IIBBBBB", width, height, bits, _GREY if grey else _RGB, 0, 0, 0)
    density = round(dpi / 0.0254)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"pHYs", struct.pack(">IIB", density, density, 1)),
            _chunk(b"IDAT", isal_zlib.compress(lines, LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _packed(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Rows of `bits`-bit samples, the leftmost in the high bits, each row padded to a byte."""
    if bits == 1:
        return np.packbits(pixels >= 128, axis=1)
    height, width = pixels.shape
    a_byte = 8 // bits
    padded = scratch("packing", (height, -(-width // a_byte) * a_byte))
    padded[:, :width], padded[:, width:] = pixels, 0
    # Two pixels at a time, as one number of 16 bits: 0.2 ms a page, half of what one by one takes.
    pairs: NDArray[np.uint8] = _pairs(bits).take(padded.view("<u2"))
    return pairs if bits == 4 else (pairs[:, ::2] << np.uint8(4)) | pairs[:, 1::2]


@cache
def _pairs(bits: int) -> NDArray[np.uint8]:
    """[65536] the samples nearest to a left and a right pixel, side by side, by left + 256 × right."""
    top = (1 << bits) - 1
    level = ((np.arange(256) * top + 127) // 255).astype(np.uint8)
    pairs: NDArray[np.uint8] = (level[np.newaxis, :] << np.uint8(bits)) | level[:, np.newaxis]
    return pairs.reshape(-1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
