"""A face reports what fontTools reports of its font, and a font that cannot draw text is refused."""

import hashlib
import os
import pickle
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES, box_font, glyph_boxes
from fontTools.ttLib import TTCollection, TTFont

from glyphrender import Theta, render
from glyphrender.errors import FontError
from glyphrender.fonts import EM, Face
from glyphrender.fonts.bundle import bundle
from glyphrender.fonts.library import families, find_face

BUNDLED = [style for style in bundle().styles if style.family in ("DejaVu Sans", "Inter", "Noto Sans CJK JP")]
SMALL = {0x41: ((0, 0, 800, 800), 1000)}


@pytest.fixture
def variable(tmp_path: Path) -> Path:
    path = tmp_path / "variable.ttf"
    box_font(SMALL, axes=[("wght", 400, 400, 900, "Weight")]).save(path)
    return path


def characters(text: str) -> np.ndarray:
    return np.array([ord(c) for c in text], np.uint32)


@pytest.mark.parametrize("style", BUNDLED, ids=lambda style: f"{style.path.name}#{style.index}")
def test_metrics_and_coverage_are_those_fonttools_reads(style):
    face = Face.from_file(style.path, index=style.index)
    font = TTFont(style.path, fontNumber=style.index)
    cmap = font.getBestCmap()
    assert set(face.unicodes.tolist()) == set(cmap)
    every = np.arange(0x110000, dtype=np.uint32)
    assert face.covers(every).nonzero()[0].tolist() == sorted(cmap)
    upem = font["head"].unitsPerEm
    assert face.ascent == pytest.approx(font["hhea"].ascent / upem, abs=1e-4)
    assert face.descent == pytest.approx(-font["hhea"].descent / upem, abs=1e-4)
    assert face.line_gap == pytest.approx(font["hhea"].lineGap / upem, abs=1e-4)
    assert face.weight == font["OS/2"].usWeightClass
    assert face.italic == bool(font["OS/2"].fsSelection & 1)
    glyph = face.hb_font.get_nominal_glyph(ord("A"))
    assert face.hb_font.get_glyph_h_advance(glyph) == pytest.approx(font["hmtx"][cmap[65]][0] * EM / upem, abs=1)
    assert face.typeface.countGlyphs() == font["maxp"].numGlyphs
    assert face.typeface.unicharToGlyph(ord("A")) == glyph


def test_advances_and_boxes_of_the_box_font_are_as_tabled():
    face = Face.from_file(BOXES)
    assert set(face.unicodes.tolist()) == set(glyph_boxes())
    for cp, (box, advance) in glyph_boxes().items():
        glyph = face.hb_font.get_nominal_glyph(cp)
        assert face.hb_font.get_glyph_h_advance(glyph) == round(advance * EM / 1000)
        extents = face.hb_font.get_glyph_extents(glyph)
        left, top = extents.x_bearing, extents.y_bearing
        found = np.array([left, top + extents.height, left + extents.width, top]) * 1000 / EM
        assert found == pytest.approx(box or (0, 0, 0, 0), abs=0.1)
    assert (face.family, face.style, face.weight, face.italic) == ("Boxes", "Regular", 400, False)
    assert not face.has_color


def test_making_a_face_touches_no_file():
    face = Face(path=Path("/nowhere/at/all.ttf"))
    assert face == Face(path=Path("/nowhere/at/all.ttf"))
    with pytest.raises(FontError, match=r"all\.ttf cannot be read"):
        _ = face.hb_font
    with pytest.raises(FontError, match=r"all\.ttf"):
        _ = face.digest


def test_an_open_face_survives_pickling():
    face = Face.from_file(BOXES)
    _ = face.typeface, face.hb_font, face.digest
    again = pickle.loads(pickle.dumps(face))
    assert again == face
    assert again.digest == face.digest


def test_skia_is_not_imported_before_a_typeface_is_asked_for():
    program = (
        "import sys, numpy as np; from glyphrender.fonts import font_stack; s = font_stack('DejaVu Sans');"
        "s.primary.hb_font; s.assign(np.array([65], np.uint32), np.array([True])); s.digest;"
        "print([m for m in ('skia', 'fontTools', 'PIL') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


class TestVariations:
    def test_an_axis_widens_what_harfbuzz_and_skia_see_alike(self, variable):
        regular, black = Face.from_file(variable), Face.from_file(variable, variations={"wght": 900})
        middle = Face.from_file(variable, variations={"wght": 650})
        glyph = regular.hb_font.get_nominal_glyph(ord("A"))
        advances = [face.hb_font.get_glyph_h_advance(glyph) / EM for face in (regular, middle, black)]
        assert advances == pytest.approx([1.0, 1.5, 2.0], abs=1e-3)

        import skia

        widths = [skia.Font(face.typeface, 1000).getWidths([glyph])[0] for face in (regular, middle, black)]
        assert widths == pytest.approx([1000, 1500, 2000], abs=2)
        assert [face.weight for face in (regular, middle, black)] == [400, 650, 900]
        assert regular.axes == {"wght": (400, 400, 900)}

    def test_digest_depends_on_bytes_index_and_axes(self, variable, tmp_path):
        copy = tmp_path / "copy.ttf"
        copy.write_bytes(variable.read_bytes())
        digests = {
            Face(path=variable).digest,
            Face(path=variable, index=1).digest,
            Face(path=variable, variations=(("wght", 500.0),)).digest,
        }
        assert len(digests) == 3
        assert Face(path=copy).digest in digests
        known = hashlib.sha256(variable.read_bytes()).hexdigest()
        assert Face(path=variable, file_sha256=known).digest == Face(path=variable).digest

    def test_an_unknown_axis_names_the_ones_there_are(self, variable):
        with pytest.raises(FontError, match=r"has no axis 'wdth'\. It has wght\."):
            Face.from_file(variable, variations={"wdth": 100})
        with pytest.raises(FontError, match=r"Boxes\.ttf has no axis 'wght'\. It is not a variable font\."):
            Face.from_file(BOXES, variations={"wght": 500})

    @pytest.mark.parametrize("value", [399, 901, float("nan"), float("inf")])
    def test_a_value_out_of_range_names_the_range(self, variable, value):
        with pytest.raises(FontError, match=r"out of range\. Use 400 … 900"):
            Face.from_file(variable, variations={"wght": value})


class TestCollections:
    @pytest.fixture
    def collection(self, tmp_path: Path) -> Path:
        path = tmp_path / "two.ttc"
        fonts = TTCollection()
        fonts.fonts = [box_font(SMALL, family="One"), box_font(SMALL, family="Two")]
        fonts.save(path)
        return path

    def test_the_index_chooses_the_font(self, collection):
        names = [Face.from_file(collection, index=index).family for index in (0, 1)]
        assert names == ["One", "Two"]
        assert Face.from_file(collection, index=1).typeface.getFamilyName() == "Two"

    @pytest.mark.parametrize("index", [2, -1])
    def test_an_index_out_of_range_is_refused(self, collection, index):
        with pytest.raises(FontError, match=rf"holds 2 fonts; there is no font {index}"):
            Face.from_file(collection, index=index)

    def test_a_single_font_has_index_0_only(self):
        with pytest.raises(FontError, match="holds one font; there is no font 1"):
            Face.from_file(BOXES, index=1)


def without(*tags: str) -> TTFont:
    font = TTFont(BOXES)
    for tag in tags:
        del font[tag]
    return font


class TestRefused:
    def test_a_file_that_does_not_exist(self, tmp_path):
        with pytest.raises(FontError, match=r"none\.ttf does not exist"):
            Face.from_file(tmp_path / "none.ttf")

    def test_a_directory(self, tmp_path):
        with pytest.raises(FontError, match="is a directory"):
            Face.from_file(tmp_path)

    @pytest.mark.skipif(sys.platform == "win32", reason="pipes and sockets have no names there")
    @pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "loop"])
    def test_what_is_no_regular_file_is_not_opened(self, tmp_path, kind):
        path = tmp_path / "font.ttf"
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "device":
                path = Path("/dev/zero")
            case "link to a device":
                path.symlink_to("/dev/zero")
            case _:
                path.symlink_to("font.ttf")
        for call in (
            lambda: Face.from_file(path),
            lambda: Face(path=path).hb_face,
            lambda: Face(path=path).digest,
            lambda: render("x", Theta(font=str(path)))[0],
        ):
            with pytest.raises(FontError, match=r"a pipe, not a regular|a device, not a regular|cannot be read"):
                call()

    def test_a_pipe_among_installed_fonts_is_passed_over(self, tmp_path, monkeypatch):
        os.mkfifo(tmp_path / "pipe.ttf")
        (tmp_path / "Boxes.ttf").write_bytes(BOXES.read_bytes())
        monkeypatch.setenv("GLYPHRENDER_FONTS", str(tmp_path))
        assert any(family.name == "Boxes" for family in families())

    def test_a_file_without_permission(self, monkeypatch):
        def denied(path: object, flags: int) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", denied)
        with pytest.raises(FontError, match=r"Boxes\.ttf cannot be read \(Permission denied\)"):
            Face.from_file(BOXES)

    @pytest.mark.parametrize("content", [b"", b"\0", b"Call me Ishmael. " * 99, bytes(4096), b"%!PS-AdobeFont"])
    def test_what_is_not_a_font(self, tmp_path, content):
        path = tmp_path / "novel.ttf"
        path.write_bytes(content)
        with pytest.raises(FontError, match=r"is not a font|cut short"):
            Face.from_file(path)

    @pytest.mark.parametrize("signature", [b"wOFF", b"wOF2"])
    def test_a_web_font(self, tmp_path, signature):
        path = tmp_path / "web.woff2"
        path.write_bytes(signature + bytes(100))
        with pytest.raises(FontError, match="web font"):
            Face.from_file(path)

    @pytest.mark.parametrize("kept", [3, 8, 11, 40, 500, 5000, 11000])
    def test_a_file_cut_short(self, tmp_path, kept):
        path = tmp_path / "short.ttf"
        path.write_bytes(BOXES.read_bytes()[:kept])
        with pytest.raises(FontError, match=r"cut short|is not a font"):
            Face.from_file(path)

    def test_a_collection_cut_short(self, tmp_path):
        path = tmp_path / "short.ttc"
        path.write_bytes(b"ttcf" + struct.pack(">III", 0x10000, 2, 99))
        with pytest.raises(FontError, match="cut short"):
            Face.from_file(path, index=1)

    @pytest.mark.parametrize(
        "font, message",
        [
            (without("cmap"), "no character map"),
            (without("glyf", "loca"), "no outlines"),
            (without("hmtx"), "lacks the table 'hmtx'"),
            (box_font(SMALL, cmap={}), "maps no Unicode character"),
        ],
        ids=["cmap", "outlines", "metrics", "empty"],
    )
    def test_a_font_that_lacks_what_is_needed(self, tmp_path, font, message):
        path = tmp_path / "lacking.ttf"
        font.save(path)
        with pytest.raises(FontError, match=message):
            Face.from_file(path)

    def test_a_symbol_font(self, tmp_path):
        font = TTFont(BOXES)
        subtable = font["cmap"].tables[-1]
        subtable.platformID, subtable.platEncID = 3, 0
        font["cmap"].tables = [subtable]
        font.save(tmp_path / "symbols.ttf")
        with pytest.raises(FontError, match="no Unicode character map"):
            Face.from_file(tmp_path / "symbols.ttf")

    def test_random_damage_never_gets_past_a_typed_error(self, tmp_path):
        good, rng, path = BOXES.read_bytes(), random.Random(20261124), tmp_path / "damaged.ttf"
        for _ in range(300):
            damaged = bytearray(good)
            for _ in range(rng.choice([1, 4, 32])):
                damaged[rng.randrange(rng.choice([12, 300, len(good)]))] = rng.randrange(256)
            path.write_bytes(damaged)
            message = ""
            try:
                face = Face.from_file(path)
                face.covers(characters("Aa"))
                assert np.isfinite([face.ascent, face.descent, face.line_gap]).all()
            except FontError as error:
                message = str(error)
            assert not message or ("damaged.ttf" in message and "\n" not in message)


def test_a_code_point_is_covered_alone_as_among_others() -> None:
    face = find_face("DejaVu Sans")
    cps = np.array([0, 0x41, 0x4E00, 0x1D552, *face.unicodes[-3:], face.unicodes[-1] + 1, 0x10FFFF], np.uint32)
    assert [face.has(cp) for cp in cps.tolist()] == face.covers(cps).tolist()
