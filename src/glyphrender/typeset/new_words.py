"""New words on their way into the glyph store: characters → units → glyphs → segments.

A *segment* is a unit (units.py), or the part of a unit between two places where a line may break.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.ordering import stable_order
from glyphrender.errors import FontError
from glyphrender.fonts.stack import MISSING
from glyphrender.text import linebreak
from glyphrender.theta import MissingGlyph, SoftHyphens
from glyphrender.typeset.alone import AloneGlyphs
from glyphrender.typeset.boundary_flags import boundary_flags
from glyphrender.typeset.cells import cells_of, on_grid
from glyphrender.typeset.glyph_store import FULL, MAY_BREAK, MAY_HYPHENATE, NO_BREAK, TEXT, GlyphStore
from glyphrender.typeset.hyphenate import hyphenator
from glyphrender.typeset.shape import Glyphs
from glyphrender.typeset.style import SOFT_HYPHEN, WordStyle
from glyphrender.typeset.units import Units, shape_units
from glyphrender.typeset.word_characters import WordCharacters, WordText


def add_words(
    words: list[str], style: WordStyle, store: GlyphStore, alone: AloneGlyphs | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Analyse and shape `words`, and append their segments to `store`.

    Args:
        words: words that were not met before. Before a word that is set from right to left stands RTL_MARK.
        style: the style of the words.
        store: the glyph store.
        alone: the glyphs of units of one character that `style` met before. New ones are added.

    Returns:
        ([w] number of the first segment of each word, [w] how many segments each word has).

    Raises:
        FontError: θ asks for an error where no font has a character, or the file of a face cannot be read.
    """
    text = WordText.of(words)  # all words in one text, a line each
    characters = WordCharacters.of(text, style)  # clusters, scripts, faces, break opportunities
    if style.missing_glyph is MissingGlyph.ERROR:
        _check_missing(text, characters)
    units = Units.of(text, characters)  # stretches of one face, script and direction
    glyphs = shape_units(text, characters, units, style, AloneGlyphs() if alone is None else alone)  # by HarfBuzz
    fit = np.full(len(glyphs.glyph), FULL, np.uint8)
    cells = cells_of(text, characters) if style.cell else None
    if cells is not None and len(fit):
        glyphs, fit = on_grid(glyphs, cells, characters, units, style.cell)
    return _append(store, text, characters, units, glyphs, fit, style, cells)


def _check_missing(text: WordText, characters: WordCharacters) -> None:
    """Raise a FontError if no font has one of the characters."""
    missing = np.flatnonzero((characters.face == MISSING) & ~text.is_end)
    if len(missing):
        cp = int(text.cps[missing[0]])
        raise FontError(f"no font has U+{cp:04X}. Name a font that has it in fallback=, or set missing_glyph=BOX.")


def _append(
    store: GlyphStore,
    text: WordText,
    characters: WordCharacters,
    units: Units,
    glyphs: Glyphs,
    fit: NDArray[np.uint8],
    style: WordStyle,
    cells: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut the units into segments, append these to `store`, and return what `add_words` returns."""
    n, is_end = len(text.cps), text.is_end
    begins = np.zeros(n, bool)  # a cluster of glyphs begins at this character
    begins[glyphs.cluster] = True
    allowed = characters.action == linebreak.ALLOWED
    hyphen = _hyphens(text, allowed, style)
    starts = units.starts.copy()
    # A break between two characters that share a glyph is no break. A unit without glyphs has none to share.
    cut = (allowed | hyphen)[:-1] & ~is_end[:-1] & ~is_end[1:]
    starts[1:] |= cut & begins[1:] & characters.starts[1:]
    first = np.flatnonzero(starts)
    segment = np.cumsum(starts) - 1
    word = text.word[first]
    last = np.minimum(np.append(first[1:], n), text.end[word]) - 1
    ends_word = np.append(word[1:] != word[:-1], True)
    action = np.where(allowed[last], MAY_BREAK, NO_BREAK)
    action[hyphen[last]] = MAY_HYPHENATE
    if text.around:
        ends_word &= ~(hyphen[last] & np.isin(word, list(text.around)))
    action[ends_word] = NO_BREAK

    of = segment[glyphs.cluster]
    order: NDArray[np.intp] | slice = slice(None)
    if (of[1:] < of[:-1]).any():  # the glyphs of a word that is set from right to left come last segment first
        order = stable_order(of)
        of = of[order]
    step = glyphs.step[order]
    pen = np.append(0, np.cumsum(step, dtype=np.int64))
    counts = np.bincount(of, minlength=len(first))
    ends = np.cumsum(counts)
    origin = pen[ends - counts]

    counted = np.bincount(word, minlength=len(text.words))
    # Letter spacing is added to every cluster, or to every cell. A joiner or a bidi mark is not spaced.
    spaced = np.flatnonzero(begins if cells is None else cells)
    clusters = np.bincount(segment[spaced], None if cells is None else cells[spaced], len(first))
    at = store.append(
        style=np.full(len(first), store.style_number(style)),
        kind=np.full(len(first), TEXT, np.uint8),
        face=characters.face[first],
        advance=np.maximum(pen[ends] - origin, 0),
        clusters=clusters.astype(np.int32),
        length=last + 1 - first,
        action=action,
        boundary=boundary_flags(text.record, is_end, first=first, last=last, start=text.start[word]),
        glyph_count=counts,
        glyph=glyphs.glyph[order],
        x=pen[:-1] - origin[of] + glyphs.dx[order],
        y=glyphs.dy[order],
        cluster=glyphs.cluster[order] - first[of],
        step=step,
        fit=fit[order],
    )
    return at + np.cumsum(counted) - counted, counted


def _hyphens(text: WordText, allowed: NDArray[np.bool_], style: WordStyle) -> NDArray[np.bool_]:
    """Return [n] whether a line may end in a hyphen after each character.

    `allowed` tells whether UAX #14 allows a break after each character.
    """
    hyphen = np.zeros(len(text.cps), bool)
    if style.soft_hyphens is SoftHyphens.BREAK:
        hyphen |= (text.cps == SOFT_HYPHEN) & allowed & ~np.append(text.is_end[1:], True)
    if style.hyphenate:
        positions = hyphenator(style.language)
        left = ~text.rtl
        left[list(text.around)] = False
        spans = zip(text.start[left].tolist(), text.end[left].tolist(), strict=True)
        hyphen[[start + at - 1 for start, end in spans for at in positions(text.text[start:end])]] = True
        for word, (head, tail) in text.around.items():  # a part of a word has the hyphens of the whole word
            if not text.rtl[word]:
                start, end = int(text.start[word]), int(text.end[word])
                found = (start + at - len(head) for at in positions(head + text.text[start:end] + tail))
                hyphen[[at - 1 for at in found if start < at <= end]] = True
    return hyphen
