"""The word cache: new words of a chunk are analysed and shaped together, once, into the arena.

A book of a million words has some 30,000 distinct ones, so what is done with new ones (batch.py: Unicode line breaks,
clusters, scripts, faces, HarfBuzz) costs little however careful it is; each occurrence afterwards is only found again
(lexicon.py). A word is analysed without its neighbours. That is exact for UAX #14, whose rules
reach across a space only through the classes at the word's edges, kept as flags (edges.py) and
joined again in tokens.py (a test compares with the whole paragraph), and for shaping in every font whose
lookups do not reach across a space.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import RLock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.after_fork import reinit_after_fork
from glyphrender._system.cached_property import cached_property
from glyphrender.fonts.stack import FontStack, font_stack
from glyphrender.text import complexbreak, linebreak
from glyphrender.theta import (
    ComplexBreaks,
    ControlCharacters,
    Emoji,
    MissingGlyph,
    SoftHyphens,
    Theta,
    ZeroWidth,
)
from glyphrender.typeset import glyph_store as a
from glyphrender.typeset.new_words import Batch
from glyphrender.typeset.shape import LATIN, shape
from glyphrender.typeset.word_index import Lexicon

# A new arena is begun when this many rows are reached: ~100 MB, and pages still held keep the old one.
ARENA_ROWS: Final = 2_000_000

# Words that are not text; their numbers are the same in every arena, since they are made first.
SEPARATORS: Final = {
    "": a.EMPTY,
    "\t": a.TAB,
    "\n": a.NEWLINE,
    "\r\n": a.NEWLINE,
    "\r": a.NEWLINE,
    "\v": a.NEWLINE,
    "\x85": a.NEWLINE,
    "\u2028": a.NEWLINE,
    "\u2029": a.NEWLINE,
    "\f": a.PAGE_BREAK,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WordStyle:
    """All of θ that a shaped word depends on. Equal styles share one cache."""

    stack: FontStack
    language: str
    ligatures: bool
    alternates: bool
    kerning: bool
    control_characters: ControlCharacters
    soft_hyphens: SoftHyphens
    zero_width: ZeroWidth
    missing_glyph: MissingGlyph
    hyphenate: bool
    complex_breaks: ComplexBreaks

    @classmethod
    def of(cls, theta: Theta) -> WordStyle:
        """The style of `theta`.

        Raises:
            FontError: a font of `theta` cannot be used.
            DependencyError: `theta` asks for dictionary breaks, and icu4py is not installed.
        """
        if theta.complex_breaks is ComplexBreaks.DICTIONARY:
            complexbreak.dictionary()  # an error now rather than at the first word of Thai
        return cls(
            stack=font_stack(
                theta.font,
                weight=theta.font_weight,
                italic=theta.font_italic,
                axes=theta.font_axes,
                fallback=theta.fallback,
                language=theta.language,
                emoji="color" if theta.emoji is Emoji.COLOR else "mono",
            ),
            language=theta.language,
            # CSS Text: letter spacing turns optional ligatures off, or it would be uneven.
            ligatures=theta.ligatures and not theta.letter_spacing,
            alternates=theta.ligatures,
            kerning=theta.kerning,
            control_characters=theta.control_characters,
            soft_hyphens=theta.soft_hyphens,
            zero_width=theta.zero_width,
            missing_glyph=theta.missing_glyph,
            hyphenate=theta.hyphenate,
            complex_breaks=theta.complex_breaks,
        )

    @property
    def features(self) -> dict[str, bool]:
        """OpenType features that differ from HarfBuzz's defaults."""
        off: dict[str, bool] = {}
        if not self.ligatures:
            off |= {"liga": False, "clig": False}
        if not self.alternates:
            off |= {"calt": False}  # as `font-variant-ligatures: none` of CSS: Inter makes an arrow of =>
        if not self.kerning:
            off |= {"kern": False}
        return off

    def break_actions(self, cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """What may happen after each character: UAX #14, and `complex_breaks` where it leaves the matter open."""
        actions = linebreak.break_actions(cps)
        complexbreak.add_breaks(cps, actions, self.complex_breaks)
        return actions


@lru_cache(maxsize=16)
def words_of(style: WordStyle) -> Words:
    """The cache of a style; the last sixteen styles are kept."""
    return Words(style)


class Words:
    """word → number in `arena`. The arena is replaced, never emptied, so what refers to it stays good."""

    def __init__(self, style: WordStyle) -> None:
        self.style = style
        self._writing = RLock()
        self.renew()
        _alive.add(self)

    def forked(self) -> None:
        """In a forked process a thread that was writing is not there: its lock goes, and what it had half written."""
        if self._writing.acquire(blocking=False):
            self._writing.release()
        else:
            self._writing, self._half_written = RLock(), True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """To be held while the arena is written to: by one thread at a time.

        What an error or an interrupt leaves half written goes with the arena: before it is written to again, for a
        second interrupt may come while a new one is begun.
        """
        with self._writing:
            if self._half_written:
                self.renew()
            try:
                yield
            except BaseException:
                self._half_written = True
                raise

    def renew(self) -> None:
        """Begin a new, empty arena."""
        self.arena = a.Arena()
        self.lexicon = Lexicon(list(SEPARATORS))
        kinds = np.array(list(SEPARATORS.values()), np.uint8)
        none = np.zeros(len(kinds), np.int32)
        self.arena.add_words(np.ones(len(kinds), np.int32))
        self.arena.add_pieces(
            kind=kinds,
            face=none,
            advance=none,
            clusters=none,
            length=np.array([len(word) for word in SEPARATORS]),
            action=none,
            edges=none,
            glyph_count=none,
        )
        self._half_written = False

    @property
    def full(self) -> bool:
        """Whether it is time for a new arena."""
        return self._half_written or self.arena.glyph.size + self.arena.kind.size > ARENA_ROWS

    def numbers(self, text: str) -> NDArray[np.int32]:
        """The number of each word between the spaces of `text`; those not met before are shaped now.

        Raises:
            FontError: θ asks for an error where no font has a character.
        """
        with self.writing():
            found, new = self.lexicon.numbers(text)
            if new:
                Batch(new, self.style).add_to(self.arena)
        return found

    @cached_property
    def hyphen(self) -> str:
        """What is drawn where a line ends inside a word: U+2010, or U+002D in a font that lacks it."""
        return "\u2010" if self.style.stack.primary.covers(np.array([0x2010], np.uint32)).all() else "-"

    def shaped(self, text: str) -> tuple[NDArray[np.uint32], NDArray[np.int64], int]:
        """(glyph ids, x in EM units, advance) of a short text in the first face, for page furniture."""
        glyphs = shape(
            [text],
            [self.style.stack.primary],
            np.zeros(1, np.uint8),
            np.array([LATIN], np.uint8),
            np.zeros(1, bool),
            language=self.style.language,
            features=self.style.features,
        )
        pen = np.cumsum(glyphs.step, dtype=np.int64)
        return glyphs.glyph, pen - glyphs.step + glyphs.dx, int(pen[-1]) if len(pen) else 0

    @cached_property
    def _digits(self) -> list[tuple[int, int, int]]:
        shaped = [self.shaped(digit) for digit in "0123456789"]
        return [(int(glyph[0]), int(offset[0]), advance) for glyph, offset, advance in shaped]

    def number(self, number: int) -> tuple[list[int], list[int], int]:
        """As `shaped`, for a line number: digit by digit without kerning, so that columns of them align."""
        glyphs, offsets, pen = [], [], 0
        for digit in map(int, str(number)):
            glyph, offset, advance = self._digits[digit]
            glyphs.append(glyph)
            offsets.append(pen + offset)
            pen += advance
        return glyphs, offsets, pen


_alive: Final = reinit_after_fork(Words.forked)
