"""Compressed files → blocks of their content, up to the first damage: to the byte for gzip, to the block for Zstandard.

When a fast decoder meets damage, it drops the content that it has not given out yet, up to 1 MB. So a damaged file is
decoded again. From a little before the damage on, the decoder then gets one byte at a time, and gives out what each
byte adds. Zstandard gives out whole blocks only, of 128 KB at most.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from glyphrender._system.regular_file import open_regular
from glyphrender.adapters.corpus.faults import Damage, decoding, pyarrow

BLOCK: Final = 1 << 20
# Compressed bytes that a decoder gets at a time.
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"


class _Pieces:
    """A file that is read in pieces: `_PIECE` bytes each, and from offset `fine` on one byte each.

    The file ends where it ended when it was opened, even if it grows.
    """

    def __init__(self, file: BinaryIO, fine: int | None) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self._fine = self.size if fine is None else fine
        self.at = 0
        self.closed = False  # pyarrow asks for it

    def read(self, _: int = -1) -> bytes:
        """Return the next piece, b"" at the end."""
        piece = min(_PIECE, self._fine - self.at) if self.at < self._fine else 1
        data = self._file.read(min(piece, self.size - self.at))
        self.at += len(data)
        return data

    def close(self) -> None:
        """Do nothing. The file is closed where it was opened."""


#: Yields the content of a file after its first `given` bytes, in blocks of about `size`.
_Decoder = Callable[[_Pieces, int, int], Iterator[bytes]]


def decompressed(path: Path) -> Iterator[bytes]:
    """Yield the content of a `.gz` or `.zst` file, which may consist of several members or frames.

    Raises:
        Damage: the file is damaged or ends early. The content before the damage was yielded.
        OSError: the file cannot be read, or is no regular file.
        DependencyError: `.zst` needs pyarrow.
    """
    decoder, sizes = _DECODERS[path.suffix]
    given, fine = 0, None
    for size in sizes:
        with open_regular(path) as file:
            pieces = _Pieces(file, fine)
            try:
                if not pieces.size:
                    raise Damage("it is empty")
                for block in decoder(pieces, given, size):
                    given += len(block)
                    yield block
                return
            except Damage as damage:
                if size == sizes[-1]:
                    raise Damage(f"{damage}, at byte {pieces.at:,} of {pieces.size:,}") from damage
                fine = max(0, pieces.at - 2 * _PIECE) if fine is None else fine


def _gunzipped(pieces: _Pieces, given: int, size: int) -> Iterator[bytes]:
    """Decode gzip. After a member, zeros are padding, as for gzip itself. Other bytes must be the next member."""
    from isal import isal_zlib

    skipped = 0
    data = pieces.read()
    first = True
    while True:
        while not data.lstrip(b"\0") and not first:
            data = pieces.read()
            if not data:
                return
        if not first:
            data = data.lstrip(b"\0")
        while len(data) < 2 and (more := pieces.read()):
            data += more
        if not data.startswith(_GZIP):
            raise Damage("it is not gzip" if first else "other bytes follow the end of the gzip data")
        first = False
        # Use zlib the second time: after each byte of input, zlib gives out everything that the input so far decides.
        member: Any = isal_zlib.decompressobj(wbits=31) if size == BLOCK else zlib.decompressobj(wbits=31)
        while not member.eof:
            ended = not data and not (data := pieces.read())
            with decoding():
                block = member.decompress(data, BLOCK)
            data = member.unused_data if member.eof else member.unconsumed_tail
            if fresh := block[max(0, given - skipped) :]:
                yield fresh
            skipped += len(block)
            if ended and not block and not member.eof:
                raise Damage("it ends early")


def _unzstandard(pieces: _Pieces, given: int, size: int) -> Iterator[bytes]:
    """Decode Zstandard. pyarrow drops what a failing `read` had, so the last reads before damage are small."""
    arrow = pyarrow()
    with decoding():
        stream = arrow.CompressedInputStream(arrow.PythonFile(pieces, mode="r"), "zstd")
    left = given
    while True:
        with decoding():
            block = stream.read(min(BLOCK, left) if left else size)
        if not block:
            return
        if left:
            left -= len(block)
        else:
            yield block


# Suffix → the decoder, and the size of its blocks the first time, the second time and so on.
_DECODERS: MappingProxyType[str, tuple[_Decoder, tuple[int, ...]]] = MappingProxyType(
    {
        ".gz": (_gunzipped, (BLOCK, BLOCK - 1)),
        ".zst": (_unzstandard, (BLOCK, 1 << 14, 1 << 7, 1)),
    }
)
#: Suffixes of files that `decompressed` reads.
COMPRESSED: Final = tuple(_DECODERS)
