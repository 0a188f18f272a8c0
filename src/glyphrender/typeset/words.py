"""The word cache: new words of a chunk are analysed and shaped together, once, into the arena.

A book of a million words has some 30,000 distinct ones, so what is done here (Unicode line breaks, clusters,
scripts, faces, HarfBuzz) costs little however careful it is; each occurrence afterwards is only found again
(lexicon.py). A word is analysed without its neighbours. That is exact for UAX #14, whose rules
reach across a space only through the classes at the word's edges, kept as the HEAD_ and TAIL_ flags and
joined again in tokens.py (a test compares with the whole paragraph), and for shaping in every font whose
lookups do not reach across a space.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from threading import RLock
from typing import Any, Final
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import FontError
from glyphrender.fonts.face import EM
from glyphrender.fonts.stack import MISSING, FontStack, font_stack
from glyphrender.text import complexbreak, grapheme, linebreak, script
from glyphrender.text.properties import Flag, GeneralCategory, LineBreak, codepoints, records, table
from glyphrender.theta import (
    ComplexBreaks,
    ControlCharacters,
    Emoji,
    MissingGlyph,
    SoftHyphens,
    Theta,
    ZeroWidth,
)
from glyphrender.typeset import arena as a
from glyphrender.typeset.hyphenate import hyphenator
from glyphrender.typeset.lexicon import Lexicon
from glyphrender.typeset.shape import JOINING, Glyphs, shape

#: Put before a word that is set from right to left; no word can begin with it otherwise.
RTL_MARK: Final = "\n"

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

_SOFT_HYPHEN: Final = 0xAD
_ESCAPES: Final = codepoints("\\xuU0123456789abcdef\u2010")
_LATIN: Final = script.SCRIPT_TAGS.index("Latn")
_COMMON: Final = script.SCRIPT_TAGS.index("Zyyy")
# The scripts that HarfBuzz joins, and how many characters of context it looks at.
_JOINS: Final = np.isin(script.SCRIPT_TAGS, JOINING)
_CONTEXT: Final = 5


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
            self._writing = RLock()
            self.renew()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """To be held while the arena is written to: by one thread at a time.

        What an error or an interrupt leaves half written goes with the arena.
        """
        with self._writing:
            try:
                yield
            except BaseException:
                self.renew()
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

    @property
    def full(self) -> bool:
        """Whether it is time for a new arena."""
        return self.arena.glyph.size + self.arena.kind.size > ARENA_ROWS

    def numbers(self, text: str) -> NDArray[np.int32]:
        """The number of each word between the spaces of `text`; those not met before are shaped now.

        Raises:
            FontError: θ asks for an error where no font has a character.
        """
        with self.writing():
            found, new = self.lexicon.numbers(text)
            if new:
                _Batch(new, self.style).add_to(self.arena)
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
            np.array([_LATIN], np.uint8),
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


_alive: WeakSet[Words] = WeakSet()


def _forked() -> None:
    for words in list(_alive):
        words.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class _Batch:
    """New words on their way into the arena: characters, then units to shape, then pieces."""

    def __init__(self, words: list[str], style: WordStyle) -> None:
        self.style = style
        # Words are analysed in one text, a line each: a line end separates them for every algorithm.
        self.text = "\n".join(words) + "\n"
        self.rtl = np.zeros(len(words), bool)
        if self.text.count(RTL_MARK) > len(words):
            self.rtl[:] = [word.startswith(RTL_MARK) for word in words]
            words = [word.removeprefix(RTL_MARK) for word in words]
            self.text = "\n".join(words) + "\n"
        self.words = words
        self.lengths = np.fromiter(map(len, words), np.int64, len(words))
        self.cps = codepoints(self.text)
        self.record = records(self.cps)
        self.word_end = np.cumsum(self.lengths + 1)
        self.word_start = self.word_end - self.lengths - 1
        self.is_end = np.zeros(len(self.cps), bool)
        self.is_end[self.word_end - 1] = True
        self.word = np.repeat(np.arange(len(words)), self.lengths + 1)

    def add_to(self, arena: a.Arena) -> None:
        """Analyse, shape and append."""
        self._analyse()
        glyphs = self._shape()
        self._append(arena, glyphs)

    # -- what the characters are -------------------------------------------------------------------

    def _analyse(self) -> None:
        cps, style = self.cps, self.style
        if self.text.isascii():
            self.starts, self.script = np.ones(len(cps), bool), np.full(len(cps), _LATIN, np.uint8)
        else:
            self.starts, self.script = grapheme.cluster_starts(cps), script.resolve_scripts(cps)
            self.script[self.script == _COMMON] = _LATIN
        self.face = style.stack.assign(cps, self.starts)
        self.action = style.break_actions(cps)
        self.action[self.action == linebreak.MANDATORY] = linebreak.PROHIBITED
        self.stand_in = self._stand_ins()
        self.face[list(self.stand_in)] = style.stack.assign(_ESCAPES, np.ones(len(_ESCAPES), bool)).max()
        self._special = np.zeros(len(cps), bool)
        self._special[list(self.stand_in)] = True
        self._special |= (self.face == MISSING) & ~self.is_end

    def _stand_ins(self) -> dict[int, str]:
        """character → what is drawn in its place, by θ's policies."""
        cps, style, properties = self.cps, self.style, table()
        category = properties.general_category.take(self.record)
        stand_in: dict[int, str] = {}
        control = ((category == GeneralCategory.Cc) | (category == GeneralCategory.Cs)) & ~self.is_end
        for at in np.flatnonzero(control).tolist():
            escape = style.control_characters is ControlCharacters.ESCAPE
            stand_in[at] = escape_of(int(cps[at])) if escape else ""
        soft = cps == _SOFT_HYPHEN
        if soft.any() and style.soft_hyphens is not SoftHyphens.BREAK:
            self.action[soft] = linebreak.PROHIBITED
            for at in np.flatnonzero(soft).tolist():
                stand_in[at] = "\u2010" if style.soft_hyphens is SoftHyphens.SHOW else ""
        ignorable = (properties.flags.take(self.record) & np.uint8(Flag.DEFAULT_IGNORABLE)) != 0
        self.ignorable = ignorable
        if style.zero_width is ZeroWidth.ESCAPE and ignorable.any():
            for at in np.flatnonzero(ignorable & ~soft).tolist():
                stand_in[at] = escape_of(int(cps[at]))
        return stand_in

    # -- units: one face, script and direction -----------------------------------------------------

    def _shape(self) -> Glyphs:
        """Glyphs, with `unit` numbering `self.unit_start` and `cluster` a character of `self.cps`."""
        change = np.ones(len(self.cps), bool)
        change[1:] = self.is_end[:-1] | self._special[1:] | self._special[:-1]
        change[1:] |= ((self.face[1:] != self.face[:-1]) | (self.script[1:] != self.script[:-1])) & ~self.is_end[1:]
        self.unit_starts = change & ~self.is_end
        first = np.flatnonzero(self.unit_starts)
        # A unit ends where the next begins, or at the end of its word.
        last = np.minimum(np.append(first[1:], len(self.cps)), self.word_end[self.word[first]] - 1)
        self._check_missing(first)
        faces = self.style.stack.faces
        text = self.text
        missing = self.face[first] == MISSING
        empty = np.zeros(len(self.cps), bool)
        empty[[at for at, character in self.stand_in.items() if not character]] = True
        shaped = np.flatnonzero(~missing & ~empty[first])
        if len(shaped) == len(first) and np.array_equal(first, self.word_start):  # most batches: a word is a unit
            texts = self.words
        else:
            texts = [text[start:end] for start, end in zip(first[shaped].tolist(), last[shaped].tolist(), strict=True)]
        if self.stand_in:
            texts = [self.stand_in.get(at) or text for at, text in zip(first[shaped].tolist(), texts, strict=True)]
        glyphs = shape(
            texts,
            faces,
            self.face[first][shaped],
            self.script[first][shaped],
            (self.rtl[self.word[first]] & ~self._special[first])[shaped],  # an escape reads left to right
            language=self.style.language,
            features=self.style.features,
            context=self._contexts(first[shaped], last[shaped]),
        )
        unit = shaped[glyphs.unit]
        in_place = self._special[first][unit]
        cluster = first[unit] + np.where(in_place, 0, glyphs.cluster)
        if self.ignorable.any():
            # One in front is merged into the cluster that follows; the glyph belongs to what is visible.
            seen = np.where(self.ignorable | self._special, len(self.cps), np.arange(len(self.cps)))
            visible = np.minimum.accumulate(seen[::-1])[::-1]
            moved = self.ignorable[cluster] & (visible[cluster] < last[unit])
            cluster = np.where(moved, np.minimum(visible[cluster], len(self.cps) - 1), cluster)
        boxes = first[missing]
        if not len(boxes):
            return replace(glyphs, unit=unit.astype(np.int32), cluster=cluster.astype(np.int32))
        order = np.argsort(np.concatenate([unit, np.flatnonzero(missing)]), kind="stable")
        none = np.zeros(len(boxes), np.int32)
        if self.style.missing_glyph is MissingGlyph.NOTDEF:
            widths = np.full(len(boxes), faces[0].hb_font.get_glyph_h_advance(0), np.int32)
        else:
            widths = np.array([box_width(int(cp)) for cp in self.cps[boxes]], np.int32)
        return Glyphs(
            unit=np.concatenate([unit, np.flatnonzero(missing)]).astype(np.int32)[order],
            cluster=np.concatenate([cluster, boxes]).astype(np.int32)[order],
            glyph=np.concatenate([glyphs.glyph, self.cps[boxes]])[order],
            step=np.concatenate([glyphs.step, widths])[order],
            dx=np.concatenate([glyphs.dx, none])[order],
            dy=np.concatenate([glyphs.dy, none])[order],
        )

    def _contexts(self, first: NDArray[np.intp], last: NDArray[np.intp]) -> dict[int, tuple[str, str]]:
        """What stands in its word before and after each unit of a script whose letters join.

        They join across a change of face: most Urdu words need a second font beside DejaVu Sans.
        """
        start, end = self.word_start[self.word[first]], self.word_end[self.word[first]] - 1
        joins = _JOINS[self.script[first]] & ~self._special[first] & ((start < first) | (last < end))
        return {
            unit: (
                self.text[max(start[unit], first[unit] - _CONTEXT) : first[unit]],
                self.text[last[unit] : min(end[unit], last[unit] + _CONTEXT)],
            )
            for unit in np.flatnonzero(joins).tolist()
        }

    def _check_missing(self, first: NDArray[np.intp]) -> None:
        if self.style.missing_glyph is not MissingGlyph.ERROR:
            return
        lost = np.flatnonzero((self.face == MISSING) & ~self.is_end)
        if len(lost):
            cp = int(self.cps[lost[0]])
            raise FontError(f"no font has U+{cp:04X}. Name a font that has it in fallback=, or set missing_glyph=BOX.")

    # -- pieces: no line break inside --------------------------------------------------------------

    def _append(self, arena: a.Arena, glyphs: Glyphs) -> None:
        n = len(self.cps)
        begins = np.zeros(n, bool)  # a cluster of glyphs begins at this character
        begins[glyphs.cluster] = True
        allowed = self.action == linebreak.ALLOWED
        hyphen = self._hyphens()
        starts = self.unit_starts.copy()
        # A break between two characters that share a glyph is no break; a unit without glyphs has none to share.
        cut = (allowed | hyphen)[:-1] & ~self.is_end[:-1] & ~self.is_end[1:]
        starts[1:] |= cut & begins[1:] & self.starts[1:]
        first = np.flatnonzero(starts)
        piece = np.cumsum(starts) - 1
        last = np.minimum(np.append(first[1:], n), self.word_end[self.word[first]] - 1) - 1
        word = self.word[first]
        ends_word = np.append(word[1:] != word[:-1], True)
        action = np.where(allowed[last], a.MAY_BREAK, a.NO_BREAK)
        action[hyphen[last]] = a.MAY_HYPHENATE
        action[ends_word] = a.NO_BREAK

        of = piece[glyphs.cluster]
        order: NDArray[np.intp] | slice = slice(None)
        if (of[1:] < of[:-1]).any():  # from right to left
            order = np.argsort(of, kind="stable")
            of = of[order]
        step = glyphs.step[order].astype(np.int64)
        pen = np.cumsum(step) - step
        counts = np.bincount(of, minlength=len(first))
        origin = np.zeros(len(first), np.int64)
        begin = np.flatnonzero(np.append(True, of[1:] != of[:-1])[: len(of)])
        origin[of[begin]] = pen[begin]
        face = self.face[first]
        face[face == MISSING] = a.BOX_FACE

        arena.add_words(np.bincount(word, minlength=len(self.lengths)))
        arena.add_pieces(
            kind=np.full(len(first), a.TEXT, np.uint8),
            face=face,
            advance=np.maximum(np.bincount(of, step, len(first)), 0).astype(np.int64),
            clusters=np.bincount(piece[begins], minlength=len(first)),  # a joiner or a bidi mark is not spaced
            length=last + 1 - first,
            action=action,
            edges=self._edges(first, last),
            glyph_count=counts,
        )
        arena.add_glyphs(
            glyphs.glyph[order],
            pen - origin[of] + glyphs.dx[order],
            glyphs.dy[order],
            glyphs.cluster[order] - first[of],
            step,
        )

    def _hyphens(self) -> NDArray[np.bool_]:
        """Whether a line may end in a hyphen after each character."""
        hyphen = np.zeros(len(self.cps), bool)
        if self.style.soft_hyphens is SoftHyphens.BREAK:
            allowed = self.action == linebreak.ALLOWED
            hyphen |= (self.cps == _SOFT_HYPHEN) & allowed & ~np.append(self.is_end[1:], True)
        if self.style.hyphenate:
            positions = hyphenator(self.style.language)
            for start, end, right in zip(
                self.word_start.tolist(), (self.word_end - 1).tolist(), self.rtl.tolist(), strict=True
            ):
                if not right:
                    hyphen[[start + at - 1 for at in positions(self.text[start:end])]] = True
        return hyphen

    def _edges(self, first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.uint16]:
        """HEAD_ and TAIL_ flags of the pieces from character `first` to `last`.

        Only those at the edge of a word are asked for. The rules named are those of UAX #14 that reach
        across spaces; before and after a word stands a space, the start or the end of the text, which
        all of them treat alike.
        """
        n = len(self.cps)
        properties = table()
        kind = properties.line_break.take(self.record) & np.uint8(63)
        base = ahead = np.arange(n)
        absorbed = ((kind == LineBreak.CM) | (kind == LineBreak.ZWJ)) & ~self.is_end  # LB9
        if absorbed.any():
            base = np.maximum.accumulate(np.where(absorbed, 0, base))
            ahead = np.minimum.accumulate(np.where(absorbed, n, ahead)[::-1])[::-1]
        after = np.append(ahead[1:], n - 1)  # the next character that is not absorbed
        before = np.append(0, base[:-1])  # the base of what precedes
        head = kind[first]
        next_kind = np.where(self.is_end[after[first]], LineBreak.SP, kind[after[first]])
        flags = np.zeros(len(first), np.uint16)
        closes = _in(head, "CL CP EX SY WJ")  # LB13, LB11
        closes |= (head == LineBreak.IS) & (next_kind != LineBreak.NU)  # LB15c, LB15d
        closes |= (head == LineBreak.QF) & _in(next_kind, "SP GL WJ CL QU QI QF CP EX IS SY ZW")  # LB15b
        flags[closes] |= a.HEAD_CLOSES
        flags[head == LineBreak.ZW] |= a.HEAD_ZW  # LB7
        flags[head == LineBreak.NS] |= a.HEAD_NONSTARTER  # LB16
        flags[head == LineBreak.B2] |= a.HEAD_B2  # LB17
        tail_at = np.maximum(base[last], self.word_start[self.word[first]])  # a mark may be a piece of its own
        tail = kind[tail_at]
        previous = np.where(tail_at == self.word_start[self.word[first]], LineBreak.SP, kind[before[tail_at]])
        opens = tail == LineBreak.OP  # LB14
        opens |= (tail == LineBreak.QI) & _in(previous, "SP OP QU QI QF GL ZW")  # LB15a
        flags[opens] |= a.TAIL_OPENS
        flags[_in(tail, "CL CP")] |= a.TAIL_CLOSED  # LB16
        flags[tail == LineBreak.B2] |= a.TAIL_B2  # LB17
        flags[kind[last] == LineBreak.ZW] |= a.TAIL_ZW  # LB8
        wide = (properties.flags.take(self.record) & np.uint8(Flag.WIDE)) != 0
        flags[wide[first]] |= a.HEAD_WIDE
        flags[wide[tail_at]] |= a.TAIL_WIDE
        return flags


def _in(kinds: NDArray[Any], names: str) -> NDArray[np.bool_]:
    member = np.zeros(64, bool)
    member[[LineBreak[name] for name in names.split()]] = True
    found: NDArray[np.bool_] = member[kinds]
    return found


def escape_of(cp: int) -> str:
    """The visible escape of a character that has no form of its own, as Python writes it."""
    return f"\\x{cp:02x}" if cp < 0x100 else f"\\u{cp:04x}" if cp < 0x10000 else f"\\U{cp:08x}"


def box_width(cp: int) -> int:
    """Width of the box that shows a code point in two rows of hexadecimal digits, in EM units."""
    columns = (max(4, len(f"{cp:X}")) + 1) // 2
    return round((0.36 * columns + 0.2) * EM)
