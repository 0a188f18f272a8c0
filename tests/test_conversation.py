"""Conversations as rich text: every form of a message, and the place of each part in the transcript."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphrender import DataError, from_messages, render
from glyphrender.rich import Rule

PNG = "data:image/png;base64,AAAA"
OPENAI: list[dict[str, Any]] = [
    {"role": "system", "content": "Be *brief*."},
    {"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PNG}}]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": 3}'}}]},
    {"role": "tool", "tool_call_id": "1", "content": "\x1b[1mcat\x1b[0m"},
    {"role": "assistant", "content": "A **cat**."},
]  # fmt: skip
ANTHROPIC: list[dict[str, Any]] = [
    {"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}},
        {"type": "text", "text": "What is it?"}]},
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 3}}]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "cat"}]}]},
    {"role": "assistant", "content": "A cat."},
]  # fmt: skip


def test_messages_of_openai_become_blocks_with_furniture_for_roles() -> None:
    talk = from_messages(OPENAI)
    assert talk.text.drawn == 'Be brief.\nWhat is it?\n[image image/png]\nlook {"at": 3}\ncat\nA cat.\n'
    markers = [block.style.marker for block in talk.text.blocks if block.style.marker]
    assert markers == ["1§", "2▸", "3→", "4←", "5◂"]
    assert [turn.role for turn in talk.turns] == ["system", "user", "assistant", "tool", "assistant"]


def test_messages_of_anthropic_have_parts_for_thoughts_calls_and_results() -> None:
    talk = from_messages(ANTHROPIC)
    assert talk.text.drawn == '[image image/jpeg]\nWhat is it?\nHm.\nI look.\nlook {"at": 3}\ncat\nA cat.\n'
    assert [block.style.rule for block in talk.text.blocks].count(Rule.SIDE) == 1
    assert [len(turn.parts) for turn in talk.turns] == [2, 3, 1, 1]


def test_the_source_is_a_transcript_and_parts_say_where_each_stands() -> None:
    talk = from_messages(OPENAI)
    source = talk.text.source
    assert source.startswith("#1 system\nBe *brief*.\n#2 user\nWhat is it?\n")
    assert source[slice(*talk.turns[4].parts[0])] == "A **cat**.\n"
    assert [turn.end for turn in talk.turns] == [*(turn.start for turn in talk.turns[1:]), len(source)]


texts = st.text("ab*_`#\n\r\t|[] é中", max_size=30)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool", "critic"]), texts), max_size=6))
def test_the_contents_of_messages_stand_in_the_transcript_as_they_are(messages: list[tuple[str, str]]) -> None:
    talk = from_messages([{"role": role, "content": text} for role, text in messages])
    source = talk.text.source
    assert "".join(source[turn.start : turn.end] for turn in talk.turns) == source
    for turn, (_, text) in zip(talk.turns, messages, strict=True):
        found = "".join(source[slice(*part)] for part in turn.parts)
        assert found in (text, f"{text}\n")


def nested(depth: int) -> list[Any]:
    """Return a result of a tool that is the result of a tool, and so on."""
    found: list[Any] = []
    for _ in range(depth):
        found = [{"type": "tool_result", "content": found}]
    return found


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("hello", "message 1 is str, not a mapping"),
        ({"content": "x"}, "message 1 has the role None"),
        ({"role": "user", "content": 3}, "message 1 has content of type int"),
        ({"role": "user", "content": [3]}, "message 1 has a part of type int"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "the unknown type 'hologram'"),
        ({"role": "user", "content": [{"type": "text", "text": 3}]}, "the text of a part of type text that is int"),
        ({"role": "user", "content": [{"type": "text"}]}, "the text of a part of type text that is NoneType"),
        ({"role": "user", "content": [{"type": 3}]}, "a part whose type is 3"),
        ({"role": "user", "parts": [{"text": "a"}]}, "message 1 has neither content nor calls"),
        ({"role": "user", "reasoning": np.arange(3)}, "reasoning that is ndarray"),
        ({"type": "mcp_call", "name": "f", "output": 0}, "a tool result of type int"),
        ({"type": "hologram"}, "no role and the unknown type 'hologram'"),
        ({"type": "reasoning", "summary": 3}, "reasoning of type int"),
        ({"type": "function_call_output", "output": 3}, "a tool result of type int"),
        ({"role": "assistant", "tool_calls": [{"id": 1}]}, "a tool call without a name"),
        ({"role": "assistant", "tool_calls": 3}, "tool_calls of type int"),
        ({"role": "assistant", "tool_calls": True, "function_call": {"name": "f"}}, "tool_calls of type bool"),
        ({"role": "user", "content": nested(5000)}, "tool results inside each other"),
        ({"role": "assistant", "tool_calls": [{"name": "a", "arguments": nested(100_000)}]}, "no JSON value"),
        ({"role": "assistant", "tool_calls": [{"name": "a", "arguments": {(1, 2): 3}}]}, "no JSON value"),
        ({"role": "assistant", "tool_calls": [nested(100_000)]}, "a tool call without a name"),
    ],
)
def test_a_message_of_another_form_is_one_error_that_names_it(message: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        from_messages([message])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("messages", ["hello", b"x", {"role": "user"}, 3])
def test_what_is_no_list_of_messages_is_refused(messages: Any) -> None:
    with pytest.raises(DataError, match="not a list of messages"):
        from_messages(messages)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x.y/z.png"}}, "[image https://x.y/z.png]"),
        ({"type": "input_image", "image_url": PNG}, "[image image/png]"),
        ({"type": "image", "source": {"type": "file", "file_id": "f1"}}, "[image f1]"),
        ({"type": "file", "file": {"filename": "a.pdf"}}, "[file a.pdf]"),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": ""}}, "[audio wav]"),
        ({"type": "document", "title": "Report", "source": {"type": "text"}}, "[document Report]"),
    ],
)
def test_media_are_left_out_by_name(part: dict[str, Any], name: str) -> None:
    assert from_messages([{"role": "user", "content": [part]}]).text.drawn == f"{name}\n"


def test_tables_in_a_message_are_tables_of_the_transcript() -> None:
    table = "| a | b |\n|---|---|\n| c | d |"
    talk = from_messages([{"role": "user", "content": "Look:\n\n" + table}, {"role": "assistant", "content": table}])
    page = render(talk.text)[0]
    tops = {text: [found.box[1] for found in page.find(text)] for text in "abcd"}
    assert tops["a"] == tops["b"] != tops["c"] == tops["d"]
    assert len(talk.text.tables) == 2


def test_items_of_the_responses_api_are_thoughts_calls_and_results() -> None:
    talk = from_messages(
        [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "xx"},
            {"type": "function_call", "call_id": "1", "name": "ls", "arguments": '{"path": "."}'},
            {"type": "function_call_output", "call_id": "1", "output": "a.py"},
            {"type": "custom_tool_call", "call_id": "2", "name": "sql", "input": "select 1"},
            {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "1"}]},
            {"type": "web_search_call", "id": "3", "action": {"type": "search", "query": "gulls"}},
            {"type": "mcp_call", "name": "echo", "arguments": "{}", "output": "hello"},
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": PNG}},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
        ]
    )
    assert talk.text.drawn == (
        'Hm.\n[reasoning]\nls {"path": "."}\na.py\nsql select 1\n1\nweb_search {"type": "search", "query": "gulls"}\n'
        "echo {}\nhello\n[image image/png]\nDone.\n"
    )
    marks = [block.style.marker for block in talk.text.blocks if block.style.marker]
    assert marks == ["1◂", "2◂", "3→", "4←", "5→", "6←", "7→", "8→", "←", "9·", "10◂"]


def test_an_item_that_is_a_call_and_its_result_loses_neither() -> None:
    found = {"file_id": "f", "filename": "a.md", "score": 0.5, "text": "It is."}
    outcome = {"type": "exit", "exit_code": 0}
    talk = from_messages(
        [
            {"type": "code_interpreter_call", "code": "1 + 1", "outputs": [{"type": "logs", "logs": "2\n"}]},
            {"type": "file_search_call", "queries": ["q"], "results": [found]},
            {"type": "mcp_call", "name": "echo", "arguments": "{}", "output": None, "error": "no such tool"},
            {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}},
            {"type": "computer_call", "actions": [{"type": "wait"}]},
            {"type": "shell_call_output", "output": [{"stdout": "a.py\n", "stderr": "", "outcome": outcome}]},
            {"type": "image_generation_call", "result": "iVBORw0KGgo", "output_format": "png"},
        ]
    )
    assert talk.text.drawn == (
        'code_interpreter 1 + 1\n2\nfile_search ["q"]\n'
        '{"file_id": "f", "filename": "a.md", "score": 0.5, "text": "It is."}\necho {}\nno such tool\n'
        'apply_patch {"type": "delete_file", "path": "a"}\ncomputer [{"type": "wait"}]\n'
        'a.py\n{"outcome": {"type": "exit", "exit_code": 0}}\nimage_generation \n[image png]\n'
    )


def test_items_of_the_server_are_left_out_by_name_and_approvals_are_shown() -> None:
    talk = from_messages(
        [
            {"type": "mcp_list_tools", "server_label": "x", "tools": [{"name": "a"}]},
            {"type": "compaction", "encrypted_content": "zz"},
            {"type": "mcp_approval_request", "id": "1", "name": "ls", "arguments": "{}", "server_label": "x"},
            {"type": "mcp_approval_response", "approval_request_id": "1", "approve": True, "reason": None},
        ]
    )
    assert talk.text.drawn == '[mcp_list_tools]\n[compaction]\nls {}\n{"approve": true}\n'


def test_a_result_in_a_form_of_its_own_keeps_its_fields() -> None:
    ticket = {"type": "ticket", "id": "T1", "status": "open", "total": 0}
    shown = '{"type": "ticket", "id": "T1", "status": "open", "total": 0}\n'
    for message in (
        {"role": "tool", "content": [ticket]},
        {"type": "function_call_output", "output": ticket},
        {"type": "function_call_output", "output": [ticket]},
    ):
        assert from_messages([message]).text.drawn == shown
    assert from_messages([{"role": "tool", "content": [{"rows": 3}]}]).text.drawn == '{"rows": 3}\n'
    assert from_messages([{"type": "function_call_output", "output": {"text": "a"}}]).text.drawn == '{"text": "a"}\n'
    assert from_messages([{"type": "function_call_output", "output": {"rows": np.arange(3)}}]).text.drawn.startswith(
        '{"rows"'
    )


def test_the_words_of_a_sound_are_shown() -> None:
    talk = from_messages(
        [
            {"role": "assistant", "content": None, "audio": {"id": "a", "transcript": "Hello"}},
            {"role": "user", "content": [{"type": "input_audio", "transcript": "Hi", "audio": None}]},
            {"role": "assistant", "audio": {"id": "b"}},
        ]
    )
    assert talk.text.drawn == "Hello\nHi\n[audio]\n"


def test_results_of_tools_that_a_server_runs_are_shown_without_what_only_the_server_reads() -> None:
    found = {"type": "web_search_result", "url": "https://a.org", "title": "A", "encrypted_content": "zz"}
    code = {"type": "code_execution_result", "stdout": "1\n2\n", "stderr": "", "return_code": 0, "content": []}
    parts = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [found]},
        {"type": "web_search_tool_result", "content": {"type": "web_search_tool_result_error", "error_code": "busy"}},
        {"type": "code_execution_tool_result", "tool_use_id": "c", "content": code},
        {"type": "mcp_tool_use", "id": "m", "name": "echo", "server_name": "x", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": [{"type": "text", "text": "hello"}]},
    ]
    assert from_messages([{"role": "assistant", "content": parts}]).text.drawn == (
        'web_search {"query": "q"}\n{"url": "https://a.org", "title": "A"}\n{"error_code": "busy"}\n1\n2\n'
        '{"return_code": 0}\necho {}\nhello\n'
    )


class Model:
    """An object as the SDKs of OpenAI and Anthropic return it: it says itself as a mapping."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def model_dump(self) -> dict[str, Any]:
        return self.fields


def test_objects_of_sdks_are_read_as_the_mappings_that_they_are() -> None:
    call = Model(id="1", type="function", function={"name": "ls", "arguments": "{}"}, custom=None)
    talk = from_messages(
        [
            Model(role="assistant", content=None, refusal=None, audio=None, function_call=None, tool_calls=[call]),  # type: ignore[list-item]
            {"role": "assistant", "content": [Model(type="text", text="Hi.", citations=None)]},
            {"role": "user", "content": [Model(type="tool_result", content=[Model(type="text", text="a.py")])]},
        ]
    )
    assert talk.text.drawn == "ls {}\nHi.\na.py\n"
