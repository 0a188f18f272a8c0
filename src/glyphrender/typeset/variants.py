"""Variants: paragraphs that are set otherwise than θ alone says, and the analysis of a chunk with such paragraphs.

Two things are decided for each paragraph (the text up to a line feed), by its own characters alone, so that a text
gives the same pages whole, appended to, or in shares:

- If `language` names no language that is written with Han, a paragraph with kana gets the Japanese forms of Han, a
  paragraph with Hangul gets the Korean forms, and one with bopomofo gets the traditional Chinese forms.
- A paragraph with box drawing is set in cells of a monospaced face, so that the columns of a table stand one below the
  other. In a cell of a table of rich text, the table does this.

Nearly every chunk has one variant, and is analysed as it is. Otherwise the paragraphs of each variant are analysed
together, as one text, and their segments are put back into the order of the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.stack import cjk_region
from glyphrender.text.properties import SCRIPT_TAGS, codepoints, records, table
from glyphrender.text.runs import ranges
from glyphrender.text.source import Chunk
from glyphrender.theta import BoxDrawing, Cells, Theta
from glyphrender.typeset.analyse import Words, analyse
from glyphrender.typeset.rich_styles import StyledWords
from glyphrender.typeset.segments import SegmentTable
from glyphrender.typeset.style import Variant
from glyphrender.typeset.word_characters import is_box_drawing

# The variants by their codes. Bit 2 of a code says that the paragraph has box drawing.
VARIANTS: Final = tuple(
    Variant(han=han, box_drawing=box_drawing) for box_drawing in (False, True) for han in ("", "ja", "ko", "zh-Hant")
)
_BOX_DRAWING: Final = 4
_HIRAGANA, _KATAKANA, _HANGUL, _BOPOMOFO, _HAN = map(SCRIPT_TAGS.index, ("Hira", "Kana", "Hang", "Bopo", "Hani"))

# Horizontal lines may stand in prose: Chinese texts write "──" for a dash. Three in a row are box drawing.
_HORIZONTAL: Final = np.array(
    [0x2500, 0x2501, 0x2504, 0x2505, 0x2508, 0x2509, 0x254C, 0x254D, 0x2550, 0x2574, 0x2576, 0x2578, 0x257A, 0x257C,
     0x257E], np.uint32
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantPolicy:
    """The choices that paragraphs make for themselves.

    Attributes:
        han: whether paragraphs choose the regional forms of Han.
        box_drawing: whether box drawing makes a paragraph monospaced.
    """

    han: bool
    box_drawing: bool

    @classmethod
    def of(cls, theta: Theta) -> VariantPolicy:
        """Return the policy of `theta`. In a grid of cells, every paragraph is monospaced already."""
        box_drawing = theta.box_drawing is BoxDrawing.MONOSPACED and theta.cells is Cells.NATURAL
        return cls(han=cjk_region(theta.language) is None, box_drawing=box_drawing)

    def codes(
        self, cps: NDArray[np.uint32], starts: NDArray[np.intp], in_cells: NDArray[np.bool_] | None
    ) -> NDArray[np.uint8]:
        """Return [p] the place in `VARIANTS` of each paragraph of a text.

        Args:
            cps: [n] the code points of the text.
            starts: [p] the first characters of the paragraphs.
            in_cells: [n] whether each character stands in a cell of a table; None if none does.
        """
        codes = np.zeros(len(starts), np.uint8)
        if self.han:
            script = table().script.take(records(cps))

            def holds(character: NDArray[np.bool_]) -> NDArray[np.bool_]:
                return np.logical_or.reduceat(character, starts)

            kana = holds((script == _HIRAGANA) | (script == _KATAKANA))
            # Hangul looks alike in all regions. Only a paragraph that has Han, or its punctuation, has a choice.
            han = holds((script == _HAN) | ((cps >= 0x3000) & (cps < 0x3040)) | ((cps > 0xFF00) & (cps < 0xFF61)))
            codes[holds(script == _BOPOMOFO) & han] = 3
            codes[holds(script == _HANGUL) & han] = 2
            codes[kana] = 1
        if self.box_drawing:
            drawing = _is_drawing(cps)
            if in_cells is not None:
                drawing &= ~in_cells
            codes[np.logical_or.reduceat(drawing, starts)] |= _BOX_DRAWING
        return codes


def _is_drawing(cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return whether each character is box drawing that does not occur in prose."""
    box = is_box_drawing(cps)
    if not box.any():
        return box
    horizontal = np.isin(cps, _HORIZONTAL)
    box &= ~horizontal
    box[2:] |= horizontal[2:] & horizontal[1:-1] & horizontal[:-2]
    return box


def analyse_variants(
    chunk: Chunk,
    policy: VariantPolicy,
    words_of: Callable[[Variant, Chunk], Words],
    *,
    base: int | None,
    inherited: int = 0,
    in_cells: NDArray[np.bool_] | None = None,
) -> tuple[SegmentTable, int]:
    """Return (the segments of `chunk`, the code that the next chunk inherits).

    The code is that of the last paragraph if this paragraph goes on in the next chunk, else 0.

    Args:
        chunk: a stretch of the source.
        policy: what paragraphs may decide for themselves.
        words_of: returns the word cache of a variant's style, or those of the looks of a chunk of rich text.
        base: the base direction (0 or 1) that θ imposes on every paragraph, or None.
        inherited: the code of the first paragraph, if that began in an earlier chunk; else 0.
        in_cells: [n] whether each character stands in a cell of a table; None if none does.

    Raises:
        FontError: θ asks for an error where no font has a character.
    """
    if not chunk.text:  # all of it is consumed
        return analyse(chunk, words_of(Variant(), chunk), base=base), inherited
    goes_on = not chunk.text.endswith("\n")
    if not (policy.han or policy.box_drawing) or (chunk.text.isascii() and not inherited):
        return analyse(chunk, words_of(Variant(), chunk), base=base), 0
    cps = codepoints(chunk.text)
    # Kana, box drawing and all that comes with them lie here. Jamo without Han has no choice.
    if not inherited and not (cps >= 0x2500).any():
        return analyse(chunk, words_of(Variant(), chunk), base=base), 0
    starts = np.append(0, np.flatnonzero(cps[:-1] == 0x0A) + 1)
    codes = policy.codes(cps, starts, in_cells)
    if inherited:
        codes[0] = inherited
    last = int(codes[-1]) if goes_on else 0
    if (codes == codes[0]).all():
        words = words_of(VARIANTS[codes[0]], chunk)
        return _in_variant(analyse(chunk, words, base=base), int(codes[0]), words), last
    return _by_paragraph(chunk, starts, codes, words_of, base), last


def _in_variant(segments: SegmentTable, code: int, words: Words) -> SegmentTable:
    """Return `segments`, marked as set in cells if the variant of `code` has box drawing."""
    if not code & _BOX_DRAWING:
        return segments
    cellular = replace(segments, cell=words.style.cell, cellular=np.ones(len(segments.number), bool))
    if isinstance(words, StyledWords) and segments.look is not None and segments.gap_look is not None:
        in_cells = words.looks.in_cells
        return replace(cellular, look=in_cells[segments.look], gap_look=in_cells[segments.gap_look])
    return cellular


def _by_paragraph(
    chunk: Chunk,
    starts: NDArray[np.intp],
    codes: NDArray[np.uint8],
    words_of: Callable[[Variant, Chunk], Words],
    base: int | None,
) -> SegmentTable:
    """Return the segments of a chunk whose paragraphs have several variants."""
    bounds = np.append(starts, len(chunk.text))
    used = np.unique(codes).tolist()
    cut = np.array(chunk.cuts, np.intp)
    in_paragraph = np.searchsorted(bounds, cut, "right") - 1
    parts: list[Chunk] = []
    owned: list[NDArray[np.intp]] = []
    for code in used:
        own = np.flatnonzero(codes == code)
        pieces = [chunk.text[bounds[at] : bounds[at + 1]] for at in own.tolist()]
        first = chunk.base if own[0] == 0 else None
        begin = np.append(0, np.cumsum(bounds[own + 1] - bounds[own]))[:-1]
        cuts = cut[np.isin(in_paragraph, own)]
        cuts += (begin - bounds[own])[np.searchsorted(own, in_paragraph[np.isin(in_paragraph, own)])]
        part = Chunk(text="".join(pieces), offset=0, line=0, base=first, cuts=tuple(cuts[cuts > 0].tolist()))
        if chunk.looks is not None:
            part = replace(part, looks=chunk.looks[ranges(bounds[own], bounds[own + 1] - bounds[own])])
        parts.append(part)
        owned.append(own)
        # Asking for a cache may begin a new store, so all caches are asked for before one is used.
        words_of(VARIANTS[code], part)
    tables: list[SegmentTable] = []
    paragraph: list[NDArray[np.intp]] = []
    for code, part, own in zip(used, parts, owned, strict=True):
        words = words_of(VARIANTS[code], part)
        analysed = _in_variant(analyse(part, words, base=base), code, words)
        lengths = analysed.lengths()
        ends = np.cumsum(bounds[own + 1] - bounds[own])
        # An empty segment stands before the separator that it belongs to.
        at = np.searchsorted(ends, np.cumsum(lengths) - lengths, "right")
        tables.append(analysed)
        paragraph.append(own[np.minimum(at, len(own) - 1)])
    whole = tables[0]
    for following in tables[1:]:
        whole = whole.joined(following)
    order = np.argsort(np.concatenate(paragraph), kind="stable")
    breaks = np.concatenate([each.breaks for each in tables])
    ordered = replace(whole, breaks=breaks).edited(order)
    return replace(
        ordered, text=chunk.text, offset=chunk.offset, line=chunk.line, mid_line=chunk.mid_line, open=chunk.open
    )
