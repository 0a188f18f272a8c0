"""The share of legibility that is guessing: errors on a text beside errors on text without language priors.

The prior's share is 1 − e / e₀: e is the error rate on the text, e₀ that on the same places without priors (see
`ocr.priorless`). It is the share of the errors of pure seeing that a reader avoids because it knows the language. A
share of 85% means that six of seven characters that the reader cannot see are guessed right. Text that nobody can guess
(identifiers, numbers, names) is read at e₀.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.errors import DataError
from glyphrender.ocr.legibility import Legibility
from glyphrender.ocr.priorless import TextKind
from glyphrender.tasks.statistics import Interval, error_rate_interval

__all__ = ["PriorShare", "prior_share", "share_of"]

# Number of draws of the bootstrap.
_RESAMPLES: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class PriorShare:
    """Error rates on a text and on text without priors, with 95% intervals.

    Attributes:
        kind: the kind of text without priors.
        prose: the error rate on the text.
        without: the error rate on text of this kind.
        share: the share of errors that the language prior avoids, or None if there was no error without priors. Below
            0, the text was read worse than text without priors.
    """

    kind: TextKind
    prose: Interval
    without: Interval
    share: Interval | None


def prior_share(prose: Legibility, without: Legibility, *, seed: int = 0) -> PriorShare:
    """Return the prior's share from two readings of the same places.

    >>> from glyphrender import render
    >>> from glyphrender.ocr.legibility import legibility
    >>> document = render("In the beginning was the Word.")
    >>> prose, words = (legibility(document, lambda image: "In the", kind=kind) for kind in ("prose", "words"))
    >>> prior_share(prose, words).without.mean >= prior_share(prose, words).prose.mean
    True

    Args:
        prose: the reading of the text.
        without: the reading of text without priors, with the same pages and seed.
        seed: seed of the bootstrap.

    Raises:
        DataError: the two are not of the same places, or the second has language priors.
    """
    if prose.kind is not TextKind.PROSE or without.kind is TextKind.PROSE:
        raise DataError(f"readings of {prose.kind} and {without.kind} have no prior's share. Read prose, then another.")
    if [page.number for page in prose.pages] != [page.number for page in without.pages]:
        raise DataError("the readings are not of the same pages. Read both with the same pages and seed.")
    blocks = [[each for page in read.pages for each in page.blocks] for read in (prose, without)]
    return share_of(without.kind, blocks[0], prose.characters, blocks[1], without.characters, seed=seed)


def share_of(
    kind: TextKind,
    prose: Sequence[int],
    prose_characters: int,
    without: Sequence[int],
    without_characters: int,
    *,
    seed: int = 0,
) -> PriorShare:
    """Return the prior's share from the errors in each block of two texts; see `error_rate_interval`.

    The interval of the share is a bootstrap. If both texts have as many blocks, the blocks of one place are drawn
    together.
    """
    first = error_rate_interval(prose, prose_characters, seed=seed)
    second = error_rate_interval(without, without_characters, seed=seed)
    share = None
    if second.mean > 0 and prose_characters:
        ratios = _ratios(np.asarray(prose), np.asarray(without), seed) * (without_characters / prose_characters)
        low, high = np.quantile(ratios, (0.025, 0.975)).tolist()
        # Without an error on the text, its rate may still be that of the upper end of its interval.
        high = max(high, first.high / second.mean) if first.mean == 0 else high
        share = Interval(mean=1 - first.mean / second.mean, low=1 - high, high=1 - low)
    return PriorShare(kind=kind, prose=first, without=second, share=share)


def _ratios(prose: NDArray[Any], without: NDArray[Any], seed: int) -> NDArray[Any]:
    """Return wrong / wrong without priors for each resample that has an error without priors."""
    rng = np.random.default_rng(abs(seed))
    drawn = rng.integers(len(prose), size=(_RESAMPLES, len(prose)))
    other = drawn if len(prose) == len(without) else rng.integers(len(without), size=(_RESAMPLES, len(without)))
    above, below = prose[drawn].sum(1), without[other].sum(1)
    some = below > 0
    ratios: NDArray[Any] = above[some] / below[some]
    return ratios
