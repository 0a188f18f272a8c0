"""Chats of the usual forms become rows, and a stated policy decides which parts of them are pages."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import DataError
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.page_policy import PagePolicy, PageText

LONG = "The buyer pays the seller on the first day of the month.\n" * 4
POLICY = PagePolicy(min_characters=100)

# The same chat in every form that is read.
FORMS: dict[str, dict[str, Any]] = {
    "openai": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"{LONG}\n\nWho pays?"},
            {"role": "assistant", "content": "The buyer."},
        ]
    },
    "openai parts": {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "document", "text": LONG}, {"type": "text", "text": "Who pays?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "The buyer."}]},
        ]
    },
    "sharegpt": {
        "conversations": [
            {"from": "human", "value": f"{LONG}\n\nWho pays?"},
            {"from": "gpt", "value": "The buyer."},
        ],
        "system": "Be brief.",
    },
    "alpaca": {"instruction": "Who pays?", "input": LONG, "output": "The buyer.", "system": "Be brief."},
    "prompt": {"prompt": f"{LONG}\n\nWho pays?", "completion": "The buyer.", "system": "Be brief."},
    "prompt messages": {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"{LONG}\n\nWho pays?"}],
        "completion": [{"role": "assistant", "content": "The buyer."}],
    },
}


def rows(*records: Any, **options: Any) -> list[ChatRow]:
    return list(chat_rows(records, policy=POLICY, **options))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_chat(form: str) -> None:
    (row,) = rows(FORMS[form])
    assert [turn.role for turn in row.turns] == ["system", "user", "assistant"]
    assert row.turns[0].text == "Be brief."
    assert [document.strip() for document in row.documents] == [LONG.strip()]
    asked = "".join(part for part in row.turns[1].parts if isinstance(part, str))
    assert asked.strip() == "Who pays?"
    assert row.response == "The buyer."
    assert row.answers == ("The buyer.",)


def test_a_question_about_a_context_keeps_all_that_is_right() -> None:
    record = {"context": LONG, "question": "Who?", "answers": ["the buyer", "a buyer"], "_id": "q7", "task": "qa"}
    (row,) = rows(record)
    assert row.turns[0].parts == (PageText(LONG), "\n\nWho?")
    assert (row.key, row.kind, row.response, row.answers) == ("q7", "qa", "the buyer", ("the buyer", "a buyer"))


NAMES: dict[str, dict[str, Any]] = {
    "longbench": {"input": "Who?", "context": LONG, "answers": ["the buyer", "a buyer"], "length": 4},
    "dolly": {"instruction": "Who?", "context": LONG, "response": "the buyer", "category": "qa"},
    "squad": {"question": "Who?", "context": LONG, "answers": {"text": ["the buyer", "a buyer"], "answer_start": [4]}},
    "no context": {"question": f"Who?\n\n{LONG}", "answer": "the buyer"},
    "swift": {"query": f"{LONG}\n\nWho?", "response": "the buyer", "history": [["Hm?", "Ho."]]},
    "conversation": {
        "conversation": [{"role": "user", "content": f"{LONG}\n\nWho?"}, {"role": "bot", "content": "the buyer"}]
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_forms_of_well_known_data_sets_are_read(name: str) -> None:
    (row,) = rows(NAMES[name])
    assert [document.strip() for document in row.documents] == [LONG.strip()]
    assert "".join(part for part in row.prompt[-1].parts if isinstance(part, str)).strip() == "Who?"
    assert row.response == row.answers[0] == "the buyer"
    assert len(row.turns) == (4 if name == "swift" else 2)


def test_thoughts_stay_in_the_answer() -> None:
    message = {"role": "assistant", "content": "he", "reasoning_content": "The buyer is a he."}
    (row,) = rows({"messages": [{"role": "user", "content": "Who?"}, message]})
    assert row.response == "<think>The buyer is a he.</think>\nhe"
    assert row.answers == ("he",)


def test_each_answer_of_a_chat_can_be_a_row() -> None:
    messages = [
        {"role": "user", "content": LONG + "\nWho?"},
        {"role": "assistant", "content": "he"},
        {"role": "user", "content": "Whom?"},
        {"role": "assistant", "content": "her"},
    ]
    first, second = rows({"messages": messages, "id": "c"}, answers="each")
    assert (first.key, first.response, len(first.turns)) == ("c#0", "he", 2)
    assert (second.key, second.response, len(second.turns)) == ("c#1", "her", 4)


def test_a_row_is_written_as_a_record_that_is_read_again() -> None:
    for record in (*FORMS.values(), *NAMES.values()):
        (row,) = rows({**record, "task": "qa"})
        assert rows(json.loads(json.dumps(row.record))) == [row]


FAULTS: list[tuple[Any, str]] = [
    ({"messages": [{"role": "user", "content": "a"}]}, "the chat ends with a turn of user"),
    ({"messages": []}, "the chat ends with a turn of nobody"),
    ({"messages": "hello"}, "messages is 'hello', no list of messages"),
    ({"messages": [{"role": "narrator", "content": "a"}]}, "message 0 of messages is of 'narrator'"),
    ({"messages": ["hello"]}, "message 0 of messages is 'hello', no object"),
    ({"messages": [{"role": "user", "content": 3}]}, "message 0 of messages has 3 for content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "a part of type 'image_url'"),
    ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [{}]}]}, "calls tools"),
    ({"instruction": "a", "input": "", "output": 4}, "the answer has 4 for content"),
    ({"instruction": "a", "output": "b", "history": [["a"]]}, "no pair of question and answer"),
    ({"text": "a"}, "the columns text make no chat"),
    ({"context": "a", "question": "b", "answers": [["c"]]}, "the answer has \\['c'\\] for content|no text|is text"),
    ({"query": 3, "response": "a"}, "query is 3, no list of messages"),
    ({}, r"the columns \(none\) make no chat"),
    ("hello", "'hello' is no object"),
    ({"instruction": "a\ud800", "output": "b"}, r"a text has U\+D800, half of a character"),
    ({"instruction": "a", "output": "b", "id": "\udfff"}, r"a text has U\+DFFF"),
    (
        {"prompt": "a", "completion": [{"role": "assistant", "content": "b"}, {"role": "system", "content": "c"}]},
        "ends",
    ),
]


@pytest.mark.parametrize("record, message", FAULTS)
def test_a_record_that_makes_no_row_is_named_or_counted(record: Any, message: str) -> None:
    good = FORMS["alpaca"]
    with pytest.raises(DataError, match=f"record 1: .*{message}"):
        rows(good, record)
    counts: Counter[str] = Counter()
    assert len(rows(good, record, good, faults="drop", counts=counts)) == 2
    assert counts == Counter(records=3, rows=2, faults=1, **{"rows with pages": 2})


@pytest.mark.parametrize("output", ["", " \n", None, "<think>He pays, or", "<think>He pays.</think>\n"])
def test_an_empty_answer_is_refused_or_counted(output: str | None) -> None:
    record = {"instruction": "Who?", "input": LONG, "output": output}
    with pytest.raises(DataError, match=r"record 0: the answer has (nothing|only thoughts)"):
        rows(record)
    counts: Counter[str] = Counter()
    assert rows(record, faults="drop", counts=counts) == []
    assert rows({"context": "a", "question": "b", "answers": {"text": []}}, faults="drop", counts=counts) == []
    assert counts["empty responses"] == 2


def test_a_broken_line_of_a_file_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text(json.dumps(FORMS["alpaca"]) + "\n\n{broken\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"chats\.jsonl, line 3: not JSON"):
        list(chat_rows(path))
    (row,) = chat_rows(path, faults="drop")
    assert row.key == "chats.jsonl:1"
    with pytest.raises(DataError, match=r"nothing\.jsonl"):
        list(chat_rows(tmp_path / "nothing.jsonl"))


def test_unknown_settings_are_refused_before_a_record_is_read() -> None:
    with pytest.raises(DataError, match="faults='ignore' is unknown"):
        chat_rows([], faults="ignore")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="answers='first' is unknown"):
        chat_rows([], answers="first")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="min_characters=-1 is negative"):
        PagePolicy(min_characters=-1)
    with pytest.raises(DataError, match="answers in text"):
        PagePolicy(roles=("user", "assistant"))
    with pytest.raises(DataError, match="no name of a tag"):
        PagePolicy(tags=("<context>",))


def joined(parts: Any) -> str:
    return "".join(part.text if isinstance(part, PageText) else part for part in parts)


SPLITS: list[tuple[str, list[str]]] = [
    # The context has a fence or a tag: only its inside becomes pages.
    (f"Explain:\n```py\n{LONG}```\nThanks.", [LONG[:-1]]),
    (f"<document index='1'>\n{LONG}</document>\n<document>{LONG}</document>\nCompare.", [f"\n{LONG}", LONG]),
    (f"````md\n```\n{LONG}```\n````\nWhat is this?", [f"```\n{LONG}```"]),
    # An instruction before, or a question after, stays text.
    (f"Read this.\n\n{LONG}\n\nWho pays?", [LONG[:-1]]),
    (f"Summarize:\n{LONG}", [LONG.rsplit("\n", 2)[0]]),
    (f"{LONG}Who pays?", [LONG.split("\n", 1)[1]]),
    # A fence that nobody closes, and a tag that nobody opens, are text.
    (f"```\n{LONG}", [LONG.rsplit("\n", 2)[0]]),
    (f"</text>{LONG}", [LONG.split("\n", 1)[1].rsplit("\n", 2)[0]]),
    ("Who pays?", []),
    (" " * 500, []),
]


@pytest.mark.parametrize("text, documents", SPLITS)
def test_fenced_blocks_or_what_stands_between_instructions_becomes_pages(text: str, documents: list[str]) -> None:
    parts = POLICY.parts("user", text)
    found = [part.text for part in parts if isinstance(part, PageText)]
    assert [each.strip() for each in found] == [each.strip() for each in documents]
    assert joined(parts) == text


def test_a_role_outside_the_policy_stays_text() -> None:
    assert POLICY.parts("system", LONG) == (LONG,)
    assert PagePolicy(min_characters=9, roles=("system",), edge_characters=0).parts("system", "a b c d e f g") == (
        PageText("a b c d e f g"),
    )


_PIECES = st.sampled_from(
    [
        "```",
        "````",
        "~~~",
        "\n",
        "\n\n",
        "<text>",
        "</text>",
        "<document a=1>",
        "</document>",
        "word ",
        "long word " * 9,
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join), st.integers(0, 60), st.integers(0, 30))
def test_the_parts_of_any_text_are_the_text(text: str, shortest: int, edge: int) -> None:
    parts = PagePolicy(min_characters=shortest, edge_characters=edge).parts("user", text)
    assert joined(parts) == text
    assert all(len(part.text) >= shortest for part in parts if isinstance(part, PageText))
    assert all(part.text.strip() for part in parts if isinstance(part, PageText))
