"""What a search is compared with: our presets, and the settings of other renderers that a θ can say.

Each as it is used, not moved onto the model's grid or into a space: "pxpipe-like" is 312 × 90 cells of 5 × 8 pixels on
a page of 1568 × 728, newlines drawn as marks; "pixelprompt-like" is 9 px monospace on lines of 8 px, 259 characters
wide, newlines dropped, and the page as wide as its arithmetic of 6 px a character makes it (beside pages of pixelprompt
0.4 itself: ρ 3.60, and its own 3.58). Glyph's own script is no θ, since another program draws its pages;
`benchmarks/search_baselines.py` measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from glyphrender.ratio.model import VisionModel
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.search.evaluation import Evaluator
from glyphrender.search.plot import Baseline
from glyphrender.theta import Overlap, Theta

__all__ = ["PIXELPROMPT", "PXPIPE", "baseline_thetas", "baselines"]

PXPIPE: Final = Theta(
    page_size=(1568, 728),
    margin_x=4,
    margin_y=4,
    font="Spleen 5x8",
    font_size=8,
    line_height=8,
    newline_markup="↵",
    antialias=False,
    subpixel=False,
)

PIXELPROMPT: Final = Theta(
    page_size=(1564, 1562),
    margin_x=5,
    margin_y=5,
    # 259 characters of 5.42 px, where its page has room for 287.
    right_indent=1554 - 259 * 5.422,
    font="DejaVu Sans Mono",
    font_size=9,
    line_height=8,
    overlap=Overlap.ALLOW,
    newline_markup=" ",
    auto_crop_width=False,
)

_PRESETS: Final = {"": ("glyph-en", "dense"), "code": ("code", "code-flow"), "zh": ("glyph-zh",)}


def baseline_thetas(kind: str = "") -> dict[str, Theta]:
    """θ by name: the presets for a kind of text, "" for prose, "code" or "zh", and what others set.

    The two others have no Chinese font of their own, and are left out there.
    """
    presets = {f"preset {name}": Theta.preset(name) for name in _PRESETS[kind]}
    return presets if kind == "zh" else presets | {"pxpipe-like": PXPIPE, "pixelprompt-like": PIXELPROMPT}


def baselines(
    thetas: Mapping[str, Theta],
    text: str,
    vision: str | VisionModel,
    evaluator: Evaluator,
    *,
    samples: int,
    seed: int,
) -> tuple[Baseline, ...]:
    """Each θ on the scales of a search: ρ of `text`, and what its evaluator says of as large a sample.

    Raises:
        GlyphRenderError: what `compression_ratio` and the evaluator raise.
    """
    return tuple(
        Baseline(
            name=name,
            rho=compression_ratio(text, theta, vision, over_limit="ignore").rho,
            evaluation=evaluator(theta, samples=samples, seed=seed),
        )
        for name, theta in thetas.items()
    )
