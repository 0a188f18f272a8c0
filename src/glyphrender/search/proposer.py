"""Proposers: objects that suggest θ from the history of a search, such as a language model, a rule or an expert."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from glyphrender.errors import ThetaError
from glyphrender.search.candidate import Candidate
from glyphrender.theta import Theta

if TYPE_CHECKING:
    from glyphrender.search.space import Space

__all__ = ["Proposals", "Proposer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposals:
    """θ to try, and how they came about.

    Attributes:
        thetas: valid θ, preferably inside the space and aligned; the search repairs or rejects others.
        critique: a comment on the population, for people.
        rejected: number of proposals that could not be used.
        repaired: number of proposals that could be used after a change.
        log: JSON values for the journal: prompt, reply, tokens, failures.
    """

    thetas: tuple[Theta, ...] = ()
    critique: str = ""
    rejected: int = 0
    repaired: int = 0
    log: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {
            "thetas": [theta.to_dict() for theta in self.thetas],
            "critique": self.critique,
            "rejected": self.rejected,
            "repaired": self.repaired,
            "log": dict(self.log),
        }

    def within(self, space: Space) -> Proposals:
        """Return these proposals with every θ in `space`.

        A θ outside the space is repaired, or rejected if its genes clash; both are counted.
        """
        thetas: list[Theta] = []
        rejected = repaired = 0
        for theta in self.thetas:
            try:
                nearest = space.repair(theta)
            except ThetaError:
                rejected += 1
                continue
            repaired += nearest != theta
            thetas.append(nearest)
        rejected, repaired = self.rejected + rejected, self.repaired + repaired
        return replace(self, thetas=tuple(thetas), rejected=rejected, repaired=repaired)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Proposals:
        """Return the proposals that `to_dict` described."""
        thetas = tuple(Theta.from_dict(theta) for theta in values["thetas"])
        return cls(**{**values, "thetas": thetas})


@runtime_checkable
class Proposer(Protocol):
    """An object that is asked for θ once a round, before the operators fill the rest of the round.

    A proposer that fails gives no θ, and says so in its log.
    """

    @property
    def name(self) -> str:
        """The name in the origin of its candidates, as "proposer:NAME"."""

    def propose(self, history: Sequence[Candidate], space: Space, count: int, rng: random.Random) -> Proposals:
        """Return at most `count` θ to try next.

        Args:
            history: every candidate so far, in the order of their steps.
            space: what may vary; `space.describe()` says it in JSON, `space.repair(theta)` moves a θ into it.
            count: how many are wanted.
            rng: the source of randomness, so that a search can be repeated.
        """
