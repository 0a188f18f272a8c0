"""Reports and plots of every kind: no text becomes markup, one policy, contrast in both schemes, names for all."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from every_report import ATTACK, every_report
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from glyphrender.report import colors
from glyphrender.report.look import note, report_page, section
from glyphrender.report.plots import Frame, mark
from glyphrender.report.tables import ReportTable

SVG = "{http://www.w3.org/2000/svg}"
HARMLESS = "plain"


class Elements(HTMLParser):
    """Elements of a page with the names of their attributes, and the texts of scripts and style sheets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.counted: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.values: list[tuple[str, dict[str, str | None]]] = []
        self.inner: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counted[tag, tuple(sorted(name for name, _ in attrs))] += 1
        self.values.append((tag, dict(attrs)))
        self._open = ""
        if tag in self.inner and dict(attrs).get("type") != "application/json":
            self._open = tag
            self.inner[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inner[self._open][-1] += data


@pytest.fixture(scope="module")
def attacked() -> dict[str, str]:
    return every_report(ATTACK)


@pytest.fixture(scope="module")
def pages(attacked: dict[str, str]) -> dict[str, str]:
    return {name: page for name, page in attacked.items() if name.endswith(".html")}


@pytest.mark.slow
def test_no_element_and_no_attribute_comes_from_a_text(attacked: dict[str, str]) -> None:
    for name, harmless in every_report(HARMLESS).items():
        found, expected = Elements(attacked[name]).counted, Elements(harmless).counted
        # A title appears where a name is too long for its place.
        for counted in (found, expected):
            counted.pop(("title", ()), None)
        assert found == expected, name
        assert not {attribute for _, names in found for attribute in names if attribute.startswith("on")}, name


@pytest.mark.slow
def test_a_page_loads_nothing_and_names_its_script_and_its_styles(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        parts = Elements(page)
        policies = [values["content"] for _, values in parts.values if values.get("http-equiv")]
        assert len(policies) == 1, name
        policy = policies[0] or ""
        assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src '")
        assert "unsafe" not in policy
        for kind in ("script", "style"):
            assert parts.inner[kind], name
            for text in parts.inner[kind]:
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy, (name, kind)
        for tag, values in parts.values:
            assert "style" not in values, (name, tag)
            assert (values.get("src") or "data:image/png;").startswith("data:image/png;"), name
            assert (values.get("href") or "#").startswith("#"), name
        assert not re.search(r"url\(|@import|https?:", "".join(parts.inner["style"])), name


@pytest.mark.slow
def test_pages_can_be_read_without_seeing_them(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        parts = Elements(page).values
        of = lambda tag: [values for found, values in parts if found == tag]  # noqa: E731, B023
        assert of("html")[0]["lang"] == "en"
        assert len(of("h1")) == len(of("main")) == len(of("header")) == 1, name
        assert all(values["alt"] for values in of("img")), name
        assert all(values["scope"] in ("col", "row") for values in of("th")), name
        assert all(values["aria-label"] for tag, values in parts if values.get("role") == "region"), name
        for values in of("svg"):
            assert values.get("aria-hidden") == "true" or values["role"] == "img", name
        ids = [str(values["id"]) for _, values in parts if "id" in values]
        assert len(ids) == len(set(ids)), name
        for values in of("svg"):
            assert set((values.get("aria-labelledby") or "").split()) <= set(ids), name
        links = [values["href"] for values in of("a")]
        assert all(str(link)[1:] in ids for link in links), name
        levels = [int(tag[1]) for tag, _ in parts if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), name


@pytest.mark.slow
def test_plots_are_xml_with_a_title_and_a_description(attacked: dict[str, str]) -> None:
    for name, plot in attacked.items():
        if name.endswith(".svg"):
            root = ElementTree.fromstring(plot)
            assert root.attrib["role"] == "img", name
            assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"], name
            assert all(child.text for child in root[:2]), name
            assert root.attrib["aria-labelledby"].split() == [child.attrib["id"] for child in root[:2]], name
            assert {element.tag for element in root.iter()} <= {
                f"{SVG}{tag}"
                for tag in ("svg", "title", "desc", "style", "rect", "path", "text", "g", "circle", "polyline")
            }, name


@settings(max_examples=50)
@given(text=st.text())
def test_any_text_is_a_title_of_a_plot_and_a_cell_of_a_table(text: str) -> None:
    frame = Frame(width=300, height=200, left=20, right=100, top=9, bottom=30)
    parts = [*frame.titles(text, text), *frame.legend([(mark(0, 0, 0, "series-0", text), text)])]
    root = ElementTree.fromstring(frame.document(parts, title=text, description=text))
    assert root[0].tag == f"{SVG}title"
    table = ReportTable(columns=("a", text), rows=[(text, "1"), ("2",)], kinds=("chosen", ""))
    assert (
        Elements(table.html()).counted.total()
        == Elements(ReportTable(columns=("a", "b"), rows=[("x", "1"), ("2",)]).html()).counted.total()
    )
    lines = table.markdown().split("\n")
    assert len(lines) == 4
    assert len(table.text().split("\n")) == 3


def test_a_legend_lists_a_series_whose_name_looks_like_its_last_line() -> None:
    frame = Frame(width=300, height=200, left=20, right=100, top=9, bottom=30)
    drawn = "".join(frame.legend([("", "… and 1"), ("", "b")]))
    assert ">b</text>" in drawn


@given(text=st.text(max_size=40))
def test_a_cell_of_markdown_holds_no_markup(text: str) -> None:
    shown = (
        MarkdownIt("commonmark").enable("table").render(ReportTable(columns=("a", "b"), rows=[(text, "1")]).markdown())
    )
    found = {tag for tag, _ in Elements(shown).counted}
    assert "script" not in found
    assert found <= {"table", "thead", "tr", "th", "tbody", "td", "em", "strong", "a", "img"}
    assert Elements(shown).counted["td", ()] + Elements(shown).counted["td", ("style",)] == 2


# -- colors ------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """Return the relative luminance of "#rrggbb" (WCAG 2.2)."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    # WCAG's own examples: black on white, and #767676, the palest grey that passes on white.
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_text_and_marks_have_contrast_in_both_schemes() -> None:
    """Colors are read from the style sheets of a page and of a plot, as a browser gets them."""
    sheet = Elements(report_page("title", [section("a", note("b"))])).inner["style"][0]
    schemes = re.findall(r":root \{([^}]*)\}", sheet)
    assert len(schemes) == 2
    declared = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", scheme)) for scheme in schemes]
    texts = set(re.findall(r"[ {;]color: (.*?)[;} ]", sheet)) - {"inherit"}
    grounds = set(re.findall(r"background: (.*?)[;} ]", sheet))
    assert {"var(--ink)", "var(--quiet)", "var(--alarm)"} <= texts
    assert {"var(--ground)", "var(--panel)"} <= grounds
    for found in declared:
        for text in texts:
            for ground in grounds:
                ink, behind = (found[name.removeprefix("var(--").removesuffix(")")] for name in (text, ground))
                assert contrast(ink, behind) >= 4.5, (text, ground)
    frame = Frame(width=9, height=9, left=1, right=1, top=1, bottom=1)
    rules = ElementTree.fromstring(frame.document([], title="t", description="d")).find(f"{SVG}style")
    assert rules is not None
    dark = dict(re.findall(r"\.plot \.f-([a-z0-9-]+) \{ fill: (#[0-9a-f]{6}) \}", rules.text or ""))
    light = {name: re.findall(r' fill="(#[0-9a-f]{6})"', colors.paint(fill=name))[0] for name in dark}
    for scheme in (light, dark):
        marks = [name for name in scheme if name.startswith(("series-", "step-"))]
        assert len(marks) == len(colors.SERIES) + len(colors.STEPS)
        for name in marks:
            # Names are set in the colors of series; steps are marks alone.
            assert contrast(scheme[name], scheme["ground"]) >= (4.5 if name.startswith("series") else 3), name
