"""Paragraphs of a source, for ids that readers can cite: blank lines divide them, and nothing else.

The number of a paragraph depends on the source before it alone. It is the same under every θ, in chunks, in a stream,
in several processes and after the text has grown. Pages that are filled one after the other carry the number along,
with the little that must be known of the text before (`ParagraphCount`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# The white space before the first character of a paragraph: from the start of the text, or with a blank line in it.
# Possessive and atomic, so that a long stretch of white space is looked at once, at the end of a text too.
_BEGINS: Final = re.compile(r"(?:\A|(?>\r\n|\n|\r)[^\S\r\n]*+(?>\r\n|\n|\r))\s*+")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")


def paragraph_starts(text: str) -> list[int]:
    """Return where the paragraphs of `text` begin: the first character of each that is no white space.

    Two paragraphs are divided by one blank line or more. Lines end at LF, CR LF and CR.

    >>> paragraph_starts("one\\nstill one\\n\\n  two\\n \\nthree")
    [0, 17, 23]
    """
    return [end for match in _BEGINS.finditer(text) if (end := match.end()) < len(text)]


@dataclass(frozen=True, slots=True)
class ParagraphCount:
    """The account of paragraphs up to a place in a source.

    Attributes:
        count: paragraphs that begin before the place.
        tail: a text after which paragraphs begin as after the source before the place; at most two characters.

    >>> ParagraphCount().after("one\\n\\ntw").starts("o\\n\\nthree")
    [(3, 3)]
    """

    count: int = 0
    tail: str = ""

    def starts(self, text: str) -> list[tuple[int, int]]:
        """Return (number, place in `text`) of the paragraphs that begin in `text`, which follows the place."""
        known = len(self.tail)
        places = [at - known for at in paragraph_starts(self.tail + text)]
        return list(enumerate((at for at in places if at >= 0), self.count + 1))

    def after(self, text: str) -> ParagraphCount:
        """Return the account after `text`, which follows the place."""
        seen = self.tail + text
        ink = len(seen.rstrip())
        ends = sum(1 for _ in _LINE_END.finditer(seen, ink)) if ink else 2
        return ParagraphCount(self.count + len(self.starts(text)), ("x", "x\n", "")[min(ends, 2)])

    def moved(self, count: int) -> ParagraphCount:
        """Return this account if `count` more paragraphs come before."""
        return ParagraphCount(self.count + count, self.tail)
