"""Seals: a last line with the SHA-256 of everything before it. A sealed file is ours, and nobody has changed it since.

When a command writes to a name that exists, it replaces only such a file or an empty one. The line is a comment, so
programs that read the file do not see it. A PNG has a chunk of text in place of the line, JSON has two fields at its
front, and CSV has a last column.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

_XML: Final = b"<!-- glyphrender sha256 %s -->\n"
_PDF: Final = b"%% glyphrender sha256 %s\n"
_LAST_LINE: Final = re.compile(rb"(?:<!--|%) glyphrender sha256 ([0-9a-f]{64})(?: -->)?\n")

_JSON: Final = re.compile(rb'\{"format": "glyphrender[^"\\\n]*", "sha256": "([0-9a-f]{64})",')

_CSV_COLUMN: Final = "sha256"

_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_SEAL: Final = len(_PNG_END) + 12 + len("glyphrender\0") + 64


def sealed(content: str | bytes, *, pdf: bool = False) -> bytes:
    """Return HTML, SVG or Markdown with a seal; or a PDF with a seal, if `pdf` is true.

    >>> sealed("<p>text").decode().splitlines()[1][:23]
    '<!-- glyphrender sha256'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not data.endswith(b"\n"):
        data += b"\n"
    return data + (_PDF if pdf else _XML) % hashlib.sha256(data).hexdigest().encode()


def sealed_json(text: str, format: str) -> bytes:
    """Return JSON, or lines of JSON, with two more fields at the front: the format, and the SHA-256 of all the rest.

    The text begins with an object that has at least one field. Lone surrogates become question marks.

    >>> import json
    >>> json.loads(sealed_json('{"seconds": 3}', "glyphrender.times 1"))["seconds"]
    3
    """
    data = text.encode("utf-8", "replace")
    digest = hashlib.sha256(data).hexdigest()
    return f'{{"format": "{format}", "sha256": "{digest}",'.encode("ascii") + data[1:] + b"\n"


def is_sealed(data: bytes) -> bool:
    """Return whether `data` is what `sealed` or `sealed_json` returned, unchanged.

    >>> is_sealed(sealed("<p>text")), is_sealed(sealed("<p>text") + b"<p>mine")
    (True, False)
    >>> seconds = sealed_json('{"seconds": 3}', "glyphrender.times 1")
    >>> is_sealed(seconds), is_sealed(seconds.replace(b"3", b"4"))
    (True, False)
    >>> is_sealed(seconds[:-1] + b" ")
    False
    """
    if front := _JSON.match(data):
        return data.endswith(b"\n") and hashlib.sha256(b"{" + data[front.end() : -1]).hexdigest().encode() == front[1]
    start = data.rfind(b"\n", 0, -1) + 1
    match = _LAST_LINE.fullmatch(data[start:])
    return match is not None and match[1] == hashlib.sha256(data[:start]).hexdigest().encode()


def sealed_png(png: bytes) -> bytes:
    """Return the bytes of a PNG file with a seal in a chunk of text, which changes no pixel.

    >>> is_sealed_png(sealed_png(_PNG_START + _PNG_END)), is_sealed_png(_PNG_START + _PNG_END)
    (True, False)
    """
    body = png.removesuffix(_PNG_END)
    text = b"tEXtglyphrender\0" + hashlib.sha256(body).hexdigest().encode()
    return body + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + _PNG_END


def is_sealed_png(data: bytes) -> bool:
    """Return whether `data` is what `sealed_png` returned, unchanged."""
    body = data[:-_PNG_SEAL]
    return body.startswith(_PNG_START) and data == sealed_png(body)


def sealed_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file with one more column, "sha256": the start of the digest of all cells up to the end of the row.

    A carriage return in a cell becomes a space, and what UTF-8 cannot hold becomes "?": read back, the cells must have
    the same digest, and `csv.writer` does not put quotes around a carriage return in all versions of Python.

    >>> sealed_csv([["text", "pages"], ["a.txt", "3"]]).decode().splitlines()
    ['text,pages,sha256', 'a.txt,3,16976e8368a7e3d4']
    """
    sheet = io.StringIO()
    lines, digest = csv.writer(sheet, lineterminator="\n"), hashlib.sha256()
    for number, row in enumerate(rows):
        cells = [cell.replace("\r", " ").encode("utf-8", "replace").decode("utf-8") for cell in row]
        digest.update(repr(cells).encode("utf-8"))
        lines.writerow([*cells, digest.hexdigest()[:16] if number else _CSV_COLUMN])
    return sheet.getvalue().encode("utf-8")


def is_sealed_csv(data: bytes) -> bool:
    """Return whether `data` is what `sealed_csv` returned, unchanged but for rows that are gone from its end.

    >>> figures = sealed_csv([["text", "pages"], ["a.txt", "3"]])
    >>> is_sealed_csv(figures), is_sealed_csv(figures.replace(b"3,", b"4,")), is_sealed_csv(figures + b"mine,1,\\n")
    (True, False, False)
    """
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    except (ValueError, csv.Error):
        return False
    return len(rows) > 1 and all(rows) and rows[0][-1] == _CSV_COLUMN and sealed_csv(row[:-1] for row in rows) == data
