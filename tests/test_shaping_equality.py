"""Every line of the Declaration in a dozen languages is what HarfBuzz makes of whole paragraphs.

`benchmarks/shaping_equality.py` does the same for all languages; docs/shaping.md has its figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import whole_paragraphs

from glyphrender import Theta

TEXTS = sorted((Path(__file__).parent / "data").glob("udhr-*.txt"))


@pytest.mark.slow
@pytest.mark.parametrize("width", [120, 420])
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_lines_are_those_of_whole_paragraphs(path: Path, width: float) -> None:
    japanese = path.stem == "udhr-jpn"  # set solid, as JLREQ has it, where Noto Sans CJK kerns kana
    theta = Theta(page_size=(width, 842), kerning=not japanese, language="ja" if japanese else "")
    lines = list(whole_paragraphs.lines(path.read_text(encoding="utf-8"), theta))
    assert len(lines) >= 30
    assert [line.text for line in lines if not line.same_glyphs] == []
    assert [line.text for line in lines if not line.same_places] == []


@pytest.mark.parametrize(
    "text",
    [
        "پہلی گل وچ ڈکھ",
        "The word שלום (peace) and ١٢٣٤, then العربية again.",
        "ไทย (Thai) 2,500 ปี",
        "e\u0301 ñ̃ 中文、ABC",
    ],
    ids=["Urdu in two fonts", "both directions", "Thai and Latin", "marks and ideographs"],
)
@pytest.mark.parametrize("font", ["DejaVu Sans", "Noto Sans", "Noto Naskh Arabic"])
def test_lines_of_several_scripts_and_fonts(text: str, font: str) -> None:
    for line in whole_paragraphs.lines(text * 9, Theta(font=font, page_size=(150, 842))):
        assert line.ours.glyph.tolist() == line.theirs.glyph.tolist(), line.text


def test_a_line_that_differs_is_seen() -> None:
    """The comparison itself: HarfBuzz joins a sign to the space before it, a page does not."""
    (line,) = whole_paragraphs.lines("\u0f51\u0f42 \u0f7c\u0f66", Theta())
    assert not line.same_glyphs
    (line,) = whole_paragraphs.lines("人類社会のすべて", Theta(language="ja"))
    assert line.same_glyphs
    assert not line.same_places
