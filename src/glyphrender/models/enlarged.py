"""Pages that a model enlarges before it reads them, because they are smaller than its `min_pixels`.

An enlarged page costs more tokens and shows nothing more. The least area is a setting of the image processor, and so of
the server: a model that was trained on small pages is served with a smaller one, and a server that nobody told takes
the default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from glyphrender.errors import VisionModelError, shown
from glyphrender.models.families.grid import GridModel
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import vision_model

__all__ = ["Enlarged", "enlarged", "enlarged_warning"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Enlarged:
    """A page that is enlarged.

    Attributes:
        size: width and height in pixels, as drawn.
        seen: width and height after the enlargement.
        tokens: visual tokens of the enlarged page.
        tokens_without: visual tokens if the model's least area were 1 pixel.
        least: the least area in pixels.
        model: name of the model.
    """

    size: tuple[int, int]
    seen: tuple[int, int]
    tokens: int
    tokens_without: int
    least: int
    model: str

    @property
    def factor(self) -> float:
        """Return by how much ρ falls: tokens with the enlargement ÷ tokens without."""
        return self.tokens / self.tokens_without


def enlarged(size: tuple[int, int], model: str | VisionModel) -> Enlarged | None:
    """Return what a model makes of a page that is too small for it; None if it does not enlarge it.

    Args:
        size: width and height of the page in pixels.
        model: a name in `VISION_MODELS`, or a `VisionModel`. Only models of the GLM and Qwen families enlarge pages.

    >>> found = enlarged((192, 252), "qwen3.5")
    >>> found.seen, found.tokens, found.tokens_without
    ((224, 320), 70, 48)

    Raises:
        VisionModelError: there is no such model, or it refuses a page of this size.
    """
    known = vision_model(model)
    if not isinstance(known, GridModel):
        return None
    cost, without = known.image(*size), replace(known, min_area=1).image(*size)
    if cost.tokens <= without.tokens:
        return None
    return Enlarged(
        size=size,
        seen=cost.size,
        tokens=cost.tokens,
        tokens_without=without.tokens,
        least=known.min_area // known.frames,
        model=known.name,
    )


def enlarged_warning(sizes: Iterable[tuple[int, int]], model: str | VisionModel) -> str:
    """Return a sentence about the pages that a model enlarges, with two ways out; "" if it enlarges none.

    Args:
        sizes: width and height of each page in pixels. The last page of a document is often smaller than the others.
        model: see `enlarged`.

    Raises:
        VisionModelError: a size is none; or see `enlarged`.

    >>> enlarged_warning([(256, 288)], "qwen3.5")
    ''
    >>> print(enlarged_warning([(192, 252)] * 3, "qwen3.5"))
    3 of 3 pages are enlarged, from 192×252 to 224×320 px: 210 tokens in place of 144, so ρ falls by a factor of 1.46. \
Serve qwen3.5 with min_pixels=1 (vLLM: --mm-processor-kwargs '{"min_pixels": 1}'), or draw pages of 65,536 px and more \
(Theta.align_to).
    """
    pages = [*sizes] if isinstance(sizes, Iterable) and not isinstance(sizes, str | bytes) else [sizes]
    for size in pages:
        whole = isinstance(size, tuple | list) and len(size) == 2 and all(type(side) is int for side in size)
        if not whole:
            raise VisionModelError(f"size={shown(size)} of a page is none. Give (width, height) in pixels.")
    found = [each for each in (enlarged(size, model) for size in pages) if each is not None]
    if not found:
        return ""
    first, tokens, without = found[0], sum(e.tokens for e in found), sum(e.tokens_without for e in found)
    (width, height), (wide, high) = first.size, first.seen
    return (
        f"{len(found)} of {len(pages)} pages are enlarged, from {width}×{height} to {wide}×{high} px: "
        f"{tokens:,} tokens in place of {without:,}, so ρ falls by a factor of {tokens / without:.2f}. Serve "
        f"{first.model} with min_pixels=1 (vLLM: --mm-processor-kwargs '{{\"min_pixels\": 1}}'), or draw pages of "
        f"{first.least:,} px and more (Theta.align_to)."
    )
