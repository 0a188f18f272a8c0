"""The HarfBuzz rasteriser: boxes are checked exactly, and everything else is compared with Skia."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import uharfbuzz
from box_fonts import BOXES, box_font, draw, glyph_boxes
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from hidden_libraries import run_without, why_not
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glyphrender.errors import DependencyError, ResourceError
from glyphrender.fonts.face import Face
from glyphrender.raster import canvas as canvases
from glyphrender.raster import harfbuzz, sheet
from glyphrender.raster.canvas import SkiaCanvas, rasteriser
from glyphrender.raster.glyph_style import GlyphStyle
from glyphrender.raster.harfbuzz import HarfBuzzCanvas
from glyphrender.raster.mask_cache import MaskCache
from glyphrender.raster.rows import Row, Rows
from glyphrender.raster.skia_library import missing_library_message
from glyphrender.raster.tone import tone_curve

Pixels = NDArray[np.uint8]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
FONTS = Path(__file__).parents[1] / "fonts"
MASKS = MaskCache(max_bytes=1 << 26)
SHADES = " .:-=+*#@"

colors = st.tuples(*[st.integers(0, 255)] * 3)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Face:
    path = tmp_path_factory.mktemp("fonts") / "boxes.ttf"
    box_font(glyph_boxes()).save(path)
    return Face.from_file(path)


def bundled(name: str) -> Face:
    path = FONTS / name
    if not path.exists():
        pytest.skip(f"{name} is not in this checkout")
    return Face.from_file(path)


def paint(
    canvas: type,
    face: Face,
    rows: list[Row],
    color: tuple[int, int, int] = BLACK,
    background: tuple[int, int, int] = WHITE,
    *,
    shape: tuple[int, int] = (40, 60),
    grey: bool = True,
    size: float = 10.0,
    scale_x: float = 1.0,
    subpixel: bool = True,
    antialias: bool = True,
    masks: MaskCache = MASKS,
) -> Pixels:
    page = canvas(shape[1], shape[0], grey=grey, background=background, masks=masks)
    page.glyphs(GlyphStyle(face, size, scale_x, "NONE", subpixel, antialias), Rows.of(rows), color)
    return page.pixels


def prose_rows(face: Face, size: float, scale_x: float = 1.0, width: int = 400) -> list[Row]:
    """Return lines of the standard library's own source text, shaped by HarfBuzz."""
    rows: list[Row] = []
    for line in filter(None, map(str.strip, inspect.getsource(textwrap).splitlines()[:45])):
        buffer = uharfbuzz.Buffer()
        buffer.add_str(line)
        buffer.guess_segment_properties()
        uharfbuzz.shape(face.hb_font, buffer)
        pen = np.cumsum([0, *(position.x_advance for position in buffer.glyph_positions)])
        x = 5.0 + pen[:-1] * size * scale_x / 65536
        glyphs = [info.codepoint for info, at in zip(buffer.glyph_infos, x, strict=True) if at < width]
        rows.append((12.0 + 1.2 * size * len(rows), glyphs, x[: len(glyphs)].tolist()))
    return rows


def art(pixels: Pixels) -> list[str]:
    return ["".join(SHADES[(255 - int(value)) * 8 // 255] for value in row).rstrip() for row in pixels]


def glyph(face: Face, character: str) -> int:
    return int(face.hb_font.get_nominal_glyph(ord(character)))


# -- Boxes, by counting ------------------------------------------------------------------------------


def test_boxes_stand_on_the_baseline(boxes: Face) -> None:
    glyphs = [glyph(boxes, character) for character in "Ag1"]
    pixels = paint(HarfBuzzCanvas, boxes, [(9.0, glyphs, [1.0, 11.0, 17.0])], shape=(12, 21))
    assert art(pixels) == [
        "",
        " @@@@@@@@        @@@",
        " @@@@@@@@        @@@",
        " @@@@@@@@        @@@",
        " @@@@@@@@  @@@@@ @@@",
        " @@@@@@@@  @@@@@ @@@",
        " @@@@@@@@  @@@@@ @@@",
        " @@@@@@@@  @@@@@ @@@",
        " @@@@@@@@  @@@@@ @@@",
        "           @@@@@",
        "           @@@@@",
        "",
    ]


@pytest.mark.parametrize("quarter", range(4))
def test_edges_are_blended_by_the_area_covered(boxes: Face, quarter: int) -> None:
    pixels = paint(HarfBuzzCanvas, boxes, [(9.0, [glyph(boxes, "1")], [2 + quarter / 4])], shape=(12, 8))
    alpha = tone_curve(0)[[255 - 255 * quarter // 4, 255, 255, (255 * quarter + 2) // 4]]
    np.testing.assert_allclose(pixels[4, 2:6], 255 - alpha.astype(int), atol=1)


def test_baselines_snap_to_whole_pixels_and_x_to_quarters(boxes: Face) -> None:
    a = [glyph(boxes, "a")]
    assert np.array_equal(
        paint(HarfBuzzCanvas, boxes, [(9.4, a, [3.3])]), paint(HarfBuzzCanvas, boxes, [(9.0, a, [3.25])])
    )
    assert np.array_equal(
        paint(HarfBuzzCanvas, boxes, [(9.5, a, [3.4])], subpixel=False),
        paint(HarfBuzzCanvas, boxes, [(10.0, a, [3.0])], subpixel=False),
    )


def overlapping(path: Path, kind: str) -> Face:
    """Return a font with a glyph of two boxes that overlap at a corner, in TrueType or CFF outlines."""
    pair = (0, 0, 500, 500), (300, 300, 800, 800)
    if kind == "TrueType":
        font = box_font({0x41: ((0, 0, 800, 800), 1000)})
        font["glyf"]["A"] = draw(*pair)
        font.save(path)
        return Face.from_file(path)
    pen = T2CharStringPen(1000, None)
    for left, bottom, right, top in pair:
        pen.moveTo((left, bottom))
        for corner in ((right, bottom), (right, top), (left, top)):
            pen.lineTo(corner)
        pen.closePath()
    empty = T2CharStringPen(1000, None).getCharString()
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({0x41: "A"})
    builder.setupCFF("Pair", {}, {".notdef": empty, "A": pen.getCharString()}, {})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "A": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Pair", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.font.save(path)
    return Face.from_file(path)


@pytest.mark.parametrize("kind", ["TrueType", "CFF"])
def test_overlapping_contours_leave_no_hole(tmp_path: Path, kind: str) -> None:
    face = overlapping(tmp_path / "pair.font", kind)
    pixels = paint(HarfBuzzCanvas, face, [(8.0, [glyph(face, "A")], [0.0])], shape=(8, 8))
    assert art(pixels) == ["   @@@@@"] * 3 + ["@@@@@@@@"] * 2 + ["@@@@@"] * 3


def test_variations_are_drawn(tmp_path: Path) -> None:
    font = box_font({0x41: ((0, 0, 400, 800), 500)}, axes=[("wdth", 100, 100, 200, "Width")])
    font.save(tmp_path / "wide.ttf")
    narrow, wide = (Face.from_file(tmp_path / "wide.ttf", variations={"wdth": width}) for width in (100.0, 200.0))
    ink = [int((paint(HarfBuzzCanvas, face, [(20.0, [1], [2.0])]) == 0).sum(axis=1).max()) for face in (narrow, wide)]
    assert ink == [4, 8]


@pytest.mark.parametrize("left", [0.0, 0.2, 0.45, 0.7, 0.95])
def test_thin_strokes_do_not_vanish_from_bilevel_pages(tmp_path: Path, left: float) -> None:
    shift = round(left * 100)
    box_font({0x41: ((shift, 0, shift + 30, 800), 1000)}).save(tmp_path / "thin.ttf")
    pixels = paint(HarfBuzzCanvas, Face.from_file(tmp_path / "thin.ttf"), [(10.0, [1], [4.0])], antialias=False)
    assert set(np.unique(pixels)) == {0, 255}
    assert ((pixels == 0).sum(axis=1) == [0] * 2 + [1] * 8 + [0] * 30).all()


# -- Skia as the reference ----------------------------------------------------------------------------


@given(
    positions=st.lists(st.floats(-15, 70, width=32), min_size=1, max_size=6),
    baseline=st.floats(-10, 55, width=32),
    color=colors,
    background=colors,
    grey=st.booleans(),
    subpixel=st.booleans(),
)
@example([0.125, 3.375, 3.874999], 9.5, (255, 0, 0), (255, 255, 255), False, True)
@example([1.5], 1.0, (224, 192, 160), (0, 0, 0), False, True)
def test_boxes_are_skias_to_the_level(
    boxes: Face,
    positions: list[float],
    baseline: float,
    color: tuple[int, int, int],
    background: tuple[int, int, int],
    grey: bool,
    subpixel: bool,
) -> None:
    if grey:
        color, background = (color[0],) * 3, (background[0],) * 3
    rows = [(baseline, [glyph(boxes, "a")] * len(positions), positions)]
    theirs, ours = (
        paint(canvas, boxes, rows, color, background, grey=grey, subpixel=subpixel)
        for canvas in (SkiaCanvas, HarfBuzzCanvas)
    )
    # A box at quarters of a pixel has coverages of 0, 64, 128, 191 or 255, which the two may round differently.
    assert np.abs(theirs.astype(int) - ours).max() <= 3


@pytest.mark.parametrize(
    ("font", "size", "scale_x", "color", "background"),
    [
        ("dejavu/DejaVuSans.ttf", 9.0, 1.0, BLACK, WHITE),
        ("dejavu/DejaVuSans.ttf", 9.0, 1.0, WHITE, BLACK),
        ("dejavu/DejaVuSans.ttf", 9.0, 1.0, (30, 60, 200), (250, 240, 230)),
        ("dejavu/DejaVuSerif.ttf", 8.21, 0.8, BLACK, WHITE),
        ("dejavu/DejaVuSansMono.ttf", 24.0, 1.0, (64, 64, 64), (255, 255, 200)),
        ("inter/Inter-Regular.otf", 9.25, 1.0, BLACK, WHITE),
        ("noto/NotoSans-Regular.ttf", 11.0, 1.0, BLACK, WHITE),
    ],
)
def test_prose_looks_as_skia_draws_it(
    font: str,
    size: float,
    scale_x: float,
    color: tuple[int, int, int],
    background: tuple[int, int, int],
) -> None:
    face = bundled(font)
    rows = prose_rows(face, size, scale_x)
    theirs, ours = (
        paint(canvas, face, rows, color, background, shape=(500, 420), grey=False, size=size, scale_x=scale_x).astype(
            int
        )
        for canvas in (SkiaCanvas, HarfBuzzCanvas)
    )
    off, paper = np.abs(theirs - ours), np.array(background)
    inked = (theirs != paper) | (ours != paper)
    assert off[inked].mean() < 1.5
    assert off.max() <= 24
    assert np.abs(ours - paper).sum() / np.abs(theirs - paper).sum() == pytest.approx(1.0, abs=0.005)


def test_bilevel_prose_has_skias_ink() -> None:
    face = bundled("dejavu/DejaVuSans.ttf")
    rows = prose_rows(face, 16.0)
    theirs, ours = (
        paint(canvas, face, rows, shape=(500, 420), size=16.0, antialias=False) == 0
        for canvas in (SkiaCanvas, HarfBuzzCanvas)
    )
    assert ours.sum() / theirs.sum() == pytest.approx(1.0, abs=0.01)
    assert (ours != theirs).sum() < 0.02 * theirs.sum()


@given(st.lists(st.floats(-20, 60, width=32), min_size=4, max_size=4), colors, colors)
def test_rectangles_are_skias(corners: list[float], color: tuple[int, int, int], paper: tuple[int, int, int]) -> None:
    (x0, x1), (y0, y1) = sorted(corners[:2]), sorted(corners[2:])
    theirs, ours = (
        SkiaCanvas(40, 30, grey=False, background=paper, masks=MASKS),
        HarfBuzzCanvas(40, 30, grey=False, background=paper, masks=MASKS),
    )
    for canvas in (theirs, ours):
        canvas.fill(x0, y0, x1, y1, color)
    # Skia rounds the coordinates of antialiased edges to 1/256 px or so: three levels at a corner.
    assert np.abs(theirs.pixels.astype(int) - ours.pixels).max() <= 4


@given(
    st.tuples(st.integers(-5, 10), st.integers(-5, 10), st.integers(20, 50), st.integers(20, 40)),
    st.sampled_from([0.5, 1.0, 1.5, 2.0, 4.0]),
    colors,
)
def test_frames_are_skias(box: tuple[int, int, int, int], width: float, color: tuple[int, int, int]) -> None:
    theirs, ours = (
        canvas(40, 30, grey=False, background=WHITE, masks=MASKS) for canvas in (SkiaCanvas, HarfBuzzCanvas)
    )
    for canvas in (theirs, ours):
        canvas.frames(np.array([box]), width, color)
    assert np.abs(theirs.pixels.astype(int) - ours.pixels).max() <= 4


# -- What must not change a page ----------------------------------------------------------------------


def test_a_frame_lies_inside_its_rectangle() -> None:
    canvas = HarfBuzzCanvas(8, 6, grey=True, background=WHITE, masks=MASKS)
    canvas.frames(np.array([[1.0, 1, 7, 5]]), 1, BLACK)
    assert art(canvas.pixels) == ["", " @@@@@@", " @    @", " @    @", " @@@@@@", ""]


def test_a_stroke_wider_than_half_the_frame_fills_it() -> None:
    framed, filled = (HarfBuzzCanvas(8, 6, grey=True, background=WHITE, masks=MASKS) for _ in range(2))
    framed.frames(np.array([[1.0, 1, 7, 5]]), 30, BLACK)
    filled.fill(1, 1, 7, 5, BLACK)
    assert np.array_equal(framed.pixels, filled.pixels)


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)) | st.tuples(st.floats(-20, 80), st.floats(-20, 60)),
        max_size=12,
    )
)
def test_clipping_a_page_is_cropping_a_larger_one(boxes: Face, points: list[tuple[float, float]]) -> None:
    a = [glyph(boxes, "g")]
    # Whole numbers, so that nothing is rounded in float32 when the rows are shifted to the larger page.
    rows = [(float(round(y)), a, [float(round(x))]) for x, y in points]
    shifted = [(y + 30, glyphs, [x[0] + 30]) for y, glyphs, x in rows]
    page = paint(HarfBuzzCanvas, boxes, rows)
    larger = paint(HarfBuzzCanvas, boxes, shifted, shape=(100, 120))
    assert np.array_equal(page, larger[30:70, 30:90])


def test_glyphs_on_one_pixel_are_blended_in_order(boxes: Face) -> None:
    a, x = glyph(boxes, "a"), [3.5, 3.25, 3.5, 7.75]
    at_once = paint(HarfBuzzCanvas, boxes, [(9.0, [a] * 4, x)], (90, 90, 90))
    canvas = HarfBuzzCanvas(60, 40, grey=True, background=WHITE, masks=MASKS)
    for position in x:
        style = GlyphStyle(boxes, 10.0, 1.0, "NONE", True, True)
        canvas.glyphs(style, Rows.of([(9.0, [a], [position])]), (90, 90, 90))
    assert np.array_equal(at_once, canvas.pixels)


@pytest.mark.parametrize("limit", ["SHEET_PIXELS", "max_bytes", "BATCH_PIXELS"])
def test_limits_of_the_cache_change_no_pixel(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = [bundled(f"dejavu/DejaVuSans{style}.ttf") for style in ("", "-Bold")] * 2
    rows = prose_rows(faces[0], 9.0)[:4]
    expected = [paint(HarfBuzzCanvas, face, rows, shape=(80, 420), size=9.0) for face in faces]
    masks = MaskCache(max_bytes=1 if limit == "max_bytes" else 1 << 26)
    if limit != "max_bytes":
        monkeypatch.setattr(sheet if limit == "SHEET_PIXELS" else harfbuzz, limit, 1)
    for face, page in zip(faces, expected, strict=True):
        assert np.array_equal(paint(HarfBuzzCanvas, face, rows, shape=(80, 420), size=9.0, masks=masks), page)
    assert masks.holds["fonts at a size"] == (1 if limit == "max_bytes" else 2)


def test_threads_share_the_cache() -> None:
    face = bundled("dejavu/DejaVuSans.ttf")
    rows = prose_rows(face, 9.0)
    masks = MaskCache(max_bytes=1 << 26)

    def page(_: int) -> bytes:
        return paint(HarfBuzzCanvas, face, rows, shape=(500, 420), size=9.0, masks=masks).tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(page, range(16)))) == 1


def test_nothing_to_draw_is_drawn(boxes: Face) -> None:
    space = glyph(boxes, " ")
    for rows in ([], [(5.0, [], [])], [(5.0, [space, space], [1.0, 2.0])]):
        assert (paint(HarfBuzzCanvas, boxes, rows) == 255).all()


@given(st.sampled_from([grey << 5 | grey << 2 | grey >> 1 for grey in range(8)]))
def test_the_tone_curve_keeps_its_ends_and_never_falls(grey: int) -> None:
    curve = tone_curve(grey).astype(int)
    assert (curve[0], curve[255]) == (0, 255)
    assert (np.diff(curve) >= 0).all()


# -- Without Skia -------------------------------------------------------------------------------------


def test_the_module_imports_neither_skia_nor_pillow() -> None:
    code = (
        "import sys, glyphrender.raster.harfbuzz\n"
        "print(sorted({'skia', 'PIL', 'uharfbuzz', 'fontTools'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (
            ImportError("libEGL.so.1: cannot open shared object file: No such file or directory"),
            ["libEGL.so.1", "apt-get install libegl1 libgl1", "dnf install libglvnd-egl libglvnd-glx"],
        ),
        (ImportError("/usr/lib/x86_64-linux-gnu/libGL.so.1: file too short"), ["libGL.so.1", "libgl1"]),
        (ImportError("libexpat.so.1: cannot open shared object file"), ["libexpat1"]),
        (ModuleNotFoundError("No module named 'skia'", name="skia"), ["pip install skia-python"]),
        (ImportError("undefined symbol:\n _ZN4"), ["undefined symbol: _ZN4", "Reinstall"]),
    ],
)
def test_the_message_names_the_library_and_the_packages(error: ImportError, names: list[str]) -> None:
    message = missing_library_message(error)
    assert all(name in message for name in names)
    assert "\n" not in message


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [("libEGL.so.1", "libGL.so.1"), ("libGL.so.1",)])
def test_a_system_without_opengl_gets_the_message_and_the_same_page(
    tmp_path: Path, boxes: Face, hidden: tuple[str, ...]
) -> None:
    if reason := why_not(*hidden):
        pytest.skip(reason)
    script = tmp_path / "draw.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            from glyphrender.fonts.face import Face
            from glyphrender.raster.glyph_style import GlyphStyle
            from glyphrender.raster.harfbuzz import HarfBuzzCanvas
            from glyphrender.raster.mask_cache import MaskCache
            from glyphrender.raster.rows import Rows
            from glyphrender.raster.skia_library import missing_library_message
            try:
                import skia
            except ImportError as error:
                print(missing_library_message(error))
            canvas = HarfBuzzCanvas(60, 40, grey=True, background=(255, 255, 255), masks=MaskCache(max_bytes=1 << 26))
            style = GlyphStyle(Face.from_file({str(boxes.path)!r}), 10.0, 1.0, "NONE", True, True)
            canvas.glyphs(style, Rows.of([(9.0, [1, 2, 3], [1.5, 20.25, 40.0])]), (0, 0, 0))
            print(canvas.pixels.tobytes().hex())
            """
        )
    )
    (tmp_path / "work").mkdir()
    done = run_without(hidden, [sys.executable, str(script)], tmp_path / "work")
    assert done.stderr == ""
    message, page = done.stdout.splitlines()
    assert message.startswith(f"{hidden[0]}, which skia-python needs, is missing")
    here = paint(HarfBuzzCanvas, boxes, [(9.0, [1, 2, 3], [1.5, 20.25, 40.0])])
    assert page == here.tobytes().hex()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_draws_does_not_hang(boxes: Face) -> None:
    rows = [(20.0, np.array([3, 4], np.uint32), np.array([2.0, 20.0]))]
    drawn = paint(HarfBuzzCanvas, boxes, rows)
    with MASKS.lock:
        child = os.fork()
        if not child:
            signal.alarm(300)
            os._exit(0 if np.array_equal(paint(HarfBuzzCanvas, boxes, rows), drawn) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_unknown_rasteriser_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLYPHRENDER_RASTER", "cairo")
    canvases.rasteriser.cache_clear()
    with pytest.raises(DependencyError, match="GLYPHRENDER_RASTER='cairo' is not a rasteriser"):
        canvases.canvas(10, 10, grey=True, background=WHITE, masks=MASKS)
    canvases.rasteriser.cache_clear()


@pytest.mark.parametrize(
    ("reason", "shortage"),
    [
        ("libpng16.so.16: failed to map segment from shared object", True),
        ("skia.so: cannot open shared object file: Too many open files", True),
        ("skia.so: failed to map segment from shared object: Operation not permitted", False),
        ("libEGL.so.1: cannot open shared object file: No such file or directory", False),
    ],
)
def test_a_shortage_is_not_taken_for_a_missing_library(
    monkeypatch: pytest.MonkeyPatch, reason: str, shortage: bool
) -> None:
    """Else pages would have other pixels where memory is scarce."""

    class Refusing:
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "skia":
                raise ImportError(reason)

    monkeypatch.delenv("GLYPHRENDER_RASTER", raising=False)
    monkeypatch.delitem(sys.modules, "skia", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    rasteriser.cache_clear()
    try:
        if shortage:
            with pytest.raises(ResourceError, match="Skia cannot be loaded"):
                rasteriser()
        else:
            assert rasteriser() == "harfbuzz"
    finally:
        rasteriser.cache_clear()


def test_a_glyph_beyond_the_last_of_a_damaged_font_has_no_ink() -> None:
    """A font whose maxp says 0 glyphs, or whose lookups name more than there are, raised an IndexError."""
    face = Face.from_file(BOXES)
    style = GlyphStyle(face=face, size=10, scale_x=1, hinting="NONE", subpixel=True, antialias=True)
    glyph, count = face.hb_font.get_nominal_glyph(ord("A")), face.hb_face.glyph_count
    assert glyph is not None
    *_, which = sheet.Sheet(style).ink(np.array([count, count + 1, 65535, glyph]) * 4)
    assert set(which.tolist()) == {3}
