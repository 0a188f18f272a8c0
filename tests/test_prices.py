"""Prices: whose price a name has, what a request costs, and files of the user's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import compression_ratio
from glyphrender.errors import DataError, VisionModelError
from glyphrender.models.prices import Price, PriceTable, Rates, prices
from glyphrender.models.vision import vision_from_config, vision_model
from glyphrender.tasks.jsonl import read_task
from glyphrender.train.exports.settings import read_settings

OURS = prices()


def test_every_price_has_a_date_and_a_source() -> None:
    assert len(OURS) > 40
    for price in OURS:
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", price.date), price
        assert price.source.startswith("https://")
        assert 0 < price.rates.input < price.rates.output
        assert price.rates.cached_input is None or price.rates.cached_input < price.rates.input
        if price.above is not None:
            assert price.above[1].input > price.rates.input


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-opus-4-5", "claude-opus-4.5"),
        ("claude-opus-4-5-20251101", "claude-opus-4.5"),
        ("anthropic/claude-opus-4.5", "claude-opus-4.5"),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4.5"),
        ("claude-opus-4-1@20250805", "claude-opus-4.1"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-3-7-sonnet-latest", "claude-3.7-sonnet"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gemini-2.5-pro-preview-06-05", "gemini-2.5-pro"),
        ("google/gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("models/gemini-3.1-pro-preview", "gemini-3.1-pro"),
        # Siblings of another size, other modes, and names that say no version.
        *((name, None) for name in ("gpt-5-nano", "gpt-5.5-pro", "o3-pro", "gpt-4o-audio-preview", "gpt-4o-mini-tts")),
        *((name, None) for name in ("claude", "claude-opus", "gemini-3", "glm-4.1v", "my-model", "", "anthropic/")),
        *((name, None) for name in ("claude-opus-4-5:free", "claude-opus-45", "my-claude-opus-4-5")),
    ],
)
def test_a_name_has_the_price_of_its_model_and_of_no_sibling(name: str, model: str | None) -> None:
    found = OURS.of(name)
    assert (found.model if found else None) == model


def test_what_has_a_price_is_a_vision_model() -> None:
    unknown = {price.model for price in OURS if not _known(price.model)}
    assert unknown <= {"gpt-5.4-mini"}


def _known(name: str) -> bool:
    try:
        return vision_model(name).hosted
    except VisionModelError:
        return False


@given(text=st.integers(0, 10**7), image=st.integers(0, 10**7), output=st.integers(0, 10**5), share=st.floats(0, 1))
def test_a_cost_is_the_sum_of_its_parts(text: int, image: int, output: int, share: float) -> None:
    rates = Rates(input=3, output=15, cached_input=0.3, image_input=6)
    price = Price(model="m", rates=rates, above=(200_000, Rates(input=6, output=30)))
    cached = share * (text + image)
    cost = price.cost(text_tokens=text, image_tokens=image, cached_tokens=cached, output_tokens=output)
    if text + image > 200_000:  # the rates above have neither a cache nor a rate of images
        assert cost == pytest.approx((6 * (text + image) + 30 * output) / 1e6)
    else:
        fresh = (1 - share) * (3 * text + 6 * image) + 0.3 * cached
        assert cost == pytest.approx((fresh + 15 * output) / 1e6)


def test_pages_and_text_are_priced_by_what_they_add_to_a_prompt() -> None:
    ratio = compression_ratio("It was the best of times. " * 400, model="claude-opus-5")
    cost = ratio.cost(Price.of(5, 25))
    assert cost.as_pages == pytest.approx(5e-6 * ratio.prompt_tokens)
    assert cost.as_text == pytest.approx(5e-6 * ratio.text_tokens)
    assert bool(cost) == ratio.worth_it is True
    dear = Price(model="m", rates=Rates(input=5, output=25, image_input=500))
    assert not ratio.cost(dear)
    assert ratio.cost(dear).saved < 0


def test_a_longer_prompt_than_the_threshold_costs_the_higher_rate_which_pages_avoid() -> None:
    ratio = compression_ratio("It was the best of times. " * 40_000, model="gemini-2.5-pro", over_limit="ignore")
    price = Price(model="m", rates=Rates(input=1, output=1), above=(200_000, Rates(input=2, output=1)))
    cost = ratio.cost(price)
    assert cost.as_text == pytest.approx(2e-6 * ratio.text_tokens)
    assert cost.as_pages == pytest.approx(1e-6 * ratio.prompt_tokens)


def test_a_file_of_the_user_comes_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my.toml"
    path.write_text(
        '[[price]]\nmodel = "zai-org/Glyph"\ninput = 0.25\noutput = 2\ndate = 2026-11-28\n'
        '[[price]]\nmodel = "gpt-4o"\ninput = 1\noutput = 2\nimage_input = 0.5\n'
        "above = { tokens = 1000, output = 4 }\n"
    )
    found = prices(path)
    glyph, mine = found.of("zai-org/Glyph"), found.of("gpt-4o-2024-08-06")
    assert glyph is not None
    assert (glyph.rates.input, glyph.date) == (0.25, "2026-11-28")
    assert mine is not None
    assert mine.above == (1000, Rates(input=1, output=4, image_input=0.5))
    assert len(found) == len(OURS) + 1
    monkeypatch.setenv("GLYPHRENDER_PRICES", str(path))
    assert prices().of("glyph") is not None
    assert isinstance(prices(), PriceTable)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rows"),
        ("price = 3", "has no rows"),
        ("price = [3]", "price 1: it is no table"),
        ("x = ", "cannot be read as TOML"),
        ("other = 1\n[[price]]\nmodel='m'\ninput=1\noutput=1", "other keys too"),
        ("[[price]]\ninput=1\noutput=1", "price 1: it has no model"),
        ("[[price]]\nmodel='m'\noutput=1", "it has no input"),
        ("[[price]]\nmodel='m'\ninput=1", "it has no output"),
        ("[[price]]\nmodel=3\ninput=1\noutput=1", "model=3 is no text"),
        ("[[price]]\nmodel='m'\ninput='3'\noutput=1", "input='3' is no number of dollars"),
        ("[[price]]\nmodel='m'\ninput=-1\noutput=1", "input=-1 is no number"),
        ("[[price]]\nmodel='m'\ninput=nan\noutput=1", "input=nan is no number"),
        ("[[price]]\nmodel='m'\ninput=inf\noutput=1", "input=inf is no number"),
        ("[[price]]\nmodel='m'\ninput=1e308\noutput=1e308", "input=1e+308 is no number of dollars from 0 to 1,000,000"),
        ("[[price]]\nmodel='m'\ninput=1" + "0" * 400 + "\noutput=1", "input=1000"),
        ("[[price]]\nmodel='m'\ninput=true\noutput=1", "input=True is no number"),
        ("[[price]]\nmodel='m'\ninput=1\noutput=1\nprice=2", "'price' is no field"),
        ("[[price]]\nmodel='m'\ninput=1\noutput=1\nabove=3", "above is no table"),
        ("[[price]]\nmodel='m'\ninput=1\noutput=1\nabove={input=3}", "above.tokens=None"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(said)) as raised:
        prices(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[[price]]\nmodel='m'\ninput=1\noutput=2", encoding="utf-8-sig")
    price = prices(path).of("m")
    assert price is not None
    assert price.rates.output == 2


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        prices(tmp_path / "none.toml")
    with pytest.raises(DataError, match="cannot be read as TOML"):
        prices(tmp_path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_in_place_of_a_file_of_settings_is_refused_and_not_read() -> None:
    readers: tuple[Callable[[Path], object], ...] = (prices, vision_from_config, read_settings, read_task)
    for read in readers:
        with pytest.raises(DataError, match="a device"):
            read(Path("/dev/zero"))
