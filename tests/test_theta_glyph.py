"""Glyph's config files load as they are and come back as they were."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import thetas

from glyphrender.errors import ThetaError
from glyphrender.theta import Alignment, Theta

# The searched θ of the paper (arXiv 2510.17800), in the form its project publishes.
CONFIG_EN = {
    "page-size": "595,842",
    "dpi": 72,
    "margin-x": 10,
    "margin-y": 10,
    "font-path": "../config/Verdana.ttf",
    "font-size": 9,
    "line-height": 10,
    "font-color": "#000000",
    "alignment": "LEFT",
    "horizontal-scale": 1.0,
    "first-line-indent": 0,
    "left-indent": 0,
    "right-indent": 0,
    "space-after": 0,
    "space-before": 0,
    "border-width": 0,
    "border-padding": 0,
    "page-bg-color": "#FFFFFF",
    "para-bg-color": "#FFFFFF",
    "para-border-color": "#FFFFFF",
    "auto-crop-width": True,
    "auto-crop-last-page": True,
    "newline-markup": "<br/>",
}
RED_MARKER = '<font color="#FF0000"> \\n </font>'


@st.composite
def glyph_configs(draw):
    """Configs over the values the paper samples."""
    size = draw(st.sampled_from([7, 7.5, 8, 9, 9.5, 10, 11, 12, 14]))
    ink, paper = draw(st.permutations(["#111111", "#F0F0F0"]))
    indent = draw(st.integers(0, 20))
    return CONFIG_EN | {
        "page-size": draw(st.sampled_from(["595,842", "612,792", "419.5,595.25", "842,1191"])),
        "dpi": draw(st.integers(45, 300)),
        "margin-x": draw(st.integers(10, 40)),
        "margin-y": draw(st.integers(10, 40)),
        "font-path": draw(st.sampled_from(["../config/Verdana.ttf", "fonts/A B.ttc#2"])),
        "font-size": size,
        "line-height": size + draw(st.integers(0, 3)),
        "font-color": ink,
        "alignment": draw(st.sampled_from([*Alignment])).value,
        "horizontal-scale": draw(st.sampled_from([0.75, 0.9, 1.0])),
        "first-line-indent": draw(st.sampled_from([0, indent, -indent])),
        "left-indent": indent,
        "right-indent": draw(st.integers(0, 20)),
        "space-before": draw(st.integers(0, 12)),
        "space-after": draw(st.integers(0, 12)),
        "page-bg-color": paper,
        "para-bg-color": paper,
        "auto-crop-width": draw(st.booleans()),
        "auto-crop-last-page": draw(st.booleans()),
        "newline-markup": draw(st.sampled_from(["<br/>", RED_MARKER])),
    }


def test_the_published_config_loads(tmp_path):
    path = tmp_path / "config_en.json"
    path.write_text(json.dumps(CONFIG_EN))
    theta = Theta.load(path)
    assert theta.font == "../config/Verdana.ttf"
    same = {"para_bg_color": "", "para_border_color": "#000000", "font": "DejaVu Sans"}
    assert theta.replace(**same) == Theta()
    assert json.dumps(theta.to_glyph(), sort_keys=True) == json.dumps(
        CONFIG_EN | {"horizontal-scale": 1}, sort_keys=True
    )


@given(glyph_configs())
def test_config_to_theta_to_config_is_the_identity(config):
    theta = Theta.load(config)
    assert theta.to_glyph() == config
    assert list(theta.to_glyph()) == list(config)


@pytest.mark.slow
@given(thetas())
def test_theta_to_config_to_theta_changes_nothing_on_the_page(theta):
    back = Theta.load(theta.to_glyph())
    # Glyph always paints behind a paragraph, so "nothing" comes back as the colour of the page.
    assert back.background == theta.background
    assert back.replace(para_bg_color=theta.para_bg_color) == theta


def test_keys_left_out_have_the_defaults_of_glyphs_script():
    theta = Theta.load({"font-size": 12})
    assert (theta.line_height, theta.margin_x, theta.margin_y) == (13, 20, 20)
    assert theta.alignment is Alignment.JUSTIFY
    assert not theta.auto_crop_width
    assert not theta.auto_crop_last_page
    assert Theta.load({"font-size": None, "line-height": 0}).line_height == 10


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("alignment", "TA_CENTER", "alignment", "CENTER"),
        ("alignment", "justify", "alignment", "JUSTIFY"),
        ("alignment", 2, "alignment", "RIGHT"),
        ("page-size", [612, 792], "page_size", (612, 792)),
        ("page-size", "letter", "page_size", (612, 792)),
        ("font-color", "0x112233", "font_color", "#112233"),
        ("para-bg-color", "none", "para_bg_color", ""),
        ("dpi", "96", "dpi", 96),
        ("auto-crop-width", "false", "auto_crop_width", False),
        ("letter-spacing", 0.5, "letter_spacing", 0.5),
        ("fallback", ["Noto Sans"], "fallback", ("Noto Sans",)),
    ],
)
def test_forms_of_values(key, value, field, expected):
    assert getattr(Theta.load(CONFIG_EN | {key: value}), field) == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"alignment": "MIDDLE"}, "alignment"),
        ({"alignment": 3}, "alignment"),
        ({"alignment": [1]}, "alignment"),
        ({"page-size": "595"}, "page_size"),
        ({"font-sise": 9}, "font-sise"),
        ({"font_size": 9}, "font_size"),
        ({"font-path": 3}, "font"),
        ({"config": {}}, "config"),
    ],
)
def test_what_glyph_would_misread_in_silence_is_refused(change, field):
    with pytest.raises(ThetaError) as caught:
        Theta.load(CONFIG_EN | change)
    assert caught.value.field == field


def test_keys_that_are_no_rendering_parameters_are_reported():
    with pytest.warns(UserWarning, match="result-root, processes"):
        theta = Theta.load(CONFIG_EN | {"result-root": "out", "processes": 8})
    assert theta == Theta.load(CONFIG_EN)


@pytest.mark.parametrize("markup", [RED_MARKER, "<font color='#00F'>&#8617;</font>", '<font color="red"> &lt;</font>'])
def test_markers_are_read_as_an_xml_parser_reads_them(markup):
    element = ElementTree.fromstring(markup)
    text, color = Theta(newline_markup=markup).newline_marker
    assert text == element.text
    assert color == Theta(para_border_color=element.attrib["color"]).para_border_color


@pytest.mark.parametrize(
    ("markup", "marker"),
    [
        ("<br/>", None),
        ("<BR />", None),
        ("<br>", None),
        (RED_MARKER, (" \\n ", "#FF0000")),
        (" ↵ ", (" ↵ ", "#123456")),
        (" ", (" ", "#123456")),
    ],
)
def test_newline_markup(markup, marker):
    theta = Theta(newline_markup=markup, font_color="#123456")
    assert theta.newline_marker == marker
    assert theta.newline_markup == markup
