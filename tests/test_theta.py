"""θ: fields, rules across fields, geometry, JSON."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor
from strategies import colors, examples, thetas

from glyphrender.errors import DataError, ThetaError
from glyphrender.theta import DEFAULTS, PARAMETERS, Alignment, Theta, parameter
from glyphrender.theta import color as color
from glyphrender.theta.describe import explain, parse_value, theta_page, theta_table
from glyphrender.theta.language import Language
from glyphrender.theta.parameter import Choice, Color, CountOrAuto, Names, Number, PageSize, TextLine, TrueOrFalse


def bad_values() -> list[tuple[str, object]]:
    """Values that no field of that kind may take."""
    bad: dict[type, list[object]] = {
        Number: [True, "9", None, float("nan"), float("inf"), -float("inf"), 10**400, 1j, [1]],
        CountOrAuto: [True, "9", None, float("nan"), 10**400, [1], "", "automatic", b"auto"],
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
        TrueOrFalse: [None, 0, 1, "true", 1.0],
        Color: [0, "#12345", "#GGGGGG", "reddish", "#12345678", ("#000000",)],
        TextLine: [None, 3, "a\nb", "\ud800", "\x00", "\x9b1m", b"x"],
        Language: [None, 3, "a\nb", "jp", "japanese", "zz", "e", "zh-", "ja_JP.UTF-8", "deutsch", b"ja", "\ud800"],
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


# ── Colors and paper, against references of others ──


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


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "a" * 300])
def test_a_name_that_no_file_can_have_is_refused_in_one_line(path):
    with pytest.raises(DataError, match="Name a JSON file of θ") as refused:
        Theta.load(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", Theta.preset_names())
def test_presets_load(name):
    theta = Theta.preset(name)
    assert Theta.from_dict(theta.to_dict()) == theta
    assert theta.digest != Theta().digest


def test_every_preset_file_is_listed():
    folder = Path(sys.modules["glyphrender.theta.presets"].__file__).parent
    assert {file.stem for file in folder.glob("*.json")} == set(Theta.preset_names())


def test_an_unknown_preset_is_refused_with_the_list():
    with pytest.raises(ThetaError, match="glyph-en"):
        Theta.preset("../glyph-en")


def test_pages_of_our_own_presets_are_whole_patches():
    # 28 px: two 14-px patches of GLM-4.1V and Qwen2.5-VL, merged.
    for name in Theta.preset_names():
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


# ── Digests, which files and journals hold: no change of this package may change them ──

DIGESTS = {
    "glyph-en": "3b780610ab89643230a1d1df2b095835a02cf322625a80df683a7ab25a469a8c",
    "glyph-zh": "d572271bdb20a49e1ffce34b7d3d13567d36198bd0aaba5537f3e3013bd81ba8",
    "code": "0f74794fc95cf28371aef94d1670f96de35ff698fbebf63ec0120241d481ffd0",
    "code-flow": "87f72b74de8fd300fb18d69c4fc306ec939ac50c362f4889e5a4b31cc050d989",
    "log": "8808509190d798ab303ec612266a930d9fc7b019f5c0a6a997afd19d7d546198",
    "dense": "6504e4897d15fbd3d01c459038a374705f9de64261eb22498bd9d8ad68516daa",
    "dense-zh": "c277f1e325d7ef7962e7da9ed77ba687300af0e201f416e2b10ce518a5031cb9",
    "scan-6": "cc878bc2dd618414426c680c683d0c24aaef3e8c3217f1df8f4ccb8073de44c6",
    "scan-8": "4cda083a8154af5ba64eef376264a26b6fb70b898b70c15e8e17d480fffb5d68",
    "scan-10": "c1c984c1906a4162665d3409aa40e4ec3ec7ad917ba23eca653dd119e6817870",
    "book": "0661c3d7d989fbe9493c9e9c1c7470a673184051dc19a3c631d20e536fb82841",
    "document_style": "2e10568099ed5f02c0452f361a13b00c108260b5c94322a244c83b22ff46a081",
    "web_style": "d3a67d49ff8729ef1a1d9bded1e6e9329bf1ca08dea745da6a38c806a6855be0",
    "dark_mode": "381b592df72c0627c5e5992a3a5b55952d1a8b3c350921b9e94ecaf21e48485f",
    "code_style": "8d55c0e0f66afa48875e3f3b4c8009142ea84c15d3570e5fe6cadba8e4926c8f",
    "artistic_pixel": "3986dec9b2456cbbdde3f67b544732e59a026feb79675c86412fe5fd881d62fd",
}


def test_digests_of_the_defaults_and_of_all_presets_stay() -> None:
    # A change here changes every digest that users keep: say so in the changelog.
    assert Theta().digest == "abcbf01e9057c674276da7223d760990b7595afae9f993908a2a3530ce2c8ce7"
    assert {name: Theta.preset(name).digest for name in Theta.preset_names()} == DIGESTS
    aligned = Theta.preset("glyph-en@qwen3-vl")
    assert aligned.digest == "6c8aa4ead6bc843a6c52266cd7cdf4f669091748d3ec6135e8876c313abd84b5"


def test_the_digest_of_a_drawn_theta_stays() -> None:
    drawn = Theta.sample(np.random.default_rng(7))
    assert drawn.digest == "6dcc9913993bfbd0d4bae27626ee76dae5980c647f762350fb450de68ca78142"


# ── `Theta.of`, the constructor, `repr` and `diff` ──


def test_of_takes_what_stands_for_a_theta() -> None:
    theta = Theta(dpi=96)
    assert Theta.of(theta) is theta
    assert Theta.of(None) == Theta.of({}) == Theta()
    assert Theta.of("dense") == Theta.preset("dense")
    assert Theta.of("dense@qwen3-vl") == Theta.preset("dense").align_to("qwen3-vl")
    assert Theta.of({"dpi": 96}) == theta
    assert Theta.of({"dpi": 96, "margin-x": 20}) == Theta.load({"dpi": 96, "margin-x": 20})


@pytest.mark.parametrize("value", [9, 1.5, b"dense", Path("theta.json"), ["dense"], Theta])
def test_of_refuses_other_types_and_names_them(value: object) -> None:
    with pytest.raises(ThetaError, match=f"has the type {type(value).__name__}. .*Theta.load for a file") as caught:
        Theta.of(value)
    assert caught.value.field == "theta"


@pytest.mark.parametrize(
    "make",
    [
        Theta,
        Theta().replace,
        lambda **fields: Theta.from_dict(fields),
        lambda **fields: Theta.of(fields),
        lambda **fields: Theta.load(fields),
        lambda **fields: Theta.sample(np.random.default_rng(0), **fields),
        lambda **fields: dataclasses.replace(Theta(), **fields),
    ],
)
def test_a_misspelt_field_is_refused_with_a_suggestion_wherever_it_is_given(make) -> None:
    with pytest.raises(ThetaError, match=r"no field 'font_sze'\. Did you mean font_size\?") as caught:
        make(font_sze=8)
    assert caught.value.field == "font_sze"


def test_fields_without_a_name_are_refused() -> None:
    with pytest.raises(ThetaError, match=r"fields by name.*got 'dense'. Theta.of"):
        Theta("dense")


@given(thetas())
def test_copies_and_pickles_are_equal(theta) -> None:
    for again in (pickle.loads(pickle.dumps(theta)), copy.copy(theta), copy.deepcopy(theta), theta.replace()):
        assert again == theta
        assert hash(again) == hash(theta)
        assert again.digest == theta.digest


def test_editors_and_type_checkers_see_the_fields() -> None:
    assert list(inspect.signature(Theta.__init__).parameters) == ["self", *PARAMETERS]
    assert list(inspect.signature(Theta).parameters) == list(PARAMETERS)


def test_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(Theta()) == "Theta()"
    assert repr(Theta(font_size=8, dpi=96)) == "Theta(dpi=96.0, font_size=8.0)"
    assert repr(Theta(alignment="justify", fallback=["Inter"])) == "Theta(fallback=('Inter',), alignment='JUSTIFY')"


@given(thetas())
def test_repr_is_python_that_gives_the_same_theta(theta) -> None:
    assert eval(repr(theta)) == theta


@pytest.mark.slow
@given(thetas(), thetas())
def test_diff_is_what_has_to_be_replaced(one, other) -> None:
    difference = one.diff(other)
    assert one.replace(**{name: there for name, (_, there) in difference.items()}) == other
    assert all(getattr(one, name) == here != there for name, (here, there) in difference.items())
    assert not one.diff(one)


def test_diff_compares_with_the_defaults_or_with_what_stands_for_a_theta() -> None:
    theta = Theta(dpi=96)
    assert theta.diff() == theta.diff({}) == {"dpi": (96.0, 72.0)}
    assert theta.diff("dense") == theta.diff(Theta.preset("dense"))


ODD_FILES = {
    "deep": "[" * 200_000,
    "deep objects": '{"a":' * 100_000,
    "twice": '{"font_size": 9, "font_size": 12}',
    "twice, a long key": '{"' + "k" * 10**6 + '": 1, "' + "k" * 10**6 + '": 2}',
    "not a number": '{"font_size": NaN}',
    "infinite": '{"font_size": Infinity}',
    "too large": '{"dpi": 1e400}',
    "100,000 digits": '{"dpi": ' + "9" * 100_000 + "}",
    "4,000 digits": '{"dpi": 1' + "0" * 4000 + "}",
    "a Glyph config of 400 digits": '{"font-size": 1' + "0" * 400 + "}",
    "a class": '{"__class__": "os.system"}',
    "self": '{"self": 1}',
    "cls": '{"cls": 1, "args": 2}',
    "a NUL": '{"\\u0000": 1}',
    "a long key": '{"' + "k" * 10**6 + '": 1}',
    "a lone surrogate": '{"font": "\\ud800"}',
    "a long value": '{"newline_markup": "<font color=\\"#FF0000\\">' + "<" * 10**6 + '</font>"}',
    "a list": "[]",
    "a number": "1",
    "nothing": "",
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_is_one_error_of_bounded_length(name: str, tmp_path) -> None:
    path = tmp_path / "theta.json"
    path.write_text(ODD_FILES[name], encoding="utf-8")
    with pytest.raises((DataError, ThetaError)) as raised:
        Theta.load(path)
    assert len(str(raised.value)) < 1500
    assert "\n" not in str(raised.value)


def test_a_theta_file_is_no_device_no_folder_and_not_huge(tmp_path) -> None:
    with pytest.raises(DataError, match="a directory, not a regular file"):
        Theta.load(tmp_path)
    if os.path.exists("/dev/zero"):
        with pytest.raises(DataError, match="a device, not a regular file"):
            Theta.load("/dev/zero")
    (tmp_path / "disk.img").write_bytes(b" " * (5 << 20))
    with pytest.raises(DataError, match="more than 4,194,304 bytes, too many for a θ"):
        Theta.load(tmp_path / "disk.img")


@pytest.mark.parametrize("name", ["self", "cls", "args", "fields", "changes", "", "\0", "θ"])
def test_no_name_of_a_field_is_mistaken_for_a_parameter_of_python(name: str) -> None:
    for call in (lambda: Theta(**{name: 1}), lambda: Theta().replace(**{name: 1}), lambda: Theta.from_dict({name: 1})):
        with pytest.raises(ThetaError, match="has no field"):
            call()
