"""Conversations of any number of turns with text, documents and images, with a server and with a local model."""

from __future__ import annotations

import base64
import io
import json
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_inference_chat import USAGE, answer_events, answer_json, chunk, failing

from glyphrender import DataError, Document, EndpointError, Theta, render
from glyphrender.errors import RequestRefused
from glyphrender.inference.conversation import Conversation, Turn, png_bytes
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.messages import INSTRUCTION, Packing
from glyphrender.inference.model import EndpointModel, Model
from glyphrender.inference.replies import Replies, Spent, reply_key
from glyphrender.inference.transformers import LazyModel, LocalModel
from glyphrender.tasks.task import Example

THETA = Theta(page_size=(196, 252)).align_to("glm-4.1v")
SQUARE = Image.new("RGB", (56, 56), "red")
NO_USAGE = Reply(text="yes", finish_reason="stop")


@pytest.fixture(scope="module")
def document() -> Document:
    return render("Order 8841-2207. It is a truth universally acknowledged. " * 40, THETA)


def answers_yes(to: Any, body: dict[str, Any], count: int) -> None:
    if body.get("stream"):
        answer_events(to, chunk("ye"), chunk("s", "stop"), chunk(choices=[], usage=USAGE), "[DONE]")
        return
    choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
    frame = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    answer_json(to, 200, frame)


def asked(conversation: Conversation, packing: Packing | None = None, **options: Any) -> tuple[Reply, dict[str, Any]]:
    """The reply of a scripted server, and the one request that it got."""
    with failing(answers_yes) as (url, got):
        model = EndpointModel(endpoint=Endpoint(model="m", base_url=url, retries=0), packing=packing)
        assert isinstance(model, Model)
        reply = model.complete(conversation, max_tokens=9, **options)
    (request,) = got
    assert request["max_tokens"] == 9
    return reply, request


def opened(part: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2])))


# -- what a conversation is --------------------------------------------------------------------------


def test_a_conversation_grows_by_a_reply_and_a_question(document: Document) -> None:
    first = Conversation.ask(document, "Which?", system="Be brief.")
    second = first.then("8841", SQUARE, "And this?")
    assert [turn.role for turn in second.turns] == ["system", "user", "assistant", "user"]
    assert len(first.turns) == 2
    assert second.documents == (document,)
    assert len(second.pictures) == len(document) + 1
    assert second.turns[-1].text == "And this?"


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], "must end with a turn of the user"),
        ([("user", ("a",)), ("assistant", ("b",))], "must end with a turn of the user"),
        ([("user", ("a",)), ("system", ("b",)), ("user", ("c",))], "only the first turn may be the system's"),
        ([("robot", ("a",))], "role='robot' is not known"),
        ([("user", ())], "a turn of the user is empty"),
        ([("user", (b"GIF89a",))], "are no PNG"),
        ([("user", (3,))], "a part of a turn is a int"),
    ],
)
def test_what_is_no_conversation_is_refused(turns: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Conversation(tuple(Turn(role, parts) for role, parts in turns))


def test_an_example_with_earlier_turns_becomes_a_conversation(document: Document) -> None:
    example = Example(context="", question="c?", answers=("d",), turns=(("a?", "A"), ("b?", "B")))
    found = Conversation.about(document, example)
    assert [turn.text for turn in found.turns] == ["a?", "A", "b?", "B", "c?"]
    assert found.turns[0].parts[0] is document
    plain = Conversation.about(document, Example(context="", question="c?", answers=("d",)))
    assert plain == Conversation.ask(document, "c?")


# -- a server ----------------------------------------------------------------------------------------


def test_text_alone_goes_as_strings() -> None:
    reply, request = asked(Conversation.ask("Hi.", "Who?", system="Be brief.").then("Ada.", "And then?"))
    assert reply == NO_USAGE
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi.\n\nWho?"},
        {"role": "assistant", "content": "Ada."},
        {"role": "user", "content": "And then?"},
    ]


def test_images_go_in_their_places(document: Document) -> None:
    png = png_bytes(SQUARE)
    conversation = Conversation.ask("Before", SQUARE, "between", png, document[0]).then("ok", png)
    _, request = asked(conversation)
    first, _, last = request["messages"]
    assert [part["type"] for part in first["content"]] == ["text", "image_url", "text", "image_url", "image_url"]
    assert opened(first["content"][1]).size == (56, 56)
    assert opened(first["content"][3]).tobytes() == SQUARE.tobytes()
    assert opened(first["content"][4]).tobytes() == document[0].image.tobytes()
    assert [part["type"] for part in last["content"]] == ["image_url"]


def test_without_packing_nothing_is_added(document: Document) -> None:
    _, request = asked(Conversation.ask(document, "Which?"))
    (message,) = request["messages"]
    *pages, question = message["content"]
    assert question == {"type": "text", "text": "Which?"}
    assert [opened(page).tobytes() for page in pages] == [page.image.tobytes() for page in document]


def test_with_packing_a_model_is_asked_as_users_ask(document: Document) -> None:
    packing = Packing(send="pages")
    _, request = asked(Conversation.ask(document, "Which?"), packing)
    assert request["messages"] == packing.requests(document, "Which?")[0].body["messages"]
    _, request = asked(Conversation.ask(document, "Which?").then("8841", "And?", SQUARE), packing)
    system, first, _, last = request["messages"]
    assert system["content"] == INSTRUCTION
    assert first == packing.requests(document, "Which?")[0].body["messages"][1]
    assert [part["type"] for part in last["content"]] == ["text", "image_url"]
    _, request = asked(Conversation.ask(document, "Which?", system="Mine.").then("8841", "And?"), packing)
    assert request["messages"][0]["content"] == "Mine."
    assert request["messages"][1] == first


def test_each_document_of_a_conversation_has_its_exact_strings(document: Document) -> None:
    other = render("Call 0049-30-12345 today. " * 30, THETA)
    packing = Packing(send="pages")
    request = packing.request(Conversation.ask(document, "Which?").then("8841", other, "And here?", document))
    first, _, last = request.body["messages"][1:]
    assert "8841-2207" in first["content"][-1]["text"]
    texts = [part["text"] for part in last["content"] if part["type"] == "text"]
    assert "0049-30-12345" in texts[0]
    assert texts[0].endswith("And here?")
    assert texts[1].startswith("Exact strings")
    assert len(request.pages) == 2 * len(document) + len(other)
    assert request.bytes == len(json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode())
    visual = sum(each.ratio(model="glm-4.1v").prompt_tokens for each in (document, document, other))
    assert request.tokens >= visual


def test_a_conversation_that_is_too_large_is_refused(document: Document) -> None:
    long = Conversation.ask(document, "Which?").then("8841", document, "And?")
    endpoint = Endpoint(model="m", base_url="http://127.0.0.1:9", retries=0)
    model = EndpointModel(endpoint=endpoint, packing=Packing(max_images=1, send="pages"))
    with pytest.raises(RequestRefused, match=r"images are .* more than the 1 that"):
        model.complete(long)
    with pytest.raises(RequestRefused, match=r"images are .* more than the 1 that"):
        model.complete(Conversation.ask(document, "Which?"))
    split = EndpointModel(endpoint=model.endpoint, packing=Packing(max_images=1, send="pages", over="split"))
    with pytest.raises(RequestRefused, match="a conversation is one"):
        split.complete(Conversation.ask(document, "Which?"))
    with pytest.raises(EndpointError, match="provider='anthropic' takes no chat completions"):
        EndpointModel(endpoint=model.endpoint, packing=Packing(provider="anthropic")).complete(long)


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["responses", "anthropic", "gemini", "transformers"])
def test_every_format_takes_several_turns(document: Document, provider: str) -> None:
    conversation = Conversation.ask(document, "Which?").then("8841", SQUARE, "And?")
    request = Packing(provider=provider, send="pages", cache=True).request(conversation)
    turns = next(request.body[key] for key in ("messages", "input", "contents") if key in request.body)
    roles = [turn["role"] for turn in turns if turn["role"] != "system"]
    assert roles == ["user", "model" if provider == "gemini" else "assistant", "user"]
    if provider == "anthropic":
        from anthropic.types import MessageParam
        from pydantic import TypeAdapter

        for message in turns:
            TypeAdapter(MessageParam).validate_python(message)
        assert "cache_control" in turns[-1]["content"][0]
    if provider == "responses":
        from openai.types.responses import ResponseInputParam
        from pydantic import TypeAdapter

        TypeAdapter(ResponseInputParam).validate_python(turns)


def test_pieces_stream_where_they_are_wanted_and_usage_comes_along() -> None:
    pieces: list[str] = []
    reply, request = asked(Conversation.ask("Who?"), on_text=pieces.append)
    assert request["stream"]
    assert pieces == ["ye", "s"]
    assert reply == Reply(text="yes", prompt_tokens=12, completion_tokens=2, cached_tokens=8, finish_reason="stop")
    assert reply.tokens == 14
    assert NO_USAGE.tokens is None


def test_a_parameter_is_given_up_while_streaming_too() -> None:
    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        if "stream_options" in body:
            answer_json(to, 400, {"error": {"message": "unknown field stream_options"}})
        else:
            answers_yes(to, body, count)

    with failing(handle) as (url, got):
        assert Endpoint(model="m", base_url=url, retries=0).complete([]).text == "yes"
    assert [("stream_options" in body, body["stream"]) for body in got] == [(True, True), (False, True)]


def test_each_name_of_the_limit_is_tried_once() -> None:
    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        answer_json(to, 400, {"error": {"message": "max_tokens or max_completion_tokens is too large"}})

    with failing(handle) as (url, got), pytest.raises(RequestRefused, match="is too large") as raised:
        Endpoint(model="m", base_url=url, retries=0).complete([], stream=False)
    assert [[name for name in body if name.startswith("max")] for body in got] == [
        ["max_tokens"],
        ["max_completion_tokens"],
    ]
    assert (raised.value.status, raised.value.url) == (400, url)


def test_a_model_on_a_server_is_a_value() -> None:
    model = EndpointModel(endpoint=Endpoint(model="m", temperature=0.0, extra={"top_k": 1}), packing=Packing(exact=9))
    assert pickle.loads(pickle.dumps(model)) == model
    assert model.identity[:4] == ["m", 0.0, None, {"top_k": 1}]
    assert json.loads(json.dumps(model.identity)) == model.identity
    plain = EndpointModel(endpoint=model.endpoint)
    assert plain.identity == model.endpoint.identity
    assert reply_key(plain.identity) != reply_key(model.identity)


# -- a model on this machine -------------------------------------------------------------------------


def plainly(tiny: tuple[Any, Any], messages: list[Any]) -> str:
    """The answer of transformers' own way."""
    model, processor = tiny
    inputs = processor.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    answer = model.generate(**inputs, do_sample=False, max_new_tokens=6)
    return str(processor.tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def said(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def pictured(image: Any) -> dict[str, Any]:
    return {"type": "image", "image": image}


def test_a_local_model_takes_text_documents_and_images_in_any_turn(tiny: tuple[Any, Any], document: Document) -> None:
    model = LocalModel(model=tiny[0], processor=tiny[1], name="tiny")
    assert isinstance(model, Model)
    png = png_bytes(SQUARE)
    system = {"role": "system", "content": [said("Be brief.")]}
    pages = [pictured(page.image) for page in document]
    turns = [
        {"role": "user", "content": [*pages, said("Which?")]},
        {"role": "assistant", "content": [said("8841")]},
        {"role": "user", "content": [pictured(SQUARE), said("And?"), pictured(SQUARE)]},
    ]
    conversation = Conversation.ask(document, "Which?", system="Be brief.").then("8841", png, "And?", SQUARE)
    reply = model.complete(conversation, max_tokens=6)
    assert reply.text == plainly(tiny, [system, *turns])
    assert (reply.completion_tokens, reply.finish_reason) == (6, "length")
    assert (reply.prompt_tokens or 0) > document.ratio(model="glm-4.1v").prompt_tokens
    text = model.complete(Conversation.ask("Who?").then("Ada.", "And?"), max_tokens=6)
    assert text.text == plainly(
        tiny,
        [
            {"role": "user", "content": [said("Who?")]},
            {"role": "assistant", "content": [said("Ada.")]},
            {"role": "user", "content": [said("And?")]},
        ],
    )
    images = model.complete(Conversation.ask(SQUARE, png), max_tokens=6)
    assert images.text == plainly(tiny, [{"role": "user", "content": [pictured(SQUARE), pictured(SQUARE)]}])


def test_pieces_of_a_local_model_come_one_by_one(tiny: tuple[Any, Any], document: Document) -> None:
    model, pieces = LocalModel(model=tiny[0], processor=tiny[1]), []
    reply = model.complete(Conversation.ask(document, "Which?"), max_tokens=6, on_text=pieces.append)
    assert "".join(pieces).strip() == reply.text


def test_what_a_local_model_does_not_take_is_refused(tiny: tuple[Any, Any]) -> None:
    model = LocalModel(model=tiny[0], processor=tiny[1])
    with pytest.raises(RequestRefused, match="page 1 of 3000×3000 px is above"):
        model.complete(Conversation.ask(Image.new("L", (3000, 3000)), "Who?"))
    with pytest.raises(RequestRefused, match="above the 131072"):
        model.complete(Conversation.ask("Who?"), max_tokens=131_072)


def test_a_lazy_model_is_known_before_it_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    model = LazyModel(path_or_id=tmp_path / "none", dtype="bfloat16")
    assert model.identity == [str(tmp_path / "none"), "transformers", "bfloat16"]
    with pytest.raises(DataError, match="is no model"):
        model.complete(Conversation.ask("Who?"))


# -- replies of earlier versions ---------------------------------------------------------------------


def test_replies_that_were_stored_before_are_read(tmp_path: Path) -> None:
    """Records as version 0.1.0 wrote them, with "finish", and 0 where nobody counted."""
    path = tmp_path / "replies.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE reply (key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, reply TEXT, about TEXT)")
        rows = [
            ("a", 12, '{"text": "yes", "prompt_tokens": 10, "completion_tokens": 2, "finish": "length"}'),
            ("b", 0, '{"text": "no", "prompt_tokens": 0, "completion_tokens": 0, "finish": "stop"}'),
        ]
        for key, tokens, reply in rows:
            db.execute("INSERT INTO reply VALUES (?, ?, ?, ?)", [key, tokens, reply, '{"theta": "t", "model": "m"}'])
        db.execute("INSERT INTO reply (key, tokens) VALUES ('c', 0)")  # was sent and not answered
    db.close()
    replies = Replies(path)
    assert replies.get("a") == Reply(text="yes", prompt_tokens=10, completion_tokens=2, finish_reason="length")
    assert replies.get("b") == Reply(text="no", finish_reason="stop")
    assert replies.get("c") is None
    assert replies.answered("m")
    assert replies.spent == Spent(requests=3, tokens=12)


def test_records_keep_the_names_that_earlier_versions_read(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.sqlite")
    counted = Reply(text="yes", prompt_tokens=10, completion_tokens=2, cached_tokens=4, finish_reason="stop")
    replies.put("a", Reply(text="no", finish_reason="stop"), {"model": "m"})
    replies.put("b", counted, {"model": "m"})
    with sqlite3.connect(replies.path) as db:
        one, two = (json.loads(row[0]) for row in db.execute("SELECT reply FROM reply ORDER BY key"))
    db.close()
    assert one == {"text": "no", "prompt_tokens": 0, "completion_tokens": 0, "finish": "stop"}
    assert two == {"text": "yes", "prompt_tokens": 10, "completion_tokens": 2, "finish": "stop", "cached_tokens": 4}
    assert replies.get("a") == Reply(text="no", finish_reason="stop")
    assert replies.get("b") == counted


def test_the_key_of_a_reply_is_the_one_of_earlier_versions() -> None:
    endpoint = Endpoint(model="m", base_url="http://127.0.0.1:9/v1", temperature=0.0)
    key = reply_key("theta", "task", EndpointModel(endpoint=endpoint).identity, "Who?", 64, "0.1.0")
    assert key == "883d1b75dad135ddc4f570456c1ec47369f5ab1f0f3ea022557317a622512895"


def test_lines_of_a_journal_that_were_written_before_are_read() -> None:
    """An evaluation and proposals as version 0.1.0 wrote them: their replies have "finish", and 0 for unknown."""
    from glyphrender.search.evaluation import Evaluation
    from glyphrender.search.proposer import Proposals

    evaluation = json.loads(
        '{"error": 0.25, "low": 0.046, "high": 0.699, "samples": 4, "details": {"tasks": {"needle": {"error": 0.25, '
        '"low": 0.046, "high": 0.699}}, "confusions": [["l", "1", 2]], "answered": 4, "cut_off": 1, '
        '"prompt_tokens": 400, "completion_tokens": 0}}'
    )
    assert Evaluation.from_dict(evaluation).to_dict() == evaluation
    proposals = json.loads(
        '{"thetas": [{"font_size": 8.0}], "critique": "c", "rejected": 1, "repaired": 0, "log": {"model": "m", '
        '"prompt": "p", "crops": [], "reply": "{}", "finish": "stop", "prompt_tokens": 0, "completion_tokens": 0, '
        '"rejected": ["1: was tried already"], "repaired": []}}'
    )
    found = Proposals.from_dict(proposals)
    assert found.thetas[0].font_size == 8
    assert found.log == proposals["log"]


def test_a_database_of_another_program_is_refused_and_stays(tmp_path) -> None:
    import sqlite3

    from glyphrender.inference.replies import Replies

    with sqlite3.connect(tmp_path / "mine.db") as db:
        db.execute("CREATE TABLE notes (text TEXT)")
    db.close()
    before = (tmp_path / "mine.db").read_bytes()
    with pytest.raises(DataError, match="a table 'notes'"):
        Replies(tmp_path / "mine.db")
    assert (tmp_path / "mine.db").read_bytes() == before
