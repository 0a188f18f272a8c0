"""Draw excerpts, the same for every θ of a search, and identifiers, which no language model can guess.

An excerpt is one paragraph, because Tesseract loses lines among short paragraphs, above all in Chinese. At 14 px, its
error is 0.21 in the paragraphs of the text and 0.006 in one paragraph. This difference has nothing to do with the type.

The places of excerpts depend only on the texts and the seed. The golden ratio spreads them: the first few places are
spread evenly, whatever their number. A larger sample begins with the smaller one.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import east_asian_width

from glyphrender.errors import DataError
from glyphrender.ocr.comparison import comparable

__all__ = ["Excerpts", "identifiers"]

_GOLDEN: Final = (5**0.5 - 1) / 2
# An excerpt begins and ends at a line end if one is within this many characters, else at the end of a word.
_SNAP: Final = 200
# An excerpt of fewer characters is too short to measure anything.
_LEAST: Final = 40
# Letters and digits that readers confuse with one another. They are drawn as often as all others together.
_CONFUSABLE: Final = "0OoQD1lI|!ij5S2Z8B6GbKHXnumrvwcCeE9gq"
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpts:
    """Excerpts of texts. An excerpt is drawn by its number.

    Attributes:
        texts: the texts that excerpts are taken from.
        length: length of an excerpt in cells. A letter takes one cell, an ideograph two.

    Raises:
        DataError: there is no text in `texts`, or `length` is below 100.
    """

    texts: tuple[str, ...]
    length: int = 1000

    def __post_init__(self) -> None:
        if not any(len(comparable(text[:10_000])) for text in self.texts):
            raise DataError("there is nothing to read in these texts. Pass a text that is not empty.")
        if self.length < 100:
            raise DataError(f"excerpts of {self.length} cells are too short to be read. Use 100 or more.")

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of the texts and the length."""
        digest = hashlib.sha256(str(self.length).encode())
        for text in self.texts:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        return digest.hexdigest()

    def excerpt(self, number: int, seed: int) -> str:
        """Return the excerpt of this number; the first is 0.

        >>> excerpts = Excerpts(texts=("All work and no play makes Jack a dull boy. " * 100,), length=100)
        >>> len(excerpts.excerpt(0, seed=1)), excerpts.excerpt(0, seed=1) == excerpts.excerpt(0, seed=1)
        (97, True)
        """
        offset = random.Random(f"{seed}/excerpts").random()
        total = sum(map(len, self.texts))
        best = ""
        for attempt in range(8):  # try another place, if this one has empty lines or the end of a text
            place = int((offset + number * _GOLDEN + attempt * 0.137) % 1 * total)
            found = self._at(place)
            if len(comparable(found)) >= _LEAST:
                return found
            best = max(best, found, key=len)
        return best

    def _at(self, place: int) -> str:
        text = self.texts[0]
        for text in self.texts:
            if place < len(text):
                break
            place -= len(text)
        place = min(place, max(0, len(text) - self.length))
        start = text.rfind("\n", max(0, place - _SNAP), place) + 1
        if not start and place > _SNAP:
            start = _after_space(text, place)
        end, cells = start, 0
        while end < len(text) and cells < self.length:
            cells += 2 if east_asian_width(text[end]) in "WF" else 1
            end += 1
        line_end = text.find("\n", end, end + _SNAP)
        if line_end < 0 and end < len(text):
            spaces = [text.rfind(space, end - _SNAP, end) for space in " \n\t"]
            line_end = max(spaces) if max(spaces) > start else end
        return _one_paragraph(text[start : line_end if line_end >= 0 else end])


def identifiers(number: int, seed: int, count: int = 4) -> list[str]:
    """Return `count` identifiers such as logs and code contain: a UUID, a hash, a key and a path, in turn.

    Args:
        number: number of the excerpt that gets the identifiers. The kinds continue from one number to the next.
        seed: seed of the draws.
        count: how many identifiers.

    >>> len(identifiers(0, seed=0)), identifiers(0, seed=0)[0].count("-")
    (4, 4)
    """
    rng = random.Random(f"{seed}/identifiers/{number}")

    def drawn(alphabet: str, length: int) -> str:
        return "".join(alphabet[rng.randrange(len(alphabet))] for _ in range(length))

    kinds: Sequence[Callable[[], str]] = (
        lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        lambda: drawn("0123456789abcdef", 20),
        lambda: "".join(drawn(_CONFUSABLE.replace("|", "").replace("!", "") + _ALPHABET, 1) for _ in range(24)),
        lambda: f"/{drawn('abilo01', 5)}/{drawn('rnmcev', 6)}_{drawn('0123456789', 4)}.{drawn('lIjt1', 3)}",
    )
    return [kinds[(number * count + index) % len(kinds)]() for index in range(count)]


def _one_paragraph(text: str) -> str:
    """Return `text` with one space for each run of white space, and no space after an ideograph."""
    parts = text.split()
    gaps = ["" if east_asian_width(part[-1]) in "WF" else " " for part in parts]
    return "".join(part + gap for part, gap in zip(parts, gaps, strict=True)).rstrip(" ")


def _after_space(text: str, place: int) -> int:
    """Return the place after the next white space, if white space is near; else `place`."""
    found = [at for at in (text.find(space, place, place + _SNAP) for space in " \n\t") if at >= 0]
    return min(found) + 1 if found else place
