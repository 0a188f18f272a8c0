"""A Qwen3-VL of 0.3 million weights that calls `read_page` and answers from its text, behind `transformers serve`.

    python benchmarks/expansion.py served       # train it, serve it, and ask it over HTTP; some minute in all

**What the model is.** It has learnt three conversations by heart: one question, one call, and an answer that names one
of three places. It knows nothing else. It stands for a model with tool calls where the way there and back is to be
tried: the model writes the call in its family's form, the server finds it and gives it as `tool_calls`, the loop
answers with the text of the page, the chat template writes that into the next prompt, and the model answers.

The three documents differ in one word of page 2, so a loop that gives back another text changes the answer. The pages
show that word too. Whether the model took it from them is tried: the word is changed in the answer of the tool alone.

The conversations to learn are those of the loop itself: `ChatSpeaker` asks a teacher in place of a server, and what it
sends is kept. The prompts are made of it by the functions of `transformers serve`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glyphrender import Document, Theta, render
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.expand import Expanded, expand
from glyphrender.inference.expand_protocol import ChatSpeaker
from glyphrender.inference.expand_trace import quotes_hold
from glyphrender.inference.messages import Packing
from glyphrender.inference.tool_calls import ToolCall

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))  # tiny_glm4v

QUESTION = "Where did order 8841-2207 go?"
PLACES = ("Dover", "Malmo", "Kotor")
UNSEEN = "Paris"  # no lesson has it: the model names one that it knows
TOOLS = ["read_page"]
PACKING = Packing(model="qwen3-vl", send="pages", exact=0)
THETA = Theta.preset("scan-8").replace(page_size=(256.0, 256.0), font_size=9.0, line_height=11.0, margin_y=10.0)
SPECIAL = ("<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
# Calls and answers stand in it as in Qwen3's own template. The tools stand in it by name only: their schemas would make
# 2,000 tokens of bytes.
TEMPLATE = """\
{%- set said = namespace(system='') -%}
{%- for message in messages if message.role == 'system' -%}
{%- for part in message.content -%}{%- set said.system = said.system + part.text -%}{%- endfor -%}{%- endfor -%}
<|im_start|>system
{{ said.system }}{%- if tools %}

<tools>
{%- for tool in tools %}
{{ tool.function.name }}
{%- endfor %}
</tools>{%- endif -%}<|im_end|>
{% for message in messages if message.role != 'system' -%}
<|im_start|>{{ 'user' if message.role == 'tool' else message.role }}
{% if message.role == 'tool' %}<tool_response>
{% endif -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>{%- else -%}{{ part.text }}{%- endif -%}
{%- endfor -%}
{%- if message.role == 'tool' %}
</tool_response>{%- endif -%}
{%- for call in message.tool_calls or [] -%}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{%- endfor -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}
"""


def document_of(place: str) -> Document:
    """A document of two pages; page 2 says where the order went."""
    filler = "The clerk wrote the day and the weather into the book. "
    text = f"{filler * 20}Order 8841-2207 went to {place}. {filler * 2}"
    return render(text, THETA)


@dataclass
class Teacher:
    """Stands for `Endpoint`: it calls `read_page(2)`, then gives the place that the answer names.

    Attributes:
        lessons: each request with what was said to it.
    """

    lessons: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    identity: Sequence[Any] = ("teacher",)

    def complete(self, messages: list[dict[str, Any]], *, tools: Any = None, **options: Any) -> Reply:
        told = messages[-1]
        body = json.loads(json.dumps({"messages": messages, "tools": tools}, default=str))  # images as texts
        if told["role"] != "tool":
            call = ToolCall(name="read_page", arguments={"page": 2}, id="call_1")
            function = {"name": call.name, "arguments": dict(call.arguments)}
            self.lessons.append((body, f"<tool_call>\n{json.dumps(function)}\n</tool_call>"))
            return Reply(text="", calls=(call,), finish_reason="tool_calls")
        place = told["content"].partition("went to ")[2].partition(".")[0]
        self.lessons.append((body, f"To {place}."))
        return Reply(text=f"To {place}.", finish_reason="stop")


def lessons() -> list[tuple[dict[str, Any], str]]:
    """The requests of all conversations as the loop sends them, each with the reply to learn."""
    teacher = Teacher()
    for place in PLACES:
        answer = expand(document_of(place), QUESTION, ChatSpeaker(endpoint=teacher), packing=PACKING, tools=TOOLS)
        assert answer.text == f"To {place}."
    return teacher.lessons


def small_qwen3_vl() -> tuple[Any, Any]:
    """(model, processor) with random weights."""
    import torch
    import transformers
    from qwen3vl_images import Qwen3VLImagesProcessor
    from tiny_glm4v import byte_tokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer = byte_tokenizer(SPECIAL)
    token = tokenizer.convert_tokens_to_ids
    text = {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 8192, "vocab_size": len(tokenizer),
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]},
        "pad_token_id": token("<|im_end|>"), "eos_token_id": token("<|im_end|>"),
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
        "deepstack_visual_indexes": [0],
    }  # fmt: skip
    config = transformers.Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )
    images = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 65_536, "longest_edge": 12_845_056},
        patch_size=16,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    torch.manual_seed(0)
    model = transformers.Qwen3VLForConditionalGeneration(config)
    model.generation_config.update(eos_token_id=token("<|im_end|>"), pad_token_id=token("<|im_end|>"))
    return model, Qwen3VLImagesProcessor(images, tokenizer, None, chat_template=TEMPLATE)


def _batch(processor: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(inputs, {"call": places, "answer": places}): the conversations as a batch, and where the replies stand in it.

    The prompts are as `transformers serve` makes them. The prompt of an answer begins with that of the call and the
    call itself, so one sequence teaches both; this is checked.
    """
    import torch
    from transformers.cli.serving.utils import BaseHandler, Modality

    taught, rows = lessons(), []
    for calls, answers in zip(taught[0::2], taught[1::2], strict=True):
        made = []
        for body, reply in (calls, answers):
            parts = BaseHandler.get_processor_inputs_from_messages(body["messages"], Modality.VLM)
            options = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
            inputs = processor.apply_chat_template(parts, add_generation_prompt=True, tools=body["tools"], **options)
            said = torch.tensor([processor.tokenizer(f"{reply}<|im_end|>")["input_ids"]])
            made.append((inputs, said, torch.cat([inputs["input_ids"], said], dim=1)))
        (first, call, begin), (second, answer, whole) = made
        assert torch.equal(whole[:, : begin.shape[1]], begin), "the prompt of the answer does not go on from the call"
        types = torch.cat([second["mm_token_type_ids"], torch.zeros_like(answer)], dim=1)
        pictures = {name: second[name] for name in ("pixel_values", "image_grid_thw")}
        rows.append({"input_ids": whole, "mm_token_type_ids": types, **pictures})
        size, end = whole.shape[1], first["input_ids"].shape[1]
        places = {"call": slice(end, end + call.shape[1]), "answer": slice(size - answer.shape[1], size)}
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}, places


def trained(steps: int = 500, *, good: float = 0.01) -> tuple[Any, Any, dict[str, Any]]:
    """(model, processor, how it was trained): until call and answer have a loss below `good`, at most `steps` steps."""
    import torch

    begin = time.perf_counter()
    model, processor = small_qwen3_vl()
    inputs, places = _batch(processor)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    losses, number = {name: float("inf") for name in places}, 0
    model.train()
    while number < steps and max(losses.values()) > good:
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1.0, (number + 1) / 20)
        logits = model(**inputs).logits
        parts = {}
        for name, place in places.items():
            said = inputs["input_ids"][:, place]
            before = logits[:, place.start - 1 : place.stop - 1]
            parts[name] = torch.nn.functional.cross_entropy(before.flatten(0, 1), said.flatten())
        torch.stack([*parts.values()]).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses = {name: loss.item() for name, loss in parts.items()}
        number += 1
        if number % 20 == 0:
            shown = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
            print(f"step {number}: {shown}", file=sys.stderr)
    about = {
        "weights": sum(each.numel() for each in model.parameters()),
        "tokens of a conversation": inputs["input_ids"].shape[1],
        "steps": number,
        "losses": {name: round(each, 4) for name, each in losses.items()},
        "seconds": round(time.perf_counter() - begin, 1),
    }
    return model.eval(), processor, about


def asked(place: str, endpoint: Endpoint) -> tuple[Expanded, dict[str, Any]]:
    """(answer, what was seen) of one document, asked over HTTP."""
    document = document_of(place)
    answer = expand(document, QUESTION, endpoint, packing=PACKING, tools=TOOLS, protocol="tools")
    trace = answer.trace
    texts = [call.text[quote.at : quote.at + quote.end - quote.start] for call in trace.calls for quote in call.quotes]
    return answer, {
        "place": place,
        "answer": answer.text,
        "calls that the server found": [call.shown for reply in answer.replies for call in reply.calls],
        "ends of the replies": [reply.finish_reason for reply in answer.replies],
        "texts are the source": bool(trace.served) and quotes_hold(trace.calls, document.text),
        "page 2, character for character": texts == [document[1].text],
        "prompt tokens of the server": [reply.prompt_tokens for reply in answer.replies],
    }


@dataclass(frozen=True)
class Altered:
    """An `Endpoint` that gets a word of a tool's answer changed; the pages stay as they are."""

    endpoint: Endpoint
    old: str
    new: str

    @property
    def identity(self) -> list[Any]:
        return [*self.endpoint.identity, self.old, self.new]

    def complete(self, messages: list[dict[str, Any]], **options: Any) -> Reply:
        changed = [
            {**each, "content": each["content"].replace(self.old, self.new)} if each["role"] == "tool" else each
            for each in messages
        ]
        return self.endpoint.complete(changed, **options)


def served() -> dict[str, Any]:
    """Train the model, serve it by `transformers serve`, and ask about each document over HTTP."""
    from tiny_glm4v import save, serving

    model, processor, about = trained()
    with tempfile.TemporaryDirectory() as room:
        save(model, processor, room)
        with serving(room) as url:
            endpoint = Endpoint(base_url=url, model=room, max_tokens=120, temperature=0.0, retries=0)
            found = [asked(place, endpoint) for place in (*PLACES, UNSEEN)]
            altered = {}
            for place, other in zip(PLACES, (*PLACES[1:], PLACES[0]), strict=True):
                speaker = ChatSpeaker(endpoint=Altered(endpoint, place, other))
                answer = expand(document_of(place), QUESTION, speaker, packing=PACKING, tools=TOOLS)
                altered[f"pages {place}, tool {other}"] = answer.text
    print(found[0][0].trace.show(), file=sys.stderr)
    return {"model": about, "asked": [seen for _, seen in found], "one word of the tool's answer changed": altered}
