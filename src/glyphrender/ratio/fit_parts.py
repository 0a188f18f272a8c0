"""θ for several texts that share one budget of visual tokens, each by its weight.

A part may use at most the tokens that its own θ needs. If all parts together fit, they stay as they are. Otherwise
each part gets tokens in proportion to its weight times its length, so a part of twice the weight is set half as dense.
Tokens that a part does not need go to the others, and a part that needs more in the smallest type takes them from the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glyphrender.document.document import Document
from glyphrender.errors import ThetaError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.ratio.costs import Ratio
from glyphrender.ratio.fit import FIELDS, fit
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.rich.rich_text import RichText
from glyphrender.theta import Theta, ThetaLike

__all__ = ["PartsFit", "fit_parts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PartsFit:
    """The result of `fit_parts`.

    Attributes:
        thetas: θ of each part.
        ratios: ρ of each part under its θ.
        met: whether all parts together stay within the budget.
    """

    thetas: tuple[Theta, ...]
    ratios: tuple[Ratio, ...]
    met: bool

    @property
    def visual_tokens(self) -> int:
        """Return the visual tokens of all parts."""
        return sum(ratio.visual_tokens for ratio in self.ratios)

    def document(self, texts: Sequence[str | RichText]) -> Document:
        """Return the texts under these θ as one document; see `Document.joined`."""
        return Document.joined(list(zip(texts, self.thetas, strict=True)))


def fit_parts(
    parts: Sequence[tuple[str | RichText, ThetaLike, float]],
    *,
    visual_tokens: int,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
) -> PartsFit:
    """Return θ with which several texts together need at most `visual_tokens`. Only the size of the type changes.

    Args:
        parts: (text, θ, weight) of each part. θ has the largest type that the part may have. A weight is above 0.
        visual_tokens: most visual tokens of all parts.
        model, tokenizer: see `compression_ratio`.

    Raises:
        ThetaError: a part is no such triple, a weight or the budget is not above 0, or a θ is not valid.
        VisionModelError, TokenizerError, DependencyError, FontError: see `compression_ratio`.

    >>> old, new = "It was the best of times. " * 400, "It was the worst of times. " * 100
    >>> found = fit_parts([(old, None, 1), (new, None, 3)], visual_tokens=600)
    >>> found.met, found.thetas[0].font_size < found.thetas[1].font_size <= 9
    (True, True)
    """
    if not isinstance(visual_tokens, int) or isinstance(visual_tokens, bool) or not 1 <= visual_tokens < 1 << 53:
        raise ThetaError(f"visual_tokens={shown(visual_tokens)} is no number above 0. Give a budget.")
    checked = [_checked(part) for part in ([*parts] if isinstance(parts, list | tuple) else [parts])]
    options: dict[str, Any] = {"model": model, "tokenizer": tokenizer}
    natural = [compression_ratio(text, theta=theta, over_limit="ignore", **options) for text, theta, _ in checked]
    needs = [ratio.visual_tokens for ratio in natural]
    weights = [weight * ratio.text_tokens for (_, _, weight), ratio in zip(checked, natural, strict=True)]
    least: dict[int, Ratio] = {}  # parts in the smallest type, which need more than their share
    while True:
        free = [part for part in range(len(checked)) if part not in least]
        left = max(0, visual_tokens - sum(ratio.visual_tokens for ratio in least.values()))
        shares = _shares([needs[part] for part in free], [weights[part] for part in free], left)
        found = dict(least)
        for part, share in zip(free, shares, strict=True):
            text, theta, _ = checked[part]
            found[part] = natural[part] if needs[part] <= share else _smaller(text, theta, share, options)
        over = {
            part: found[part] for part, share in zip(free, shares, strict=True) if found[part].visual_tokens > share
        }
        if not over:
            break
        least |= over
    ratios = [found[part] for part in range(len(checked))]
    total = sum(ratio.visual_tokens for ratio in ratios)
    return PartsFit(thetas=tuple(ratio.theta for ratio in ratios), ratios=tuple(ratios), met=total <= visual_tokens)


def _smaller(text: str | RichText, theta: Theta, share: int, options: dict[str, Any]) -> Ratio:
    """Return ρ of a text in the largest type with which it needs `share` tokens, or in the smallest type there is."""
    over = {"font_size": (min(FIELDS["font_size"][0], theta.font_size), theta.font_size)}
    return fit(text, theta=theta, visual_tokens=max(1, share), over=over, **options).ratio


def _shares(needs: Sequence[int], weights: Sequence[float], budget: int) -> list[int]:
    """Return how many tokens each part may use: what it needs, or its share of what the others leave.

    >>> _shares([100, 100], [1, 3], 120), _shares([100, 20], [1, 3], 100)
    ([30, 90], [80, 20])
    """
    shares: dict[int, int] = {}
    waiting = set(range(len(needs)))
    left = budget
    while waiting:
        total = sum(weights[part] for part in waiting)
        given = {part: int(left * weights[part] / total) if total else needs[part] for part in waiting}
        content = [part for part in waiting if needs[part] <= given[part]]
        for part in content or list(waiting):
            shares[part] = min(needs[part], given[part])
            waiting.discard(part)
        left = budget - sum(shares.values())
    return [shares[part] for part in range(len(needs))]


def _checked(part: object) -> tuple[str | RichText, Theta, float]:
    if isinstance(part, list | tuple) and len(part) == 3 and isinstance(part[0], str | RichText):
        text, theta, weight = part
        if isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight < 1e9:
            return text, Theta.of(theta), float(weight)
    raise ThetaError(f"part {shown(part)} is no (text, θ, weight) with a weight above 0. Give such triples.")
