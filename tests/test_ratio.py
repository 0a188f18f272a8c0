"""ρ is text tokens over visual tokens, by the tokenizer and the processor that count them, and needs no pixels."""

from __future__ import annotations

import doctest
import io
import json
import re
import warnings
from dataclasses import fields
from inspect import signature
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts, thetas

import glyphrender.document.document
from glyphrender import (
    Theta,
    ThetaError,
    ThetaLike,
    VisionModelError,
    compression_ratio,
    fit,
    layout,
    render,
    worth_it,
)
from glyphrender.models.tokenizers import TOKENIZERS, tokenizer, tokenizer_of
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.ratio.costs import Ratio
from glyphrender.theta import PARAMETERS
from glyphrender.typeset.style import WordStyle

HERE = Path(__file__).parent
PROSE = re.sub(
    r"(?<!\n)\n(?!\n)", " ", (HERE.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
)
LENIENT: dict[str, Any] = {"missing_glyph": "BOX", "emoji": "MONO", "hyphenate": False}


@pytest.mark.slow
@examples(60)
@given(text=texts(), theta=thetas(**LENIENT), vision=st.sampled_from(["glm-4.1v", "qwen3-vl", "internvl3", "gemma-3"]))
def test_it_is_the_sum_over_the_pages_drawn(text: str, theta: Theta, vision: str) -> None:
    model = vision_model(vision)
    try:
        costs = [model.image(*page.image.size) for page in layout(text, theta)]
    except VisionModelError:
        with pytest.raises(VisionModelError, match=r"^page \d+: an image of"):
            compression_ratio(text, theta=theta, model=vision, over_limit="ignore")
        return
    ratio = compression_ratio(text, theta=theta, model=vision, over_limit="ignore")
    assert [(page.tokens, page.seen, page.resampled) for page in ratio.pages] == [
        (cost.tokens, cost.size, cost.resampled) for cost in costs
    ]
    assert ratio.visual_tokens == sum(cost.tokens for cost in costs)
    assert ratio.overhead == sum(cost.overhead for cost in costs)
    assert ratio.prompt_tokens == ratio.visual_tokens + ratio.overhead
    assert ratio.text_tokens == tokenizer(ratio.tokenizer).count(text)
    assert ratio.characters == len(text)
    assert ratio.rho == (ratio.text_tokens / ratio.visual_tokens if text else 1.0)


@pytest.mark.slow
@examples(60)
@given(text=texts(), theta=thetas(**LENIENT), other=thetas(**LENIENT))
def test_what_is_remembered_gives_the_same_pages(text: str, theta: Theta, other: Theta) -> None:
    """Words are remembered for all θ that shape alike: here all sizes and places are another θ's."""
    shaping = {field.name for field in fields(WordStyle)} | {"font", "fallback", "direction", "font_axes", "emoji"}
    shaping |= {"font_weight", "font_italic", "missing_glyph"}
    mixed = other.replace(**{name: getattr(theta, name) for name in PARAMETERS if name in shaping})
    for each in (theta, mixed, theta):
        pages = compression_ratio(text, theta=each, model="claude", tokenizer=len, over_limit="ignore").pages
        assert [(page.size, page.characters) for page in pages] == [
            (page.size, page.span[1] - page.span[0]) for page in layout(text, each)
        ]


def test_no_pixel_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*_: object) -> None:
        raise AssertionError("a page was drawn")

    monkeypatch.setattr(glyphrender.raster.typesetter, "draw_page", drawn)
    assert compression_ratio(PROSE[:20_000]).rho > 1
    assert render(PROSE[:20_000]).ratio().rho > 1


@pytest.mark.parametrize("vision", ["glm-4.1v", "qwen3-vl"])
def test_however_the_text_comes(vision: str) -> None:
    text = PROSE[:200_000]
    expected = compression_ratio(text, theta=Theta(), model=vision)
    assert compression_ratio(iter([text[:70_001], text[70_001:]]), theta=Theta(), model=vision) == expected
    assert compression_ratio(io.StringIO(text), theta=Theta(), model=vision) == expected
    assert render(text).ratio(model=vision) == expected
    assert render(iter([text])).ratio(model=vision) == expected


def test_the_empty_text_costs_nothing_either_way() -> None:
    ratio = compression_ratio("")
    assert (ratio.rho, ratio.text_tokens, ratio.visual_tokens, ratio.pages) == (1.0, 0, 0, ())
    assert (ratio.font_pixels, ratio.characters_per_token, ratio.resampled) == (9.0, 0.0, 0)
    assert not worth_it("")
    assert Ratio(theta=Theta(), model="glm-4.1v", tokenizer="len", text_tokens=1, pages=()).rho == inf
    assert compression_ratio("\n\n", tokenizer=lambda text: 0).rho == 0


def test_smaller_type_and_fewer_pixels_save_tokens() -> None:
    text = PROSE[:60_000]
    by_size = [
        compression_ratio(text, theta=Theta(font_size=size, line_height=size + 1)).rho for size in (6, 7, 8, 9, 12)
    ]
    by_dpi = [compression_ratio(text, theta=Theta(dpi=dpi)).rho for dpi in (60, 72, 96, 120)]
    assert by_size == sorted(by_size, reverse=True)
    assert by_dpi == sorted(by_dpi, reverse=True)


def test_the_font_height_is_what_is_left_after_the_resize() -> None:
    text = PROSE[:200_000]
    at_300 = Theta(dpi=300)
    ratio = compression_ratio(text, theta=at_300)
    shrunk = vision_model("glm-4.1v").image(*at_300.page_pixels)
    assert shrunk.scale[1] < 0.8
    assert ratio.font_pixels == pytest.approx(at_300.font_pixels * shrunk.scale[1], rel=0.01)
    assert ratio.resampled == len(ratio.pages)
    aligned = compression_ratio(text, theta=at_300.align_to("glm-4.1v"))
    assert aligned.resampled == 0
    assert aligned.rho >= ratio.rho


def test_a_models_own_tokenizer_counts() -> None:
    assert compression_ratio("a b").tokenizer == "glm-4"
    assert compression_ratio("a b", model="qwen2.5-vl").tokenizer == "qwen3"
    assert compression_ratio("a b", model="gemma-3").tokenizer == "gemma-3"
    assert compression_ratio("a b", model="llama-4").tokenizer == "glm-4"  # its vocabulary is not at hand
    assert compression_ratio("a b", tokenizer=str.split).text_tokens == 2
    assert {tokenizer_of(name) for name in VISION_MODELS} <= {*TOKENIZERS, None}


def test_worth_is_decided_by_what_the_prompt_gets() -> None:
    short, long = worth_it("Hello, world."), worth_it(PROSE[:9000])
    assert not short
    assert short.saved < 0
    assert long
    assert long.saved == long.text_tokens - long.page_tokens > 0
    assert long.page_tokens == long.ratio.visual_tokens + long.ratio.overhead


@pytest.mark.parametrize("theta", [None, "dense", {"dpi": 96}, {"dpi": 96, "margin-x": 20}, Theta(dpi=96)])
def test_theta_is_whatever_stands_for_one(theta: ThetaLike) -> None:
    expected = compression_ratio(PROSE[:9000], theta=Theta.of(theta))
    assert compression_ratio(PROSE[:9000], theta=theta) == worth_it(PROSE[:9000], theta=theta).ratio == expected
    assert fit(PROSE[:9000], theta=theta, pages=1).theta == fit(PROSE[:9000], theta=Theta.of(theta), pages=1).theta
    assert render(PROSE[:9000], theta).theta == Theta.of(theta)


def test_arguments_have_names() -> None:
    for function in (compression_ratio, worth_it, fit):
        named = [each.name for each in signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
        assert named[:3] == ["theta", "model", "tokenizer"]
    with pytest.raises(ThetaError, match="theta=9 has the type int"):
        compression_ratio("a", theta=9)  # type: ignore[arg-type]


def test_json() -> None:
    values = json.loads(json.dumps(compression_ratio(PROSE[:20_000]).to_dict()))
    assert values["pages"] == len(values["page_costs"])
    assert values["rho"] == values["text_tokens"] / values["visual_tokens"]
    assert values["theta"] == Theta().digest


def limited(images: int) -> Any:
    import dataclasses

    model = vision_model("glm-4.1v")
    return dataclasses.replace(model, name="few", limits=dataclasses.replace(model.limits, max_images=images))


def test_more_pages_than_a_request_takes() -> None:
    text = PROSE[:60_000]
    message = r"\d+ pages are more than the 2 images that few takes in a request"
    with pytest.warns(UserWarning, match=message):
        ratio = compression_ratio(text, model=limited(2))
    assert re.match(message, ratio.exceeds[0])
    with pytest.raises(VisionModelError, match=message) as caught:
        compression_ratio(text, model=limited(2), over_limit="error")
    assert caught.value.model == "few"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compression_ratio(text, model=limited(2), over_limit="ignore").exceeds == ratio.exceeds
        assert not compression_ratio(text, model=limited(len(ratio.pages)), over_limit="error").exceeds


def test_a_page_that_the_model_refuses_is_named() -> None:
    ribbon = Theta(page_size=(14_000, 20), margin_x=1, margin_y=1, auto_crop_width=False)
    with pytest.raises(
        VisionModelError, match=r"page 1: an image of 14000×\d+ px is refused: glm-4\.1v takes"
    ) as caught:
        compression_ratio("a", theta=ribbon)
    assert caught.value.model == "glm-4.1v"


@pytest.mark.parametrize("vision", ["glm-9v", ""])
def test_an_unknown_model_says_where_the_names_are(vision: str) -> None:
    with pytest.raises(VisionModelError, match=r"is not a known vision model\..* `glyphrender models` lists all"):
        compression_ratio("a", model=vision)


def test_the_examples_of_the_page_are_so() -> None:
    result = doctest.testfile(str(HERE.parent / "docs/ratio.md"), module_relative=False, encoding="utf-8")
    assert result.attempted == 15
    assert result.failed == 0
