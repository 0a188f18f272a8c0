"""Paragraphs choose the regional forms of Han by their own characters, unless the language of θ chooses them."""

from __future__ import annotations

import numpy as np
import pytest

from glyphrender import Theta, ThetaError, Typesetter, layout, render
from glyphrender.theta.language import language_tag


def faces(text: str, character: str, **fields: object) -> set[str]:
    """Return the families that draw the segments of `text` that are `character`."""
    typesetter = Typesetter()
    (page,) = render(text, Theta(**fields), typesetter=typesetter)
    found = set()
    for block in page._layout.blocks:
        segments = block.table.segments
        offset = 0
        for number, length in zip(segments.number.tolist(), segments.lengths().tolist(), strict=True):
            if segments.text[offset : offset + length].strip() == character:
                style = segments.store.styles[int(segments.store.style.rows[number])]
                found.add(style.stack.faces[int(segments.store.face.rows[number])].family)
            offset += length
    return found


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("直は骨", "JP"), ("カナ直骨", "JP"), ("ｶﾅ直", "JP"), ("한국 直", "KR"), ("直 ㄅㄆ", "TC"), ("直骨", "SC"),
        ("直 한국 かな", "JP"),
    ],
)  # fmt: skip
def test_kana_hangul_and_bopomofo_choose_the_forms_of_han(text: str, region: str) -> None:
    for language in ("", "en", "de"):
        assert faces(text, "直", language=language) == {f"Noto Sans CJK {region}"}


def test_the_language_of_theta_wins() -> None:
    assert faces("直は", "直", language="zh-Hans") == {"Noto Sans CJK SC"}
    assert faces("直 한국", "直", language="jpn") == {"Noto Sans CJK JP"}


def test_each_paragraph_decides_for_itself() -> None:
    assert faces("直は\n直\n直 한국\n", "直") == {f"Noto Sans CJK {region}" for region in ("JP", "SC", "KR")}
    alone = [render(line)[0].array for line in ("直は骨\n", "直骨\n")]
    both = render("直は骨\n直骨\n")[0]
    for line, array in zip(both.lines, alone, strict=True):
        top = round(line.box[1])
        assert np.array_equal(both.array[top : top + 10, :28], array[10:20, :28])


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("jpn", "ja"), ("ja_JP", "ja-JP"), ("ja-Jpan-JP", "ja-Jpan-JP"), ("JA", "ja"), ("zho", "zh"), ("chi", "zh"),
        ("kor", "ko"), ("ger", "de"), ("deu", "de"), ("zh_tw", "zh-TW"), ("ZH-HANT", "zh-Hant"),
        ("cmn-hant", "cmn-Hant"),
        ("yue", "yue"), ("zh-yue-HK", "yue-HK"), ("de-1996", "de-1996"), ("iw", "he"), ("", ""), (" en ", "en"),
    ],
)  # fmt: skip
def test_language_tags_have_one_form(written: str, tag: str) -> None:
    assert language_tag(written) == Theta(language=written).language == tag
    assert Theta(language=tag).digest == Theta(language=written).digest


@pytest.mark.parametrize(
    ("written", "meant"),
    [("jp", '"ja"'), ("japanese", '"ja"'), ("cn", "zh-Hans"), ("Korean", '"ko"'), ("xx", "BCP 47"),
     ("ja_JP.UTF-8", "")],
)  # fmt: skip
def test_what_names_no_language_is_refused_with_what_was_meant(written: str, meant: str) -> None:
    with pytest.raises(ThetaError, match="language=") as caught:
        Theta(language=written)
    assert meant in str(caught.value)
    assert caught.value.field == "language"


def test_box_drawing_reaches_the_next_line_and_none_behind_it_whatever_the_chunks() -> None:
    text = "──┼──\nword word\n──┼──\n──┼──\n"
    [whole] = layout(text, Theta(), typesetter=Typesetter())
    [parts] = layout(text, Theta(), typesetter=Typesetter(chunk_size=8))
    assert np.array_equal(whole.array, parts.array)
