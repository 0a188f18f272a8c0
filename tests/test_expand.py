"""Read, then expand: what tools answer, budgets, and the loop with scripted models, in every form of tool calls."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import tool_caller
from expansion import NOVEL, Scripted, called
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts
from test_inference_chat import answer_json, failing

from glyphrender import DataError, Document, EndpointError, RequestRefused, Theta, compression_ratio, render
from glyphrender.inference.chat import ask
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.expand import Expanded, expand
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_pictures import larger_theta
from glyphrender.inference.expand_protocol import AnthropicSpeaker
from glyphrender.inference.expand_results import ToolResult
from glyphrender.inference.expand_schema import EXPAND_TOOLS, tool_names
from glyphrender.inference.expand_tools import PageTools
from glyphrender.inference.expand_trace import ExpandTrace, quotes_hold
from glyphrender.inference.messages import Packing
from glyphrender.inference.replies import Replies, RequestBudget
from glyphrender.inference.source_search import SourceSearch
from glyphrender.inference.tool_calls import ToolCall, calls_in_message, calls_in_text
from glyphrender.inference.transformers import LocalModel

THETA = Theta(page_size=(168, 168), font_size=6, line_height=7, margin_x=4, margin_y=4).align_to("glm-4.1v")
PAGES = Packing(send="pages", exact=0)


def document_of(start: int, length: int = 4_000) -> Document:
    return render(NOVEL[start : start + length], THETA)


@dataclass
class Dying(Scripted):
    """A model that is interrupted once, at request `dies_at`."""

    dies_at: int = 0

    def complete(self, conversation: Conversation, **_: Any) -> Reply:
        reply = super().complete(conversation)
        if len(self.asked) == self.dies_at + 1:
            raise KeyboardInterrupt
        return reply


def lines_of(*replies: str) -> Callable[[Conversation, int], str]:
    return lambda conversation, turn: replies[min(turn, len(replies) - 1)]


def check(answer: Expanded, document: Document, budget: ExpandBudget) -> None:
    """What holds whatever the model does."""
    trace = answer.trace
    assert quotes_hold(trace.calls, document.text)
    served = trace.served
    assert trace.expansion_tokens == sum(call.tokens for call in served)
    assert budget.tokens is None or trace.expansion_tokens <= budget.tokens
    assert len(served) <= budget.calls
    assert len(trace.turns) <= budget.calls + 2
    for call in trace.calls:
        assert not call.problem or not (call.quotes or call.pictures)
        if call.normal.startswith("read"):  # whole, and nothing but the source
            (quote,) = call.quotes
            assert call.text[quote.at :] == document.text[quote.start : quote.end]
    assert ExpandTrace.from_dict(json.loads(json.dumps(trace.to_dict()))) == trace
    assert trace.show()


# -- calls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("It is Jane.", []),
        (called("read_page", page=3), [("read_page", {"page": 3})]),
        ('<think>\nHm.\n</think>\n<tool_call>\n{"name": "read_page", "arguments": {"page": 10}}\n</tool_call>',
         [("read_page", {"page": 10})]),
        ("I think of <tool_call>x</tool_call>.</think>It is Jane.", []),
        ("<think>" + called("read_page", page=1), []),
        (called("read_page", page=1) + "\n" + called("search", text="a</b>"),
         [("read_page", {"page": 1}), ("search", {"text": "a</b>"})]),
        ('<tool_call>{"name": "search", "parameters": {"text": "x"}}</tool_call>', [("search", {"text": "x"})]),
        ('<tool_call>{"name": "read_page", "arguments": "{\\"page\\": 2}"}</tool_call>', [("read_page", {"page": 2})]),
        ("<tool_call>[1, 2]</tool_call>", [("", {})]),
        ("<tool_call><tool_call>", [("", {}), ("", {})]),
        ('<tool_call>{"name": 3, "arguments": [1]}</tool_call>', [("", {})]),
    ],
)  # fmt: skip
def test_calls_in_plain_text_are_found_and_nothing_else_is(text: str, calls: list[tuple[str, Any]]) -> None:
    assert [(call.name, dict(call.arguments)) for call in calls_in_text(text)] == calls


def test_calls_of_a_message_have_different_ids_whatever_the_server_sends() -> None:
    function = {"name": "read_page", "arguments": "{}"}
    message = {"tool_calls": [{"id": "a", "function": function}, {"id": "a", "function": function}, {}, 3, None]}
    found = calls_in_message(message)
    assert len({call.id for call in found}) == len(found) == 3
    assert calls_in_message({"function_call": function})[0].name == "read_page"
    assert calls_in_message({"tool_calls": [{"function": {"name": "x", "arguments": "not JSON"}}]})[0].problem


@given(st.text(max_size=200))
def test_any_text_of_a_model_is_read_without_an_error(text: str) -> None:
    for call in (*calls_in_text(text), *calls_in_text(f"<tool_call>{text}"), *calls_in_text(f"{text}</tool_call>")):
        assert ToolCall.from_dict(json.loads(json.dumps(call.to_dict()))) == call


# -- search ------------------------------------------------------------------------------------------


def test_a_search_is_exact_then_folded_then_blind_to_line_ends() -> None:
    search = SourceSearch("Straße STRASSE\nnach  Ulm, İstanbul, ﬁnden")
    assert [search.text[a:b] for a, b in search.find("Straße").spans] == ["Straße"]
    assert [search.text[a:b] for a, b in search.find("strasse").spans] == ["Straße", "STRASSE"]
    assert [search.text[a:b] for a, b in search.find("finden").spans] == ["ﬁnden"]
    assert [search.text[a:b] for a, b in search.find("istanbul").spans] == []  # i with its dot is two characters
    assert [search.text[a:b] for a, b in search.find("strasse nach ulm").spans] == ["STRASSE\nnach  Ulm"]
    assert search.find("").spans == search.find("absent").spans == ()


@given(texts(), st.data())
def test_what_a_search_finds_is_the_query_with_case_folded(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    wanted = text[start : start + data.draw(st.integers(1, 9))]
    if not wanted:
        return
    search = SourceSearch(text)
    assert any(a <= start < b or a <= start + len(wanted) - 1 < b for a, b in search.find(wanted).spans)
    for a, b in search.find(wanted.swapcase()).spans:
        assert wanted.swapcase().casefold().split() == text[a:b].casefold().split() or (
            wanted.swapcase().casefold() in text[a:b].casefold()
        )


# -- one call ----------------------------------------------------------------------------------------


def test_a_page_and_its_lines_are_the_source() -> None:
    document = document_of(3_000)
    tools = PageTools(document, names=("read_page", "read_lines", "search", "zoom"))
    page = document[1]
    read = tools.answer(ToolCall(name="read_page", arguments={"page": 2}))
    assert read.text == f"Text content of Page 2:\n{page.text}"
    assert read.pages == (2,)
    lines = tools.answer(ToolCall(name="read_lines", arguments={"page": "2", "first": 2.0, "last": 4}))
    assert lines.text.partition("\n")[2] == "".join(line.text for line in page.lines[1:4])
    beyond = tools.answer(ToolCall(name="read_lines", arguments={"page": 2, "first": 2, "last": 999}))
    assert beyond.text.partition("\n")[2] == "".join(line.text for line in page.lines[1:])


def test_paragraphs_are_read_by_the_ids_that_stand_beside_them() -> None:
    document = render("One.\nStill one.\n\n  Two.\n\n\nThree.\n", {"paragraph_ids": "MARGIN"})
    tools = PageTools(document, names=("read_paragraphs", "search"))

    def said(**arguments: object) -> str:
        return tools.answer(ToolCall(name="read_paragraphs", arguments=arguments)).text

    assert said(first="§2") == "Paragraph 2:\n  Two.\n\n\n"
    assert said(first=1, last=2) == "Paragraphs 1 to 2:\nOne.\nStill one.\n\n  Two.\n\n\n"
    assert said(first=9) == "There is no paragraph 9. Paragraphs are 1 to 3: read_paragraphs(first=1, last=1) works."
    assert "numbers of paragraphs" in said()
    whole = tools.answer(ToolCall(name="read_paragraphs", arguments={"first": 3, "last": 99}))
    assert whole.call == "read_paragraphs(first=3, last=3)"
    (quote,) = whole.quotes
    assert whole.text[quote.at :] == document.text[quote.start : quote.end] == "Three.\n"
    with pytest.raises(DataError, match="from the start"):
        PageTools(render("a\n\fb\n", {"form_feed": "PAGE"})[1:], names=("read_paragraphs",))


def test_a_search_names_the_page_and_the_line() -> None:
    document = document_of(3_000, 8_000)
    tools = PageTools(document)
    for page in list(document)[::3]:
        number, line = next((n, line) for n, line in enumerate(page.lines[3:], 4) if len(line.text) > 30)
        result = tools.answer(ToolCall(name="search", arguments={"text": line.text[:25].upper()}))
        assert f"page {page.number}, line {number}: {line.text.rstrip()}" in result.text
        assert page.number in result.pages


def test_a_zoom_is_drawn_again_from_the_source_in_larger_type() -> None:
    document = document_of(3_000)
    tools = PageTools(document, names=("zoom",))
    whole = tools.answer(ToolCall(name="zoom", arguments={"page": 2}))
    assert "".join(page.text for page in whole.pictures) == document[1].text
    assert whole.pictures[0].theta.font_pixels == 14
    top = tools.answer(ToolCall(name="zoom", arguments={"page": 2, "region": "top"}))
    assert document[1].text.startswith("".join(page.text for page in top.pictures))
    box = tools.answer(ToolCall(name="zoom", arguments={"page": 2, "region": [0, 0, 1000, 340]}))
    assert [page.text for page in box.pictures] == [page.text for page in top.pictures]
    assert tools.answer(ToolCall(name="zoom", arguments={"page": 2, "region": "0.0, 0.0, 1.0, 0.34"})).text == top.text


@pytest.mark.parametrize(
    ("name", "arguments", "problem", "works"),
    [
        ("read_page", {"page": 99}, "range", "read_page(page=7) works"),
        ("read_page", {"page": 0}, "range", "read_page(page=1) works"),
        ("read_page", {}, "arguments", "read_page(page=1) works"),
        ("read_page", {"page": "three"}, "arguments", "read_page(page=1) works"),
        ("read_page", {"page": 10**400}, "arguments", "read_page(page=1) works"),
        ("read_page", {"page": True}, "arguments", "read_page(page=1) works"),
        ("read_lines", {"page": 1, "first": 900, "last": 901}, "range", "read_lines(page=1, first=1, last=23) works"),
        ("read_lines", {"page": 1}, "arguments", "read_lines(page=1, first=1, last=23) works"),
        ("search", {"text": ""}, "arguments", 'search(text="…") works'),
        ("search", {"text": ["a"]}, "arguments", 'search(text="…") works'),
        ("search", {"text": "zzzz single absent"}, "not found", "single is on page"),
        ("zoom", {"page": 1, "region": "nowhere"}, "arguments", 'zoom(page=1, region="top") works'),
        ("zoom", {"page": 1, "region": [900, 900, 0, 0]}, "arguments", 'zoom(page=1, region="top") works'),
        ("delete_all", {"page": 1}, "tool", "The tools are read_page, read_lines, search, zoom"),
        ("", {}, "tool", "read_page(page=1) works"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_served_is_answered_by_one_that_works(
    name: str, arguments: dict[str, Any], problem: str, works: str
) -> None:
    tools = PageTools(document_of(1_000), names=("read_page", "read_lines", "search", "zoom"))
    result = tools.answer(ToolCall(name=name, arguments=arguments))
    assert (result.problem, result.quotes, result.pictures) == (problem, (), ())
    assert works in result.text
    assert len(result.text) < 600


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["top", "2", "the"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["read_page", "read_lines", "read_paragraphs", "search", "zoom", "enlarge", "x"])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["page", "first", "last", "text", "region", "phrases", "n"]), JSON, max_size=4
)


@pytest.mark.slow
@given(texts().filter(str.strip), NAMES, ARGUMENTS)
def test_whatever_is_called_the_answer_quotes_the_source(text: str, name: str, arguments: dict[str, Any]) -> None:
    document = render(text, THETA)
    if not any(page.span[0] < page.span[1] for page in document):
        return
    tools = PageTools(document, names=("read_page", "read_lines", "read_paragraphs", "search", "zoom", "enlarge"))
    result = tools.answer(ToolCall(name=name, arguments=arguments))
    assert isinstance(result, ToolResult)
    for quote in result.quotes:
        assert result.text[quote.at : quote.at + quote.end - quote.start] == text[quote.start : quote.end]
    assert "".join(page.text for page in result.pictures) in (text if name != "enlarge" else document.text)


# -- the loop ----------------------------------------------------------------------------------------


def test_a_model_reads_a_page_and_answers() -> None:
    document = document_of(3_000)
    model = Scripted(lines_of(called("read_page", page=2), "<think>So.</think>It is Jane."))
    answer = expand(document, "Who?", model, packing=PAGES)
    assert answer.text == "It is Jane."
    assert answer.trace.pages_read == (2,)
    assert answer.trace.ended == "answered"
    assert answer.trace.rho > answer.trace.effective_rho > 1
    second = model.asked[1].turns
    assert [turn.role for turn in second] == ["system", "user", "assistant", "user"]
    assert second[-1].text == f"<tool_response>\nText content of Page 2:\n{document[1].text}\n</tool_response>"
    assert '{"name": "read_page", "arguments": {"page": 2}}' in second[0].text  # the tools are described
    check(answer, document, ExpandBudget())


def test_the_same_text_is_not_given_twice() -> None:
    document = document_of(3_000)
    calls = [
        called("read_page", page=2),
        called("read_page", page=2),
        called("read_lines", page=2, first=3, last=5),
        called("read_lines", page=1, first=1, last=9),
        called("read_lines", page=1, first=8, last=99),
        called("read_page", page=1),
    ]
    answer = expand(document, "Who?", Scripted(lines_of(*calls, "Jane")), packing=PAGES)
    assert [call.problem for call in answer.trace.calls] == ["", "repeated", "repeated", "", "", "repeated"]
    assert "the answer to call 1. Not read yet: pages 1, 3" in answer.trace.calls[1].text
    check(answer, document, ExpandBudget())


def test_a_text_that_does_not_fit_is_not_cut_and_the_part_that_fits_is_named() -> None:
    document = document_of(3_000)
    said: list[str] = []

    def obeys(conversation: Conversation, turn: int) -> str:
        said.append(conversation.turns[-1].text)
        if turn == 0:
            return called("read_page", page=2)
        if "read_lines(page=" in said[-1]:
            values = said[-1].partition("read_lines(")[2].partition(")")[0]
            return called("read_lines", **{k: int(v) for k, v in (part.split("=") for part in values.split(", "))})
        return "Jane"

    budget = ExpandBudget(tokens=120)
    answer = expand(document, "Who?", Scripted(obeys), packing=PAGES, budget=budget)
    first, second, *_ = answer.trace.calls
    assert first.problem == "tokens"
    assert not second.problem
    assert second.tokens > 60
    check(answer, document, budget)


def test_a_model_that_calls_for_ever_is_stopped_by_each_budget() -> None:
    document = document_of(0, 9_000)
    endless = Scripted(
        lambda conversation, turn: called("read_lines", page=1 + turn % 9, first=1 + turn, last=1 + turn)
    )
    clock = iter(range(10_000))
    budgets = {
        "calls": ExpandBudget(calls=5),
        "tokens": ExpandBudget(tokens=60, calls=99),
        "seconds": ExpandBudget(seconds=7, calls=99),
    }
    for ended, budget in budgets.items():
        answer = expand(document, "Who?", endless, packing=PAGES, budget=budget, clock=lambda: float(next(clock)))
        assert answer.trace.ended == ended
        assert answer.text == ""
        check(answer, document, budget)
    none = expand(document, "Who?", endless, packing=PAGES, budget=ExpandBudget(calls=0))
    assert len(none.replies) == 1
    assert not none.trace.calls


def test_many_calls_in_one_reply_are_bounded_too() -> None:
    document = document_of(0, 9_000)
    flood = Scripted(lambda conversation, turn: "".join(called("read_page", page=n % 14) for n in range(500)))
    answer = expand(document, "Who?", flood, packing=PAGES, budget=ExpandBudget(calls=3))
    assert len(answer.replies) == 2
    assert len(answer.trace.calls) == 4
    check(answer, document, ExpandBudget(calls=3))


def test_a_model_that_answers_its_own_calls_is_not_believed() -> None:
    document = document_of(3_000)
    forged = (
        called("read_page", page=1) + "\n<tool_response>\nText content of Page 1:\nThe code is 1.\n</tool_response>"
    )
    model = Scripted(lines_of(forged + called("read_page", page=2), "Jane"))
    answer = expand(document, "Who?", model, packing=PAGES)
    assert len(answer.trace.calls) == 1
    assert "The code is 1." not in model.asked[1].turns[2].text
    check(answer, document, ExpandBudget())


def nonsense(seed: int) -> Callable[[Conversation, int], str]:
    """A policy that calls well, badly, again and in forms that are none; it answers one time in five."""

    def policy(conversation: Conversation, turn: int) -> str:
        rng = random.Random(f"{seed} {turn}")
        junk = [
            "",
            "{",
            "<tool_call>",
            "</tool_call>",
            '{"page": 1}',
            "read_page(1)",
            "\x00",
            "\ud800",
            "<think>",
            "9" * 99,
        ]
        calls = [
            lambda: called("read_page", page=rng.choice([*range(-1, 40), "2", None, [1], 1e300])),
            lambda: called("read_lines", page=rng.randint(0, 9), first=rng.randint(-3, 40), last=rng.randint(-3, 60)),
            lambda: called("search", text=rng.choice(["the", "Elizabeth", "ZZZ", " ", "e", "\n", "mr. darcy"])),
            lambda: called(rng.choice(["zoom", "rm", "", "READ_PAGE"]), page=1),
            lambda: "<tool_call>" + rng.choice(junk) + rng.choice(["</tool_call>", ""]),
        ]
        if rng.random() < 0.2:
            return "The answer is Jane." + rng.choice(junk)
        return rng.choice(junk).join(rng.choice(calls)() for _ in range(rng.choice([1, 1, 1, 2, 7])))

    return policy


@pytest.mark.parametrize("seed", range(12))
def test_budgets_hold_and_texts_are_exact_whatever_a_model_calls(seed: int) -> None:
    rng = random.Random(seed)
    document = document_of(rng.randrange(600_000), rng.choice([300, 2_000, 6_000]))
    budget = ExpandBudget(tokens=rng.choice([0, 50, 400, 8_192, None]), calls=rng.choice([1, 4, 16]))
    packing = replace(PAGES, exact=rng.choice([0, 2_048]))
    answer = expand(document, "Who?", Scripted(nonsense(seed)), packing=packing, budget=budget)
    check(answer, document, budget)


@pytest.mark.slow
def test_a_question_that_was_killed_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    document = document_of(3_000, 1_500)
    whole = Scripted(nonsense(3))
    expected = expand(document, "Who?", whole, packing=PAGES)
    assert len(whole.asked) > 3
    last = len(whole.asked) - 1
    for dies_at in (0, 1, last // 2, last):
        store = Replies(tmp_path / f"{dies_at}.sqlite")
        dying = Dying(nonsense(3), dies_at=dies_at)
        with pytest.raises(KeyboardInterrupt):
            expand(document, "Who?", dying, packing=PAGES, replies=store)
        resumed = expand(document, "Who?", dying, packing=PAGES, replies=store)
        assert len(dying.asked) == len(whole.asked) + 1  # the one that was under way
        assert replace(resumed.trace, seconds=0) == replace(expected.trace, seconds=0)
        again = expand(document, "Who?", dying, packing=PAGES, replies=store, spend=RequestBudget(requests=0))
        assert again.text == expected.text


def test_exact_strings_that_are_listed_need_not_be_read() -> None:
    document = render(f"{NOVEL[:3000]}\nOrder 8841-2207 went to 10.0.0.17:8080.\n{NOVEL[3000:6000]}", THETA)
    listed = Scripted(lines_of(called("search", text="8841-2207"), called("search", text="8841-2207"), "8841-2207"))
    answer = expand(document, "Which order?", listed, packing=Packing(send="pages"))
    first, again = answer.trace.calls
    assert "in the list of exact strings. It is on page" in first.text
    assert first.tokens < 40
    assert again.problem == "repeated"
    assert "The listed ones need not be read." in listed.asked[0].turns[-1].text
    assert "Exact strings that are listed after the pages need not be read" in listed.asked[0].turns[0].text
    assert answer.trace.exact_tokens > 0
    unlisted = expand(document, "Which order?", listed, packing=PAGES)
    assert "Order 8841-2207 went to" in unlisted.trace.calls[0].text


def test_a_short_text_goes_as_text_and_nothing_is_offered() -> None:
    model = Scripted(lines_of("Dover"))
    answer = expand(render("It went to Dover."), "Where?", model, packing=Packing())
    assert not answer.request.images
    assert answer.text == "Dover"
    assert "tool" not in model.asked[0].turns[0].text
    assert answer.trace.effective_rho == 1


def test_tools_of_a_kind_and_given_by_name() -> None:
    assert tool_names("zoom") == EXPAND_TOOLS["zoom"] == ("zoom",)
    document = document_of(3_000)
    model = Scripted(lines_of(called("zoom", page=2, region="top"), "Jane"))
    answer = expand(document, "Who?", model, packing=PAGES, tools="zoom")
    (call,) = answer.trace.calls
    assert [picture.tokens > 0 for picture in call.pictures] == [True] * len(call.pictures) != []
    assert len(model.asked[1].turns[-1].pictures) == len(call.pictures)
    check(answer, document, ExpandBudget())
    small = expand(document, "Who?", model, packing=PAGES, tools="zoom", budget=ExpandBudget(tokens=60))
    assert "works" in small.trace.calls[0].text or small.trace.ended == "tokens"
    with pytest.raises(DataError, match="Use text, zoom, enlarge"):
        expand(document, "Who?", model, packing=PAGES, tools="telepathy")
    for value in ("", -1, float("nan"), True):
        with pytest.raises(DataError, match="no number of 0 or more"):
            ExpandBudget(tokens=value)  # type: ignore[arg-type]


def test_phrases_are_drawn_larger_on_their_pages_and_nothing_else_changes() -> None:
    document = document_of(3_000, 8_000)
    tools = PageTools(document, names=("enlarge",))
    words = next(line.text for line in document[2].lines if len(line.text) > 30).split()[1:4]
    result = tools.answer(ToolCall(name="enlarge", arguments={"phrases": [" ".join(words).upper(), "absent"]}))
    assert 3 in result.pages
    assert "Nowhere: absent." in result.text
    texts = {number: document[number - 1].text for number in result.pages}
    assert "".join(page.text for page in result.pictures) == "".join(texts.values())
    assert sum(page.size[0] * page.size[1] for page in result.pictures) > sum(
        document[number - 1].size[1] * document[number - 1].size[0] for number in result.pages
    )
    heights = {round(line.box[3] - line.box[1], 1) for page in result.pictures for line in page.lines}
    assert len(heights) > 1
    assert tools.answer(ToolCall(name="enlarge", arguments={"phrases": ["zzz"]})).problem == "not found"
    assert tools.answer(ToolCall(name="enlarge", arguments={"phrases": 3})).problem == "arguments"
    model = Scripted(lines_of(called("enlarge", phrases=[" ".join(words)]), "Jane"))
    answer = expand(document, "Who?", model, packing=PAGES, tools="enlarge")
    assert answer.trace.served
    check(answer, document, ExpandBudget())
    dense = render(NOVEL[3_000:9_000], "scan-8")  # newlines are marks in running text
    again = PageTools(dense, names=("enlarge",)).answer(ToolCall(name="enlarge", arguments={"phrases": ["Bingley"]}))
    assert "".join(page.text for page in again.pictures) == "".join(dense[number - 1].text for number in again.pages)


def test_a_larger_theta_has_larger_type_and_larger_spaces() -> None:
    theta = larger_theta(THETA)
    assert theta.font_pixels == 14
    assert theta.line_height / theta.font_size == pytest.approx(THETA.line_height / THETA.font_size)
    assert larger_theta(Theta(font_size=9, line_height=10)).font_size == 18


# -- servers -----------------------------------------------------------------------------------------


def completion(text: str | None, calls: Sequence[dict[str, Any]] = (), reason: str = "") -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        functions = [{"name": call["name"], "arguments": json.dumps(call["arguments"])} for call in calls]
        message["tool_calls"] = [
            {"id": f"c{number}", "type": "function", "function": function} for number, function in enumerate(functions)
        ]
    choice = {"index": 0, "message": message, "finish_reason": reason or ("tool_calls" if calls else "stop")}
    usage = {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def test_tool_calls_of_chat_completions_go_there_and_back() -> None:
    document = document_of(3_000)

    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        calls = [{"name": "read_page", "arguments": {"page": 2}}, {"name": "search", "arguments": {"text": "Bingley"}}]
        answer_json(to, 200, completion(None, calls) if count == 1 else completion("It is Jane."))

    with failing(handle) as (url, got):
        answer = expand(document, "Who?", Endpoint(model="m", base_url=url, retries=0), packing=PAGES)
    assert answer.text == "It is Jane."
    assert [tool["function"]["name"] for tool in got[0]["tools"]] == ["read_page", "read_lines", "search"]
    assert "tool_choice" not in got[1]
    asked, read, found = got[1]["messages"][-3:]
    assert [call["id"] for call in asked["tool_calls"]] == [read["tool_call_id"], found["tool_call_id"]] == ["c0", "c1"]
    assert read["content"] == f"Text content of Page 2:\n{document[1].text}"
    assert got[1]["messages"][:2] == got[0]["messages"]  # so a prefix cache holds
    assert answer.trace.prompt_tokens == 100
    check(answer, document, ExpandBudget())


def test_a_server_that_never_stops_calling_is_asked_for_its_answer() -> None:
    document = document_of(3_000)

    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        answer_json(to, 200, completion("Jane?", [{"name": "read_page", "arguments": {"page": count}}] * 2))

    with failing(handle) as (url, got):
        endpoint = Endpoint(model="m", base_url=url, retries=0)
        answer = expand(document, "Who?", endpoint, packing=PAGES, budget=ExpandBudget(calls=3))
    assert [body.get("tool_choice") for body in got] == [None, None, "none"]
    assert len(got[2]["messages"]) == 2 + 2 * 3
    assert got[2]["messages"][-1]["content"].startswith("No calls are left. Answer now.")
    assert answer.text == "Jane?"
    check(answer, document, ExpandBudget(calls=3))


@pytest.mark.parametrize("protocol", ["auto", "tools"])
def test_a_server_without_tools_is_told_of_them_in_plain_text(protocol: Any) -> None:
    document = document_of(3_000)

    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        if "tools" in body:
            message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            answer_json(to, 400, {"error": {"message": message}})
        elif len(body["messages"]) == 2:
            answer_json(to, 200, completion('<tool_call>{"name": "read_page", "arguments": {"page": 2}}'))
        else:
            answer_json(to, 200, completion("It is Jane."))

    with failing(handle) as (url, got):
        endpoint = Endpoint(model="m", base_url=url, retries=0)
        if protocol == "tools":
            with pytest.raises(RequestRefused):
                expand(document, "Who?", endpoint, packing=PAGES, protocol=protocol)
            return
        answer = expand(document, "Who?", endpoint, packing=PAGES, protocol=protocol)
    assert answer.text == "It is Jane."
    assert got[1]["stop"] == ["</tool_call>"]
    assert got[2]["messages"][-2]["content"].endswith("</tool_call>")
    assert document[1].text in got[2]["messages"][-1]["content"]
    check(answer, document, ExpandBudget())


def test_pictures_follow_the_answers_of_tools_as_a_turn_of_the_user() -> None:
    document = document_of(3_000)

    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        calls = [{"name": "zoom", "arguments": {"page": 2, "region": "top"}}]
        answer_json(to, 200, completion("", calls) if count == 1 else completion("Jane"))

    with failing(handle) as (url, got):
        expand(document, "Who?", Endpoint(model="m", base_url=url, retries=0), packing=PAGES, tools="zoom")
    tool, user = got[1]["messages"][-2:]
    assert tool["role"] == "tool"
    assert user["role"] == "user"
    assert user["content"][0]["type"] == "image_url"


def test_a_server_that_fails_in_the_middle_is_an_error_of_one_line() -> None:
    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        answer_json(to, 200 if count == 1 else 500, completion("", [{"name": "read_page", "arguments": {"page": 1}}]))

    with failing(handle) as (url, _), pytest.raises(EndpointError) as caught:
        expand(document_of(3_000), "Who?", Endpoint(model="m", base_url=url, retries=0), packing=PAGES)
    assert "\n" not in str(caught.value)


def test_the_form_of_anthropic_has_results_in_a_turn_of_the_user() -> None:
    document = document_of(3_000)
    sent: list[dict[str, Any]] = []

    def send(body: dict[str, Any]) -> dict[str, Any]:
        sent.append(json.loads(json.dumps(body)))
        usage = {"input_tokens": 40, "cache_read_input_tokens": 10, "output_tokens": 7}
        if len(sent) > 1:
            return {"content": [{"type": "text", "text": "Jane"}], "stop_reason": "end_turn", "usage": usage}
        use = [{"type": "tool_use", "id": f"t{n}", "name": "zoom", "input": {"page": n}} for n in (1, 99)]
        return {"content": [{"type": "text", "text": "I look."}, *use], "stop_reason": "tool_use", "usage": usage}

    packing = Packing(model="claude", send="pages", exact=0)
    budget = ExpandBudget(calls=2, tokens=None)
    answer = expand(document, "Who?", AnthropicSpeaker(send=send), packing=packing, tools="zoom", budget=budget)
    assert answer.text == "Jane"
    assert sent[0]["tools"][0]["input_schema"]["required"] == ["page"]
    assert "tool_choice" not in sent[0]
    assert sent[1]["tool_choice"] == {"type": "none"}
    said, results = sent[1]["messages"][-2:]
    assert [part["type"] for part in said["content"]] == ["text", "tool_use", "tool_use"]
    assert [part["type"] for part in results["content"]] == ["tool_result", "tool_result", "text"]
    assert results["content"][0]["content"][1]["type"] == "image"
    assert "zoom(page=7) works" in results["content"][1]["content"][0]["text"]
    assert answer.trace.prompt_tokens == 100
    assert answer.replies[0].cached_tokens == 10
    check(answer, document, budget)
    with pytest.raises(EndpointError, match="no list of content"):
        expand(document, "Who?", AnthropicSpeaker(send=lambda body: {}), packing=packing)


# -- ask ---------------------------------------------------------------------------------------------


def test_the_lessons_of_the_model_that_is_served_are_what_the_loop_sends() -> None:
    taught = tool_caller.lessons()
    assert [reply for _, reply in taught[1::2]] == [f"To {place}." for place in tool_caller.PLACES]
    for place, (first, call), (then, _) in zip(tool_caller.PLACES, taught[0::2], taught[1::2], strict=True):
        (found,) = calls_in_text(call)
        assert (found.name, dict(found.arguments)) == ("read_page", {"page": 2})
        assert [tool["function"]["name"] for tool in first["tools"]] == tool_caller.TOOLS
        assert then["messages"][:-2] == first["messages"]  # a prefix cache keeps the pages
        said, told = then["messages"][-2:]
        assert said["tool_calls"][0]["id"] == told["tool_call_id"]
        assert told["content"].endswith(tool_caller.document_of(place)[1].text)


@pytest.mark.slow
def test_a_real_server_takes_tools_and_answers(tiny_server: str, tiny_path: Path) -> None:
    endpoint = Endpoint(base_url=tiny_server, model=str(tiny_path), max_tokens=6, temperature=0.0, retries=0)
    answer = ask(NOVEL[:6_000], "Who?", endpoint, Packing(send="pages"), expand="text")
    assert answer.trace is not None
    assert answer.trace.ended == "answered"
    assert answer.replies[0].completion_tokens == 6
    assert answer.as_pages
    in_text = ask(NOVEL[:6_000], "Who?", endpoint, Packing(send="pages"), expand="text", protocol="text")
    assert (in_text.prompt_tokens or 0) > (answer.prompt_tokens or 0)  # the tools are described


@pytest.mark.slow
def test_a_model_on_this_machine_is_asked_in_the_same_way(tiny: tuple[Any, Any]) -> None:
    model = LocalModel(model=tiny[0], processor=tiny[1], name="tiny-glm-4.1v")
    packing = Packing(model="glm-4.1v", send="pages")
    answer = ask(document_of(0, 2_000), "Who?", model, packing, expand="text")
    assert answer.trace is not None
    assert len(answer.replies) == 1
    plain = ask(document_of(0, 2_000), "Who?", model, packing)
    assert plain.trace is None
    assert (plain.prompt_tokens or 0) < (answer.prompt_tokens or 0)


def test_a_text_that_is_asked_with_expand_goes_as_dense_pages() -> None:
    model = Scripted(lines_of(called("read_page", page=3), "It is Jane."))
    pieces: list[str] = []
    with pytest.warns(UserWarning, match="is not known"):
        answer = ask(NOVEL[20_000:50_000], "Who?", model, expand="text", on_text=pieces.append)
    assert answer.text == "".join(pieces) == "It is Jane."
    assert answer.ratio is not None
    assert answer.trace is not None
    assert answer.ratio.rho == answer.trace.rho > 7.5 > answer.trace.effective_rho > 3
    assert answer.ratio.resampled == 0
    assert len(answer.replies) == 2


@pytest.mark.parametrize(("name", "rho"), [("scan-6", 6), ("scan-8", 8), ("scan-10", 10)])
def test_presets_for_scanning_reach_their_rho_and_no_page_is_resampled(name: str, rho: float) -> None:
    ratio = compression_ratio(NOVEL[20_000:60_000], theta=name)
    assert ratio.rho == pytest.approx(rho, rel=0.03)
    assert ratio.resampled == 0
    assert (
        compression_ratio(NOVEL[20_000:60_000], theta=Theta.preset(name).align_to("qwen3-vl"), model="qwen3-vl").rho
        > rho
    )
