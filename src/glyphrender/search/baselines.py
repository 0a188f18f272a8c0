"""Settings that a search is compared with: our presets, and the settings of other renderers that a θ can express.

Each setting is measured as it is. It is not moved onto the model's grid or into a space. "pxpipe-like" is 312 × 90
cells of 5 × 8 pixels on a page of 1568 × 728, with newlines drawn as marks. "pixelprompt-like" is 9 px monospace type
on lines of 8 px, 259 characters wide, with newlines dropped. Its page is as wide as its own arithmetic makes it, at 6
px a character. (Compared with pages of pixelprompt 0.4 itself, ρ is 3.60 here and 3.58 there.) Glyph's own script is
not here, because another program draws its pages; `benchmarks/search_baselines.py` measures that script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from glyphrender.search.plot import Baseline
from glyphrender.search.workers import Work, Workers
from glyphrender.theta import Overlap, Theta

__all__ = ["KINDS", "PIXELPROMPT", "PXPIPE", "baseline_thetas", "baselines"]

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
    # 259 characters of 5.42 px; its page has room for 287.
    right_indent=1554 - 259 * 5.422,
    font="DejaVu Sans Mono",
    font_size=9,
    line_height=8,
    overlap=Overlap.ALLOW,
    newline_markup=" ",
    auto_crop_width=False,
)

_PRESETS: Final = {"prose": ("glyph-en", "dense"), "code": ("code", "code-flow"), "zh": ("glyph-zh", "dense-zh")}


KINDS: Final = tuple(_PRESETS)
"""Kinds of text that have baselines."""


def baseline_thetas(kind: str = "prose") -> dict[str, Theta]:
    """Return θ by name: the presets for `kind`, one of `KINDS`, and the settings of other renderers.

    The other renderers have no Chinese font of their own, so they are left out of "zh".
    """
    presets = {f"preset {name}": Theta.preset(name) for name in _PRESETS[kind]}
    return presets if kind == "zh" else presets | {"pxpipe-like": PXPIPE, "pixelprompt-like": PIXELPROMPT}


def baselines(
    thetas: Mapping[str, Theta], work: Work, *, samples: int, seed: int, jobs: int = 1
) -> tuple[Baseline, ...]:
    """Measure each θ as a search does: ρ of the texts, and the evaluator's error on `samples` tasks.

    A θ that cannot be laid out or read is left out.

    Args:
        thetas: θ by name.
        work: the texts, the model and the evaluator.
        samples: tasks that each θ is read on.
        seed: seed of the sample.
        jobs: number of processes or threads.

    Raises:
        GlyphRenderError: the evaluator raised it.
    """
    with Workers(work, jobs) as workers:
        rhos = list(workers.rhos(list(thetas.values())))
        evaluations = workers.evaluations([(theta, samples, seed) for theta in thetas.values()])
        return tuple(
            Baseline(name=name, rho=rho, evaluation=evaluation)
            for name, rho, evaluation in zip(thetas, rhos, evaluations, strict=True)
            if not isinstance(rho, str)
        )
