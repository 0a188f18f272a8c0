"""A GLM-4.1V of transformers itself reads pages: loaded from a directory, served over HTTP, asked twice."""

from __future__ import annotations

import base64
import doctest
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_glm4v
from vision_language_models import FAMILIES, family

from glyphrender import Theta, render
from glyphrender.adapters.processor import load_processor
from glyphrender.errors import DataError, EndpointError, VisionModelError
from glyphrender.inference.transformers import LocalModel, load
from glyphrender.models.preprocessor import vision_from_config

pytestmark = pytest.mark.slow

Tiny = tuple[Any, Any]
PAGES = render("It is a truth universally acknowledged, that a single man … " * 60, Theta().align_to("glm-4.1v"))
QUESTION = [{"type": "text", "text": "What is acknowledged?"}]


def test_the_examples_of_the_document_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(__file__).parents[1] / "docs" / "transformers.md"
    result = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert result.attempted > 15
    assert result.failed == 0


def test_the_tiny_model_is_of_transformers_and_small(tiny: Tiny) -> None:
    model, processor = tiny
    assert type(model).__module__ == "transformers.models.glm4v.modeling_glm4v"
    assert model.num_parameters() < 1_000_000
    text = "Ünïcødé 日本語 \U0001f600"
    assert processor.tokenizer.decode(processor.tokenizer(text)["input_ids"]) == text


def test_a_saved_model_costs_what_the_published_one_does(tiny_path: Path) -> None:
    """Its directory names the class that any program can load, and the arithmetic of glm-4.1v."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(tiny_path, trust_remote_code=True)
    image = {"type": "image", "image": PAGES[0].image}
    batch = processor.apply_chat_template(
        [{"role": "user", "content": [image, *QUESTION]}], tokenize=True, return_dict=True, return_tensors="pt"
    )
    found = int((batch["input_ids"] == processor.image_token_id).sum())
    assert (
        found
        == vision_from_config(tiny_path).image(*PAGES[0].size).tokens
        == PAGES.ratio(model="glm-4.1v").visual_tokens
    )


def test_transformers_serve_reads_a_page_sent_by_the_openai_client(tiny_server: str, tiny_path: Path) -> None:
    from openai import OpenAI

    url = "data:image/png;base64," + base64.b64encode(PAGES[0].png()).decode()
    with OpenAI(base_url=tiny_server, api_key="none") as client:
        answer = client.chat.completions.create(
            model=str(tiny_path),
            max_tokens=4,
            temperature=0,
            messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, *QUESTION]}],
        )
    assert answer.choices[0].message.content
    prompt = answer.usage.prompt_tokens
    assert prompt > PAGES.ratio(model="glm-4.1v").visual_tokens > 0


def test_a_server_that_cannot_start_says_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match=r"ended with status 1\. It wrote last: .*"), tiny_glm4v.serving(tmp_path):
        pass


class Recorded:
    """A logits processor of `generate` that keeps the logits and the token of each step."""

    def __init__(self) -> None:
        self.steps: list[Any] = []

    def __call__(self, _: Any, scores: Any) -> Any:
        finite = scores[0].isfinite()  # the end is ruled out by min_new_tokens
        self.steps.append(scores[0].masked_fill(~finite, scores[0][finite].min()))
        return scores

    @property
    def tokens(self) -> list[int]:
        return [int(step.argmax()) for step in self.steps]

    def apart(self, other: Recorded) -> float:
        """Greatest difference of two answers' logits, in units of their spread."""
        return max(float((a - b).abs().max() / a.std()) for a, b in zip(self.steps, other.steps, strict=True))


LONG = {"max_new_tokens": 8, "min_new_tokens": 8}


def answered(ask: Callable[..., str], question: str) -> Recorded:
    recorded = Recorded()
    ask(question, logits_processor=[recorded], **LONG)
    return recorded


def plainly(model: Any, processor: Any, messages: list[Any]) -> Recorded:
    """The answer of transformers' own way: all of it anew, without our pixels, cache or positions."""
    recorded = Recorded()
    inputs = processor.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    model.generate(**inputs, logits_processor=[recorded], do_sample=False, **LONG)
    return recorded


@cache
def vivid(name: str) -> tuple[Any, Any]:
    """A model of the family whose answers depend on all tokens and positions: fresh weights are too small for that."""
    import torch

    model, processor = family(name)
    model = deepcopy(model)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        for weight in model.parameters():
            if weight.ndim > 1:
                weight *= 8
        # Tied to the embeddings, it says again what it was told last.
        head = torch.randn(model.lm_head.weight.shape)
        model.lm_head.weight = torch.nn.Parameter(head)
    return model, processor


@contextmanager
def counted(module: Any) -> Iterator[list[int]]:
    """A list that grows each time that `module` runs."""
    calls: list[int] = []
    handle = module.register_forward_hook(lambda *_: calls.append(1))
    try:
        yield calls
    finally:
        handle.remove()


def tower(model: Any) -> Any:
    names = ("model.visual", "model.vision_tower", "model.vision_model")
    return next(part for name, part in model.named_modules() if name in names)


def question_about(document: Any, text: str) -> list[Any]:
    return [{"role": "user", "content": [*({"type": "image", "image": page.image} for page in document), said(text)]}]


def said(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


SHORT = render("However little known the feelings or views of such a man may be … " * 40, Theta(page_size=(196, 252)))


@pytest.mark.parametrize("name", FAMILIES)
def test_pages_are_read_once_and_answers_are_the_same(name: str) -> None:
    """Questions of other lengths, in turn and as a chat; and another document in between, which moves positions."""
    model, processor = vivid(name)
    reader = LocalModel(model=model, processor=processor)
    assert len(SHORT) > 1
    questions = ("Who?", "What is little known?", "Who?")
    with counted(tower(model)) as calls:
        reading = reader.open(SHORT)
        found = [answered(reading.ask, question) for question in questions]
    assert len(calls) == 1
    assert found[0].apart(found[1]) > 0.1
    for question, answer in zip(questions, found, strict=True):
        assert_same(answer, plainly(model, processor, question_about(SHORT, question)))

    answered(reader.open(SHORT[:1]).ask, "Who?")
    with counted(tower(model)) as calls:
        first = answered(reading.chat, "Who?")
        second = answered(reading.chat, "And then?")
    assert not calls
    told = processor.tokenizer.decode(first.tokens, skip_special_tokens=True).strip()
    messages = [
        *question_about(SHORT, "Who?"),
        {"role": "assistant", "content": [said(told)]},
        {"role": "user", "content": [said("And then?")]},
    ]
    assert_same(second, plainly(model, processor, messages))


def assert_same(found: Recorded, expected: Recorded) -> None:
    assert found.tokens == expected.tokens
    assert found.apart(expected) < 1e-3


def test_an_answer_that_was_broken_off_leaves_the_next_as_it_would_be() -> None:
    model, processor = vivid("glm-4.1v")
    reading = LocalModel(model=model, processor=processor).open(SHORT)

    def stop(_: Any, scores: Any) -> Any:
        raise KeyboardInterrupt

    expected = answered(reading.ask, "Who?")
    with pytest.raises(KeyboardInterrupt):
        reading.ask("What is little known?", logits_processor=[stop])
    assert_same(answered(reading.ask, "Who?"), expected)


def test_a_model_is_loaded_from_its_directory_and_asked(tiny: Tiny, tiny_path: Path) -> None:
    reader = load(tiny_path, device="cpu", dtype="float32")
    expected = plainly(*tiny, question_about(PAGES, "Who?"))
    answers = reader.generate(PAGES, ["Who?", "What?"], **LONG)
    assert answers[0] == tiny[1].tokenizer.decode(expected.tokens, skip_special_tokens=True).strip()
    assert reader.generate(PAGES, "What?", **LONG) == answers[1]


def test_a_saved_processor_of_qwen_loads_without_torchvision(tmp_path: Path) -> None:
    """Which AutoProcessor cannot: its class takes videos, and videos take torchvision."""
    model, processor = family("qwen2.5-vl")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    found = load_processor(tmp_path)
    assert type(found).__name__ == "Qwen2_5_VLProcessor"
    question = question_about(SHORT, "Who?")
    assert plainly(model, found, question).apart(plainly(model, processor, question)) == 0


def test_half_precision_reads_the_same_pages_twice(tiny_path: Path) -> None:
    """In bfloat16 the pages travel as bytes and become bfloat16 on the device; the answers do not depend on order."""
    reader = load(tiny_path, device="cpu", dtype="bfloat16")
    reading = reader.open(SHORT, system="Answer.")
    first, second = answered(reading.ask, "Who?"), answered(reading.ask, "What?")
    assert answered(reading.ask, "Who?").apart(first) == answered(reading.ask, "What?").apart(second) == 0


def test_what_cannot_be_read_is_refused(tiny: Tiny, tiny_path: Path, tmp_path: Path) -> None:
    reader = LocalModel(model=tiny[0], processor=tiny[1])
    with pytest.raises(DataError, match="the document has no pages"):
        reader.generate(render(""), "Who?")
    with pytest.raises(VisionModelError, match=r"page 1 of 3000×3000 px is above the 4816896 px"):
        reader.open([np.zeros((3000, 3000), np.uint8)])
    with pytest.raises(DataError, match="a page is a str, not bytes"):
        reader.generate(["page.png"], "Who?")
    with pytest.raises(DataError, match=r"4 pages and the question are \d+ tokens, .* above the 131072"):
        reader.open(list(SHORT)[:2] * 2).ask("Who?", max_new_tokens=131_000)
    with pytest.raises(DataError, match="num_beams"):
        reader.open(SHORT).ask("Who?", num_beams=2)
    with pytest.raises(DataError, match="which stands for an image"):
        reader.open(SHORT).ask("What is <|image|>?")
    with pytest.raises(DataError, match="is no model that transformers can load"):
        load(tmp_path)
    with pytest.raises(DataError, match="dtype='float12' is none of torch"):
        load(tiny_path, dtype="float12")
    with pytest.raises(DataError, match="device='cuda:77' cannot be used"):
        load(tiny_path, device="cuda:77")


def test_a_model_of_text_alone_is_refused(tmp_path: Path) -> None:
    from transformers import LlamaConfig

    LlamaConfig(hidden_size=32, num_hidden_layers=1).save_pretrained(tmp_path)
    with pytest.raises(VisionModelError, match="is a LlamaConfig: it takes no images"):
        load(tmp_path)


def test_a_model_without_weights_or_processor_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    tiny[0].config.save_pretrained(tmp_path)
    with pytest.raises(DataError, match="has no processor"):
        load(tmp_path)
    tiny[1].save_pretrained(tmp_path)
    with pytest.raises(DataError, match="has no weights to load"):
        load(tmp_path)


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_the_extra_is_named_where_it_is_missing(missing: str, tiny_path: Path) -> None:
    """Every module can be imported without it; what needs it says what to install."""
    program = f"""
import sys
sys.modules[{missing!r}] = None
sys.path.append({str(Path(tiny_glm4v.__file__).parent)!r})
import tiny_glm4v
from glyphrender.adapters import collator, pixels, processor
from glyphrender.inference import transformers
for call in (tiny_glm4v.tiny_glm4v, lambda: transformers.load({str(tiny_path)!r})):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("DependencyError") and "'.[transformers]'" in line for line in lines), lines
