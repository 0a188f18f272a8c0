"""A GLM-4.1V of transformers itself reads pages: loaded from a directory, served over HTTP, asked twice."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from glyphrender import Theta, render
from glyphrender.adapters.tiny import serving
from glyphrender.errors import EndpointError
from glyphrender.ratio.preprocessor import vision_from_config

Tiny = tuple[Any, Any]
PAGES = render("It is a truth universally acknowledged, that a single man … " * 60, Theta().align_to("glm-4.1v"))
QUESTION = [{"type": "text", "text": "What is acknowledged?"}]


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
    assert found == vision_from_config(tiny_path).image(*PAGES[0].size).tokens == PAGES.ratio("glm-4.1v").visual_tokens


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
    assert prompt > PAGES.ratio("glm-4.1v").visual_tokens > 0


def test_a_server_that_cannot_start_says_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match=r"ended with status 1\. It wrote last: .*"), serving(tmp_path):
        pass
