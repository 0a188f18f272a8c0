"""Several texts with θ of their own as one document; spans to pages; one budget for parts; condensed conversations."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts

from glyphrender import DataError, Document, LayoutError, Theta, ThetaError, VisionModelError, compression_ratio, render
from glyphrender.document.joined import JoinedDocument
from glyphrender.inference.condensed import condensed
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.expand_tools import PageTools
from glyphrender.inference.messages import Packing
from glyphrender.inference.tool_calls import ToolCall
from glyphrender.ratio.fit_parts import fit_parts

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
DENSE = Theta.preset("scan-8")
PARTS: list[tuple[str, Any]] = [(NOVEL[5_000:11_000], "scan-8"), (NOVEL[11_000:15_000], None), (NOVEL[:900], "code")]


def test_pages_of_each_part_are_those_of_the_part_alone_but_for_number_and_offset() -> None:
    joined = Document.joined(PARTS)
    assert joined.text == "".join(text for text, _ in PARTS)
    alone = [page for text, theta in PARTS for page in render(text, theta)]
    assert [page.text for page in joined] == [page.text for page in alone]
    assert [page.number for page in joined] == list(range(1, len(alone) + 1))
    for page, same in zip(joined, alone, strict=True):
        assert page.theta == same.theta
        assert page.size == same.size
        assert joined.text[slice(*page.span)] == page.text
        if page.theta.page_number == "NONE" or page.number == same.number:
            assert np.array_equal(page.array, same.array)
        for line in page.lines:
            assert joined.text[line.start : line.end] == line.text


@examples(40)
@given(st.lists(texts(), min_size=1, max_size=3))
def test_every_character_is_on_a_page_whatever_is_joined(parts: list[str]) -> None:
    joined = Document.joined([(text, [None, "scan-8", "code"][number]) for number, text in enumerate(parts)])
    assert "".join(page.text for page in joined) == joined.text == "".join(parts)
    spans = [page.span for page in joined]
    assert all(one[1] == other[0] for one, other in zip(spans, spans[1:], strict=False))


def test_a_joined_document_grows_at_its_end_as_if_it_had_been_joined_whole() -> None:
    joined = Document.joined([(NOVEL[5_000:9_000], "scan-8"), (NOVEL[:2_000], None)])
    before = len(joined)
    extended = joined.extend_text(NOVEL[2_000:6_000])
    whole = Document.joined([(NOVEL[5_000:9_000], "scan-8"), (NOVEL[:6_000], None)])
    assert (joined.text, len(joined)) == (whole.text, extended.pages)
    assert [page.text for page in joined] == [page.text for page in whole]
    assert before - 1 <= extended.unchanged < before
    empty = Document.joined([("a", None), ("", "scan-8")])
    empty.extend_text("b")
    assert [(page.text, page.number) for page in empty] == [("a", 1), ("b", 2)]


def test_a_joined_document_is_counted_pickled_and_saved(tmp_path: Path) -> None:
    joined = Document.joined(PARTS)
    alone = [compression_ratio(text, theta=theta) for text, theta in PARTS]
    ratio = joined.ratio()
    assert ratio.visual_tokens == sum(each.visual_tokens for each in alone)
    assert [page.font_pixels for page in ratio.pages] == [page.font_pixels for each in alone for page in each.pages]
    copy = pickle.loads(pickle.dumps(joined))
    assert [page.text for page in copy] == [page.text for page in joined]
    manifest = joined.save(tmp_path / "pages", jobs=2)
    stored = json.loads((tmp_path / "pages/manifest.json").read_text())
    assert stored == json.loads(json.dumps(manifest))
    assert [Theta.from_dict(page.get("theta", stored["theta"])) for page in stored["pages"]] == [
        p.theta for p in joined
    ]
    joined.save(tmp_path / "pages")  # which knows its own folder
    with pytest.raises(DataError, match="different dpi"):
        Document.joined([("a", None), ("b", {"dpi": 144})]).save(tmp_path / "book.pdf")


@pytest.mark.parametrize("wrong", [None, [], "text", [("a",)], [(1, None)], ["ab"], [("a", None, 1)]])
def test_what_is_no_list_of_texts_with_theta_is_refused(wrong: Any) -> None:
    with pytest.raises(DataError):
        Document.joined(wrong)


def test_limits_and_smaller_type_of_joined_documents() -> None:
    with pytest.raises(LayoutError):
        list(Document.joined(PARTS, max_pages=3))
    with pytest.raises(ThetaError):
        Document.joined([("a", {"dpi": 0})])
    assert isinstance(Document.joined(PARTS), JoinedDocument)
    packing = Packing(send="pages", over="downshift", context=900, exact=0)
    with pytest.raises(VisionModelError, match="different θ"):
        packing.request(Conversation.ask(Document.joined(PARTS), "Who?"))


def test_tools_read_a_joined_document_by_its_pages() -> None:
    joined = Document.joined(PARTS)
    tools = PageTools(joined)
    for page in joined:
        result = tools.answer(ToolCall(name="read_page", arguments={"page": page.number}))
        assert result.text.endswith(page.text)
        assert result.quotes[0].start == page.span[0]


# -- spans to pages ----------------------------------------------------------------------------------


def test_spans_lie_on_the_pages_that_have_their_characters() -> None:
    document = render(NOVEL[:9_000], DENSE)
    ends = [page.span[1] for page in document]
    assert document.pages_of([]) == document.pages_of([(5, 5)]) == ()
    assert document.pages_of([(0, 1)]) == document.pages_of([(0, ends[0])]) == (1,)
    assert document.pages_of([(ends[0] - 1, ends[0] + 1)]) == (1, 2)
    assert document.pages_of([(ends[0], ends[1])]) == (2,)
    assert document.pages_of([(0, len(document.text))]) == tuple(range(1, len(document) + 1))
    assert document.pages_of([(ends[1], ends[1] + 1), (3, 4)]) == (1, 3)
    for wrong in ((0,), (2, 1), (-1, 2), (0, 10**9), "ab", (0.0, 1.0)):
        with pytest.raises(DataError, match="is no range"):
            document.pages_of([wrong])  # type: ignore[list-item]


@examples(40)
@given(texts(), st.data())
def test_a_page_is_listed_if_and_only_if_it_has_a_character_of_a_span(text: str, data: st.DataObject) -> None:
    document = render(text, {"page_size": (120, 60), "form_feed": "PAGE"})
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    expected = {page.number for page in document if max(start, page.span[0]) < min(end, page.span[1])}
    assert document.pages_of([(start, end)]) == tuple(sorted(expected))


# -- one budget for parts ----------------------------------------------------------------------------


def test_parts_share_a_budget_by_weight_and_none_gets_more_than_it_needs() -> None:
    parts = [(NOVEL[:24_000], None, 1.0), (NOVEL[24_000:30_000], None, 4.0), (NOVEL[30_000:31_000], None, 50.0)]
    found = fit_parts(parts, visual_tokens=900)
    assert found.met
    assert found.visual_tokens <= 900
    assert found.visual_tokens > 700
    sizes = [theta.font_size for theta in found.thetas]
    assert sizes[0] < sizes[1] < sizes[2] == 9
    document = found.document([text for text, _, _ in parts])
    assert sum(page.tokens for page in document.ratio().pages) == found.visual_tokens
    plenty = fit_parts(parts, visual_tokens=10**6)
    assert [theta.font_size for theta in plenty.thetas] == [9, 9, 9]
    assert not fit_parts(parts, visual_tokens=20).met


@pytest.mark.parametrize(
    "wrong", [[("a", None)], [("a", None, 0)], [(1, None, 1)], ["abc"], "abc", [("a", None, True)]]
)
def test_parts_without_a_weight_are_refused(wrong: Any) -> None:
    with pytest.raises(ThetaError):
        fit_parts(wrong, visual_tokens=9)
    with pytest.raises(ThetaError, match="no number above 0"):
        fit_parts([("a", None, 1)], visual_tokens=0)


# -- conversations -----------------------------------------------------------------------------------


def talk(turns: int) -> list[dict[str, str]]:
    roles = ["user", "assistant"] * turns
    return [{"role": role, "content": NOVEL[n * 400 : n * 400 + 400]} for n, role in enumerate(roles[: 2 * turns - 1])]


@pytest.mark.parametrize("as_text", [1, 2, 3])
@pytest.mark.parametrize("readable", [0, 4])
def test_old_turns_are_dense_later_ones_readable_and_the_last_are_text(as_text: int, readable: int) -> None:
    system = {"role": "system", "content": "Be brief."}
    messages = [system, *talk(8)]
    conversation, document = condensed(messages, as_text=as_text, readable=readable)
    assert document is not None
    assert conversation.turns[0].text == "Be brief."
    drawn = messages[1 : len(messages) - as_text]
    assert document.text == "".join(f"{each['role'].title()}: {each['content']}\n\n" for each in drawn)
    assert document[0].theta.font_size == DENSE.font_size
    assert (document[-1].theta.font_size == 9) == (readable > 0)
    assert conversation.turns[-1].text.endswith(messages[-1]["content"])
    roles = [turn.role for turn in conversation.turns]
    assert roles == ["system", *(["user"] if as_text == 2 else []), *(each["role"] for each in messages[-as_text:])]


def test_a_short_conversation_stays_text() -> None:
    conversation, document = condensed(talk(2)[-1:])
    assert document is None
    assert len(conversation.turns) == 1
    for wrong in ([{"role": "user"}], ["text"], [{"role": "robot", "content": "a"}]):
        with pytest.raises(DataError, match="message 0"):
            condensed(wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="as_text=0"):
        condensed(talk(2), as_text=0)
