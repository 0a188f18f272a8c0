"""Thai, Lao, Khmer and Burmese break inside their runs of letters, and no other break changes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import uharfbuzz as hb
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from glyphrender import Theta, layout
from glyphrender.errors import DependencyError
from glyphrender.raster.typesetter import default_typesetter
from glyphrender.text import complexbreak, linebreak
from glyphrender.text.properties import codepoints
from glyphrender.theta import ComplexBreaks
from glyphrender.typeset.place import place

CLUSTER, DICTIONARY = ComplexBreaks.CLUSTER, ComplexBreaks.DICTIONARY
THAI = (Path(__file__).parent / "data" / "udhr-tha.txt").read_text(encoding="utf-8")
# The first sentence of article 1 of the Universal Declaration, or a part of it.
LAO = "ມະນຸດທຸກຄົນເກີດມາມີອິດສະຫຼະ"
KHMER = "មនុស្សទាំងអស់កើតមកមានសេរីភាព"
BURMESE = "လူတိုင်းသည်တူညီလွတ်လပ်သောဂုဏ်သိက္ခာ"
SCRIPTS = [("Noto Sans Thai", "Thai", THAI), ("Noto Sans Lao", "Laoo", LAO)]
SCRIPTS += [("Noto Sans Khmer", "Khmr", KHMER), ("Noto Sans Myanmar", "Mymr", BURMESE)]


def allowed(text: str, breaks: ComplexBreaks | None) -> list[int]:
    """Return the indices of the characters at which a line may begin."""
    cps = codepoints(text)
    actions = linebreak.break_actions(cps)
    if breaks:
        complexbreak.add_breaks(cps, actions, breaks)
    return (np.flatnonzero(actions[:-1] == linebreak.ALLOWED) + 1).tolist()


def segments(text: str, breaks: ComplexBreaks) -> str:
    ends = [*allowed(text, breaks), len(text)]
    return "|".join(text[start:end] for start, end in zip([0, *ends], ends, strict=False))


@pytest.mark.parametrize(
    "by_cluster",
    ["ลูก|เกิด|มา|มี|เสรีภาพ", "ขึ้น|ใน|เกียรติ|ศักดิ์|และ|สิทธิ", "จันทร์|เป็น|ต่าง|ๆ"],
)
def test_cluster_breaks_never_part_what_thai_spelling_ties_together(by_cluster: str) -> None:
    text = by_cluster.replace("|", "")
    cuts = allowed(text, CLUSTER)
    assert len(cuts) >= 4
    for cut in cuts:
        assert text[cut - 1] not in "เแโใไ\u0e31\u0e37\u0e47"
        assert text[cut] not in "ะาำๅๆฯ"
        assert text[cut + 1 : cut + 2] != "\u0e4c"


def test_burmese_syllables_are_kept_whole() -> None:
    assert segments(BURMESE, CLUSTER) == "လူ|တိုင်း|သည်|တူ|ညီ|လွတ်|လပ်|သော|ဂုဏ်|သိ|က္ခာ"


def test_khmer_breaks_where_no_subscript_is() -> None:
    assert segments(KHMER, CLUSTER) == "ម|នុ|ស្ស|ទាំ|ង|អស់|កើ|ត|ម|ក|មា|ន|សេ|រី|ភា|ព"


@given(st.one_of(texts(), st.text(st.sampled_from(THAI + LAO + KHMER + BURMESE + " (\u200d\u2060๑)\u0301a"))))
def test_cluster_breaks_lie_between_grapheme_clusters_of_these_scripts(text: str) -> None:
    regex = pytest.importorskip("regex")
    plain, found = set(allowed(text, None)), set(allowed(text, CLUSTER))
    assert plain <= found
    clusters = {match.start() for match in regex.finditer(r"\X", text)}
    for cut in found - plain:
        assert cut in clusters
        assert regex.match(r"\p{lb=SA}", text[cut - 1])
        assert regex.match(r"(?V1)[\p{lb=SA}--\p{M}]", text[cut])
        assert not regex.match(r"\p{Logical_Order_Exception}", text[cut - 1])


@pytest.mark.parametrize("text", [THAI, LAO, KHMER, BURMESE], ids=["Thai", "Lao", "Khmer", "Burmese"])
def test_dictionary_breaks_are_those_of_icu(text: str) -> None:
    breakers = pytest.importorskip("icu4py.breakers")
    for line in text.split("\n"):
        ends = np.cumsum([len(segment) for segment in breakers.LineBreaker(line, "th")]).tolist()
        assert [*allowed(line, DICTIONARY), len(line)] == ends or not line


@pytest.mark.parametrize("text", ["ᩃᩣ᩠ᨶᨶᩣ", "ᥖᥭᥰ", "ᩃᩣ ไ"], ids=["Tai Tham", "Tai Le", "and one letter of Thai"])
def test_scripts_without_a_dictionary_break_at_clusters(text: str) -> None:
    pytest.importorskip("icu4py")
    assert allowed(text, DICTIONARY) == allowed(text, CLUSTER) != []


@pytest.mark.parametrize("breaks", [CLUSTER, DICTIONARY])
@pytest.mark.parametrize("family, script, text", SCRIPTS, ids=[script for _, script, _ in SCRIPTS])
def test_what_a_break_parts_is_shaped_as_one(family: str, script: str, text: str, breaks: ComplexBreaks) -> None:
    """A page of short lines has the glyphs of the unbroken text, in the same order."""
    if breaks is DICTIONARY:
        pytest.importorskip("icu4py")
    theta = Theta(font=family, page_size=(70, 14000), margin_x=0, complex_breaks=breaks)
    primary = default_typesetter().shaper.style(theta).stack.primary
    text = "".join(character for character in (text * 4)[:600] if primary.covers(codepoints(character)).all())
    text = " ".join(text.split())
    (page,) = layout(text, theta)
    lines = [line.text for line in page.lines]
    assert len(lines) >= 4
    broken_inside = [line for line in lines[:-1] if not line.endswith(" ")]
    assert len(broken_inside) >= 3
    widths = [line.box[2] - line.box[0] for line in page.lines]
    assert max(widths) <= 70
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.script, buffer.direction = script, "ltr"
    hb.shape(primary.hb_font, buffer, {})
    expected = [info.codepoint for info in buffer.glyph_infos if text[info.cluster] != " "]
    (block,) = next(default_typesetter().layout_pages(text, theta)).blocks
    placed = place(block, theta)
    assert not placed.face.any()
    assert placed.glyph.tolist() == expected


def test_lines_of_thai_are_filled() -> None:
    """With breaks at spaces only, and through phrases longer than a line, lines would be filled to 77%."""
    theta = Theta(font="Noto Sans Thai", page_size=(150, 14000), margin_x=0)
    (page,) = layout(" ".join(THAI.split()), theta)
    widths = np.array([line.box[2] - line.box[0] for line in page.lines][:-1])
    assert widths.mean() > 0.94 * 150


def test_breaks_do_not_depend_on_other_scripts_in_the_text() -> None:
    """With ideographs or Hebrew nearby, the analysis takes another path."""
    theta = Theta(page_size=(90, 4000), margin_x=0)
    first = "".join(THAI.split("\n")[3:6]) + "\n"
    alone = [line.text for page in layout(first, theta) for line in page.lines]
    for other in ("中文。", "אבג", "\u2028"):
        beside = [line.text for page in layout(first + other, theta) for line in page.lines]
        assert beside[: len(alone)] == alone


def test_dictionary_needs_the_extra_before_any_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py", None)
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    complexbreak.dictionary.cache_clear()
    default_typesetter().clear()
    try:
        with pytest.raises(DependencyError, match=r"complex_breaks=DICTIONARY .* '\.\[icu\]'"):
            next(iter(layout("plain English", Theta(complex_breaks="DICTIONARY"))))
        list(layout(LAO, Theta()))
    finally:
        complexbreak.dictionary.cache_clear()
