"""A line has the glyphs that HarfBuzz gives for the whole line, although words are shaped one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uharfbuzz as hb

from glyphrender import Theta, layout
from glyphrender.fonts.face import EM
from glyphrender.fonts.library import find_face
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text.properties import SCRIPT_TAGS, codepoints
from glyphrender.typeset.glyph_store import TEXT
from glyphrender.typeset.place import place
from glyphrender.typeset.shape import shape

UDHR = Path(__file__).parent / "data"

# (language of the text, font, script and direction that HarfBuzz is given)
SAMPLES = [
    ("eng", "DejaVu Sans", "Latn", "ltr"),
    ("eng", "Inter", "Latn", "ltr"),
    ("fra", "DejaVu Serif", "Latn", "ltr"),
    ("vie", "Noto Sans", "Latn", "ltr"),
    ("rus", "DejaVu Sans", "Cyrl", "ltr"),
    ("ell", "Noto Sans", "Grek", "ltr"),
    ("arb", "Noto Naskh Arabic", "Arab", "rtl"),
    ("heb", "Noto Sans Hebrew", "Hebr", "rtl"),
    ("hin", "Noto Sans Devanagari", "Deva", "ltr"),
    ("tha", "Noto Sans Thai", "Thai", "ltr"),
    ("zho", "Noto Sans CJK SC", "Hani", "ltr"),
    ("kor", "Noto Sans CJK SC", "Hang", "ltr"),
]
# Characters that may be in a line of one script although they belong to all scripts. A line with any other character
# would need several calls of HarfBuzz: digits and Latin in Arabic have another direction, CJK has other brackets.
COMMON = " ,.:;!?-'\u2019\u00ab\u00bb()"


def sample(language: str) -> str:
    return (UDHR / f"udhr-{language}.txt").read_text(encoding="utf-8")


def whole(font: hb.Font, text: str, script: str, direction: str) -> tuple[list[int], list[int]]:
    """Return (glyph ids, x of each in EM units) of a line that HarfBuzz shapes in one call, without the spaces.

    Every space is as wide as the font's U+0020. Noto Sans CJK would give Hangul a wider one.
    """
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.script, buffer.direction = script, direction
    buffer.flags = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    hb.shape(font, buffer, {})
    pen, glyphs, places = 0, [], []
    gap = font.get_glyph_h_advance(font.get_nominal_glyph(0x20))
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if text[info.cluster] != " ":
            glyphs.append(info.codepoint)
            places.append(pen + position.x_offset)
        pen += gap if text[info.cluster] == " " else position.x_advance
    return glyphs, places


@pytest.mark.parametrize("language, family, script, direction", SAMPLES, ids=lambda value: str(value))
def test_lines_are_shaped_as_harfbuzz_shapes_them(language: str, family: str, script: str, direction: str) -> None:
    theta = Theta(font=family, page_size=(400, 800), margin_x=0)
    primary = default_typesetter().shaper.style(theta).stack.primary
    compared = glyphs_seen = 0
    text = sample(language)
    pages = zip(layout(text, theta), default_typesetter().layout_pages(text, theta), strict=True)
    for page, laid_out in pages:
        lines = iter(page.lines)
        for block in laid_out.blocks:
            placed = place(block, theta)
            pixels = theta.em / EM * theta.scale
            for start, stop in zip(placed.glyph_bounds[:-1], placed.glyph_bounds[1:], strict=True):
                text = next(lines).text.strip(" \n")
                if placed.face[start:stop].any() or not is_of(text, script):
                    continue
                glyphs, places = whole(primary.hb_font, text, script, direction)
                order = np.argsort(placed.x[start:stop], kind="stable")
                ours = placed.glyph[start:stop].tolist()
                x = (placed.x[start:stop] - placed.x[start:stop].min()) / pixels
                theirs = np.array(places) - min(places, default=0)
                # The glyph of a mark may come before or after its base; only its place counts.
                assert sorted(ours) == sorted(glyphs), text
                assert np.allclose(np.sort(x), np.sort(theirs), atol=EM / 500), text
                in_order = [ours[at] for at in order]
                expected = [glyphs[at] for at in np.argsort(theirs, kind="stable")]
                assert sum(map(int.__eq__, in_order, expected)) >= 0.98 * len(expected) - 1, text
                compared += 1
                glyphs_seen += len(glyphs)
    assert compared >= 8
    assert glyphs_seen >= 500


def is_of(text: str, script: str) -> bool:
    """Return whether `text` is all of one script, so that one call of HarfBuzz is right."""
    ranges = {
        "Latn": [(0x41, 0x24F), (0x300, 0x36F), (0x1E00, 0x1EFF)],
        "Cyrl": [(0x400, 0x4FF)],
        "Grek": [(0x370, 0x3FF)],
        "Arab": [(0x621, 0x669), (0x60C, 0x61F)],
        "Hebr": [(0x590, 0x5F4)],
        "Deva": [(0x900, 0x97F)],
        "Thai": [(0xE00, 0xE7F)],
        "Hani": [(0x3001, 0x303F), (0x4E00, 0x9FFF)],
        "Hang": [(0xAC00, 0xD7A3)],
    }[script]
    # Brackets are mirrored in right-to-left text, which another test checks.
    common = COMMON if script in ("Latn", "Cyrl", "Grek") else " .,:;-"
    return bool(text) and all(
        character in common or any(first <= ord(character) <= last for first, last in ranges) for character in text
    )


def test_a_break_inside_an_arabic_word_keeps_its_joining_forms() -> None:
    """CSS Text 3, 5.5: shaping across the break is as if there were none."""
    theta = Theta(font="Noto Naskh Arabic", page_size=(60, 400), margin_x=0)
    text = "\u0628" * 60
    page = next(iter(layout(text, theta)))
    assert len(page.lines) >= 3
    (block,) = next(default_typesetter().layout_pages(text, theta)).blocks
    font = default_typesetter().shaper.style(theta).stack.primary.hb_font
    glyphs, _ = whole(font, text, "Arab", "rtl")
    placed = place(block, theta)
    assert sorted(placed.glyph.tolist()) == sorted(glyphs)
    # There is one initial form, one final form, and medial forms between: not one of each on every line.
    _, counts = np.unique(placed.glyph, return_counts=True)
    assert counts.max() >= 58


@pytest.mark.parametrize("word", ["\u067e\u06c1\u0644\u06cc", "\u0688\u06a9\u06be\u06c1"], ids=ascii)
def test_letters_join_across_a_change_of_face(word: str) -> None:
    """DejaVu Sans lacks some letters of Urdu; the letters beside them must join all the same."""
    style = default_typesetter().shaper.style(Theta())
    cps = codepoints(word)
    face = style.stack.assign(cps, np.ones(len(cps), bool))
    assert len(set(face.tolist())) > 1
    expected: list[int] = []
    cuts = [0, *(np.flatnonzero(np.diff(face)) + 1).tolist(), len(word)]
    for start, end in reversed(list(zip(cuts[:-1], cuts[1:], strict=True))):
        buffer = hb.Buffer()
        buffer.add_str(word, start, end - start)
        buffer.script, buffer.direction = "Arab", "rtl"
        hb.shape(style.stack.faces[face[start]].hb_font, buffer, {})
        expected += [info.codepoint for info in buffer.glyph_infos]
    (page,) = default_typesetter().layout_pages(word, Theta())
    placed = place(page.blocks[0], page.theta)
    assert sorted(placed.glyph.tolist()) == sorted(expected)


@pytest.mark.parametrize("font, weight", [("Inter", 400), ("Inter", 700), ("Noto Nastaliq Urdu", 400)])
def test_the_glyphs_of_a_word_do_not_depend_on_the_words_met_with_it(font: str, weight: int) -> None:
    """Inter has other brackets and hyphens beside capitals, two spaces off, and kerns full stops with a space."""
    words = [
        "Emma,)",
        "already,)",
        "Donwell,)",
        "'//'):",
        "(A)",
        "%s)'",
        "%(levelno)s",
        '"end."',
        "end.",
        "12:30",
        "-",
        "x",
        "كتاب",
        "رنگ",
        "كك",
    ]
    style = default_typesetter().shaper.style(Theta(font=font, font_weight=weight))
    face = style.stack.primary
    words = [word for word in words if face.covers(codepoints(word)).all()]
    assert words
    rtl = font.startswith("Noto Nastaliq")
    tag = SCRIPT_TAGS.index("Arab" if rtl else "Latn")

    def shaped(some: list[str]) -> dict[str, list[list[int]]]:
        n = len(some)
        glyphs = shape(some, [face], np.zeros(n, np.uint8), np.full(n, tag), np.full(n, rtl), language="", features={})
        rows = np.array([glyphs.glyph, glyphs.step, glyphs.dx, glyphs.dy])
        return {word: rows[:, glyphs.unit == at].tolist() for at, word in enumerate(some)}

    alone = {word: shaped([word])[word] for word in words}
    for first in words:
        for second in words:
            if first != second:
                assert shaped([first, second]) == {word: alone[word] for word in (first, second)}


def test_a_sign_without_a_base_gets_its_dotted_circle_among_any_words() -> None:
    """HarfBuzz leaves the circle out 15 syllables after another such sign, as it numbers them in four bits."""
    face = default_typesetter().shaper.style(Theta(font="Noto Sans Chakma")).stack.primary
    circle = face.hb_font.get_nominal_glyph(0x25CC)
    word = "\U00011116\U00011127\U00011127\U00011131"
    for between in range(20):
        texts = [word, *["\U00011103"] * between, word]
        n = len(texts)
        tag = np.full(n, SCRIPT_TAGS.index("Cakm"))
        glyphs = shape(texts, [face], np.zeros(n, np.uint8), tag, np.zeros(n, bool), language="", features={})
        first, last = (glyphs.glyph[glyphs.unit == unit].tolist() for unit in (0, n - 1))
        assert circle in first
        assert last == first


def test_kerning_and_ligatures_can_be_turned_off() -> None:
    def glyphs_and_width(text: str, **fields: object) -> tuple[int, float]:
        theta = Theta(font="DejaVu Serif", **fields)  # type: ignore[arg-type]
        (page,), (laid_out,) = layout(text, theta), default_typesetter().layout_pages(text, theta)
        return len(place(laid_out.blocks[0], theta).glyph), page.lines[0].box[2] - page.lines[0].box[0]

    assert glyphs_and_width("fi ffl")[0] < 5
    assert glyphs_and_width("fi ffl", ligatures=False)[0] == 5
    # CSS Text 3, 9.2: no optional ligatures where letters are spaced.
    assert glyphs_and_width("fi ffl", letter_spacing=0.1)[0] == 5
    assert glyphs_and_width("AVAVAV")[1] < glyphs_and_width("AVAVAV", kerning=False)[1]


def test_the_language_chooses_glyphs() -> None:
    """Serbian italic б and Romanian ș are the classic cases; Han differs by region."""

    def glyphs(text: str, **fields: object) -> tuple[list[int], int]:
        page = next(default_typesetter().layout_pages(text, Theta(**fields)))  # type: ignore[arg-type]
        (block,) = page.blocks
        placed = place(block, page.theta)
        return placed.glyph.tolist(), int(placed.face[0])

    assert glyphs("直骨", language="ja") != glyphs("直骨", language="zh-Hans")
    assert glyphs("直骨", language="zh-Hant-TW") != glyphs("直骨", language="zh-Hans")
    assert glyphs("the", language="ja") == glyphs("the", language="zh-Hans")


def test_clusters_of_glyphs_lie_inside_their_segments() -> None:
    for language in ("hin", "arb", "tha"):
        theta = Theta(page_size=(300, 800))
        for page in default_typesetter().layout_pages(sample(language), theta):
            for block in page.blocks:
                segments = block.table.segments
                text = segments.store.kind.rows[segments.number] == TEXT
                rows, counts = segments.store.glyph_rows(segments.number[text])
                length = np.repeat(segments.store.length.rows[segments.number[text]], counts)
                cluster = segments.store.cluster.rows[rows]
                assert (cluster >= 0).all()
                assert (cluster < length).all()


def test_without_ligatures_characters_are_drawn_as_they_are() -> None:
    """Inter's contextual alternates make one arrow of "=>": CSS's `font-variant-ligatures: none` ends that too."""

    def glyphs(text: str, **fields: object) -> list[int]:
        page = next(default_typesetter().layout_pages(text, Theta(**fields)))  # type: ignore[arg-type]
        return [int(glyph) for block in page.blocks for glyph in place(block, page.theta).glyph]

    alone = [glyphs(mark, font="Inter")[0] for mark in "=>"]
    assert glyphs("=>", font="Inter") != alone
    assert glyphs("=>", font="Inter", ligatures=False) == alone
    urdu = "یہ نستعلیق ہے"
    nastaliq = "Noto Nastaliq Urdu"
    assert glyphs(urdu, font=nastaliq, ligatures=False) == glyphs(urdu, font=nastaliq)


def test_digits_with_a_mark_in_arabic_do_not_depend_on_the_words_shaped_with_them() -> None:
    """HarfBuzz looks for letters in the whole buffer before it reverses digits."""
    faces, arabic = [find_face("DejaVu Sans")], SCRIPT_TAGS.index("Arab")

    def glyphs(texts: list[str]) -> list[int]:
        n = len(texts)
        kind = np.zeros(n, np.uint8), np.full(n, arabic, np.uint8), np.zeros(n, bool)
        found = shape(texts, faces, *kind, language="", features={})
        return found.glyph[found.unit == 0].tolist()

    assert glyphs(["0\u06512"]) == glyphs(["0\u06512", "\u0628\u0629"]) == glyphs(["0\u06512", "34", "\u0628"])
