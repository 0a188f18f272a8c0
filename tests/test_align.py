"""`Theta.align_to`: no page is resampled, and none costs more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts, thetas

from glyphrender import Theta, ThetaError, VisionModelError, align, layout
from glyphrender.models.vision import VISION_MODELS, VisionModel, vision_model

HERE = Path(__file__).parent
VERSES = (HERE.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")[:150_000]
PROSE = re.sub(r"(?<!\n)\n(?!\n)", " ", VERSES)
CODE = Path(__file__).read_text(encoding="utf-8") * 5
# Whether a font has a character, or a language patterns, is not what is tested.
LENIENT: dict[str, Any] = {"missing_glyph": "BOX", "emoji": "MONO", "hyphenate": False}
# They bring every image to sizes of their own: what is given makes no difference to them.
UNALIGNED = {"gemini-3", "gemini-3-low", "gemini-3-medium", "gemini-3-ultra"}
ALIGNED = [name for name in VISION_MODELS if name not in UNALIGNED]
GRID = [name for name in VISION_MODELS if vision_model(name).family == "grid"]


def tokens(text: str, theta: Theta, model: VisionModel) -> int:
    return sum(model.image(*page.size).tokens for page in layout(text, theta))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALIGNED)
@pytest.mark.parametrize("text", ["One line.", CODE[:3000], PROSE[:30_000]], ids=["line", "code", "prose"])
def test_no_page_is_resampled(name: str, text: str) -> None:
    model = vision_model(name)
    theta = Theta().align_to(name)
    for page in layout(text, theta):
        assert not model.image(*page.size).resampled, page.size
        assert model.image(*page.size).size == page.size


@pytest.mark.slow
@pytest.mark.parametrize("dpi", [72, 96, 120])
@pytest.mark.parametrize("name", GRID)
@pytest.mark.parametrize("text", [PROSE, VERSES, CODE], ids=["prose", "verses", "code"])
def test_it_costs_no_more(name: str, text: str, dpi: int) -> None:
    model, theta = vision_model(name), Theta(dpi=dpi)
    assert tokens(text, theta.align_to(name), model) <= tokens(text, theta, model)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALIGNED if name not in GRID])  # those are in the test above
def test_a_long_text_costs_no_more_with_any_model(name: str) -> None:
    model = vision_model(name)
    assert tokens(PROSE, Theta().align_to(name), model) <= tokens(PROSE, Theta(), model)


def test_the_lines_stay_where_margins_can_give_way() -> None:
    before, after = list(layout(PROSE, Theta(dpi=96))), list(layout(PROSE, Theta(dpi=96).align_to("glm-4.1v")))
    assert [page.span for page in before] == [page.span for page in after]
    assert {page.size for page in after[:-1]} == {(784, 1120)}


def test_a_page_beyond_the_limit_gets_the_dpi_the_model_would_give_it() -> None:
    theta = Theta(dpi=300)
    model = vision_model("glm-4.1v")
    cost, after = model.image(*theta.page_pixels), theta.align_to(model)
    assert after.page_pixels == cost.size
    assert after.font_pixels == pytest.approx(theta.font_pixels * min(cost.scale), rel=1e-3)
    assert after.column_width >= theta.column_width - 1e-6


@pytest.mark.slow
@examples(150)
@given(theta=thetas(max_pixels=3e6, auto_crop_width=True, auto_crop_last_page=True), name=st.sampled_from(GRID))
def test_any_theta_can_be_aligned_and_stays_so(theta: Theta, name: str) -> None:
    model = vision_model(name)
    try:
        after = theta.align_to(model)
    except VisionModelError as error:
        assert "takes sides within" in str(error)  # noqa: PT017
        return
    assert not model.image(*after.page_pixels).resampled
    assert after.page_pixels[0] % model.grid[0] == after.page_pixels[1] % model.grid[1] == 0  # type: ignore[index]
    assert after.measure >= theta.measure * (1 - 1e-6)
    assert after.align_to(model) == after
    assert after.font_pixels <= theta.font_pixels


@pytest.mark.slow
@examples(100)
@given(text=texts(), theta=thetas(**LENIENT, auto_crop_width=True, auto_crop_last_page=True))
def test_cropped_pages_keep_to_the_grid_and_the_least_area(text: str, theta: Theta) -> None:
    whole = theta.page_pixels
    assert whole[0] % theta.page_grid == whole[1] % theta.page_grid == 0
    for page in layout(text, theta):
        width, height = page.size
        assert width % theta.page_grid == height % theta.page_grid == 0
        assert width * height >= min(theta.min_pixels, whole[0] * whole[1])


@pytest.mark.parametrize(
    "used, margin, expected",
    [(100, 10, 112), (100, 30, 140), (112, 13, 112), (113, 0, 140), (0.5, 0, 28), (83, 15, 112), (85, 10, 112)],
)
def test_cropping_rounds_to_the_nearest_multiple_that_cuts_no_text(used: float, margin: float, expected: int) -> None:
    from glyphrender.typeset.paginate import cropped_side

    assert cropped_side(used, margin, Theta(page_grid=28)) == expected


def test_presets_of_a_model() -> None:
    theta = Theta.preset("glyph-en@qwen3-vl")
    assert theta == Theta.preset("glyph-en").align_to("qwen3-vl")
    assert theta.page_pixels == (608, 832)
    with pytest.raises(VisionModelError, match=r"'qwen9' is not a known vision model\. Did you mean qwen3"):
        Theta.preset("glyph-en@qwen9")
    with pytest.raises(ThetaError, match="no preset"):
        Theta.preset("glyph@qwen3-vl")


def test_the_function_and_the_method_are_the_same() -> None:
    assert align("glyph-en", "qwen3-vl") == Theta.preset("glyph-en").align_to(vision_model("qwen3-vl"))
    assert align({"dpi": 96}, "glm-4.1v") == Theta(dpi=96).align_to("glm-4.1v")
    assert align(None, "glm-4.1v") == Theta().align_to("glm-4.1v")
    with pytest.raises(VisionModelError, match="resamples every page") as caught:
        align(None, "gemini-3")
    assert caught.value.model == "gemini-3"


@pytest.mark.parametrize("name", sorted(UNALIGNED))
def test_models_that_resample_whatever_they_get(name: str) -> None:
    with pytest.raises(VisionModelError, match=f"'{name}' resamples every page near"):
        Theta().align_to(name)


def test_a_model_that_always_resamples_is_an_error() -> None:
    class Blur:
        name, grid, limits = "blur", (28, 28), vision_model("glm-4.1v").limits

        def image(self, width: int, height: int) -> Any:
            from glyphrender.models.model import resized_cost

            return resized_cost(width, height, (width + 1, height), tokens=1, overhead=0)

    with pytest.raises(VisionModelError, match=r"'blur' resamples every page near 595×842 px\."):
        Theta().align_to(Blur())  # type: ignore[arg-type]
