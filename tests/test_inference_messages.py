"""Documents as requests: in the shapes of the providers' own clients, within limits, stable as they grow."""

from __future__ import annotations

import base64
import doctest
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import glyphrender.inference.chat
import glyphrender.inference.messages
from glyphrender import DataError, Document, EndpointError, Theta, VisionModelError, render
from glyphrender.inference.messages import INSTRUCTION, Packing, Request, to_messages
from glyphrender.inference.providers import PROVIDERS, Provider
from glyphrender.models.model import Limits

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
THETA = Theta().align_to("glm-4.1v")


@pytest.fixture(scope="module")
def document() -> Document:
    return render(f"Order 8841-2207.\n{NOVEL[:60_000]}", THETA)


def validated(kind: Any, value: Any) -> None:
    """`value` is of a TypedDict of the client's, with no field that it does not know."""
    pytest.importorskip("pydantic").TypeAdapter(kind).validate_python(value)


def images(request: Request) -> list[str]:
    (message,) = [message for message in request.body["messages"] if message["role"] == "user"]
    return [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]


def test_openai_chat_completions(document: Document) -> None:
    pytest.importorskip("openai")
    from openai.types.chat import ChatCompletionSystemMessageParam, ChatCompletionUserMessageParam

    system, user = to_messages(document, "Which order?", model="gpt-5.4", send="pages")
    validated(ChatCompletionSystemMessageParam, system)
    validated(ChatCompletionUserMessageParam, user)
    *pages, text = user["content"]
    assert len(pages) == len(document)
    assert {page["image_url"]["detail"] for page in pages} == {"high"}
    assert text["text"].splitlines()[1] == "Page 1: 8841-2207"
    assert text["text"].endswith("\n\nWhich order?")
    first = Image.open(io.BytesIO(base64.b64decode(pages[0]["image_url"]["url"].partition(",")[2])))
    assert first.size == document[0].size


def test_openai_responses(document: Document) -> None:
    pytest.importorskip("openai")
    from openai.types.responses import ResponseInputParam

    (request,) = Packing(provider="responses", model="gpt-5.4").requests(document, "Which?")
    validated(ResponseInputParam, request.body["input"])
    assert request.body["instructions"] == INSTRUCTION


@pytest.mark.slow
def test_anthropic(document: Document) -> None:
    pytest.importorskip("anthropic")
    from anthropic.types import MessageParam

    (request,) = Packing(model="claude", cache=True).requests(document, "Which?")
    (message,) = request.body["messages"]
    validated(MessageParam, message)
    marked = [number for number, part in enumerate(message["content"]) if "cache_control" in part]
    assert marked == [len(document) - 2, len(document) - 1]
    assert request.body["system"] == INSTRUCTION


def test_gemini(document: Document) -> None:
    (request,) = Packing(model="gemini-3", send="pages").requests(document, "Which?")
    (content,) = request.body["contents"]
    assert [list(part) for part in content["parts"]] == [["inlineData"]] * len(document) + [["text"]]
    types = pytest.importorskip("google.genai.types")
    types.Content.model_validate(content)
    types.Content.model_validate(request.body["systemInstruction"])


@pytest.mark.slow
def test_transformers(document: Document, tiny: tuple[Any, Any]) -> None:
    messages = to_messages(document, "Which?", provider="transformers")
    _, processor = tiny
    batch = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    assert len(batch["image_grid_thw"]) == len(document)
    image = processor.tokenizer.convert_tokens_to_ids("<|image|>")
    assert int((batch["input_ids"] == image).sum()) == document.ratio(model="glm-4.1v").visual_tokens


def test_our_count_of_tokens_and_bytes_is_not_below_what_is_sent(document: Document) -> None:
    (request,) = Packing(context=100_000).requests(document, "Which?")
    assert request.bytes == len(json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode())
    assert request.tokens >= document.ratio(model="glm-4.1v").prompt_tokens


# -- limits ------------------------------------------------------------------------------------------


def test_an_error_says_how_far_over(document: Document) -> None:
    with pytest.raises(VisionModelError, match=rf"{len(document)} images are {len(document) - 3} more than the 3 that"):
        Packing(max_images=3).requests(document, "Which?")
    with pytest.raises(VisionModelError, match=r"tokens are [\d,]+ more than the [\d,]+ that glm-4.1v takes"):
        Packing(context=4000).requests(document, "Which?")
    with pytest.raises(VisionModelError, match="context=500 leaves no tokens"):
        Packing(context=500).requests(document, "Which?")
    small = Provider(name="small", format="openai", limits=Limits(max_bytes=200_000))
    with pytest.raises(VisionModelError, match=r"bytes are [\d,]+ more than .* request to small"):
        Packing(provider=small).requests(document, "Which?")
    tiny = Provider(name="tiny", format="openai", max_image_bytes=1000)
    with pytest.raises(VisionModelError, match=r"page 1 has [\d,]+ bytes, [\d,]+ more than an image to tiny"):
        Packing(provider=tiny).requests(document, "Which?")


@pytest.mark.parametrize("options", [{"max_images": 3}, {"context": 3000}, {"bytes": 200_000}])
def test_split_requests_hold_each_page_once_and_keep_within_limits(document: Document, options: dict[str, int]) -> None:
    most = options.pop("bytes", None)
    to = Provider(name="small", format="openai", limits=Limits(max_bytes=most))
    requests = Packing(provider=to, over="split", **options).requests(document, "Which?")  # type: ignore[arg-type]
    assert len(requests) > 2
    assert [page.number for request in requests for page in request.pages] == list(range(1, len(document) + 1))
    for request in requests:
        assert len(images(request)) == len(request.pages) <= options.get("max_images", 99)
        assert request.tokens <= options.get("context", 10**6)
        assert request.bytes <= (most or 10**9)
    first, last = requests[1].pages[0].number, requests[1].pages[-1].number
    assert f"pages {first} to {last} of a longer document" in requests[1].body["messages"][1]["content"][-1]["text"]


@pytest.mark.parametrize("options", [{"max_images": 14}, {"context": 6000, "exact": 100}, {"bytes": 600_000}])
def test_downshift_sets_the_same_text_smaller(document: Document, options: dict[str, int]) -> None:
    most = options.pop("bytes", None)
    to = Provider(name="small", format="openai", limits=Limits(max_bytes=most))
    packing = Packing(provider=to, over="downshift", send="pages", min_font_pixels=4, **options)  # type: ignore[arg-type]
    (request,) = packing.requests(document, "Which?")
    assert "".join(page.text for page in request.pages) == document.text
    assert 4 <= request.pages[0].theta.font_size < 9
    assert len(request.pages) <= options.get("max_images", 99)
    assert request.tokens <= options.get("context", 10**6)
    assert request.bytes <= (most or 10**9)


def test_what_would_have_to_be_too_small_is_refused(document: Document) -> None:
    with pytest.raises(VisionModelError, match="min_font_pixels=7"):
        Packing(max_images=1, over="downshift").requests(document, "Which?")


@pytest.mark.slow
def test_claude_takes_large_pages_up_to_twenty() -> None:
    document = render(NOVEL, Theta(page_size=(600, 2100), auto_crop_last_page=False))
    with pytest.raises(VisionModelError, match="more than the 20 that claude takes"):
        Packing(model="claude").requests(document, "Who?")


def test_each_provider_s_limits_are_dated() -> None:
    for provider in PROVIDERS.values():
        assert bool(provider.date) == (provider.limits != Limits())
        assert provider.source


# -- what is sent ------------------------------------------------------------------------------------


def test_a_short_text_goes_as_text_and_a_long_one_as_pages(document: Document) -> None:
    (short,) = Packing().requests(render("Hi there.", THETA), "Who?")
    assert not short.images
    assert short.body["messages"][1]["content"] == "Hi there.\n\nWho?"
    (long,) = Packing().requests(document, "Who?")
    assert long.images
    (forced,) = Packing(send="text").requests(document, "Who?")
    assert forced.body["messages"][1]["content"] == f"{document.text}\n\nWho?"


def test_pages_of_four_bits_by_default(document: Document) -> None:
    sizes = {
        bits: sum(map(len, images(Packing(send="pages", bits=bits).requests(document, "Who?")[0])))
        for bits in (8, 4, 1, None)
    }
    assert sizes[1] < sizes[4] < sizes[8]
    assert sizes[None] == sizes[4]


def test_a_document_that_grows_keeps_its_pages_first_byte_for_byte() -> None:
    document = render(NOVEL[:40_000], THETA)
    (before,) = Packing(send="pages").requests(document, "Who?")
    same = document.extend_text(f"\nOrder 8841-2207.{NOVEL[40_000:60_000]}").unchanged
    (after,) = Packing(send="pages").requests(document, "What?")
    assert same >= len(images(before)) - 1 > 2
    assert images(before)[:same] == images(after)[:same]
    assert (
        json.dumps(before.body)[: sum(map(len, images(before)[:same]))]
        == (json.dumps(after.body)[: sum(map(len, images(before)[:same]))])
    )


def test_what_cannot_be_asked_is_refused(document: Document) -> None:
    with pytest.raises(DataError, match="the document is empty"):
        to_messages(render("", THETA), "Who?")
    with pytest.raises(DataError, match="the question is empty"):
        to_messages(document, "  ")
    with pytest.raises(EndpointError, match="provider='azure' is not known"):
        to_messages(document, "Who?", provider="azure")
    with pytest.raises(DataError, match="several requests"):
        to_messages(document, "Who?", over="split")


def test_the_examples_run() -> None:
    page = Path(__file__).parents[1] / "docs/chat.md"
    results = [
        doctest.testmod(glyphrender.inference.chat),
        doctest.testmod(glyphrender.inference.messages),
        doctest.testfile(str(page), module_relative=False, encoding="utf-8"),
    ]
    assert [(result.failed, result.attempted) for result in results] == [(0, 1), (0, 4), (0, 13)]
