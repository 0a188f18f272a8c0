"""θ: fields, rules across fields, geometry, JSON."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor
from strategies import colors, examples, thetas

from glyphrender.errors import DataError, ThetaError
from glyphrender.theta import DEFAULTS, PARAMETERS, Alignment, Theta, parameter
from glyphrender.theta import color as color
from glyphrender.theta.describe import explain, parse_value, theta_page, theta_table
from glyphrender.theta.parameter import Choice, Color, Flag, Names, Number, PageSize, Text


def bad_values() -> list[tuple[str, object]]:
    """Values that no field of that kind may take."""
    bad: dict[type, list[object]] = {
        Number: [True, "9", None, float("nan"), float("inf"), -float("inf"), 10**400, 1j, [1]],
        PageSize: [
            5,
            None,
            (595,),
            (1, 2, 3),
            "A99",
            "595",
            ("595", "842"),
            (float("nan"), 842),
            {1: 2, 3: 4},
        ],
        Choice: [None, 0, "", "MIDDLE", True],
        Flag: [None, 0, 1, "true", 1.0],
        Color: [0, "#12345", "#GGGGGG", "reddish", "#12345678", ("#000000",)],
        Text: [None, 3, "a\nb", "\ud800", "\x00", "\x9b1m", b"x"],
        Names: ["Inter", [""], [None], 3, ["a\nb"]],
    }
    cases = [(name, value) for name, accepted in PARAMETERS.items() for value in bad[type(accepted)]]
    for name, accepted in PARAMETERS.items():
        if isinstance(accepted, Number):
            low, high = accepted.range
            cases += [(name, low - 1), (name, high + 1)]
            cases += [(name, low + 0.5)] if accepted.integer else []
    return cases


@pytest.mark.parametrize(("name", "value"), bad_values(), ids=repr)
def test_a_bad_value_is_refused_in_one_line_that_names_its_field(name, value):
    with pytest.raises(ThetaError) as caught:
        Theta(**{name: value})
    assert caught.value.field == name
    assert str(caught.value).startswith(f"{name}=")
    assert "Use " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"line_height": 3}, "line_height"),
        ({"letter_spacing": -3}, "letter_spacing"),
        ({"letter_spacing": -2, "word_spacing": -2}, "word_spacing"),
        ({"margin_x": 294}, "margin_x"),
        ({"columns": 50}, "columns"),
        ({"columns": 40, "column_gap": 6}, "columns"),
        ({"left_indent": 570}, "left_indent"),
        ({"first_line_indent": 570}, "first_line_indent"),
        ({"border_padding": 284}, "border_padding"),
        ({"page_size": (30, 800), "line_numbers": 3}, "line_numbers"),
        ({"font_size": 600, "line_height": 600}, "font_size"),
        ({"first_line_indent": -1}, "first_line_indent"),
        ({"margin_y": 417}, "margin_y"),
        ({"page_size": (595, 12), "margin_y": 1.5}, "page_size"),
        ({"page_bg_color": "#000"}, "font_color"),
        ({"para_bg_color": "#222", "font_color": "#111"}, "font_color"),
        ({"page_bg_color": "#F33", "newline_markup": '<font color="red">n</font>'}, "newline_markup"),
        ({"page_size": "A3", "dpi": 800}, "dpi"),
        ({"newline_markup": "<b>x</b>"}, "newline_markup"),
        ({"newline_markup": '<font color="reddish">n</font>'}, "newline_markup"),
        ({"newline_markup": "<br/><br/>"}, "newline_markup"),
        ({"newline_markup": ""}, "newline_markup"),
        ({"font": ""}, "font"),
        ({"font_axes": "wght"}, "font_axes"),
        ({"font_axes": "wght=450,"}, "font_axes"),
        ({"language": "english language"}, "language"),
    ],
)
def test_contradictions_name_the_field_to_change(values, field):
    with pytest.raises(ThetaError) as caught:
        Theta(**values)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


def test_lines_may_overlap_when_that_is_said():
    message = (
        "line_height=3.0 pt is below font_size=9.0 pt: lines would overlap. "
        'Use line_height ≥ 9.0, or set overlap="allow".'
    )
    with pytest.raises(ThetaError, match=message.replace(".", r"\.")):
        Theta(line_height=3)
    assert Theta(line_height=3, overlap="allow").line_height == 3


def test_the_way_out_leads_out():
    """Following the advice of a message gives a valid θ."""
    assert Theta(first_line_indent=-7, left_indent=7)
    with pytest.raises(ThetaError, match=r"page_size\[0\] ≥ 1058"):
        Theta(columns=50, margin_x=10)
    assert Theta(columns=50, page_size=(1058, 842))
    with pytest.raises(ThetaError, match=r"page_size\[1\] ≥ 850"):
        Theta(margin_y=420)
    assert Theta(margin_y=420, page_size=(595, 850))


def test_the_limit_on_pixels_can_be_raised(monkeypatch):
    monkeypatch.setenv("GLYPHRENDER_MAX_MEGAPIXELS", "0.4")
    with pytest.raises(ThetaError, match="GLYPHRENDER_MAX_MEGAPIXELS"):
        Theta()
    monkeypatch.setenv("GLYPHRENDER_MAX_MEGAPIXELS", "200")
    assert Theta(page_size="A3", dpi=800).page_pixels == (9356, 13233)
    monkeypatch.setenv("GLYPHRENDER_MAX_MEGAPIXELS", "plenty")
    with pytest.raises(ThetaError, match="'plenty'"):
        Theta()


def test_values_are_brought_into_one_form():
    theta = Theta(
        alignment="justify",
        font_color="#abc",
        page_bg_color="White",
        para_bg_color="none",
        dpi=72,
        left_indent=-0.0,
    )
    assert theta.alignment is Alignment.JUSTIFY
    assert (theta.font_color, theta.page_bg_color, theta.para_bg_color) == ("#AABBCC", "#FFFFFF", "")
    assert type(theta.dpi) is float
    assert str(theta.left_indent) == "0.0"
    assert Theta(columns=2.0) == Theta(columns=2)
    assert Theta(page_size="595x842") == Theta(page_size=[595, 842]) == Theta(page_size="a4") == Theta()


@given(thetas())
def test_json_gives_theta_back(theta):
    assert Theta.from_dict(json.loads(theta.to_json())) == theta
    assert Theta.load(theta.to_dict()) == theta
    assert pickle.loads(pickle.dumps(theta)) == theta
    assert theta.replace() == theta
    assert hash(theta.replace()) == hash(theta)


@pytest.mark.slow
@given(thetas(), thetas())
def test_the_digest_tells_thetas_apart(one, other):
    assert (one.digest == other.digest) == (one == other)


def test_the_digest_is_pinned():
    # A change here changes every digest that users keep: say so in the changelog.
    assert Theta().digest == "abcbf01e9057c674276da7223d760990b7595afae9f993908a2a3530ce2c8ce7"


@given(thetas())
def test_geometry_adds_up(theta):
    width = theta.page_size[0]
    assert len(theta.column_offsets) == theta.columns
    assert theta.column_offsets[0] == theta.margin_x
    assert theta.column_offsets[-1] + theta.column_width == pytest.approx(width - theta.margin_x)
    right = theta.text_offset + theta.measure + theta.inset + theta.right_indent
    assert right == pytest.approx(theta.column_width)
    assert theta.measure - max(0.0, theta.first_line_indent) >= theta.em
    assert theta.column_height - 2 * theta.inset >= theta.line_height
    for side, pixels in zip(theta.page_size, theta.page_pixels, strict=True):
        assert pixels % theta.page_grid == 0
        assert 0 <= pixels - max(1, round(side * theta.dpi / 72)) < theta.page_grid
    assert theta.font_pixels == pytest.approx(theta.font_size * theta.scale)


@given(thetas())
def test_a_grey_page_has_no_color_on_it(theta):
    used = [theta.page_bg_color, theta.font_color, theta.background]
    used += [theta.para_border_color] if theta.border_width else []
    used += [theta.newline_marker[1]] if theta.newline_marker else []
    neutral = all(len({*color.rgb(each)}) == 1 for each in used)
    assert theta.is_grey == (neutral and theta.emoji == "MONO")


def test_files_hold_one_theta(tmp_path):
    path = tmp_path / "theta.json"
    Theta(font_size=8, newline_markup="↵").save(path)
    assert Theta.load(path) == Theta.load(str(path)) == Theta(font_size=8, newline_markup="↵")
    Theta().save(path)
    assert Theta.load(path) == Theta()
    assert [file.name for file in tmp_path.iterdir()] == ["theta.json"]
    with pytest.raises(DataError, match="nowhere"):
        Theta().save(tmp_path / "nowhere" / "theta.json")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", DataError),
        (b"{", DataError),
        (b"[]", DataError),
        (b"\xff\xfe", DataError),
        (b"[" * 100_000, DataError),
        (b'{"dpi": ' + b"1" * 5000 + b"}", DataError),
        (b'{"dpi": NaN}', ThetaError),
        (b'{"dpi": 72, "dpi": 96}', ThetaError),
        (b'{"font_sise": 9}', ThetaError),
        (b'{"font_size": "9"}', ThetaError),
    ],
)
def test_files_that_hold_none_are_refused_in_one_line(tmp_path, content, error):
    path = tmp_path / "theta.json"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        Theta.load(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(DataError, match="cannot be read"):
            Theta.load(path)


@pytest.mark.parametrize("use", [lambda n: Theta().replace(**{n: 1}), lambda n: Theta.load({n: 1}), explain])
def test_unknown_fields_are_refused_with_the_closest(use):
    with pytest.raises(ThetaError, match="Did you mean font_size") as caught:
        use("font_sise")
    assert caught.value.field == "font_sise"


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_field_parses_its_default_and_explains_itself(name):
    written = explain(name).split("default")[1].split("\n")[0].strip()
    assert parse_value(name, "" if written == "none" else written) == DEFAULTS[name]
    assert parse_value(name.replace("_", "-"), "" if written == "none" else written) == DEFAULTS[name]
    assert PARAMETERS[name].help in explain(name)
    assert f"| `{name}` |" in theta_table()


@pytest.mark.parametrize(
    ("name", "text"),
    [("dpi", "x"), ("columns", "1.5"), ("page_size", "1"), ("hyphenate", "maybe"), ("alignment", "top")],
)
def test_bad_text_for_a_field_is_refused(name, text):
    with pytest.raises(ThetaError) as caught:
        parse_value(name, text)
    assert caught.value.field == name


@given(st.text())
def test_parsing_any_text_gives_a_value_or_a_theta_error(text):
    for name, accepted in PARAMETERS.items():
        with suppress(ThetaError):
            value = parse_value(name, text)
            assert accepted.normalise(name, value) == value


def test_the_page_of_the_docs_is_up_to_date():
    page = Path(__file__).parents[1] / "docs" / "theta.md"
    assert page.read_text(encoding="utf-8") == theta_page(), "run python -m glyphrender.theta.describe > docs/theta.md"


# ── Colours and paper, against references of others ──


@given(colors())
def test_colors_are_read_as_pillow_reads_them(text):
    assert color.rgb(text) == ImageColor.getrgb(text)
    assert color.canonical(text.lower()) == text
    assert color.is_grey(text) == (len({*ImageColor.getrgb(text)}) == 1)


@pytest.mark.parametrize("name", sorted(color._NAMED))
def test_named_colors_are_those_of_css(name):
    assert color.rgb(color.canonical(name.upper())) == ImageColor.getrgb(name)


@pytest.mark.parametrize(
    # The pairs that WCAG's own understanding documents and the usual checkers are quoted with.
    ("ink", "paper", "ratio"),
    [
        ("#000000", "#FFFFFF", 21),
        ("#767676", "#FFFFFF", 4.54),
        ("#777777", "#FFFFFF", 4.48),
        ("#FF0000", "#FFFFFF", 4),
    ],
)
def test_contrast_is_that_of_wcag(ink, paper, ratio):
    assert color.contrast(ink, paper) == pytest.approx(ratio, abs=0.005)
    assert color.contrast(paper, ink) == color.contrast(ink, paper)


def test_paper_sizes_are_those_of_the_standards():
    # ISO 216 in millimetres, ANSI in inches.
    iso = {"A3": (297, 420), "A4": (210, 297), "A5": (148, 210), "B4": (250, 353), "B5": (176, 250)}
    inches = {"LETTER": (8.5, 11), "LEGAL": (8.5, 14), "TABLOID": (11, 17)}
    expected = {name: tuple(round(side / 25.4 * 72) for side in sides) for name, sides in iso.items()}
    expected |= {name: tuple(side * 72 for side in sides) for name, sides in inches.items()}
    assert expected == parameter.PAPER


# ── Presets and start-up ──


@pytest.mark.parametrize("name", Theta.presets())
def test_presets_load(name):
    theta = Theta.preset(name)
    assert Theta.from_dict(theta.to_dict()) == theta
    assert theta.digest != Theta().digest


def test_every_preset_file_is_listed():
    folder = Path(sys.modules["glyphrender.theta.presets"].__file__).parent
    assert {file.stem for file in folder.glob("*.json")} == set(Theta.presets())


def test_an_unknown_preset_is_refused_with_the_list():
    with pytest.raises(ThetaError, match="glyph-en"):
        Theta.preset("../glyph-en")


def test_pages_of_our_own_presets_are_whole_patches():
    # 28 px: two 14-px patches of GLM-4.1V and Qwen2.5-VL, merged.
    for name in Theta.presets():
        if not name.startswith("glyph-"):
            assert all(side % 28 == 0 for side in Theta.preset(name).page_pixels), name


def test_theta_needs_nothing_heavy():
    program = "import sys, glyphrender.theta as t; t.Theta(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"numpy", "skia", "PIL", "fontTools", "uharfbuzz", "hashlib"} & {*done.stdout.split()}


@examples(30)
@given(thetas(page_size=(400.0, 600.0), columns=1, line_numbers=0, dpi=96))
def test_the_strategy_keeps_fixed_fields(theta):
    assert (theta.page_size, theta.columns, theta.dpi) == ((400, 600), 1, 96)
