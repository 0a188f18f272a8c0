"""Indentation as marks: `»` for four spaces at the start of a line, `⇥` for a tab.

Indents are 13% of the characters of this package. Marks take less room, and say the same: the text can be had back from
them, whatever it is. In monospaced running code, marks raise ρ by 10%; in the preset `code-flow`, whose spaces are
narrow, by 0.5 to 1%. A line whose own first characters look like marks gets a backslash before them.
"""

from __future__ import annotations

import re
from typing import Final

from glyphrender.rich.line_ends import checked_text
from glyphrender.rich.rich_text import RichText

#: The mark of four spaces.
SPACES: Final = "»"
#: The mark of a tab.
TAB: Final = "⇥"
_WIDTH: Final = 4
# A line end of a text, as lines are told apart here: marks stand behind each.
_STARTS: Final = re.compile(rf"(?:^|(?<=[\n\r]))(?P<indent>(?:\t|[ ]{{{_WIDTH}}})*)(?P<escape>(?=\\*[{SPACES}{TAB}]))?")
_MARKED: Final = re.compile(rf"(?:^|(?<=[\n\r]))(?P<marks>[{SPACES}{TAB}]*)(?P<escape>\\(?=\\*[{SPACES}{TAB}]))?")


def indent_marks(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, marks) of each indent of `text` that is drawn as marks; they rise.

    >>> indent_marks("if x:\\n        y")
    [(6, 14, '»»')]
    """
    found = []
    for match in _STARTS.finditer(text):
        indent = match["indent"]
        if not indent and match["escape"] is None:
            continue
        marks = indent.replace("\t", TAB).replace(" " * _WIDTH, SPACES)
        found.append((*match.span("indent"), marks if match["escape"] is None else f"{marks}\\"))
    return found


def with_indent_marks(text: RichText) -> RichText:
    """Return `text`, of which nothing is consumed or replaced, with its indents drawn as marks."""
    return RichText(text.source, text.spans, blocks=text.blocks, replaced=indent_marks(text.source))


def compressed(text: str) -> str:
    """Return `text` with its indents as marks, as pages draw it under `indentation="MARK"`.

    Raises:
        DataError: `text` is not str.

    >>> compressed("    a\\n\\t  b")
    '»a\\n⇥  b'
    """
    return RichText(text, replaced=indent_marks(checked_text("text", text))).drawn


def decompressed(text: str) -> str:
    """Return the text of which `text` is the compressed form.

    Raises:
        DataError: `text` is not str.

    >>> decompressed("»a\\n⇥  b")
    '    a\\n\\t  b'
    """
    checked_text("text", text)
    return _MARKED.sub(lambda match: match["marks"].replace(SPACES, " " * _WIDTH).replace(TAB, "\t"), text)
