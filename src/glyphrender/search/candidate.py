"""One θ of a search: where it comes from, what it costs, how well it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glyphrender.search.evaluation import Evaluation
from glyphrender.theta import Theta

__all__ = ["Candidate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One θ that a search looked at.

    Attributes:
        theta: the rendering parameters, aligned to the model's grid.
        origin: "random", "mutation", "crossover", "proposer:NAME" or "preset:NAME".
        parents: digests of the θ it was made from.
        round: number of its round, from 1.
        step: its number in the search, from 1.
        rho: text tokens for one visual token.
        evaluation: the evaluation on its largest sample; None if it was not evaluated.
        reason: why it was not evaluated, or not on larger samples; empty if it was evaluated in full.
    """

    theta: Theta
    origin: str
    parents: tuple[str, ...] = ()
    round: int
    step: int
    rho: float
    evaluation: Evaluation | None = None
    reason: str = ""

    @property
    def digest(self) -> str:
        """The digest of θ."""
        return self.theta.digest

    @property
    def error(self) -> float:
        """`evaluation.error`; infinite if there is no evaluation."""
        return self.evaluation.error if self.evaluation is not None else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values, with the digest."""
        return {
            "step": self.step,
            "round": self.round,
            "origin": self.origin,
            "parents": list(self.parents),
            "digest": self.digest,
            "theta": self.theta.to_dict(),
            "rho": self.rho,
            "evaluation": self.evaluation.to_dict() if self.evaluation is not None else None,
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Candidate:
        """Return the candidate that `to_dict` described."""
        evaluation = values.get("evaluation")
        return cls(
            theta=Theta.from_dict(values["theta"]),
            origin=values["origin"],
            parents=tuple(values["parents"]),
            round=values["round"],
            step=values["step"],
            rho=values["rho"],
            evaluation=Evaluation.from_dict(evaluation) if evaluation is not None else None,
            reason=values.get("reason", ""),
        )


def unbeaten(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates with fewer errors than all others of equal or greater ρ, highest ρ first."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (-each.rho, each.error, each.step)):
        if not front or candidate.error < front[-1].error:
            front.append(candidate)
    return front
