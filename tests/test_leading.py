"""Lines whose ink reaches over the next line are found, and `leading=FIT` gives them room."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from strategies import examples, texts, thetas

from glyphrender import Theta, Typesetter, compression_ratio, render
from glyphrender.theta import Emoji, Leading, MissingGlyph

TALL = {
    "Tibetan": "བསྒྲུབས་བརྒྱད་རྫོགས་སྐྱོན་འགྲོ་བ་མིའི་རིགས་རྒྱུད་ ",
    "Myanmar": "ဂုဏ်သိက္ခာဖြင့်လည်းကောင်း၊ ဖွဲ့စည်းပုံ ",
    "Thai": "ที่ ปู่ ญู ฐู ฟู้ น้ำ พื้นที่ ",
    "Latin": "Z̷̢̛̤͔̊a̵͇̐l̷͎̓g̶̱̈o̸̤͝ ẤẦẨ gjpqyợ ",
}
PLAIN = {
    "english": "The quick brown fox (jumps) over [the] lazy dog, {naïve} café. ",
    "chinese": "中文字日本語漢，人人生而自由。",
    "russian": "Все люди рождаются свободными и равными. ",
    "hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में ",
}


@pytest.mark.parametrize("script", TALL)
def test_tall_scripts_collide_and_do_not_where_lines_fit(script: str) -> None:
    text = TALL[script] * 40
    found = render(text).collisions
    assert found[script] >= 1
    assert render(text, {"leading": "FIT"}).collisions == {}
    assert render(text, {"line_height": 40}).collisions == {}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_ordinary_text_collides_nowhere_and_looks_the_same_with_either_leading(text: str) -> None:
    for theta in (Theta(), Theta.preset("book"), Theta(line_height=13)):
        document = render(text * 60, theta)
        assert document.collisions == {}
    roomy = {"line_height": 16}
    pages = render(text * 60, roomy), render(text * 60, {**roomy, "leading": "FIT"})
    for fixed, fit in zip(*pages, strict=True):
        assert np.array_equal(fixed.array, fit.array)


@pytest.mark.parametrize("script", TALL)
def test_no_line_has_ink_in_another_when_it_fits(script: str) -> None:
    """The ink of a line is looked for in its pixels."""
    alone = render(TALL[script], {"leading": "FIT"})[0]
    ink = np.flatnonzero((alone.array < 255).any(axis=1))
    box = alone.lines[0].box
    assert ink[0] >= np.floor(box[1]) - 1
    assert ink[-1] <= np.ceil(box[3]) + 1
    several = render(f"{TALL[script]}\n" * 5, {"leading": "FIT"})[0]
    for upper, lower in zip(several.lines, several.lines[1:], strict=False):
        assert upper.box[3] <= lower.box[1] + 1e-6
        assert upper.box[3] - upper.box[1] == pytest.approx(box[3] - box[1])


def test_pages_take_as_many_lines_as_their_heights_allow() -> None:
    text = (TALL["Tibetan"] + "\n" + PLAIN["english"] + "\n") * 60
    document = render(text, {"leading": "FIT", "page_size": (400, 200)})
    assert "".join(page.text for page in document) == text
    for page in document:
        assert page.lines[-1].box[3] <= 190 + 1e-6
    fixed = render(text, {"page_size": (400, 200)})
    assert len(document) > len(fixed)
    sizes = [page.size for page in document]
    ratio = compression_ratio(text, theta={"leading": "FIT", "page_size": (400, 200)}, tokenizer=len)
    assert [cost.size for cost in ratio.pages] == sizes


def test_a_line_is_never_higher_than_a_column() -> None:
    text = "Z" + "\u0301" * 400 + "\nb\n"
    document = render(text, {"leading": "FIT", "page_size": (100, 60)})
    for page in document:
        assert all(0 <= line.box[1] < line.box[3] <= 60 for line in page.lines)


def test_ink_that_the_edge_of_the_page_cuts_is_a_collision() -> None:
    text = "Z" + "\u0301" * 8
    assert render(text, {"margin_y": 0}).collisions.keys() == {"Latin"}
    assert render(text, {"margin_y": 0, "leading": "FIT"}).collisions == {}


def test_the_manifest_and_the_pickled_page_tell_of_collisions(tmp_path: Path) -> None:
    document = render(TALL["Tibetan"] * 40)
    manifest = document.save(tmp_path / "pages")
    assert manifest["pages"][0]["collisions"] == document[0].collisions
    assert json.loads((tmp_path / "pages" / "manifest.json").read_text())["pages"][0]["collisions"]
    document.save(tmp_path / "pages")  # a folder with such a manifest is still our own
    assert pickle.loads(pickle.dumps(document[0])).collisions == document[0].collisions
    assert "collisions" not in render("plain").save(tmp_path / "plain")["pages"][0]


@examples(6)
@given(texts(), texts(), thetas(leading=Leading.FIT, emoji=Emoji.MONO, missing_glyph=MissingGlyph.BOX, hyphenate=False))
def test_pages_of_fitted_lines_are_the_same_appended(first: str, second: str, theta: Theta) -> None:
    typesetter = Typesetter()
    begun = render(first, theta, typesetter=typesetter)
    begun.extend_text(second)
    whole = render(first + second, theta, typesetter=typesetter)
    assert [(page.size, page.lines) for page in begun] == [(page.size, page.lines) for page in whole]
