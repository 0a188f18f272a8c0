"""The way of a keystroke beside Gradio: an edit of the text comes in, the page in view goes out.

Gradio's script spends some 100 ms in the browser on an event and on its answer. So the script of the page (`live.js`)
sends the text here, shows the page, and passes the keystroke on to Gradio in the first pause of the typing. Only edits
are sent: the text that a browser sent last is kept, and an edit of another version is answered by a conflict, after
which the browser sends the whole text. Whatever fails here is drawn in Gradio's way.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from threading import RLock
from typing import Any, Final
from weakref import finalize

from glyphrender.errors import DataError
from glyphrender.studio.sitting import Typing
from glyphrender.studio.source import MOST_CHARACTERS

__all__ = ["MOST_BODY", "PATH", "TextChange", "Texts", "VersionError", "endpoint"]

#: The path of the route.
PATH: Final = "/studio/page"
#: Most bytes of a request: the longest text as JSON, in which a character may take six bytes.
MOST_BODY: Final = 8_000_000
# Most code units of a text. A longer one goes Gradio's way, which cuts it and says so.
_MOST_UNITS: Final = MOST_CHARACTERS
# Most bytes of all texts that are kept. Those that were not edited for longest go first.
_MOST_KEPT: Final = 64_000_000
# Bytes of a UTF-16 code unit. Browsers count in code units.
_UNIT: Final = 2


class VersionError(Exception):
    """An edit is of a text that is not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextChange:
    """A change of a text, as a browser sends it.

    Attributes:
        sitting: the name of the visitor's sitting.
        version: number of the text after the edit.
        base: number of the text that is edited; None if `text` is the whole text.
        start, end: the code units of the base that `text` stands in place of.
        text: the new characters.
    """

    sitting: str
    version: int
    base: int | None
    start: int
    end: int
    text: str

    @classmethod
    def read(cls, body: bytes) -> TextChange:
        """Return the edit of a request's body.

        Raises:
            DataError: the body is no edit.

        >>> TextChange.read(b'{"sitting": "x", "version": 2, "base": 1, "start": 0, "end": 0, "text": "a"}').text
        'a'
        """
        try:
            found = json.loads(body)
            edit = cls(**found)
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(f"the body is no edit ({type(error).__name__}). Send JSON of its fields.") from error
        numbers = (edit.version, edit.start, edit.end, 0 if edit.base is None else edit.base)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise DataError("the numbers of the edit are not whole and positive. Send code units and versions.")
        if not isinstance(edit.sitting, str) or not isinstance(edit.text, str):
            raise DataError("the sitting or the text of the edit is no string. Send strings.")
        return edit


class Texts:
    """The texts that browsers sent last, one of each visitor.

    They are kept as UTF-16, in which browsers count: an edit may then split a pair of surrogates.

    >>> texts = Texts()
    >>> texts.edited(TextChange(sitting="x", version=1, base=None, start=0, end=0, text="one fox 🦊"))
    'one fox 🦊'
    >>> texts.edited(TextChange(sitting="x", version=2, base=1, start=4, end=10, text="🦊s"))
    'one 🦊s'
    """

    def __init__(self, *, most_bytes: int = _MOST_KEPT) -> None:
        # `forget` may be called in the middle of `edited`, when Python collects garbage.
        self._most, self._size, self._lock = most_bytes, 0, RLock()
        self._kept: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def edited(self, edit: TextChange) -> str:
        """Return the whole text after an edit, and keep it.

        Raises:
            VersionError: the text that is edited is not kept.
            DataError: the text has too many characters.
        """
        new = edit.text.encode("utf-16-le", "surrogatepass")
        with self._lock:
            version, base = self._kept.get(edit.sitting, (None, b""))
            if edit.base is not None:
                if version != edit.base or not edit.start <= edit.end <= len(base) // _UNIT:
                    raise VersionError
                new = base[: edit.start * _UNIT] + new + base[edit.end * _UNIT :]
            if len(new) > _MOST_UNITS * _UNIT:
                raise DataError(f"the text has more than {_MOST_UNITS:,} characters. Send it in Gradio's way.")
            self._kept[edit.sitting] = edit.version, new
            self._kept.move_to_end(edit.sitting)
            self._size += len(new) - len(base)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1][1])
        return new.decode("utf-16-le", "surrogatepass")

    def keeps(self, sitting: str) -> bool:
        """Return whether a text of a visitor is kept."""
        with self._lock:
            return sitting in self._kept

    def forget(self, sitting: str) -> None:
        """Let go of a visitor's text."""
        with self._lock:
            self._size -= len(self._kept.pop(sitting, (0, b""))[1])


def endpoint(typing: Typing) -> Any:
    """Return the function that answers requests to `PATH`: JSON of an edit → JSON of the page and of what is wrong.

    The status is 400 for a body that is no edit, 404 for an unknown visitor, 409 if the whole text is needed, and 413
    for a text that is too long.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    texts = Texts()

    def answer(edit: TextChange) -> Any:
        sitting = typing.sittings.get(edit.sitting)
        if sitting is None:
            return Response(status_code=404)
        is_first = not texts.keeps(edit.sitting)
        try:
            text = texts.edited(edit)
        except VersionError:
            return Response(status_code=409)
        except DataError as error:
            return Response(str(error), status_code=413, media_type="text/plain")
        if is_first:
            finalize(sitting, texts.forget, edit.sitting)  # the text goes with the visitor
        try:
            page, problems = typing.draw_text(sitting, text)
        except LookupError:
            return Response(status_code=404)
        return Response(json.dumps({"page": page, "problems": problems}), media_type="application/json")

    async def respond(request: Any) -> Any:
        # A page of another host cannot send this type without asking first.
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Response(status_code=415)
        try:
            edit = TextChange.read(await request.body())
        except DataError as error:
            return Response(str(error), status_code=400, media_type="text/plain")
        return await run_in_threadpool(answer, edit)

    return respond
