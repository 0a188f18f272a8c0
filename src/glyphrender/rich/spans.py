"""The parts of a rich text, as values: a style of characters or paragraphs, and what is drawn instead."""

from __future__ import annotations

from typing import NamedTuple

from glyphrender.rich.style import BlockStyle, Style


class StyleSpan(NamedTuple):
    """Characters `start` to `end - 1` of a source, and their style."""

    start: int
    end: int
    style: Style


class BlockSpan(NamedTuple):
    """Paragraphs from character `start` to `end - 1` of a source, and their style.

    A paragraph belongs to each block in which it begins.
    """

    start: int
    end: int
    style: BlockStyle


class Replaced(NamedTuple):
    """Characters `start` to `end - 1` of a source, and the text that is drawn for them.

    If `start` is `end`, the text is drawn before that character, and stands for none.
    """

    start: int
    end: int
    text: str
