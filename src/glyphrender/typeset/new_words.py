"""New words on their way into the glyph store: characters → units to shape → segments.

A *unit* is what HarfBuzz gets in one call: a stretch of a word with one face, one script and one direction. A *segment*
is a unit, or the part of one between two places where a line may break.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import FontError
from glyphrender.fonts.face import EM
from glyphrender.fonts.stack import MISSING
from glyphrender.text import grapheme, linebreak, script
from glyphrender.text.properties import Flag, GeneralCategory, codepoints, records, table
from glyphrender.theta import ControlCharacters, MissingGlyph, SoftHyphens, ZeroWidth
from glyphrender.typeset.boundary_flags import boundary_flags
from glyphrender.typeset.glyph_store import MAY_BREAK, MAY_HYPHENATE, NO_BREAK, TEXT, GlyphStore
from glyphrender.typeset.hyphenate import hyphenator
from glyphrender.typeset.shape import JOINING, LATIN, Glyphs, shape

if TYPE_CHECKING:
    from glyphrender.typeset.style import WordStyle

#: Put before a word that is set from right to left; no word can begin with it otherwise.
RTL_MARK: Final = "\n"

_SOFT_HYPHEN: Final = 0xAD
_ESCAPES: Final = codepoints("\\xuU0123456789abcdef\u2010")
_COMMON: Final = script.SCRIPT_TAGS.index("Zyyy")
# The scripts that HarfBuzz joins, and how many characters of context it looks at.
_JOINS: Final = np.isin(script.SCRIPT_TAGS, JOINING)
_CONTEXT: Final = 5


class NewWords:
    """Words of one style that were not met before."""

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

    def add_to(self, store: GlyphStore) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Analyse and shape the words, and append their segments to `store`.

        Returns:
            (number of the first segment of each word, how many segments each word has).

        Raises:
            FontError: θ asks for an error where no font has a character.
        """
        self._analyse()
        glyphs = self._shape()
        return self._append(store, glyphs)

    # -- what the characters are -------------------------------------------------------------------

    def _analyse(self) -> None:
        cps, style = self.cps, self.style
        if self.text.isascii():
            self.starts, self.script = np.ones(len(cps), bool), np.full(len(cps), LATIN, np.uint8)
        else:
            self.starts, self.script = grapheme.cluster_starts(cps), script.resolve_scripts(cps)
            self.script[self.script == _COMMON] = LATIN
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
        """Glyphs, with `unit` numbering the units of `self.unit_starts` and `cluster` a character of `self.cps`."""
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

    # -- segments: no line break inside ------------------------------------------------------------

    def _append(self, store: GlyphStore, glyphs: Glyphs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
        segment = np.cumsum(starts) - 1
        last = np.minimum(np.append(first[1:], n), self.word_end[self.word[first]] - 1) - 1
        word = self.word[first]
        ends_word = np.append(word[1:] != word[:-1], True)
        action = np.where(allowed[last], MAY_BREAK, NO_BREAK)
        action[hyphen[last]] = MAY_HYPHENATE
        action[ends_word] = NO_BREAK

        of = segment[glyphs.cluster]
        order: NDArray[np.intp] | slice = slice(None)
        if (of[1:] < of[:-1]).any():  # from right to left
            order = np.argsort(of, kind="stable")
            of = of[order]
        step = glyphs.step[order]
        pen = np.append(0, np.cumsum(step, dtype=np.int64))
        counts = np.bincount(of, minlength=len(first))
        ends = np.cumsum(counts)
        origin = pen[ends - counts]

        counted = np.bincount(word, minlength=len(self.lengths))
        at = store.append(
            style=np.full(len(first), store.style_number(self.style)),
            kind=np.full(len(first), TEXT, np.uint8),
            face=self.face[first],
            advance=np.maximum(pen[ends] - origin, 0),
            clusters=np.bincount(segment[begins], minlength=len(first)),  # a joiner or a bidi mark is not spaced
            length=last + 1 - first,
            action=action,
            boundary=boundary_flags(
                self.record, self.is_end, first=first, last=last, start=self.word_start[self.word[first]]
            ),
            glyph_count=counts,
            glyph=glyphs.glyph[order],
            x=pen[:-1] - origin[of] + glyphs.dx[order],
            y=glyphs.dy[order],
            cluster=glyphs.cluster[order] - first[of],
            step=step,
        )
        return at + np.cumsum(counted) - counted, counted

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


def escape_of(cp: int) -> str:
    """The visible escape of a character that has no form of its own, as Python writes it."""
    return f"\\x{cp:02x}" if cp < 0x100 else f"\\u{cp:04x}" if cp < 0x10000 else f"\\U{cp:08x}"


def box_width(cp: int) -> int:
    """Width of the box that shows a code point in two rows of hexadecimal digits, in EM units."""
    columns = (max(4, len(f"{cp:X}")) + 1) // 2
    return round((0.36 * columns + 0.2) * EM)
