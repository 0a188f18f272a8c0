"""A visitor's text, folder of files or chat → the text that pages are made of.

Everything is bounded. A text longer than `MOST_CHARACTERS` is cut, and a notice says so; files that are not text are
left out, and named. Nothing here opens a path that a visitor typed: bytes come in, text goes out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.document.document import Document
from glyphrender.errors import DataError, counted
from glyphrender.rich.conversation import from_messages
from glyphrender.rich.door import for_file
from glyphrender.text.parts import headed
from glyphrender.text.source import decode, decode_blocks
from glyphrender.theta import Theta

__all__ = [
    "MOST_CHARACTERS",
    "Source",
    "beginning",
    "chat_of",
    "folder",
    "read_folder",
    "text_source",
    "uploaded",
]

#: Most characters that the studio takes. A longer text is cut.
MOST_CHARACTERS: Final = 1_000_000
# A link reference definition (CommonMark 4.7), also in quotations and lists. Its label has up to 999 characters.
_LINK_DEFINITION: Final = re.compile(r"^[ \t>*+\-\d.)]*\[(?:\\.|[^\\\[\]]){1,999}\]:", re.M)
# Most files that a notice names.
_NAMED: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The text, folder or chat that pages are made of.

    Attributes:
        text: the characters of a text, or of the JSON of a chat.
        name: name of the file or the folder; "" for a text that was typed.
        files: (name, text) of each file of a folder.
        messages: the messages of a chat.
        notices: sentences on what was cut or left out.
    """

    text: str = ""
    name: str = ""
    files: tuple[tuple[str, str], ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of what was given."""
        hashed = hashlib.sha256(self.text.encode("utf-8", "surrogatepass"))
        for name, text in self.files:
            hashed.update(f"\0{name}\0{text}".encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()[:16]

    def theta(self, theta: Theta) -> Theta:
        """Return the θ of the pages: the name of a single file decides what `markup` FILES means."""
        return theta if self.files or self.messages else for_file(theta, self.name)

    def document(self, theta: Theta) -> Document:
        """Return the pages under a θ. They are laid out when they are reached.

        Raises:
            ThetaError, FontError, DataError: see `glyphrender.render`, and `from_messages` for a chat.
        """
        if self.messages:
            return Document(from_messages(self.messages, theta).text, theta)
        if self.files:
            return Document.read(headed((name, (text,)) for name, text in self.files), theta)
        return Document(self.text, self.theta(theta))

    def excerpt(self, characters: int) -> Source:
        """Return the beginning of a text, up to the last line end before so many characters; other kinds as they are.

        The first page of the beginning is that of the whole text, if it is shorter than the beginning. A text that may
        define links of Markdown further on is returned whole, because a link is read by its definition.
        """
        if self.messages or self.files or len(self.text) <= characters:
            return self
        end = self.text.rfind("\n", 0, characters) + 1 or characters
        if _LINK_DEFINITION.search(self.text, end):
            return self
        return Source(text=self.text[:end], name=self.name)


def text_source(text: str, *, name: str = "", chats: bool = True) -> Source:
    """Return the source for a text that was typed or is the content of a file.

    Args:
        text: the characters.
        name: name of the file, if there is one.
        chats: read JSON of messages as a chat.

    >>> text_source('[{"role": "user", "content": "Why?"}]').messages[0]["role"]
    'user'
    """
    # Browsers may send the halves of a pair alone; no page could show them, and no file hold them.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    notices: tuple[str, ...] = ()
    if len(text) > MOST_CHARACTERS:
        notices = (
            f"The text has more than {MOST_CHARACTERS:,} characters. The studio shows the first of them; "
            "the command line takes all.",
        )
        text = text[:MOST_CHARACTERS]
    elif chats and (messages := chat_of(text)):
        notices = (f"Read as a chat of {counted(len(messages), 'message')}.",)
        return Source(text=text, name=name, messages=messages, notices=notices)
    return Source(text=text, name=name, notices=notices)


def beginning(pieces: Iterable[str], most: int = MOST_CHARACTERS) -> str:
    """Return a text that comes in pieces. Of one with more than `most` characters, return `most` + 1 and stop reading.

    >>> beginning(["one ", "two ", "three"], 5)
    'one tw'
    """
    found: list[str] = []
    length = 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > most:
            break
    return "".join(found)[: most + 1]


def folder(files: Iterable[tuple[str, bytes]], *, name: str = "folder") -> Source:
    """Return the source for the files of a folder, under headings, in the order of their names.

    Files that are not text are left out, and a notice names them.

    Args:
        files: (name, bytes) of each file.
        name: name of the folder.

    Raises:
        DataError: no file is text.

    >>> folder([("b.py", b"y = 2"), ("a.py", b"x = 1"), ("c.bin", bytes(9))]).notices
    ('1 file was left out: c.bin (not text).',)
    """
    return read_folder(((path, decode_blocks((data,), name=path)) for path, data in files), name=name)


def read_folder(files: Iterable[tuple[str, Iterable[str]]], *, name: str = "folder") -> Source:
    """Return what `folder` returns, for texts that come in pieces. What is not shown is not read.

    Args:
        files: (name, pieces of the text) of each file. Pieces raise a `DataError` if the file is not text.
        name: name of the folder.

    Raises:
        DataError: no file is text.

    >>> read_folder([("b.py", ["y = ", "2"]), ("a.py", ["x = 1"])]).files
    (('a.py', 'x = 1'), ('b.py', 'y = 2'))
    """
    kept: list[tuple[str, str]] = []
    skipped: list[str] = []
    left, cut = MOST_CHARACTERS, False
    for path, pieces in sorted(files, key=lambda file: file[0].split("/")):
        path = "".join(character if character.isprintable() else "\ufffd" for character in path)
        if left <= 0:
            cut = True
            continue
        try:
            text = beginning(pieces, left)
        except DataError:
            skipped.append(f"{path} (not text)")
            continue
        cut = cut or len(text) > left
        kept.append((path, text[:left]))
        left -= len(text)
    notices = []
    if skipped:
        more = f" and {len(skipped) - _NAMED:,} more" if len(skipped) > _NAMED else ""
        what = f"{len(skipped):,} file{'s' if len(skipped) > 1 else ''} {'were' if len(skipped) > 1 else 'was'}"
        notices.append(f"{what} left out: {', '.join(skipped[:_NAMED])}{more}.")
    if cut:
        notices.append(f"The files have more than {MOST_CHARACTERS:,} characters. The studio shows the first of them.")
    if not kept:
        raise DataError("no file of the folder is text. Drop files of UTF-8 text.")
    return Source(name=name, files=tuple(kept), notices=tuple(notices))


def uploaded(files: Iterable[tuple[str, bytes]], *, chats: bool = True) -> Source:
    """Return the source for dropped files: one file is a text or a chat, several are a folder.

    Of several files, those of hidden folders are left out.

    Args:
        files: (name, bytes) of each file.
        chats: read JSON of messages as a chat.

    Raises:
        DataError: there is no file, a single file is not text, or none of several is.
    """
    given = list(files)
    if not given:
        raise DataError("no file was given. Drop a file of text.")
    if len(given) > 1:
        tops = {path.split("/")[0] for path, _ in given if "/" in path}
        seen = [(path, data) for path, data in given if not any(part[:1] == "." for part in path.split("/")[:-1])]
        return folder(seen, name=tops.pop() if len(tops) == 1 else "folder")
    ((path, data),) = given
    name = path.rsplit("/", 1)[-1]
    try:
        text = decode(data, name=name)
    except DataError:
        raise DataError(
            f"{name} is not text in UTF-8 or UTF-16. Save it as UTF-8, or open it with "
            "`glyphrender studio FILE --encoding …`."
        ) from None
    return text_source(text, name=name, chats=chats)


def chat_of(text: str) -> tuple[Mapping[str, Any], ...]:
    """Return the messages of a chat in JSON or in JSON lines; () if the text is no chat.

    >>> len(chat_of('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}'))
    2
    """
    head = text.lstrip()[:1]
    if head not in ("[", "{") or '"role"' not in text:
        return ()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _json_lines(text)
    if isinstance(found, Mapping):
        found = found.get("messages", [found])
    messages = found if isinstance(found, list) else []
    if not all(isinstance(each, Mapping) and isinstance(each.get("role"), str) for each in messages):
        return ()
    try:
        from_messages(messages)
    except DataError:
        return ()
    return tuple(messages)


def _json_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []
