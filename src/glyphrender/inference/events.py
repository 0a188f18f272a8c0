"""Server-sent events: the bytes of a stream → the data of each event.

A stream may end in the middle of an event. Such an event is yielded too, and marked: the caller must not take a part of
an event for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Event", "events"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream.

    Attributes:
        data: its data, the lines joined by newlines.
        kind: the field "event", such as "error"; usually empty.
        whole: whether the empty line that ends an event has come.
    """

    data: str
    kind: str = ""
    whole: bool = True


def events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events of a stream that arrives in `pieces`. Comments, which keep a connection open, are passed over.

    >>> [event.data for event in events([b": ping\\n\\nda", b"ta: 1\\r\\n\\r\\ndata: [DO", b"NE]\\n\\n"])]
    ['1', '[DONE]']
    >>> list(events([b"data: {oo"]))
    [Event(data='{oo', kind='', whole=False)]
    """
    data: list[str] = []
    kind = ""
    for number, line in enumerate(_lines(pieces)):
        if not number:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            if data:
                yield Event("\n".join(data), kind)
            data, kind = [], ""
            continue
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            kind = value
    if data:
        yield Event("\n".join(data), kind, whole=False)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream, without their ends. The last line need not have an end."""
    held: list[bytes] = []  # a long line comes in many pieces, which are joined once
    for piece in pieces:
        held.append(piece)
        if b"\n" not in piece and b"\r" not in piece:
            continue
        text = b"".join(held)
        # A carriage return at the end may be the first half of a line end.
        kept = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = re.split(b"\r\n|\n|\r", text[: len(text) - len(kept)])
        yield from lines
        held = [rest + kept]
    rest = b"".join(held)
    if rest:
        yield from re.split(b"\r\n|\n|\r", rest.removesuffix(b"\r"))
