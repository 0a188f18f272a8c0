"""Word characters: new words → one text, and what each of its characters is.

All words are analysed together, in one text with one word a line. A line end separates words for every algorithm of
Unicode, so each word is analysed as if it stood alone. What is drawn in place of a character, by the policies of θ, is
decided here too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.stack import IN_CELL, MISSING
from glyphrender.text import grapheme, linebreak, script
from glyphrender.text.properties import Flag, GeneralCategory, as_text, codepoints, records, table
from glyphrender.text.script import COMMON, LATIN
from glyphrender.theta import ControlCharacters, SoftHyphens, ZeroWidth
from glyphrender.typeset.joining import ASIDE, without_sight
from glyphrender.typeset.style import SOFT_HYPHEN, WordStyle

#: Put before a word that is set from right to left. No word begins with this character otherwise.
RTL_MARK: Final = "\n"
#: VS15 and VS16, which ask for text and for emoji presentation, and the sign that makes a keycap of a digit.
TEXT_STYLE, EMOJI_STYLE, KEYCAP = 0xFE0E, 0xFE0F, 0x20E3
_JOINER: Final = 0x200D

# Every character that can stand in for another one.
_ESCAPES: Final = codepoints("\\xuU0123456789abcdef\u2010")
_SOFT_HYPHEN_DRAWN: Final = {SoftHyphens.HIDE: "", SoftHyphens.SHOW: "\u2010", SoftHyphens.ESCAPE: "\\xad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class WordText:
    """New words in one text, a line each. There are w words and n characters, line ends included.

    Attributes:
        words: the words, without RTL_MARK.
        text: the words, each followed by a line end.
        rtl: [w] whether the word is set from right to left.
        start, end: [w] the first character of each word, and the line end after it.
        cps: [n] code points.
        record: [n] record of each character; see `properties.records`.
        is_end: [n] whether the character is a line end.
        word: [n] number of the word that the character, or the line end, belongs to.
        around: number of a word that is a part of a longer one → the text before and after it; see joining.py.
    """

    words: list[str]
    text: str
    rtl: NDArray[np.bool_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    cps: NDArray[np.uint32]
    record: NDArray[np.uint16]
    is_end: NDArray[np.bool_]
    word: NDArray[np.intp]
    around: dict[int, tuple[str, str]]

    @classmethod
    def of(cls, words: list[str]) -> WordText:
        """Return the text of `words`. A word that begins with RTL_MARK is set from right to left.

        >>> text = WordText.of(["the", "\\nאב"])
        >>> text.text, text.rtl.tolist(), text.start.tolist(), text.end.tolist()
        ('the\\nאב\\n', [False, True], [0, 4], [3, 6])
        """
        text = "\n".join(words) + "\n"
        around: dict[int, tuple[str, str]] = {}
        if ASIDE in text:
            words, around = without_sight(words, RTL_MARK)
            text = "\n".join(words) + "\n"
        cps = codepoints(text)
        is_end = cps == ord(RTL_MARK)
        rtl = np.zeros(len(words), bool)
        if np.count_nonzero(is_end) > len(words):
            # No word is empty, so a line end where a line begins is a mark.
            mark = is_end & np.append(True, is_end[:-1])
            rtl[np.cumsum(is_end & ~mark)[mark]] = True
            cps, is_end = cps[~mark], is_end[~mark]
            text = as_text(cps)
            words = text.split("\n")
            words.pop()
        end = np.flatnonzero(is_end)
        start = np.append(0, end[:-1] + 1)
        return cls(
            words=words,
            text=text,
            rtl=rtl,
            start=start,
            end=end,
            cps=cps,
            record=records(cps),
            is_end=is_end,
            word=np.repeat(np.arange(len(words)), end + 1 - start),
            around=around,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class WordCharacters:
    """The properties of the n characters of a `WordText`.

    Attributes:
        starts: [n] whether a grapheme cluster begins at the character.
        script: [n] place of its script in `SCRIPT_TAGS`; characters without a script of their own count as Latin.
        face: [n] place of its face in the font stack, or MISSING, or IN_CELL for box drawing in cells.
        action: [n] what may happen after it, by `linebreak`; never MANDATORY.
        stand_in: character → the text that is drawn in its place, which may be empty.
        special: [n] whether the character is shaped alone: something stands in for it, or no font has it.
        ignorable: [n] whether it has the property Default_Ignorable_Code_Point.
    """

    starts: NDArray[np.bool_]
    script: NDArray[np.uint8]
    face: NDArray[np.uint8]
    action: NDArray[np.uint8]
    stand_in: dict[int, str]
    special: NDArray[np.bool_]
    ignorable: NDArray[np.bool_]

    @classmethod
    def of(cls, text: WordText, style: WordStyle) -> WordCharacters:
        """Return the characters of `text`, with the faces and the policies of `style`."""
        cps = text.cps
        if text.text.isascii():
            starts, scripts = np.ones(len(cps), bool), np.full(len(cps), LATIN, np.uint8)
        else:
            starts, scripts = grapheme.cluster_starts(cps), script.resolve_scripts(cps)
            scripts[scripts == COMMON] = LATIN
        ignorable = (table().flags.take(text.record) & np.uint8(Flag.DEFAULT_IGNORABLE)) != 0
        stand_in = _stand_ins(text, style, ignorable)
        action = style.break_actions(cps)
        action[action == linebreak.MANDATORY] = linebreak.PROHIBITED
        face = style.stack.assign(cps, starts)
        if style.cell and style.fills_cells:
            alone = starts & np.append(starts[1:], True)
            face[is_box_drawing(cps) & alone] = IN_CELL
        face[list(stand_in)] = style.stack.assign(_ESCAPES, np.ones(len(_ESCAPES), bool)).max()
        special = (face == MISSING) & ~text.is_end
        special[list(stand_in)] = True
        return cls(
            starts=starts,
            script=scripts,
            face=face,
            action=action,
            stand_in=stand_in,
            special=special,
            ignorable=ignorable,
        )


def _stand_ins(text: WordText, style: WordStyle, ignorable: NDArray[np.bool_]) -> dict[int, str]:
    """Return character → the text that is drawn in its place, by the policies of `style`."""
    cps = text.cps
    category = table().general_category.take(text.record)
    stand_in: dict[int, str] = {}

    def draw(places: NDArray[np.bool_], drawn: Callable[[int], str]) -> None:
        at = np.flatnonzero(places)
        code_points = cps[at].tolist()
        texts = {cp: drawn(cp) for cp in set(code_points)}
        stand_in.update(zip(at.tolist(), map(texts.__getitem__, code_points), strict=True))

    control = ((category == GeneralCategory.Cc) | (category == GeneralCategory.Cs)) & ~text.is_end
    draw(control, escape_of if style.control_characters is ControlCharacters.ESCAPE else lambda cp: "")
    soft = cps == SOFT_HYPHEN
    if style.soft_hyphens is not SoftHyphens.BREAK:
        draw(soft, lambda cp: _SOFT_HYPHEN_DRAWN[style.soft_hyphens])
    if style.zero_width is ZeroWidth.ESCAPE and ignorable.any():
        draw(ignorable & ~soft & ~_makes_emoji(text), escape_of)
    return stand_in


def _makes_emoji(text: WordText) -> NDArray[np.bool_]:
    """Return whether each character is a joiner between two pictographs, or the style of one: part of an emoji."""
    cps = text.cps
    pictograph = (table().flags.take(text.record) & np.uint8(Flag.EXTENDED_PICTOGRAPHIC)) != 0
    keycap = is_keycap_base(cps)
    base = pictograph | ((cps >= 0x1F3FB) & (cps <= 0x1F3FF))  # skin tones
    style = (cps == TEXT_STYLE) | (cps == EMOJI_STYLE)
    after = np.append(cps[1:], 0)
    makes = np.zeros(len(cps), bool)
    makes[1:] = style[1:] & (base[:-1] | (keycap[:-1] & (after[1:] == KEYCAP)))
    styled = base | makes
    makes[1:-1] |= (cps[1:-1] == _JOINER) & styled[:-2] & pictograph[2:]
    return makes


def is_keycap_base(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return whether each character makes a keycap emoji with U+20E3: 0 to 9, # and *."""
    base: NDArray[np.bool_] = ((cps >= 0x30) & (cps <= 0x39)) | (cps == 0x23) | (cps == 0x2A)
    return base


def is_box_drawing(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return whether each character is drawn to fill its cell: box drawing, block elements, and mosaics."""
    drawn: NDArray[np.bool_] = ((cps >= 0x2500) & (cps < 0x25A0)) | ((cps >= 0x1FB00) & (cps < 0x1FB8C))
    return drawn


def escape_of(cp: int) -> str:
    r"""Return the visible escape of a code point, as Python writes it.

    >>> print(escape_of(0x07), escape_of(0x200B), escape_of(0xE0041))
    \x07 \u200b \U000e0041
    """
    return f"\\x{cp:02x}" if cp < 0x100 else f"\\u{cp:04x}" if cp < 0x10000 else f"\\U{cp:08x}"
