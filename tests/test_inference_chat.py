"""Questions to a server: `transformers serve` with a real GLM-4.1V, and a socket that fails where servers fail."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loopback import QuietHandler, listening
from test_cli import environment

from glyphrender import DataError, EndpointError, Theta, VisionModelError, render
from glyphrender.inference.chat import Answer, Endpoint, Packing, Reply, ask, vision_of
from glyphrender.inference.messages import INSTRUCTION
from glyphrender.inference.preflight.probes import PreflightPlan
from glyphrender.inference.preflight.run import preflight
from glyphrender.inference.replies import Replies
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
KEY = "sk-0123456789abcdef"


# -- a real server -----------------------------------------------------------------------------------


@pytest.fixture
def endpoint(tiny_server: str, tiny_path: Path) -> Endpoint:
    return Endpoint(base_url=tiny_server, model=str(tiny_path), max_tokens=6, temperature=0.0, retries=0)


@pytest.mark.slow
def test_pages_go_there_and_the_answer_streams_back(endpoint: Endpoint, tiny: tuple[Any, Any]) -> None:
    document = render(NOVEL[:6000], Theta().align_to("glm-4.1v"))
    pieces: list[str] = []
    answer = ask(document, "Who?", endpoint, Packing(send="pages"), on_text=pieces.append)
    assert answer.text == "".join(pieces)
    assert answer.completion_tokens == 6
    assert answer.cut
    assert answer.ratio is not None
    # The server's count is that of the processor, to the token: visual tokens, and a byte a token around them.
    _, processor = tiny
    texts = [{"type": "text", "text": INSTRUCTION}], [{"type": "text", "text": "Who?"}]
    prompt = processor.apply_chat_template(
        [{"role": "system", "content": texts[0]}, {"role": "user", "content": texts[1]}], add_generation_prompt=True
    )
    assert answer.prompt_tokens == answer.ratio.prompt_tokens + len(processor.tokenizer(prompt)["input_ids"])


def test_a_document_of_several_requests_is_asked_in_parts_then_combined(endpoint: Endpoint) -> None:
    document = render(NOVEL[:9000], Theta().align_to("glm-4.1v"))
    pieces: list[str] = []
    packing = Packing(send="pages", max_images=2, over="split")
    answer = ask(document, "Who?", endpoint, packing, on_text=pieces.append)
    assert [len(request.pages) for request in answer.requests] == [2, 1]
    assert len(answer.replies) == 3
    assert "".join(pieces) == answer.text == answer.replies[-1].text
    assert answer.completion_tokens == 18
    assert answer.cost(1.0, 2.0) == pytest.approx(((answer.prompt_tokens or 0) + 36) / 1e6)
    with pytest.raises(VisionModelError, match="3 images are 1 more than the 2"):
        ask(document, "Who?", endpoint, Packing(send="pages", max_images=2))


def test_a_short_text_goes_as_text(endpoint: Endpoint) -> None:
    with pytest.warns(UserWarning, match="is not known"):
        answer = ask("The parcel is 8841-2207.", "Which?", endpoint)
    assert not answer.as_pages
    assert answer.prompt_tokens


@pytest.mark.slow
def test_the_doctor_calls_it_clean_and_finds_another_model_behind_its_name(endpoint: Endpoint) -> None:
    counter = tokenizer(lambda text: len(text.encode()))
    found = {}
    for name in ("glm-4.1v", "qwen3-vl"):
        model = vision_model(name)
        theta = Theta().align_to(model)
        plan = PreflightPlan(model=model, theta=theta, counter=counter, images=2, most=1024, answer=16, nonce=1)
        found[name] = [finding.kind for finding in preflight(endpoint, plan).faults]
    assert found == {"glm-4.1v": [], "qwen3-vl": ["other-model"]}


# -- a server that fails -----------------------------------------------------------------------------

Handler = Callable[[http.server.BaseHTTPRequestHandler, dict[str, Any], int], None]


@contextmanager
def failing(handle: Handler, models: list[dict[str, Any]] | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP server on loopback that answers as `handle` does; the bodies of the requests that it got."""
    got: list[dict[str, Any]] = []

    class Server(QuietHandler):
        def do_GET(self) -> None:
            answer_json(self, 200, {"object": "list", "data": models or []})

        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            handle(self, got[-1], len(got))

    with listening(Server) as url:
        yield url, got


def answer_json(to: http.server.BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    to.send_response(status)
    for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    to.wfile.write(data)


def answer_events(to: http.server.BaseHTTPRequestHandler, *events: str) -> None:
    to.send_response(200)
    to.send_header("content-type", "text/event-stream")
    to.end_headers()
    for event in events:
        to.wfile.write(f"data: {event}\n\n".encode())
        to.wfile.flush()


def chunk(text: str = "", reason: str | None = None, **more: Any) -> str:
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    frame = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return json.dumps({**frame, **more})


USAGE = {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 8}}


def complete(handle: Handler, **options: Any) -> tuple[Reply, list[dict[str, Any]]]:
    with failing(handle) as (url, got):
        endpoint = Endpoint(base_url=url, model="m", **{"api_key": KEY, "retries": 0, "timeout": 60.0, **options})
        return endpoint.complete([{"role": "user", "content": "Hi"}]), got


@pytest.mark.slow
def test_usage_comes_with_the_cached_share() -> None:
    reply, got = complete(
        lambda to, body, count: answer_events(
            to, chunk("a"), chunk("b", "stop"), chunk(choices=[], usage=USAGE), "[DONE]"
        ),
        extra={"top_k": 1},
    )
    assert reply == Reply(text="ab", prompt_tokens=12, completion_tokens=2, cached_tokens=8, finish_reason="stop")
    assert got[0]["top_k"] == 1
    assert got[0]["max_tokens"] == 1024
    assert "temperature" not in got[0]


def failures() -> dict[str, tuple[Handler, str]]:
    def error(status: int, message: str) -> Handler:
        return lambda to, body, count: answer_json(to, status, {"error": {"message": message}})

    def stalled(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], count: int) -> None:
        answer_events(to, chunk("a"))
        time.sleep(10.0)

    return {
        "400": (error(400, "too long: 9 of 8 tokens"), r"refused the request with status 400 \(too long: 9 of 8 tok"),
        "401": (error(401, f"Incorrect API key {KEY}"), r"refused the key \(Incorrect API key …\)\. Set OPENAI_API_K"),
        "404": (error(404, "no model m"), r"knows no such model or path \(no model m\)\. Correct model='m'"),
        "422": (lambda to, body, count: answer_json(to, 422, {"detail": "bad field"}), r"status 422 \(bad field\)"),
        "429": (error(429, "slow down"), r"takes no more requests now \(slow down\)\. Wait, or raise retries"),
        "500": (error(500, "out of memory"), r"failed with status 500 \(out of memory\)\. See its log"),
        "html": (lambda to, body, count: answer_json(to, 502, b"<h1>Bad gateway</h1>"), "failed with status 502"),
        "stalled": (stalled, r"said nothing for 0\.3 s\. Raise timeout"),
        "malformed event": (lambda to, body, count: answer_events(to, "{oops"), "gave an answer that cannot be read"),
        "other JSON": (lambda to, body, count: answer_events(to, "[1, 2]"), "gave an answer that cannot be read"),
        "error in the stream": (
            lambda to, body, count: answer_events(to, chunk("a"), '{"error": {"message": "worker died"}}'),
            r"failed while it answered \(worker died\)",
        ),
        "no choices": (
            lambda to, body, count: answer_json(to, 200, {"object": "chat.completion", "choices": []}),
            "answered without any choice",
        ),
        "malformed JSON": (lambda to, body, count: answer_json(to, 200, b"{oops"), "cannot be read"),
        "broken off": (lambda to, body, count: to.connection.close(), "cannot be reached"),
    }


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("value", [float("nan"), 0, -1, "60", True])
def test_a_limit_on_time_that_is_no_number_above_0_is_refused(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"{name}=.* is no number of seconds above 0"):
        Endpoint(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", -0.1),
        ("temperature", "0"),
        ("temperature", True),
        ("max_tokens", 0),
        ("max_tokens", 2.5),
        ("max_tokens", None),
        ("retries", -1),
        ("retries", True),
        ("seed", 1.5),
        ("seed", "7"),
    ],
)
def test_a_number_that_no_request_can_hold_is_refused_when_the_endpoint_is_made(name: str, value: Any) -> None:
    with pytest.raises(DataError, match=f"^{name}=.* of an endpoint is no ") as caught:
        Endpoint(model="m", **{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", failures())
def test_a_failure_is_one_line_that_names_the_way_out(name: str) -> None:
    handle, message = failures()[name]
    with pytest.raises(EndpointError, match=message) as raised:
        complete(handle, timeout=0.3 if name == "stalled" else 60.0)
    assert "\n" not in str(raised.value)
    assert KEY not in str(raised.value)
    assert KEY not in repr(Endpoint(api_key=KEY))


def test_a_server_that_is_down() -> None:
    with pytest.raises(EndpointError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached .*Start the server"):
        Endpoint(base_url="http://127.0.0.1:9/v1", model="m", retries=0).complete([])


@pytest.mark.parametrize("end", ["\r", "\n", " "])
def test_the_end_of_a_line_on_a_key_neither_fails_nor_shows_it(end: str) -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], count: int) -> None:
        assert to.headers["authorization"] == f"Bearer {KEY}"
        answer_json(to, 401, {"error": {"message": f"no such key {KEY}"}})

    with pytest.raises(EndpointError, match="no such key …") as raised:
        complete(handle, api_key=KEY + end)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("inside", ["\r", "é", "\x1b"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(inside: str) -> None:
    with pytest.raises(EndpointError, match="key has characters that no key has") as raised:
        Endpoint(base_url="http://127.0.0.1:9/v1", api_key=f"{KEY}{inside}x", model="m", retries=0).complete([])
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("port", [0, 65536, 99999, 4_295_000_000])
def test_a_port_that_no_server_has_is_refused_and_not_taken_modulo(port: int) -> None:
    with pytest.raises(EndpointError, match=r"is no URL \(ValueError\)"):
        Endpoint(base_url=f"http://127.0.0.1:{port}/v1", model="m", retries=0).complete([])


def test_a_password_in_the_url_is_in_no_message() -> None:
    endpoint = Endpoint(base_url="http://me:hun/t@r2@127.0.0.1:9/v1?token=abc", model="m", retries=0)
    endpoints = endpoint, Endpoint(base_url="http://me:hunter2@127.0.0.1:9/v1?token=abc", model="m", retries=0)
    for each, secret in zip(endpoints, ("r2", "hunter2"), strict=True):
        with pytest.raises(EndpointError) as raised:
            each.complete([])
        assert secret not in str(raised.value) + repr(each)
        assert "abc" not in str(raised.value) + repr(each)
    assert endpoints[1].url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize("url", ["http://localhost:80a/v1", "http://[::1/v1"])
def test_what_is_no_url_is_said(url: str) -> None:
    with pytest.raises(EndpointError, match=r"base_url='http://.* is no URL"):
        Endpoint(base_url=url, model="m").complete([])


@pytest.mark.parametrize("url", ["", None, " https://api.openai.com/v1", "https://api.openai.com/v1/"])
def test_openais_own_server_is_known_by_its_host(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert Endpoint(base_url=url).is_openai
    with pytest.raises(EndpointError, match="no key for OpenAI's own server"):
        Endpoint(base_url=url, model="m").complete([])
    assert not Endpoint(base_url="http://127.0.0.1:8000/v1?of=api.openai.com").is_openai


def test_an_error_of_the_caller_is_not_the_servers() -> None:
    def fails(piece: str) -> None:
        raise ValueError("mine")

    def answers(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], count: int) -> None:
        answer_events(to, chunk("a", "stop"), "[DONE]")

    with failing(answers) as (url, _), pytest.raises(ValueError, match="mine"):
        Endpoint(base_url=url, model="m").complete([], on_text=fails)


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "google/gemini-2.5-flash"])
def test_claude_and_gemini_behind_a_gateway_get_chat_completions(model: str) -> None:
    assert vision_of(model).startswith(("claude", "gemini"))
    with failing(lambda to, body, count: answer_events(to, chunk("a", "stop"), "[DONE]")) as (url, got):
        endpoint = Endpoint(base_url=url, model=model, retries=0)
        ask(render(NOVEL[:600]), "Who?", endpoint, Packing(model=vision_of(model), send="pages"))
        with pytest.raises(EndpointError, match="provider='anthropic' takes no chat completions"):
            ask("Text.", "Who?", endpoint, Packing(provider="anthropic", send="pages"))
    system, user = got[0]["messages"]
    assert system == {"role": "system", "content": INSTRUCTION}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]


def test_a_part_that_was_cut_off_is_told() -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], count: int) -> None:
        answer_events(to, chunk("a", "length" if count == 1 else "stop"), "[DONE]")

    with failing(handle) as (url, _):
        packing = Packing(send="pages", max_images=1, over="split")
        answer = ask(render(NOVEL[:6000]), "Who?", Endpoint(base_url=url, model="m"), packing)
    assert answer.replies[-1].finish_reason == "stop"
    assert answer.cut


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], count: int) -> None:
        if count == 1:
            answer_json(to, status, {"error": {"message": "not yet"}}, retry_after="0.3")
        else:
            answer_events(to, chunk("a", "stop"), "[DONE]")

    start = time.monotonic()
    reply, got = complete(handle, retries=1)
    assert (reply.text, reply.prompt_tokens, len(got)) == ("a", None, 2)
    assert time.monotonic() - start >= 0.3


def test_a_server_that_knows_no_streams_is_asked_without() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}
    answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": USAGE}
    reply, got = complete(lambda to, body, count: answer_json(to, 200, answer))
    assert (reply.text, reply.prompt_tokens) == ("ab", 12)
    assert [body.get("stream", False) for body in got] == [True, False]


def test_the_context_that_the_server_names_is_kept_to() -> None:
    """vLLM and SGLang list `max_model_len`; the only model is taken without a name."""
    models = [{"id": "Qwen/Qwen3-VL-8B", "object": "model", "created": 0, "owned_by": "x", "max_model_len": 6000}]
    document = render(NOVEL[:90_000], Theta().align_to("qwen3-vl"))
    with failing(lambda to, body, count: answer_events(to, chunk(f"{count}", "stop")), models) as (url, got):
        endpoint = Endpoint(base_url=url, api_key=KEY, max_tokens=500)
        with pytest.raises(VisionModelError, match=r"tokens are [\d,]+ more than the [\d,]+ that qwen3-vl takes"):
            ask(document, "Who?", endpoint)
        answer = ask(document, "Who?", endpoint, Packing(model="qwen3-vl", over="split"))
    assert isinstance(answer, Answer)
    assert {body["model"] for body in got} == {"Qwen/Qwen3-VL-8B"}
    assert len(answer.requests) > 1
    assert all(request.tokens <= 5500 for request in answer.requests)
    last = got[-1]["messages"][-1]["content"]
    assert "[pages 1 to " in last
    assert last.endswith("Question: Who?")
    assert answer.text == str(len(got))


def test_a_server_of_several_models_asks_for_a_name() -> None:
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in ("a", "b")]
    with (
        failing(lambda to, body, count: None, models) as (url, _),
        pytest.raises(EndpointError, match=r"2 models \(a, b"),
    ):
        ask("Hi.", "Who?", Endpoint(base_url=url))


@pytest.mark.parametrize(
    ("name", "vision"),
    [
        ("zai-org/Glyph", "glm-4.1v"),
        ("zai-org/GLM-4.1V-9B-Thinking", "glm-4.1v"),
        ("Qwen/Qwen3-VL-8B-Instruct", "qwen3-vl"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
    ],
)
def test_the_vision_model_follows_from_the_name(name: str, vision: str) -> None:
    assert vision_of(name) == vision


def test_a_name_that_says_nothing_is_told() -> None:
    with pytest.warns(UserWarning, match="the vision model of 'my-model' is not known: pages are sized and counted as"):
        assert vision_of("my-model") == "glm-4.1v"


@pytest.mark.slow
def test_without_the_client_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['openai'] = None\n"
        "from glyphrender.inference.chat import Endpoint\n"
        "from glyphrender import DependencyError\n"
        "try: Endpoint(model='m', base_url='http://127.0.0.1:9').complete([])\n"
        "except DependencyError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=True
    )
    assert "'.[chat]'" in done.stdout


# -- thoughts that the server gives apart ------------------------------------------------------------


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("streamed", [True, False])
def test_thoughts_are_kept_apart_from_the_answer(name: str, streamed: bool) -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], number: int) -> None:
        if body.get("stream"):
            thoughts = [
                json.dumps({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None, name: each}}]})
                for each in ("Two and ", "two.")
            ]
            answer_events(to, *thoughts, chunk("4"), chunk(reason="stop", usage=USAGE), "[DONE]")
        else:
            message = {"role": "assistant", "content": "4", name: "Two and two."}
            answer_json(to, 200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    pieces: list[str] = []
    with failing(handle) as (url, _):
        endpoint = Endpoint(base_url=url, model="m", retries=0)
        reply = endpoint.complete([{"role": "user", "content": "2 + 2"}], stream=streamed, on_text=pieces.append)
    assert (reply.text, reply.reasoning) == ("4", "Two and two.")
    assert "".join(pieces) == "4"
    assert not reply.thoughts_alone


def test_thoughts_without_an_answer_are_no_answer() -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], number: int) -> None:
        thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "It is"}, "finish_reason": None}]}
        answer_events(to, json.dumps(thought), chunk(reason="length"), "[DONE]")

    reply, got = complete(handle)
    assert (reply.text, reply.reasoning, reply.thoughts_alone) == ("", "It is", True)
    assert len(got) == 1


def test_a_stored_reply_keeps_its_thoughts(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "replies.sqlite")
    reply = Reply(text="4", reasoning="Two and two.", finish_reason="stop", prompt_tokens=9, completion_tokens=7)
    replies.put("key", reply, {})
    assert replies.get("key") == reply


def test_thoughts_are_told_as_they_come_and_an_error_of_the_caller_stays_its_own() -> None:
    def handle(to: http.server.BaseHTTPRequestHandler, body: dict[str, Any], number: int) -> None:
        thoughts = [json.dumps({"choices": [{"index": 0, "delta": {"reasoning": each}}]}) for each in ("Two", " and")]
        answer_events(to, *thoughts, chunk("4"), chunk(reason="stop", usage=USAGE), "[DONE]")

    told: list[str] = []
    with failing(handle) as (url, _):
        endpoint = Endpoint(base_url=url, model="m", retries=0)
        question = [{"role": "user", "content": "2 + 2"}]
        reply = endpoint.complete(question, on_text=told.append, on_reasoning=lambda each: told.append(f"({each})"))
        assert told == ["(Two)", "( and)", "4"]
        assert reply.reasoning == "Two and"
        with pytest.raises(ZeroDivisionError):
            endpoint.complete(question, on_reasoning=lambda _: 1 / 0)
