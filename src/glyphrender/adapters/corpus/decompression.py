"""The content of one page of a parquet file, decompressed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from glyphrender.adapters.corpus.faults import Damage, decoding, pyarrow

_PIECE: Final = 1 << 16
# Snappy may copy from so many bytes back. Compressors cut their input into blocks of 64 KB.
_WINDOW: Final = 1 << 16
# The compressions that pyarrow undoes piece by piece: name in parquet → name in pyarrow.
_STREAMED: Final = {"ZSTD": "zstd", "GZIP": "gzip", "BROTLI": "brotli"}


class Stream:
    """Bytes that are read once, from first to last."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self._at = 0

    def read(self, length: int) -> bytes:
        """Return the next `length` bytes.

        Raises:
            Damage: fewer bytes are left.
        """
        if self._at + length <= len(self._rest):
            self._at += length
            return self._rest[self._at - length : self._at]
        parts, missing = [self._rest[self._at :]], length - (len(self._rest) - self._at)
        while missing > 0:
            self._next()
            parts.append(self._rest[:missing])
            self._at = min(missing, len(self._rest))
            missing -= self._at
        return b"".join(parts)

    def skip(self, length: int) -> None:
        """Skip the next `length` bytes, without holding them in memory."""
        while length > 0:
            if self._at == len(self._rest):
                self._next()
            step = min(length, len(self._rest) - self._at)
            self._at += step
            length -= step

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return b"".join((self._rest[self._at :], *self._pieces))

    def _next(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Damage("a page is cut short")
        self._rest, self._at = piece, 0


def page_stream(file: BinaryIO, at: int, stored: int, size: int, codec: str, plain: int) -> Stream:
    """Return the content of a page.

    Args:
        file: the parquet file.
        at: offset at which the page begins.
        stored: number of the page's bytes in the file.
        size: number of the page's bytes after decompression.
        codec: parquet's name of the compression.
        plain: number of bytes at the beginning of the page that are not compressed.

    Raises:
        Damage: this compression cannot be undone piece by piece.
    """

    def pieces() -> Iterator[bytes]:
        source = _FileSlice(file, at, stored)
        if head := source.read(plain):
            yield head
        yield from _limited(_DECODERS.get(codec, _pyarrows)(source, codec), size - plain)

    if codec not in (*_DECODERS, *_STREAMED):
        raise Damage(f"a page of {size:,} bytes is compressed by {codec}, which is not read in parts")
    return Stream(pieces())


class _FileSlice:
    """A part of a file, read as a file."""

    def __init__(self, file: BinaryIO, at: int, length: int) -> None:
        self._file, self._at, self._end = file, at, at + length
        self.closed = False  # pyarrow asks for it

    def read(self, length: int = -1) -> bytes:
        left = self._end - self._at
        self._file.seek(self._at)
        data = self._file.read(left if length < 0 else min(length, left))
        self._at += len(data)
        return data

    def close(self) -> None:
        """Do nothing. The file is closed where it was opened."""


def _limited(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces up to `size` bytes, which is the size that the page header states."""
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return


def _stored(source: _FileSlice, _: str) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def _pyarrows(source: _FileSlice, codec: str) -> Iterator[bytes]:
    arrow: Any = pyarrow()
    with decoding():
        stream = arrow.CompressedInputStream(arrow.PythonFile(source, mode="r"), _STREAMED[codec])
    while True:
        with decoding():
            piece = stream.read(_PIECE)
        if not piece:
            return
        yield piece


def _unsnappy(source: _FileSlice, _: str) -> Iterator[bytes]:
    """Decode Snappy's format piece by piece. pyarrow can decode only whole pages of it.

    https://github.com/google/snappy/blob/main/format_description.txt
    """
    data, at = source.read(_PIECE), 0
    while data[at : at + 1] > b"\x7f":  # the length, which the page header has too
        at += 1
    at += 1
    out = bytearray()
    while True:
        if len(data) - at < 8:  # a tag and its numbers have at most 5 bytes
            data, at = data[at:] + source.read(_PIECE), 0
            if not data:
                break
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind:
            if kind == 1:
                length, offset = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at] if at < len(data) else 0
                at += 1
            else:
                width = 2 * (kind - 1)
                length, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + width], "little")
                at += width
            start = len(out) - offset
            if start < 0 or not offset:
                raise Damage("a page refers to text that is too far back")
            if offset >= length:
                out += out[start : start + length]
            else:
                out += (out[start:] * (length // offset + 1))[:length]
        else:
            length = (tag >> 2) + 1
            if length > 60:
                width = length - 60
                length = int.from_bytes(data[at : at + width], "little") + 1
                at += width
            while length > 0:  # a literal may be as long as the page
                piece = data[at : at + min(length, _PIECE)]
                if not piece:
                    raise Damage("a page is cut short")
                out += piece
                length -= len(piece)
                at += len(piece)
                if at == len(data):
                    data, at = source.read(_PIECE), 0
                if len(out) > 4 * _WINDOW:
                    yield bytes(out[:-_WINDOW])
                    del out[:-_WINDOW]
        if len(out) > 4 * _WINDOW:
            yield bytes(out[:-_WINDOW])
            del out[:-_WINDOW]
    if out:
        yield bytes(out)


_DECODERS: Final = {"UNCOMPRESSED": _stored, "SNAPPY": _unsnappy}
