"""Which parts of a chat become pages: `PagePolicy`, a rule that can be stated in four numbers and lists.

A text keeps all its characters: the parts that a policy returns, joined, are the text. So the model is told everything
once, as pages or as text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from glyphrender._system.arguments import TEXT, TEXTS, WHOLE, demand
from glyphrender.errors import DataError, shown

__all__ = ["ChatPart", "PagePolicy", "PageText"]


@dataclass(frozen=True, slots=True)
class PageText:
    """A text of a chat that the model sees as pages.

    Attributes:
        text: the characters.
    """

    text: str


#: One part of a turn: text, or a text that becomes pages.
ChatPart: TypeAlias = str | PageText

_FENCE: Final = re.compile(r"^(?P<fence>`{3,}|~{3,})[^\n`]*$", re.MULTILINE)
_BLANK: Final = re.compile(r"\n[ \t\r]*\n\s*")
_LINE: Final = re.compile(r"\n\s*")
#: Tags that people put around a context.
TAGS: Final = (
    "context",
    "document",
    "documents",
    "text",
    "article",
    "passage",
    "passages",
    "file",
    "source",
    "book",
    "report",
    "transcript",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePolicy:
    """A rule that says which parts of a chat become pages.

    1. A turn of a role outside `roles` stays text. So does a text shorter than `min_characters`.
    2. If the text has fenced blocks (``` or ~~~) or blocks in one of `tags` that are `min_characters` or longer, these
       blocks become pages, and the text around them stays text.
    3. Otherwise the first and the last paragraph stay text if they are short, because instructions and questions stand
       there: at most `edge_characters`, and too short for pages. If neither is short, this holds for the first and the
       last line. The text between becomes pages if it has `min_characters` or more.

    A part of type "document", and a column named for a context ("context", Alpaca's "input"), is not split: the whole
    of it becomes pages if it has `min_characters` or more; a document becomes pages whatever its length.

    Attributes:
        min_characters: shortest text that becomes pages. A short text costs more as a page than as text.
        roles: roles whose turns may become pages.
        edge_characters: longest first and last paragraph that stay text.
        tags: names of tags around a context: <document> … </document>.

    Raises:
        DataError: a number is negative, or a role is the assistant's, which answers in text.

    >>> policy = PagePolicy(min_characters=20)
    >>> policy.parts("user", "Read this.\\n\\nThe buyer pays the seller.\\n\\nWho pays?")
    ('Read this.\\n\\n', PageText(text='The buyer pays the seller.'), '\\n\\nWho pays?')
    """

    min_characters: int = 2_000
    roles: tuple[str, ...] = ("user", "tool")
    edge_characters: int = 600
    tags: tuple[str, ...] = TAGS

    def __post_init__(self) -> None:
        for name in ("min_characters", "edge_characters"):
            demand(name, getattr(self, name), WHOLE)
            if getattr(self, name) < 0:
                raise DataError(f"{name}={getattr(self, name)} is negative. Use 0 or more.")
        demand("roles", self.roles, TEXTS)
        demand("tags", self.tags, TEXTS)
        if "assistant" in self.roles:
            raise DataError("roles has 'assistant', whose turns are answers in text. Leave it out.")
        if wrong := next((tag for tag in self.tags if not re.fullmatch(r"[A-Za-z][\w.-]*", tag)), None):
            raise DataError(f"tags has {shown(wrong)}, which is no name of a tag. Use names such as context.")

    def parts(self, role: str, text: str) -> tuple[ChatPart, ...]:
        """Return the parts of a turn's text, which joined are the text.

        Raises:
            DataError: `text` is not str.
        """
        demand("text", text, TEXT)
        if role not in self.roles or len(text) < self.min_characters or not text.strip():
            return (text,) if text else ()
        blocks = [block for block in self._blocks(text) if self._is_long(text[slice(*block)])]
        if not blocks:
            most = min(self.edge_characters, self.min_characters - 1)
            begun, ended = _edges(text, most, _BLANK)
            if not begun and not ended:
                begun, ended = _edges(text, most, _LINE)
            middle = begun, len(text) - ended
            blocks = [middle] if middle[0] < middle[1] and self._is_long(text[slice(*middle)]) else []
        return tuple(_cut(text, blocks))

    def context(self, text: str) -> tuple[ChatPart, ...]:
        """Return the parts of a text that is a context as a whole.

        Raises:
            DataError: `text` is not str.
        """
        demand("text", text, TEXT)
        if not text:
            return ()
        return (PageText(text),) if self._is_long(text) else (text,)

    def _is_long(self, text: str) -> bool:
        return len(text) >= self.min_characters and bool(text.strip())

    def _blocks(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the insides of fenced and tagged blocks are; none overlap. The time is linear in the text."""
        fences = [(match.start(), match.end(), match["fence"]) for match in _FENCE.finditer(text)]
        ends = _Ends(text, fences)
        closings: dict[str, list[tuple[int, int]]] = {}
        openings: list[tuple[int, int, str]] = list(fences)
        if self.tags:
            names = "|".join(map(re.escape, self.tags))
            for match in re.finditer(rf"<(?P<end>/?)(?P<name>{names})(?:\s[^<>\n]{{0,200}})?>", text):
                if match["end"]:
                    closings.setdefault(match["name"], []).append(match.span())
                else:
                    openings.append((*match.span(), match["name"]))
        done = 0
        for start, inside, kind in sorted(openings):
            if start < done:
                continue
            if kind[0] in "`~":
                if closing := ends.of(inside, kind):
                    yield inside + 1, max(inside + 1, closing[0] - 1)
                    done = closing[1]
            else:
                places = closings.get(kind, [])
                at = bisect_right(places, (inside, -1))
                if at < len(places):
                    yield inside, places[at][0]
                    done = places[at][1]


class _Ends:
    """The lines of a text that may end a fenced block: lines that have nothing but a fence."""

    def __init__(self, text: str, fences: list[tuple[int, int, str]]) -> None:
        self._bare = [each for each in fences if text[each[0] : each[1]].strip() == each[2]]
        # For each place, the longest fence from there on, so that a search that must fail costs nothing.
        self._longest: dict[str, list[int]] = {}
        for character in "`~":
            longest, most = [0] * (len(self._bare) + 1), 0
            for place in range(len(self._bare) - 1, -1, -1):
                fence = self._bare[place][2]
                most = max(most, len(fence) if fence[0] == character else 0)
                longest[place] = most
            self._longest[character] = longest

    def of(self, place: int, fence: str) -> tuple[int, int] | None:
        """Return where the line stands that ends the block which `fence` began before `place`; None if none does."""
        at = bisect_right(self._bare, (place, -1, ""))
        if self._longest[fence[0]][at] < len(fence):
            return None
        return next(
            self._bare[place][:2] for place in range(at, len(self._bare)) if self._bare[place][2].startswith(fence)
        )


def _edges(text: str, most: int, end: re.Pattern[str]) -> tuple[int, int]:
    """Return how many characters the short first paragraph or line has with the space after it, and the last one."""
    # A paragraph ends at an empty line in both directions.
    return _edge(text, most, end), _edge(text[::-1], most, end)


def _edge(text: str, most: int, end: re.Pattern[str]) -> int:
    begin = len(text) - len(text.lstrip())
    found = end.search(text, begin)
    return found.end() if found and found.start() - begin <= most else 0


def _cut(text: str, blocks: list[tuple[int, int]]) -> Iterator[ChatPart]:
    place = 0
    for start, end in blocks:
        if start > place:
            yield text[place:start]
        yield PageText(text[start:end])
        place = end
    if place < len(text):
        yield text[place:]
