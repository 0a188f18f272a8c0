"""Faces are found by name and by path, in the bundle first."""

import hashlib
import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES, box_font, glyph_boxes

from glyphrender.errors import FontError
from glyphrender.fonts import Face, families, find_face, parse_axes
from glyphrender.fonts import library as library_module
from glyphrender.fonts.bundle import BLANK, IGNORABLE, UNCOVERED, bundle
from glyphrender.fonts.library import closest_style

SMALL = {0x41: ((0, 0, 800, 800), 1000)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder of fonts, the only place besides the bundle where fonts are searched for."""
    monkeypatch.setattr(library_module, "system_folders", list)
    monkeypatch.setenv("GLYPHRENDER_FONTS", str(tmp_path))
    return tmp_path


class TestBundle:
    def test_the_index_knows_every_font_file_as_it_is(self):
        root = bundle().root
        known = {style.path: style.sha256 for style in bundle().styles}
        there = {path for path in root.rglob("*") if path.suffix in (".ttf", ".otf", ".ttc")}
        assert set(known) == there
        for path, sha256 in known.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, f"run src/generators/index_fonts.py: {path}"

    def test_every_folder_of_fonts_has_its_licence(self):
        for folder in {style.path.parent for style in bundle().styles}:
            texts = [path.read_text() for pattern in ("LICENSE*", "OFL*") for path in folder.glob(pattern)]
            assert any("Permission is hereby granted" in text or "Redistribution" in text for text in texts)

    def test_it_stays_below_60_megabytes_and_its_table_below_100_kilobytes(self):
        size = sum(path.stat().st_size for path in bundle().root.rglob("*") if path.is_file())
        assert size < 60_000_000
        assert (bundle().root / "fallback.bin").stat().st_size < 100_000

    def test_names_and_styles_are_those_the_fonts_give(self):
        for style in bundle().styles:
            face = Face.from_file(style.path, index=style.index)
            assert style.family in (face.family, face.hb_face.get_name(1))
            assert (style.style, style.weight, style.italic) == (face.style, face.weight, face.italic)

    def test_every_character_has_a_fallback_that_covers_it(self):
        fallback, every = bundle().fallback, np.arange(0x110000, dtype=np.uint32)
        assert fallback.shape == (0x110000,)
        for slot in np.unique(fallback):
            if slot not in (BLANK, IGNORABLE, UNCOVERED):
                face = bundle().styles[bundle().chain[slot]].face()
                assert face.covers(every[fallback == slot]).all(), face

    def test_no_assigned_character_that_a_font_of_the_chain_has_is_missing(self):
        fallback = bundle().fallback
        for number in bundle().chain:
            unicodes = bundle().styles[number].face().unicodes
            lost = unicodes[fallback[unicodes] == UNCOVERED].tolist()
            # Private-use characters mean something different in each font, and a few signs have no meaning that a glyph
            # could show.
            lost = [cp for cp in lost if not 0xFFF9 <= cp <= 0xFFFC and cp != 0x1D159]
            assert {unicodedata.category(chr(cp)) for cp in lost} <= {"Cn", "Co"}

    def test_the_regional_forms_of_han_cover_the_same_characters(self):
        faces = [bundle().styles[number].face() for number in bundle().cjk.values()]
        assert [face.index for face in faces] == [2, 3, 4, 0, 1]
        for face in faces[1:]:
            assert np.array_equal(face.unicodes, faces[0].unicodes)

    def test_what_is_default_ignorable_or_emoji_is_what_unicode_says(self):
        regex = pytest.importorskip("regex", reason="an oracle only, not a dependency")
        text = "".join(chr(cp) if not 0xD800 <= cp < 0xE000 else "\ufffe" for cp in range(0x110000))
        ignorable = [m.start() for m in regex.finditer(r"\p{Default_Ignorable_Code_Point}", text)]
        assert np.flatnonzero(bundle().fallback == IGNORABLE).tolist() == ignorable
        emoji = [m.start() for m in regex.finditer(r"\p{Emoji_Presentation}", text)]
        ranges = bundle().emoji_presentation.tolist()
        assert [cp for first, last in ranges for cp in range(first, last + 1)] == emoji

    def test_noto_emoji_has_every_character_shown_as_emoji(self):
        face = bundle().styles[bundle().emoji].face()
        for first, last in bundle().emoji_presentation.tolist():
            assert face.covers(np.arange(first, last + 1, dtype=np.uint32)).all(), hex(first)

    def test_an_unreadable_index_is_one_typed_error(self, tmp_path, monkeypatch):
        package = tmp_path / "glyphrender"
        (package / "bundled_fonts").mkdir(parents=True)
        monkeypatch.setattr("glyphrender.fonts.bundle.__file__", str(package / "fonts/bundle.py"))
        bundle.cache_clear()
        try:
            with pytest.raises(FontError, match="has no bundled fonts"):
                bundle()
            for content in ("", "{}", json.dumps({"faces": [{"file": 1}], "chain": []})):
                (package / "bundled_fonts/index.json").write_text(content)
                with pytest.raises(FontError, match=r"index\.json cannot be read"):
                    bundle()
        finally:
            bundle.cache_clear()


class TestFamilies:
    @pytest.mark.parametrize(
        "spec, weight, italic, file",
        [
            ("DejaVu Sans", 400, False, "DejaVuSans.ttf"),
            ("dejavu sans", 700, True, "DejaVuSans-BoldOblique.ttf"),
            ("DEJAVU SANS MONO", 900, False, "DejaVuSansMono-Bold.ttf"),
            ("DejaVu-Sans-Condensed", 400, True, "DejaVuSansCondensed-Oblique.ttf"),
            ("DejaVu Serif", 500, True, "DejaVuSerif-Italic.ttf"),
            ("inter", 600, False, "Inter-Bold.otf"),
            ("Inter", 550, False, "Inter-Bold.otf"),
            ("Inter", 100, True, "Inter-Italic.otf"),
            ("Atkinson Hyperlegible", 400, False, "AtkinsonHyperlegible-Regular.ttf"),
            ("Noto Sans", 700, False, "NotoSans-Bold.ttf"),
            ("Noto Naskh Arabic", 400, False, "NotoNaskhArabic-Regular.ttf"),
            ("Noto Sans Thai", 700, True, "NotoSansThai-Regular.ttf"),
            ("Spleen", 400, False, "spleen-8x16.otf"),
            ("Spleen 5x8", 700, True, "spleen-5x8.ttf"),
            ("Unifont", 400, False, "unifont.otf"),
        ],
    )
    def test_a_bundled_style_by_name(self, spec, weight, italic, file):
        assert find_face(spec, weight=weight, italic=italic).path.name == file

    @pytest.mark.parametrize("name, index", [("JP", 0), ("KR", 1), ("SC", 2), ("TC", 3), ("HK", 4)])
    def test_noto_sans_cjk_by_region(self, name, index):
        face = find_face(f"Noto Sans CJK {name}")
        assert (face.index, face.family) == (index, f"Noto Sans CJK {name}")

    def test_the_listing_begins_with_the_bundle(self, folder):
        box_font(SMALL, family="Aardvark").save(folder / "a.ttf")
        names = [family.name for family in families()]
        assert names[-1] == "Aardvark"
        assert {"DejaVu Sans", "DejaVu Sans Condensed", "Noto Emoji", "Spleen 8x16"} <= set(names)
        assert len(names) == len(set(names))
        assert [family.name for family in families(system=False)] == names[:-1]
        assert [family.bundled for family in families()] == [True] * (len(names) - 1) + [False]

    @pytest.mark.parametrize(
        "wish, order",
        [(400, [400, 500, 300, 100, 600, 900]), (500, [500, 400, 300, 100, 600, 900])],
    )
    def test_between_400_and_500_the_nearest_weight_is_sought_as_in_css(self, wish, order):
        check_order(wish, order)

    def test_light_wishes_go_lighter_first_and_bold_ones_bolder(self):
        check_order(300, [300, 100, 400, 500, 600, 900])
        check_order(600, [600, 900, 500, 400, 300, 100])

    def test_an_unknown_family_names_close_ones(self, folder):
        with pytest.raises(FontError, match=r"font='Dejavu Sams' is no .* Did you mean 'DejaVu Sans'") as caught:
            find_face("Dejavu Sams")
        assert caught.value.family == "Dejavu Sams"
        with pytest.raises(FontError, match="does not exist") as caught:
            find_face("no/such/font.ttf")
        assert caught.value.family == "no/such/font.ttf"
        with pytest.raises(FontError, match=r"Name a font file instead\."):
            find_face("Zzyzx Qwrt")
        with pytest.raises(FontError, match="font='' "):
            find_face("")


def check_order(wish: int, order: list[int]) -> None:
    left = [replace(bundle().styles[0], weight=weight) for weight in sorted(order)]
    for weight in order:
        found = closest_style(tuple(left), weight=wish, italic=False)
        assert found.weight == weight
        left.remove(found)


class TestInstalled:
    def test_a_folder_of_the_users_is_found_by_family_style_and_depth(self, folder):
        (folder / "deep/er").mkdir(parents=True)
        box_font(SMALL, family="Crates").save(folder / "deep/er/crates.ttf")
        box_font(SMALL, family="Crates", style="Bold", weight=700).save(folder / "crates-bold.TTF")
        (folder / "broken.ttf").write_bytes(BOXES.read_bytes()[:100])
        (folder / "readme.txt").write_text("no font")
        assert find_face("crates").path == folder / "deep/er/crates.ttf"
        assert find_face("crates", weight=600).path == folder / "crates-bold.TTF"

    def test_the_bundle_wins_over_an_installed_font_of_the_same_name(self, folder):
        box_font(SMALL, family="Inter").save(folder / "inter.ttf")
        assert find_face("Inter").path.is_relative_to(bundle().root)

    def test_an_installed_font_that_lacks_outlines_is_refused_when_chosen(self, folder):
        font = box_font(SMALL, family="Hollow")
        del font["glyf"], font["loca"]
        font.save(folder / "hollow.ttf")
        with pytest.raises(FontError, match=r"hollow\.ttf has no outlines"):
            find_face("Hollow")

    def test_weight_sets_the_axis_of_a_variable_font_clamped_to_its_range(self, folder):
        box_font(SMALL, family="Stretch", axes=[("wght", 300, 400, 900, "Weight")]).save(folder / "v.ttf")
        assert find_face("Stretch").variations == ()
        assert find_face("Stretch", weight=650).variations == (("wght", 650.0),)
        assert find_face("Stretch", weight=1000).variations == (("wght", 900.0),)
        assert find_face("Stretch", weight=650, axes="wght=500").variations == (("wght", 500.0),)
        assert find_face(str(folder / "v.ttf"), weight=650).variations == (("wght", 650.0),)


class TestPaths:
    def test_a_file_by_path_home_and_index(self, monkeypatch):
        assert find_face(str(BOXES)).family == "Boxes"
        monkeypatch.setenv("HOME", str(BOXES.parent))
        monkeypatch.setenv("USERPROFILE", str(BOXES.parent))
        assert find_face("~/Boxes.ttf").path == BOXES
        assert find_face(f"{BOXES}#0").index == 0
        collection = find_face("Noto Sans CJK SC").path
        assert find_face(f"{collection}#4").family == "Noto Sans CJK HK"

    def test_a_path_that_fails_is_a_path_and_not_a_family(self):
        for spec in ("../config/Verdana.ttf", "Verdana.ttf", "fonts/Verdana"):
            with pytest.raises(FontError, match="does not exist"):
                find_face(spec)
        with pytest.raises(FontError, match="there is no font 9"):
            find_face(f"{BOXES}#9")


class TestAxes:
    def test_settings_are_read(self):
        assert parse_axes("") == {}
        assert parse_axes("wght=450, wdth=87.5,slnt=-10") == {"wght": 450, "wdth": 87.5, "slnt": -10}

    @pytest.mark.parametrize("axes", ["wght", "wght=", "weight=400", "wght=bold", "wght=4_0", "wght=nan", "=4"])
    def test_nonsense_is_refused(self, axes):
        with pytest.raises(FontError, match=r"font_axes=.* is not TAG=NUMBER"):
            parse_axes(axes)


def test_the_box_font_in_the_repository_is_the_one_its_generator_makes(tmp_path):
    from box_fonts import FEATURES

    box_font(glyph_boxes(), features=FEATURES).save(tmp_path / "Boxes.ttf")
    made, kept = Face.from_file(tmp_path / "Boxes.ttf"), Face.from_file(BOXES)
    assert np.array_equal(made.unicodes, kept.unicodes)
    for cp in kept.unicodes.tolist():
        fonts = made.hb_font, kept.hb_font
        extents = [font.get_glyph_extents(font.get_nominal_glyph(cp)) for font in fonts]
        assert extents[0] == extents[1]
