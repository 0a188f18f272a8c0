"""What no font can stand for is drawn as a box and counted in `missing`: nothing of a text is invisible by accident."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from box_fonts import box_font
from strategies import FAMILIES

from glyphrender import Theta, render
from glyphrender.raster.canvas import SkiaCanvas
from glyphrender.raster.harfbuzz import HarfBuzzCanvas
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.typesetter import Typesetter
from glyphrender.text.properties import Flag, GeneralCategory, records, table
from glyphrender.theta import presets
from glyphrender.typeset.furniture import Furniture
from glyphrender.typeset.glyph_store import BOX_FACE
from glyphrender.typeset.new_words import add_words

BRAILLE_BLANK = 0x2800
BLANK = (
    GeneralCategory.Cn, GeneralCategory.Cs, GeneralCategory.Cc, GeneralCategory.Zs, GeneralCategory.Zl,
    GeneralCategory.Zp,
)  # fmt: skip
SPECIAL = "\ufff9\ufffa\ufffb\ufffc"
PRIVATE = "\ue000\ue0b0\uf001\uf8ff\U000f0000\U000ffffd\U00100000\U0010fffd"


def private_font(folder: Path, *, blank: tuple[int, ...] = ()) -> str:
    """Return the path of a font with a box at U+E0B0 and U+FFFC and at "a", and empty glyphs at `blank`."""
    boxes = dict.fromkeys((0x61, 0xE0B0, 0xFFFC), ((0, 0, 500, 500), 600))
    path = folder / "private.ttf"
    box_font(boxes | dict.fromkeys(blank, (None, 600))).save(path)
    return str(path)


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_no_bundled_font_claims_private_or_special_characters(preset: str) -> None:
    for character in PRIVATE + SPECIAL:
        for text in (character, f"a{character}\u0301b"):
            assert character in render(text, preset).missing, f"U+{ord(character):04X}"


def test_no_bundled_font_claims_private_characters_because_the_user_names_it() -> None:
    for family in FAMILIES:
        page = render(PRIVATE, {"font": family, "fallback": ("DejaVu Sans",)})[0]
        assert page.missing == dict.fromkeys(PRIVATE, 1)


def test_a_font_of_the_user_draws_its_private_characters(tmp_path: Path) -> None:
    path = private_font(tmp_path)
    for fields in ({"font": path}, {"fallback": (path,)}):
        assert render("a\ue0b0\ufffc", fields).missing == {}
        assert render("\ue0b1\ufff9", fields).missing == {"\ue0b1": 1, "\ufff9": 1}


def test_what_a_font_of_the_user_draws_without_ink_goes_to_the_next_font(tmp_path: Path) -> None:
    """Some fonts map every character to an empty glyph."""
    path = private_font(tmp_path, blank=(0x62, 0x4E00, 0xE000, 0x2800, 0x301))
    assert render("ab\u4e00\ue000\u2800", {"font": path}).missing == {"\ue000": 1}
    for character in "b\u4e00":
        assert (render(character, {"font": path})[0].array < 128).any()
    assert render("a\u0301", {"font": path}).missing == {}


@pytest.mark.slow
@pytest.mark.parametrize("font", ["DejaVu Sans", "Noto Music"])
def test_every_visible_character_of_unicode_has_ink_or_is_missing(font: str) -> None:
    """Each is laid out alone. Of the ideographs, syllables and supplementary characters, a few of each block are."""
    cps = np.arange(0x110000, dtype=np.uint32)
    record = records(cps)
    visible = ~np.isin(table().general_category[record], BLANK)
    visible &= (table().flags[record] & Flag.DEFAULT_IGNORABLE.value) == 0
    many = ((cps >= 0x4E00) & (cps < 0xD800)) | (cps >= 0xE000)
    cps = cps[visible & (~many | (cps % 256 < 3) | (cps // 256 == 0xFF))]
    typesetter = Typesetter()
    style, store = typesetter.shaper.style(Theta(font=font)), typesetter.shaper.store
    first, count = add_words([chr(cp) for cp in cps.tolist()], style, store)
    blank = []
    for cp, start, segments in zip(cps.tolist(), first.tolist(), count.tolist(), strict=True):
        of = np.arange(start, start + segments)
        if (store.face.take(of) == BOX_FACE).any():
            continue
        draws = style.stack.faces[int(store.face.take(of)[0])].hb_font.get_glyph_extents
        glyphs = map(draws, store.glyph.take(store.glyph_rows(of)[0]).tolist())
        if not any(extents and extents.width and extents.height for extents in glyphs):
            blank.append(f"U+{cp:04X} {unicodedata.name(chr(cp), '')}")
    assert blank == [f"U+{BRAILLE_BLANK:04X} BRAILLE PATTERN BLANK"]


def test_boxes_and_borders_have_no_grey_without_antialiasing() -> None:
    text = "a\ue000 \U0010fffd\nb\n"
    for size in (6, 8.5, 9, 13.3):
        theta = Theta(font_size=size, line_height=2 * size, antialias=False, border_width=0.7, border_padding=1.3)
        page = render(text, theta)[0]
        assert page.missing
        assert set(np.unique(page.array)) == {0, 255}


@pytest.mark.parametrize("family", ["DejaVu Sans", "Inter", "Spleen"])
def test_the_digits_of_many_boxes_are_set_as_those_of_each_alone(family: str) -> None:
    """They are shaped together. Inter kerns digits."""
    shaper = Typesetter().shaper
    style = shaper.style(Theta(font=family))
    cps = np.array([0xE000, 0xF11F, 0xE000, 0x10FFFE, 0xFFFF, 0xF0077, 0x0ABC], np.uint32)
    rows, columns = Furniture(style).digits(cps)
    assert columns.tolist() == [2, 2, 2, 3, 2, 3, 2]
    for place, (glyph, offset, count, advance) in enumerate(rows):
        ends = np.cumsum(count)
        for box, cp in enumerate(cps.tolist()):
            text = (f"{cp:04X}" if cp <= 0xFFFF else f"{cp:06X}")[columns[box] * place :][: columns[box]]
            alone = Furniture(style).shaped(text)
            drawn = slice(ends[box] - count[box], ends[box])
            assert (glyph[drawn].tolist(), offset[drawn].tolist()) == (alone[0].tolist(), alone[1].tolist())
            assert advance[box] == alone[2]


def test_frames_drawn_together_are_those_drawn_one_after_the_other() -> None:
    """Frames that share pixels are blended in their order."""
    edges = np.array([[1.3, 1.2, 9.1, 8.7], [8.6, 1.2, 16.9, 8.7], [3.0, 7.9, 12.5, 14.0], [2.0, 2.0, 2.9, 3.0]])
    masks = MaskCache(max_bytes=1 << 20)
    for kind in (SkiaCanvas, HarfBuzzCanvas):
        together, apart = (kind(20, 16, grey=True, background=(255, 255, 255), masks=masks) for _ in range(2))
        together.frames(edges, 0.6, (0, 0, 0))
        for edge in edges:
            apart.frames(edge[np.newaxis], 0.6, (0, 0, 0))
        assert np.array_equal(together.pixels, apart.pixels)
