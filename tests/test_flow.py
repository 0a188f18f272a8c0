"""Text that flows over line ends: nothing is lost, and pages do not depend on how the text arrives."""

from __future__ import annotations

import random
from itertools import zip_longest

import numpy as np
import pytest
from box_fonts import BOXES
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

from glyphrender import Page, Theta, ThetaError, Typesetter, default_typesetter, layout, layout_each, render
from glyphrender.raster.source_lines import numbered_lines
from glyphrender.text.flow import Flow
from glyphrender.text.source import chunks
from glyphrender.text.unwrap import joins
from glyphrender.typeset import shares
from glyphrender.typeset.style import consumption, flow_of

SMALL = Theta(page_size=(240, 90), margin_x=4, margin_y=4)
PROSE = """\
It is a truth universally acknowledged, that a single man in possession
of a good fortune, must be in want of a wife.

However little known the feelings or views of such a man may be on his
first entering a neighbourhood, this truth is so well fixed in the minds
of the surrounding families, that he is considered the rightful property
of some one or other of their daughters.

  eggs
  milk


"My dear Mr. Bennet," said his lady to him one day, "have you heard that
Netherfield Park is let at last?"
"""
CHINESE = """\
北國風光千里冰封萬里雪飄望長城內外惟餘莽莽大河上下頓失滔滔山舞銀蛇
原馳蠟象欲與天公試比高須晴日看紅裝素裹分外妖嬈江山如此多嬌引無數
英雄競折腰
"""
POLICIES = ("KEEP", "INDENT", "HALF", "MARK")


def drawn_lines(text: str, **fields: object) -> list[str]:
    """Return the source of each line of a page that is wide enough for any line of the text."""
    theta = Theta(page_size=(9000, 4000), **fields)
    return [line.text for page in layout(text, theta) for line in page.lines]


def outline(pages: list[Page]) -> list[object]:
    return [
        (page.number, page.span, page.size, [(line.start, line.end, line.box) for line in page.lines], page.text)
        for page in pages
    ]


def same(ours: list[Page], theirs: list[Page]) -> None:
    for one, other in zip_longest(ours, theirs):
        assert outline([one]) == outline([other])
        assert [(word.start, word.end) for word in one.words] == [(word.start, word.end) for word in other.words]
        assert np.array_equal(one.array, other.array)


def rows_of_text() -> st.SearchStrategy[str]:
    """Return texts of wrapped lines, short lines, blank lines and trouble, in any order."""
    wrapped = st.integers(0, 10**6).map(
        lambda seed: " ".join(random.Random(seed).choices(("of", "a", "fortune", "must", "wanted", "Bennet,"), k=13))[
            :70
        ]
    )
    rows = st.one_of(
        wrapped,
        wrapped,
        wrapped.map(lambda row: f"  {row}  "),
        st.sampled_from(
            (
                "",
                "",
                " ",
                "\t",
                "end.",
                "- item",
                "x = 1;",
                "a" * 200,
                "Name: value",
                "א ב",
                "中文字。",
                "\f",
                "a\rb",
                "\u3000",
                "\u00a0",
            )
        ),
        st.sampled_from((" " * 170, "\x1b[1mbold\x1b[0m", "it-", "¶", "\u2028")),
    )
    return st.lists(st.tuples(rows, st.sampled_from(("\n", "\n", "\n", "\r\n", "\n\n"))), max_size=22).map(
        lambda pairs: "".join(row + end for row, end in pairs)
    )


# -- what is joined --------------------------------------------------------------------------------------


def test_the_lines_of_a_paragraph_are_one_line() -> None:
    assert drawn_lines(PROSE, unwrap=True) == [
        "It is a truth universally acknowledged, that a single man in possession\n"
        "of a good fortune, must be in want of a wife.\n",
        "\n",
        PROSE.split("\n\n")[1] + "\n",
        "\n",
        "  eggs\n",
        "  milk\n",
        "\n",
        "\n",
        '"My dear Mr. Bennet," said his lady to him one day, "have you heard that\nNetherfield Park is let at last?"\n',
    ]


def test_a_joined_line_looks_as_if_the_newline_were_a_space() -> None:
    wrapped, written = PROSE.split("\n\n")[0], PROSE.split("\n\n")[0].replace("\n", " ")
    for carriage in ("", "\r", "  \r", " "):
        ours = render(wrapped.replace("\n", f"{carriage}\n"), SMALL.replace(unwrap=True))
        theirs = render(written, SMALL)
        for page, other in zip(ours, theirs, strict=True):
            assert np.array_equal(page.array, other.array)


def test_nothing_stands_between_ideographs_and_after_hyphens() -> None:
    theta = SMALL.replace(page_size=(500, 90), unwrap=True, font="Noto Sans CJK SC")
    assert np.array_equal(render(CHINESE, theta)[0].array, render(CHINESE.replace("\n", ""), theta)[0].array)
    text = "The truth is that nobody had ever seen such a wonderfully well-\nordered house in that part of the world.\n"
    theta = SMALL.replace(page_size=(700, 90))
    ours, theirs = render(text, theta.replace(unwrap=True))[0], render(text.replace("-\n", "-"), theta)[0]
    # The two halves of the word are shaped apart, so a kern between them may be missing.
    assert abs(ours.lines[0].box[2] - theirs.lines[0].box[2]) < 1
    assert "".join(line.text for line in ours.lines) == text


def test_words_and_find_go_over_a_joined_line_end() -> None:
    page = render(PROSE, Theta(page_size=(9000, 400), unwrap=True))[0]
    assert [word.text for word in page.words][10:17] == ["man", "in", "possession", "of", "a", "good", "fortune"]
    boxes = {word.text: word.box for word in page.words[:20]}
    assert boxes["possession"][1] == boxes["of"][1]
    assert boxes["possession"][2] < boxes["of"][0]
    (found,) = page.find("possession\nof")
    assert found.box[0] == pytest.approx(boxes["possession"][0])
    assert found.box[2] == pytest.approx(boxes["of"][2])


# -- blank lines -------------------------------------------------------------------------------------------


def test_blank_lines_become_an_indent_half_a_line_or_a_mark() -> None:
    text = "aa\n\nbb\n \ncc\n\n\n  dd\n\n"
    theta = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(200, 100), margin_x=0, margin_y=0)

    def boxes(policy: str) -> list[tuple[float, float]]:
        return [word.box[:2] for word in render(text, theta.replace(blank_lines=policy))[0].words]

    assert boxes("KEEP") == [(0, 0), (0, 24), (0, 48), (10, 84)]
    assert boxes("INDENT") == [(0, 0), (20, 12), (20, 24), (10, 36)]  # a tab is 4 spaces; dd has an indent of its own
    assert boxes("HALF") == [(0, 0), (0, 18), (0, 36), (10, 54)]
    mark = boxes("MARK")
    assert {y for _, y in mark} == {0}
    assert [x for x, _ in mark] == sorted({x for x, _ in mark})


@pytest.mark.parametrize("policy", POLICIES)
def test_pages_account_for_each_character(policy: str) -> None:
    for text in (PROSE, PROSE.replace("\n", "\r\n"), "\n\n\n", "\n\n a", "a\n\n", "  \n", " \n \n x\n\n", PROSE * 9):
        pages = list(layout(text, SMALL.replace(unwrap=True, blank_lines=policy)))
        assert "".join(page.text for page in pages) == text
        assert "".join(line.text for page in pages for line in page.lines) == text
        visible = {at for page in pages for word in page.words for at in range(word.start, word.end)}
        assert {at for at, character in enumerate(text) if not character.isspace()} <= visible


def test_a_gap_of_half_a_line_is_left_out_at_the_top_of_a_column() -> None:
    theta = Theta(font=str(BOXES), font_size=10, line_height=12, page_size=(200, 30), margin_x=0, margin_y=0)
    pages = list(layout("aa\n\nbb\n\ncc", theta.replace(blank_lines="HALF")))
    assert [[word.box[1] for word in page.words] for page in pages] == [[0, 18], [0]]


# -- line numbers ------------------------------------------------------------------------------------------


def test_a_paragraph_has_the_number_of_its_first_source_line() -> None:
    """Line numbers are those of the source, so that an editor finds them; joined lines have none of their own."""
    plain = Theta(page_size=(3000, 300), line_numbers=2, auto_crop_width=False, auto_crop_last_page=False)
    gutter = int(plain.margin_x + plain.gutter)
    for policy in ("KEEP", "HALF"):
        (page,) = render(PROSE, plain.replace(unwrap=True, blank_lines=policy))
        (every,) = render(PROSE, plain)
        rows = {line.start: line.box for line in every.lines}

        def number_at(shown: Page, box: tuple[float, ...]) -> bytes:
            return bytes(shown.array[int(box[1]) : int(box[3]), :gutter])

        lines = [line for line in page.lines if line.text.strip()]
        assert len(lines) == 5
        for line in lines:
            first = line.start + len(line.text) - len(line.text.lstrip("\n"))
            shown, expected = number_at(page, line.box), number_at(every, rows[first])
            if line.box[1] % 1 == 0:
                assert shown == expected


# -- how the text arrives ----------------------------------------------------------------------------------


@pytest.mark.slow
@given(rows_of_text(), st.integers(0, 2000), st.integers(0, 2000))
@example(PROSE * 3, 80, 300)
@example("\n" * 5000, 2500, 2600)
@example("\u3000", 0, 1)
def test_what_is_joined_depends_on_the_neighborhood_alone(text: str, at: int, length: int) -> None:
    from glyphrender.text.unwrap import CONTEXT

    whole = dict(joins(text, 0, len(text)))
    start, stop = min(at, len(text)), min(at + length, len(text))
    head, tail = max(0, start - CONTEXT), min(len(text), stop + CONTEXT)
    found = joins(text[head:tail], start - head, stop - head, begins=not head, ends=tail == len(text))
    assert {place + head: join for place, join in found} == {
        place: join for place, join in whole.items() if start <= place < stop
    }
    for policy in POLICIES:
        flow = Flow(unwrap=True, blank_lines=policy)  # type: ignore[arg-type]
        all_of_it = flow.of(text, 0, len(text))
        part = flow.of(text[head:tail], start - head, stop - head, begins=not head, ends=tail == len(text))
        assert part.text == all_of_it.text[start:stop]
        hidden = {place for first, last in all_of_it.consumed for place in range(first, last)}
        assert {place + start for first, last in part.consumed for place in range(first, last)} == {
            place for place in hidden if start <= place < stop
        }


@pytest.mark.slow
@examples(40)
@given(
    rows_of_text(),
    st.sampled_from(POLICIES),
    st.booleans(),
    st.lists(st.integers(0, 1500), max_size=5),
    st.sampled_from((64, 300)),
)
@example(PROSE * 4, "INDENT", True, [3, 70, 72, 73, 119], 64)
@example("\n" * 400, "MARK", True, [10], 64)
def test_pages_do_not_depend_on_how_the_text_arrives(
    text: str, policy: str, strips: bool, cuts: list[int], size: int
) -> None:
    theta = SMALL.replace(unwrap=True, blank_lines=policy, ansi="STRIP" if strips else "ESCAPE")
    whole = list(layout(text, theta))
    assert "".join(page.text for page in whole) == text
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    parts = [text[start:end] for start, end in zip(places[:-1], places[1:], strict=True)]
    same(list(layout(iter(parts), theta)), whole)
    document = render("", theta)
    for part in parts:
        document.extend_text(part)
    same(list(document), whole)
    flow, consumed = flow_of(theta), consumption(theta)
    cut = [chunk.text for chunk in chunks(text, size=size, flow=flow, consumed=consumed)]
    assert "".join(cut) == text
    assert cut == [chunk.text for chunk in chunks(iter(parts), size=size, flow=flow, consumed=consumed)]
    longest = int(np.diff(flow.of(text, 0, len(text)).ends, prepend=0, append=len(text)).max(initial=0))
    same(list(layout(text, theta, typesetter=Typesetter(chunk_size=max(size, longest)))), whole)
    (together, _) = layout_each([text, "x"], theta)
    same(together, whole)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
def test_several_processes_make_the_pages_of_one(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "SHARE", 500)
    theta = SMALL.replace(unwrap=True, blank_lines=policy)
    text = PROSE * 12
    parts = shares.shares_of(text, 2, flow=flow_of(theta))
    assert len(parts) > 5
    pages, following = [], (0, 0)
    for part in parts:
        more, following = shares.lay_out(text, part, theta, default_typesetter().shaper, lambda given=following: given)  # type: ignore[misc]
        pages += more
    same([Page(page, default_typesetter()) for page in pages], list(layout(text, theta)))


# -- θ -----------------------------------------------------------------------------------------------------


def test_the_default_flows_nothing_and_changes_no_digest() -> None:
    assert not flow_of(Theta())
    assert Theta().digest == Theta(unwrap=False, blank_lines="KEEP").digest
    assert Theta().digest != Theta(unwrap=True).digest


@pytest.mark.parametrize("field", [{"unwrap": True}, {"blank_lines": "MARK"}])
def test_terminals_and_markup_do_not_flow(field: dict[str, object]) -> None:
    for other in ({"carriage_return": "OVERWRITE"}, {"markup": "MARKDOWN"}, {"indentation": "MARK"}):
        with pytest.raises(ThetaError) as caught:
            Theta(**other, **field)
        assert caught.value.field == next(iter(field))


@pytest.mark.parametrize("text", ["one\n\ntwo", "one" + "\n" * 6 + "two\n\n\nthree"])
def test_blank_lines_of_joined_text_have_their_own_numbers(text: str) -> None:
    theta = Theta(page_size=(200, 300), unwrap=True, line_numbers=2)
    (page,) = Typesetter().layout_pages(text, theta)
    assert [number for block in page.blocks for number in numbered_lines(block, ())[1].tolist()] == list(
        range(1, text.count("\n") + 2)
    )
