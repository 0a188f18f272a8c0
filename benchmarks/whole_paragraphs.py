"""The lines of a page, and the same lines cut out of paragraphs that HarfBuzz shaped whole.

The reference knows no words, no cache and no pieces. Each paragraph is divided into runs of one face, script and bidi
level. Each run is shaped in one call through the Python binding of HarfBuzz, with the paragraph around it as context. A
line is the glyphs whose clusters lie in it, with its runs in visual order. Faces and levels are found character by
character, by the functions that a page uses; both are tested elsewhere. A space takes the face of the text before it,
as in browsers, so that a font whose lookups reach across a space shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from glyphrender import Page, Theta, layout
from glyphrender.fonts.face import EM
from glyphrender.fonts.stack import MISSING
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text import bidi, grapheme, script
from glyphrender.text.properties import codepoints
from glyphrender.typeset.glyph_store import BOX_FACE
from glyphrender.typeset.place import place
from glyphrender.typeset.style import WordStyle
from glyphrender.typeset.units import box_width

# Positions are in units of 1/65536 em. A page has them in pixels as float32, hence a tolerance.
TOLERANCE = EM / 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyphs:
    """Glyphs of a line in visual order: glyph ids, and x in EM units from the left end of the line; shape (glyphs,)."""

    glyph: NDArray[np.int64]
    x: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of a page and of the reference. The reference has two x: with our spaces, and with HarfBuzz's own."""

    text: str
    ours: Glyphs
    theirs: Glyphs
    own_spaces: NDArray[np.float64]

    @property
    def same_glyphs(self) -> bool:
        return self.ours.glyph.tolist() == self.theirs.glyph.tolist()

    @property
    def same_places(self) -> bool:
        return self.same_glyphs and bool((abs(self.ours.x - self.theirs.x) <= TOLERANCE).all())

    @property
    def same_spaces(self) -> bool:
        return self.same_glyphs and bool((abs(self.ours.x - self.own_spaces) <= TOLERANCE).all())


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Characters `start` to `end` of a paragraph as HarfBuzz shapes them. Glyphs are in visual order."""

    start: int
    end: int
    level: int
    blank: int  # the glyph of U+0020 in its face
    cluster: NDArray[np.int64]
    glyph: NDArray[np.int64]
    advance: NDArray[np.int64]
    offset: NDArray[np.int64]


def lines(text: str, theta: Theta) -> Iterator[Line]:
    """Yield every line of `text` that has ink.

    `theta` must not justify or space letters. `text` must have no line end but LF, no tab and no control character.
    """
    style = default_typesetter().shaper.style(theta)
    gap = style.stack.primary.hb_font.get_glyph_h_advance(_blank(style.stack.primary.hb_font))
    start, paragraph, runs = 0, "", list[Run]()
    for page in layout(text, theta):
        for (first, last), ours in zip(_spans(page), _placed(page), strict=True):
            while last > start + len(paragraph):
                start += len(paragraph)
                paragraph = text[start : text.find("\n", start) + 1 or len(text)]
                runs = shaped(paragraph, style)
            ink = text[first:last].rstrip(" \n")
            if ink:
                theirs, own_spaces = _line(paragraph, runs, first - start, first - start + len(ink), gap)
                yield Line(text=ink, ours=ours, theirs=theirs, own_spaces=own_spaces)


def shaped(paragraph: str, style: WordStyle) -> list[Run]:
    """Return the runs of a paragraph, in logical order."""
    cps = codepoints(paragraph)
    level = bidi.levels(cps) if bidi.needs_bidi(cps) else np.zeros(len(cps), np.uint8)
    face = style.stack.assign(cps, grapheme.cluster_starts(cps))
    scripts = script.resolve_scripts(cps)
    before = np.maximum.accumulate(np.where(cps == 0x20, 0, np.arange(len(cps))))
    face = np.where(face[before] == MISSING, face, face[before])
    change = (np.diff(face) != 0) | (np.diff(scripts) != 0) | (np.diff(level) != 0)
    # Each character that no font has is a box of its own.
    change |= face[1:] == MISSING
    starts = [0, *(np.flatnonzero(change) + 1).tolist()]
    runs = []
    for start, end in zip(starts, [*starts[1:], len(cps)], strict=True):
        kind = int(level[start])
        blank = -1
        if face[start] == MISSING:
            glyphs = [[start], [0], [box_width(int(cps[start]))], [0]]
        else:
            font = style.stack.faces[face[start]].hb_font
            blank = _blank(font)
            glyphs = _glyphs(font, paragraph, start, end, script.SCRIPT_TAGS[scripts[start]], bool(kind & 1), style)
        cluster, glyph, advance, offset = np.array(glyphs, np.int64).reshape(4, -1)
        runs.append(
            Run(
                start=start,
                end=end,
                level=kind,
                blank=blank,
                cluster=cluster,
                glyph=glyph,
                advance=advance,
                offset=offset,
            )
        )
    return runs


def _glyphs(
    font: hb.Font, paragraph: str, start: int, end: int, tag: str, rtl: bool, style: WordStyle
) -> list[list[int]]:
    buffer = hb.Buffer()
    buffer.add_str(paragraph, start, end - start)
    buffer.script, buffer.direction = tag, "rtl" if rtl else "ltr"
    if style.language:
        buffer.language = style.language
    # A line may be cut between a space and a mark, which are one grapheme cluster. Ignorable characters stay, as blanks
    # of no width: if they were removed, the next character would move to the line before.
    buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
    hb.shape(font, buffer, style.features)
    info, position = buffer.glyph_infos, buffer.glyph_positions
    return [
        [one.cluster for one in info],
        [one.codepoint for one in info],
        [one.x_advance for one in position],
        [one.x_offset for one in position],
    ]


def _line(paragraph: str, runs: list[Run], start: int, end: int, gap: int) -> tuple[Glyphs, NDArray[np.float64]]:
    """Return characters `start` to `end` as one line, and its x with HarfBuzz's own spaces."""
    inside = [run for run in runs if run.start < end and run.end > start]
    order = bidi.visual_order(np.array([run.level for run in inside], np.uint8))
    parts = [np.zeros((5, 0), np.int64)]
    for run in (inside[at] for at in order.tolist()):
        within = (run.cluster >= start) & (run.cluster < end)
        blank = run.glyph == run.blank
        parts.append(np.array([run.cluster, run.glyph, run.advance, run.offset, blank])[:, within])
    cluster, glyph, advance, offset, blanks = np.concatenate(parts, axis=1)
    space = np.array([paragraph[at] == " " for at in cluster.tolist()], bool)
    blank = blanks.astype(bool) | space  # Noto Sans CJK has a second blank glyph, for spaces of Hangul
    our_spaces, own_spaces = (
        (np.cumsum(step) - step + offset)[~blank].astype(np.float64)
        for step in (np.where(space, gap, advance), advance)
    )
    return Glyphs(glyph=glyph[~blank], x=our_spaces), own_spaces


def _spans(page: Page) -> list[tuple[int, int]]:
    return [(line.start, line.end) for line in page.lines]


def _placed(page: Page) -> Iterator[Glyphs]:
    """Yield the glyphs of each line of `page` that are not blank. Boxes are glyph 0."""
    theta = page.theta
    blank = np.full(256, -1)
    faces = default_typesetter().shaper.style(theta).stack.faces
    for block in page._layout.blocks:
        segments, placed = block.table.segments, place(block, theta)
        stop = placed.first_segment + len(placed.left)
        counts = segments.store.glyph_count.rows[segments.number[placed.first_segment : stop]]
        for face in np.unique(placed.face[placed.face != BOX_FACE]).tolist():
            blank[face] = _blank(faces[face].hb_font)
        left = np.repeat(placed.left, counts)
        glyph = np.where(placed.face == BOX_FACE, 0, placed.glyph).astype(np.int64)
        bounds = placed.glyph_bounds.tolist()
        for number, (first, last) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            visual = np.argsort(left[first:last], kind="stable") + first
            seen = visual[glyph[visual] != blank[placed.face[visual]]]
            x = placed.x[seen].astype(np.float64) / theta.scale
            x = (x - placed.boxes.left[number] - block.column) / theta.em * EM
            yield Glyphs(glyph=glyph[seen], x=x)


def _blank(font: hb.Font) -> int:
    glyph: int | None = font.get_nominal_glyph(0x20)
    return -1 if glyph is None else glyph
