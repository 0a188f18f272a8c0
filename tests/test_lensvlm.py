"""LensVLM's presets: the figures of its own pages, and pages of ours that no server enlarges."""

from __future__ import annotations

from pathlib import Path

import pytest

from glyphrender import DataError, compression_ratio, render
from glyphrender.inference.lensvlm import LENS_PRESETS, lens_theta
from glyphrender.models.enlarged import enlarged, enlarged_warning

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")[
    20_000:60_000
]


def test_its_presets_are_enlarged_by_the_default_of_the_server() -> None:
    sizes = {name: preset.size for name, preset in LENS_PRESETS.items()}
    assert sizes == {"5x": (256, 284), "10x": (192, 252), "15x": (128, 190)}
    assert [round(preset.ratio(), 1) for preset in LENS_PRESETS.values()] == [5.6, 7.7, 5.4]
    assert [round(preset.intended_ratio(), 2) for preset in LENS_PRESETS.values()] == [5.62, 11.25, 15.75]
    assert enlarged_warning([sizes["5x"]], "qwen3.5") == ""
    assert "from 128×190 to 224×320 px: 70 tokens in place of 24" in enlarged_warning([sizes["15x"]], "qwen3.5")
    assert enlarged((16, 16), "claude") is None  # tiles: no least area


@pytest.mark.parametrize(("name", "rho"), [("5x", 5.5), ("10x", 11), ("15x", 14.5)])
def test_our_pages_in_their_place_are_as_dense_and_are_not_enlarged(name: str, rho: float) -> None:
    theta = lens_theta(name)
    ratio = compression_ratio(NOVEL, theta=theta, model="qwen3.5", tokenizer="qwen3")
    assert ratio.resampled == 0
    assert ratio.rho > rho
    assert enlarged_warning([page.size for page in render(NOVEL, theta)], "qwen3.5") == ""
    assert (theta.font_size, theta.line_height) == (LENS_PRESETS[name].font_size, LENS_PRESETS[name].line_height)


def test_a_preset_that_is_not_theirs_is_refused() -> None:
    with pytest.raises(DataError, match="Use one of: 5x, 10x, 15x"):
        lens_theta("20x")
