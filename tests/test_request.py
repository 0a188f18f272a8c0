"""Pages to a request: the bytes that are sent, ids of pages, budgets of bytes, and what stays when a text grows."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import QuietHandler, listening
from numpy.typing import NDArray
from PIL import Image
from strategies import examples

from glyphrender import DataError, Document, Theta, VisionModelError, render
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.json_stream import Base64Image, JsonStream
from glyphrender.inference.messages import Packing, Request
from glyphrender.inference.providers import PROVIDERS, Provider, provider_at
from glyphrender.models.model import Limits
from glyphrender.raster.png import encode, recompressed

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
THETA = Theta().align_to("glm-4.1v")
#: Small pages, so that a short text has several.
SMALL = Theta(page_size=(112, 112), margin_x=4, margin_y=4)
SENT = [name for name, each in PROVIDERS.items() if each.format != "transformers"]
QUESTION = "Was „Wer“ 東京 \ud800?"


@pytest.fixture(scope="module")
def document() -> Document:
    return render(NOVEL[:20_000], THETA)


def packed(document: Document, provider: str, **options: Any) -> Request:
    (request,) = Packing(provider=provider, send="pages", cache=True, **options).requests(document, QUESTION)
    return request


def as_clients_write(value: Any) -> bytes:
    """Return a body as the HTTP clients of OpenAI and Anthropic write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("\ud800", "\ufffd").encode()


# -- the bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", SENT)
def test_the_stream_is_the_json_of_the_body(document: Document, provider: str) -> None:
    request = packed(document, provider)
    sent = b"".join(request.stream(model="m", max_tokens=8))
    assert sent == as_clients_write({"model": "m", "max_tokens": 8, **request.body})
    assert len(request.stream(model="m", max_tokens=8)) == len(sent)
    assert request.bytes == len(b"".join(request.stream()))


@examples(40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
        | st.builds(Base64Image, st.binary(), st.sampled_from(["", "data:image/png;base64,"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_the_stream_of_any_value_is_its_json(value: Any) -> None:
    stream = JsonStream(value)
    sent = b"".join(stream)
    assert len(stream) == len(sent)
    assert sent == b"".join(stream)  # a second time, as after a redirect
    assert json.loads(sent) == json.loads(json.dumps(value, default=str))


def test_one_image_at_a_time_is_encoded() -> None:
    stream = JsonStream({"images": [Base64Image(bytes(300_000)) for _ in range(50)]})
    tracemalloc.start()
    try:
        assert sum(map(len, stream)) == len(stream) > 20_000_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_is_no_json_is_refused(document: Document) -> None:
    with pytest.raises(DataError, match="cannot be sent as JSON"):
        packed(document, "transformers").stream()
    with pytest.raises(DataError, match="cannot be sent as JSON"):
        packed(document, "openai").stream(stop={1, 2})
    with pytest.raises(DataError, match="a message has a set"):
        Endpoint(model="m", base_url="http://127.0.0.1:9").complete([{"role": "user", "content": {1}}])


Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


@contextmanager
def recording(answer: Answer) -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    """A server that keeps the bytes and headers of each request."""
    got: list[tuple[bytes, dict[str, str]]] = []

    class Server(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, {name.lower(): value for name, value in self.headers.items()}))
            answer(self, len(got))

    with listening(Server) as url:
        yield url, got


def said(to: http.server.BaseHTTPRequestHandler, count: int) -> None:
    """Fail at first, then send on to another path, then answer."""
    data = json.dumps({"choices": [{"message": {"content": "Jane"}, "finish_reason": "stop"}]}).encode()
    to.send_response((503, 307, 200)[count - 1])
    to.send_header("Location", "/other")
    to.send_header("Retry-After", "0.01")
    to.send_header("Content-Length", str(len(data)))
    to.end_headers()
    to.wfile.write(data)


@pytest.mark.slow
def test_over_the_wire_goes_the_json_of_the_body_however_often(document: Document) -> None:
    pytest.importorskip("openai")
    request = packed(document, "vllm")
    with recording(said) as (url, got):
        endpoint = Endpoint(model="m", base_url=url, seed=7, retries=1, extra={"top_k": 2})
        assert endpoint.complete(request.content["messages"], stream=False, max_tokens=8).text == "Jane"
    body = {"messages": request.body["messages"], "model": "m", "max_tokens": 8, "seed": 7, "top_k": 2}
    assert len(got) == 3
    for sent, headers in got:
        assert json.loads(sent) == json.loads(as_clients_write(body))
        assert as_clients_write({"messages": request.body["messages"]})[1:-1] in sent
        assert int(headers["content-length"]) == len(sent)
        assert headers["content-type"] == "application/json"
        assert "transfer-encoding" not in headers


# -- ids ---------------------------------------------------------------------------------------------


def test_vllm_gets_the_digest_of_each_page_as_its_uuid(document: Document) -> None:
    request = packed(document, "vllm")
    *parts, _ = request.body["messages"][1]["content"]
    digests = [hashlib.sha256(page.png(bits=4)).hexdigest() for page in document]
    assert [part["uuid"] for part in parts] == digests == [*request.ids]
    assert [part["image_url"] for part in parts] == [
        part["image_url"] for part in packed(document, "openai").body["messages"][1]["content"][:-1]
    ]


@pytest.mark.parametrize("provider", sorted({*SENT} - {"vllm"}))
def test_no_other_server_gets_an_id(document: Document, provider: str) -> None:
    assert b'"uuid"' not in b"".join(packed(document, provider).stream())


def test_the_data_of_pages_that_a_server_has_can_be_left_out(document: Document) -> None:
    whole = packed(document, "vllm")
    rest = whole.without_data(set(whole.ids[:-1]))
    *parts, _ = rest.body["messages"][1]["content"]
    assert [part["image_url"] for part in parts[:-1]] == [None] * (len(document) - 1)
    assert [part["uuid"] for part in parts] == [*whole.ids]
    assert parts[-1] == whole.body["messages"][1]["content"][-2]
    assert rest.bytes == len(b"".join(rest.stream())) < whole.bytes / 2
    with pytest.raises(DataError, match="have no ids"):
        packed(document, "openai").without_data(whole.ids)


# -- bytes -------------------------------------------------------------------------------------------


def pixels(png: bytes) -> NDArray[Any]:
    """Return the pixels as PIL reads them, on a scale of 255."""
    image = Image.open(io.BytesIO(png))
    return np.asarray(image if image.mode == "RGB" else image.convert("L"))


@examples(60)
@given(st.data())
def test_a_png_that_is_compressed_again_has_the_same_pixels(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 20)))
    colored = data.draw(st.booleans())
    bits = data.draw(st.sampled_from([8] if colored else [1, 2, 4, 8]))
    levels = data.draw(st.sampled_from([2, 4, 16, 256]))
    drawn = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, levels, (*shape, 3) if colored else shape)
    first = encode((drawn * (255 // (levels - 1))).astype(np.uint8), dpi=72, bits=bits)
    again = recompressed(first, data.draw(st.integers(1, 9)))
    assert np.array_equal(pixels(again), pixels(first))
    assert len(again) <= len(first)
    assert Image.open(io.BytesIO(again)).info["dpi"] == Image.open(io.BytesIO(first)).info["dpi"]


def test_pages_of_two_colors_that_were_asked_for_in_eight_bits_need_one() -> None:
    page = render(NOVEL[:3000], Theta(antialias=False))[0]
    assert len(recompressed(page.png(bits=8), 6)) <= len(page.png(bits=1))


def limited(most: int) -> Provider:
    return Provider(name="small", format="openai", limits=Limits(max_bytes=most))


def test_smaller_pngs_are_sent_before_a_request_is_refused(document: Document) -> None:
    whole = packed(document, "openai")
    (fitted,) = Packing(provider=limited(whole.bytes * 97 // 100), send="pages").requests(document, "Who?")
    for before, after in zip(pngs(whole), pngs(fitted), strict=True):
        assert len(after) < len(before)
        assert np.array_equal(pixels(after), pixels(before))
    most = whole.bytes // 2
    with pytest.raises(VisionModelError) as caught:
        Packing(provider=limited(most), send="pages").requests(document, "Who?")
    message = str(caught.value)
    assert "\n" not in message
    assert "request to small" in message
    assert "fewer bits of grey" in message
    assert "over='split'" in message
    with pytest.raises(VisionModelError, match=r"bytes are .* more than the"):
        Packing(provider="openai", send="pages", max_bytes=most).requests(document, "Who?")


def pngs(request: Request) -> list[bytes]:
    user = request.content["messages"][-1]["content"]
    return [part["image_url"]["url"].png for part in user if part["type"] == "image_url"]


def test_each_request_of_a_split_document_is_within_the_bytes_and_its_pages_keep_theirs(document: Document) -> None:
    whole = packed(document, "openai")
    most = whole.bytes * 2 // 5
    requests = Packing(send="pages", over="split", max_bytes=most).requests(document, "Who?")
    assert len(requests) > 2
    assert max(request.bytes for request in requests) <= most
    assert [png for request in requests for png in pngs(request)] == pngs(whole)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai-api"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "alibaba"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://notopenrouter.ai/api/v1", "openai"),
        ("http://127.0.0.1:8000/v1", "openai"),
        ("http://[", "openai"),
        ("", "openai"),
    ],
)
def test_the_limits_of_a_known_address_hold_without_a_name(url: str, name: str) -> None:
    assert provider_at(url).name == name
    assert Packing().for_chat_completions(url).provider == PROVIDERS[name]
    assert Packing(provider="vllm").for_chat_completions(url).provider == PROVIDERS["vllm"]


# -- growth ------------------------------------------------------------------------------------------

PARAGRAPHS = st.lists(
    st.lists(st.text("abcdefg-,.é東京א", min_size=1, max_size=9), min_size=1, max_size=12).map(" ".join), max_size=12
).map("\n".join)


@pytest.mark.slow
@examples(60)
@given(PARAGRAPHS.filter(str.strip), PARAGRAPHS, st.sampled_from([name for name in SENT if name != "responses"]))
def test_a_text_that_grows_keeps_all_pages_but_the_last_and_the_bytes_before_it(
    text: str, more: str, provider: str
) -> None:
    before, after = (packed(render(each, SMALL), provider, exact=0) for each in (text, f"{text}\n{more}"))
    kept = len(before.pages) - 1
    assert before.ids[:kept] == after.ids[:kept]
    sent, then = (b"".join(request.stream(model="m")) for request in (before, after))
    # Everything before the data of the last page is the same. Anthropic's marks are on the last two images and move
    # with them, so there the bytes are the same up to the first mark, and the content is the same beyond.
    end = str(Base64Image(before.pages[kept].png(bits=4))).encode()
    if PROVIDERS[provider].format == "anthropic":
        assert unmarked(before)[:kept] == unmarked(after)[:kept]
        end = b',"cache_control"' if kept else end
    assert then.startswith(sent[: sent.index(end)])


def unmarked(request: Request) -> list[Any]:
    content = request.body["messages"][0]["content"]
    return [{name: value for name, value in part.items() if name != "cache_control"} for part in content]


def test_turns_that_follow_leave_the_bytes_before_them(document: Document) -> None:
    packing = Packing(provider="vllm", send="pages")
    first = Conversation.ask(document, "Who?")
    second = first.then("Jane.", "And then?")
    sent, then = (b"".join(packing.request(each).stream(model="m")) for each in (first, second))
    assert then.startswith(sent.removesuffix(b"]}"))
