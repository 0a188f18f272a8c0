"""PNG: pixels → the bytes of a PNG file.

The same pixels give the same bytes, in every process. Only the pixels and their density are written: no time, no
software, no gamma.

Rows are stored unfiltered. Text has few grey levels and wide stretches of background, so a filter only adds symbols (a
page of 9 px text is 17% larger with the Paeth filter, 12% with Up). ISA-L compresses, at level 2: a page takes 0.30 ms
and 57 KB. zlib at level 6 takes 6.2 ms and 49 KB, and ISA-L at level 3 takes 0.73 ms and 56.7 KB.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from glyphrender.raster.scratch import scratch

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
#: The level of compression that ISA-L is asked for.
LEVEL: Final = 2
# Bytes that are compressed, and flushed, before the others; see `deflated`.
_HISTORY: Final = 4


def encode(pixels: NDArray[np.uint8], *, dpi: float, bits: int = 8) -> bytes:
    """Return the bytes of a PNG file.

    >>> encode(np.zeros((2, 3), np.uint8), dpi=72)[1:4]
    b'PNG'

    Args:
        pixels: uint8, (h, w) grey or (h, w, 3) RGB.
        dpi: pixels per inch, stored in the chunk pHYs as whole pixels per meter.
        bits: bits of a grey pixel: 8, 4, 2 or 1. Color pixels always have 8 bits a channel.
    """
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2
    if not grey:
        bits = 8
    rows = _packed(pixels, bits) if bits < 8 else pixels.reshape(height, -1)
    lines = scratch("png", (height, rows.shape[1] + 1))
    lines[:, 0] = 0  # the byte before each row: filter type None
    lines[:, 1:] = rows
    header = struct.pack(">IIBBBBB", width, height, bits, _GREY if grey else _RGB, 0, 0, 0)
    density = round(dpi / 0.0254)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"pHYs", struct.pack(">IIB", density, density, 1)),
            _chunk(b"IDAT", deflated(lines)),
            _chunk(b"IEND", b""),
        )
    )


def deflated(lines: NDArray[np.uint8]) -> bytes:
    """Return `lines`, which are contiguous, as a zlib stream. The bytes depend on `lines` alone.

    >>> import zlib
    >>> zlib.decompress(deflated(np.zeros((1, 3), np.uint8)))
    b'\\x00\\x00\\x00'
    """
    # ISA-L's levels 1 and 2 file the fourth byte of a stream under a hash of the stream's address in memory, not of the
    # data (igzip_icf_body_h1_gr_bt.asm, .write_first_byte). One address in some thousands has the slot of other data,
    # and other bytes come out. Inputs of 4 to 16 bytes go to code without this fault, and once they are flushed the
    # stream has a history, so the faulty code is never reached. The price is 7 bytes and 0.01 ms a page. With 1 byte or
    # with a row before the flush, the fault stays (benchmarks/addresses.py).
    data = lines.data.cast("B")
    stream = isal_zlib.compressobj(LEVEL)
    first = stream.compress(data[:_HISTORY]) + stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return b"".join((first, stream.compress(data[_HISTORY:]), stream.flush()))


def recompressed(data: bytes, level: int) -> bytes:
    """Return a PNG of `encode` with the same pixels in fewer bytes: zlib's deflate, and as few bits as no pixel needs.

    The PNG comes back as it is if the result is not smaller. The bytes may differ between releases of zlib.

    >>> page = encode(np.zeros((40, 40), np.uint8), dpi=72)
    >>> page[24], recompressed(page, 9)[24]
    (8, 1)

    Args:
        data: the bytes that `encode` returned.
        level: zlib's level, 1 to 9.
    """
    width, height, bits, kind = struct.unpack(">IIBB", data[16:26])
    chunks, at = {}, len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + length]
        at += length + 12
    lines = np.frombuffer(isal_zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    if kind == _GREY and bits > 1:
        lines, bits = _least_bits(lines, width, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    found = b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"pHYs", chunks[b"pHYs"]),
            _chunk(b"IDAT", zlib.compress(lines.data, level)),
            _chunk(b"IEND", b""),
        )
    )
    return found if len(found) < len(data) else data


def _least_bits(lines: NDArray[np.uint8], width: int, bits: int) -> tuple[NDArray[np.uint8], int]:
    """Return the lines of a grey PNG with as few bits as its pixels need, and the number of bits."""
    rows = lines[:, 1:]
    if bits < 8:
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        rows = (rows[:, :, np.newaxis] >> shifts & np.uint8((1 << bits) - 1)).reshape(len(rows), -1)
    # Grey levels of 8 bits: a pixel of `least` bits is a multiple of 255 / (2 ** least - 1).
    pixels = rows[:, :width] * np.uint8(255 // ((1 << bits) - 1))
    used = np.flatnonzero(np.bincount(pixels.reshape(-1), minlength=256))
    least = next(least for least in (1, 2, 4, 8) if not (used % (255 // ((1 << least) - 1))).any())
    if least >= bits:
        return lines, bits
    packed = _packed(pixels, least)
    return np.concatenate([np.zeros((len(packed), 1), np.uint8), packed], axis=1), least


def _packed(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return rows of samples of `bits` bits, the leftmost in the high bits. Each row is padded to a whole byte."""
    if bits == 1:
        return np.packbits(pixels >= 128, axis=1)
    height, width = pixels.shape
    a_byte = 8 // bits
    padded = scratch("packing", (height, -(-width // a_byte) * a_byte))
    padded[:, :width], padded[:, width:] = pixels, 0
    # Two pixels are looked up at a time, as one number of 16 bits. That takes 0.2 ms a page, half the time of one by
    # one.
    pairs: NDArray[np.uint8] = _pairs(bits).take(padded.view("<u2"))
    return pairs if bits == 4 else (pairs[:, ::2] << np.uint8(4)) | pairs[:, 1::2]


@cache
def _pairs(bits: int) -> NDArray[np.uint8]:
    """Return [65536] the two samples nearest to a left and a right pixel, side by side, at left + 256 × right."""
    top = (1 << bits) - 1
    level = ((np.arange(256) * top + 127) // 255).astype(np.uint8)
    pairs: NDArray[np.uint8] = (level[np.newaxis, :] << np.uint8(bits)) | level[:, np.newaxis]
    return pairs.reshape(-1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk: length, kind, data, CRC."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(data, isal_zlib.crc32(kind)))
