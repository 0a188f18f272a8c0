"""ρ against error as SVG: a point for every θ of a search, a line for the front, named marks for other pages.

The error has a logarithmic axis, since halving an error is worth as much at 1% as at 0.1%. A θ that was read without a
mistake stands on the floor of the plot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil, floor, isfinite, log10
from typing import Final, Self

from glyphrender.report.colors import STEPS, paint
from glyphrender.report.plots import Frame, Labels, interval, linear, mark, round_ticks, svg_text
from glyphrender.search.candidate import Candidate, unbeaten
from glyphrender.search.evaluation import Evaluation

__all__ = ["Baseline", "front_plot"]

_FRAME: Final = Frame(width=900, height=540, left=64, right=190, top=20, bottom=52)
# Names of colors. Those of rounds are in an order, so that the eye sees the front move.
_FRONT, _BASELINE, _WINNER, _PLAIN = "ink", "other", "alarm", "quiet"
_DASHED: Final = f'{paint(stroke=_WINNER)} stroke-width="1.3" stroke-dasharray="5 3"'
_CROSS: Final = f'{paint(stroke=_BASELINE)} stroke-width="2.2"'
# Points far from all of the front are left out: a θ of 90% errors would squeeze the rest into a corner.
_MOST_ERROR: Final = 1.0
_BEYOND: Final = 1.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Pages of another renderer, or of a θ that no search found. They are measured like the θ of a search.

    Attributes:
        name: the text beside its mark.
        rho: text tokens for one visual token.
        evaluation: how well it is read, by the reader of the search.
    """

    name: str
    rho: float
    evaluation: Evaluation


def front_plot(
    candidates: Sequence[Candidate],
    front: Sequence[Candidate],
    *,
    winner: Candidate | None = None,
    baselines: Sequence[Baseline] = (),
    error: str = "character error rate",
) -> str:
    """Return an SVG document of 900 × 540 pixels.

    Args:
        candidates: all candidates of a search; those that were not evaluated are not drawn.
        front: candidates that no other one beats in both ρ and error.
        winner: the candidate that the search gives back. It gets a ring, and a dashed line from the θ it descends from.
        baselines: named marks beside the candidates.
        error: title of the upright axis.
    """
    seen = [each for each in candidates if each.evaluation is not None and isfinite(each.rho)]
    axes = _Axes.around(seen, front, baselines)
    shown = [each for each in seen if axes.holds(each)]
    key = _Key.of(seen)
    return _FRAME.document(
        chain(
            axes.drawn(error),
            _earlier_fronts(shown, key, axes),
            _points(shown, key, axes),
            _final_front(front, axes),
            _lineage(winner, seen, axes),
            _named(baselines, axes),
            _FRAME.legend(_legend(key, shown, outside=len(seen) - len(shown), baselines=baselines, winner=winner)),
        ),
        title="ρ against error",
        description=f"Each mark is one θ of {len(seen)}: across ρ, upright the {error} on a logarithmic axis. A line "
        f"joins the front of {len(front)} θ, whose figures are in the table of the report.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Key:
    """The meaning of a point's looks: its color tells the round, its shape the origin, its area the sample.

    Attributes:
        rounds: numbers of the rounds, in order.
        origins: kinds of origin, in the order of their first candidates.
        full: the sample size of candidates that were not given up early.
    """

    rounds: tuple[int, ...]
    origins: tuple[str, ...]
    full: int

    @classmethod
    def of(cls, seen: Sequence[Candidate]) -> Self:
        return cls(
            rounds=tuple(sorted({each.round for each in seen})),
            origins=tuple(dict.fromkeys(map(_origin, seen))),
            # The largest sample is the final one, on which the front was read again. The largest of the search itself
            # is the second largest.
            full=(sorted({_samples(each) for each in seen}) or [0])[-2:][0],
        )

    def color(self, number: int) -> str:
        """Return the name of the color of a round."""
        place = self.rounds.index(number) / max(len(self.rounds) - 1, 1)
        return f"step-{round(place * (len(STEPS) - 1))}"

    def given_up(self, each: Candidate) -> bool:
        """Return whether a candidate was dropped before the largest sample."""
        return _samples(each) < self.full


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axes:
    """The places of ρ and error in the picture: ρ by its value, error by its logarithm.

    Attributes:
        across: ticks of ρ.
        lowest: power of ten at the floor.
        highest: logarithm of the error at the top.
    """

    across: tuple[float, ...]
    lowest: int
    highest: float

    @classmethod
    def around(cls, seen: Sequence[Candidate], front: Sequence[Candidate], baselines: Sequence[Baseline]) -> Self:
        """Return axes that hold the front, the baselines, and the candidates that are not far from both."""
        named: list[Candidate | Baseline] = [*front, *baselines] or list(seen)
        rhos = [each.rho for each in named]
        low, high = min(rhos, default=0.0), max(rhos, default=1.0)
        wide = [each.rho for each in seen if low / _BEYOND <= each.rho <= high * _BEYOND]
        read = [each.evaluation for each in [*named, *seen] if each.evaluation is not None]
        bounds = [each.evaluation.low for each in named if each.evaluation is not None]
        errors = [each.error for each in read]
        least = min((error for error in [*errors, *bounds] if error > 0), default=0.01)
        lowest = max(floor(log10(least)), -5)
        most = min(max([*errors, 10.0 ** (lowest + 1)]), _MOST_ERROR)
        across = round_ticks(min([low, *wide]), max([high, *wide]), intervals=7)
        return cls(across=across, lowest=lowest, highest=log10(most) + 0.05)

    def x(self, rho: float) -> float:
        """Return pixels from the left."""
        return _FRAME.x(linear(rho, self.across))

    def y(self, error: float) -> float:
        """Return pixels from the top; an error below the lowest power of ten stands on the floor."""
        height = max(log10(error), self.lowest) if error > 0 else self.lowest
        return _FRAME.y((min(height, self.highest) - self.lowest) / (self.highest - self.lowest))

    def at(self, each: Candidate | Baseline) -> tuple[float, float]:
        """Return (x, y) of a point."""
        return self.x(each.rho), self.y(each.evaluation.error if each.evaluation is not None else 1.0)

    def holds(self, each: Candidate) -> bool:
        """Return whether the point of a candidate lies inside the axes."""
        error = each.evaluation.error if each.evaluation is not None else 1.0
        return self.across[0] <= each.rho <= self.across[-1] and (error <= 0 or log10(error) <= self.highest)

    def drawn(self, error: str) -> Iterator[str]:
        """Draw grid, ticks and titles."""
        for tick in self.across:
            yield from _FRAME.vertical_line(self.x(tick), f"{tick:g}")
        for power in range(self.lowest, ceil(self.highest) + 1):
            for digit in range(1, 10):
                if log10(digit) + power > self.highest:
                    break
                value = digit * 10.0**power
                label = f"{100 * value:.6g}%" if digit in (1, 2, 5) else ""
                yield from _FRAME.horizontal_line(self.y(value), label, minor=digit != 1)
        yield from _FRAME.titles("ρ: text tokens for one visual token", f"{error}, logarithmic")


def _earlier_fronts(shown: Sequence[Candidate], key: _Key, axes: _Axes) -> Iterator[str]:
    """Draw the front at the end of each round except the last, to show the progress of the search."""
    for number in key.rounds[:-1]:
        until = [each for each in shown if each.round <= number and not key.given_up(each)]
        yield _stairs(unbeaten(until), axes, f'{paint(stroke=key.color(number))} stroke-opacity=".55"')


def _points(shown: Sequence[Candidate], key: _Key, axes: _Axes) -> Iterator[str]:
    """Draw a mark for each candidate, later rounds over earlier ones."""
    for each in sorted(shown, key=lambda each: each.round):
        shape = key.origins.index(_origin(each))
        yield mark(shape, *axes.at(each), key.color(each.round), _title(each), hollow=key.given_up(each))


def _final_front(front: Sequence[Candidate], axes: _Axes) -> Iterator[str]:
    """Draw the front: its intervals, its line, and a ring around each of its points."""
    for each in front:
        yield _bar(axes, each.rho, each.evaluation, _FRONT)
    yield _stairs(front, axes, f'{paint(stroke=_FRONT)} stroke-width="1.6"')
    for each in front:
        x, y = axes.at(each)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" {paint(stroke=_FRONT)}/>'


def _stairs(front: Sequence[Candidate], axes: _Axes, stroke: str) -> str:
    """Draw the edge of the area that a front beats: more ρ than one point has costs the errors of the next."""
    points = [axes.at(each) for each in sorted(front, key=lambda each: each.rho)]
    if not points:
        return ""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"V{y:.1f}H{x:.1f}" for x, y in points[1:])
    return f'<path d="{path}" {stroke}/>'


def _bar(axes: _Axes, rho: float, evaluation: Evaluation | None, color: str) -> str:
    """Draw the 95% interval, upright."""
    if evaluation is None:
        return ""
    return interval(axes.x(rho), axes.y(evaluation.high), axes.y(evaluation.low), color)


def _lineage(winner: Candidate | None, seen: Sequence[Candidate], axes: _Axes) -> Iterator[str]:
    """Ring the winner, and draw a dashed line to it from its ancestors: the first parent of each."""
    if winner is None:
        return
    by_digest = {each.digest: each for each in seen}
    path = [winner]
    while path[-1].parents:
        parent = by_digest.get(path[-1].parents[0])
        if parent is None or parent in path:
            break
        path.append(parent)
    points = [axes.at(each) for each in reversed(path) if axes.holds(each)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{line}" {_DASHED}/>'
    x, y = axes.at(winner)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" {paint(stroke=_WINNER)} stroke-width="2"/>'


def _named(baselines: Sequence[Baseline], axes: _Axes) -> Iterator[str]:
    """Draw crosses with names. No name covers another cross or name."""
    labels = Labels(_FRAME, map(axes.at, baselines), size=12)
    for each in sorted(baselines, key=lambda each: axes.at(each)[1]):
        x, y = axes.at(each)
        yield _bar(axes, each.rho, each.evaluation, _BASELINE)
        title = f"{each.name}: ρ {each.rho:.2f}, {_interval(each.evaluation)}"
        yield f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" {_CROSS}><title>{svg_text(title)}</title></path>'
        yield labels.place(x, y, each.name, color=_BASELINE, bold=True)


def _legend(
    key: _Key,
    shown: Sequence[Candidate],
    *,
    outside: int,
    baselines: Sequence[Baseline],
    winner: Candidate | None,
) -> Iterator[tuple[str, str]]:
    """Yield (mark, name) of everything that is drawn; an empty name is a gap."""
    rounds = key.rounds
    for number in rounds if len(rounds) <= 8 else (rounds[0], rounds[len(rounds) // 2], rounds[-1]):
        yield f'<rect x="-5" y="-5" width="10" height="10" {paint(fill=key.color(number))}/>', f"round {number}"
    yield "", ""
    for shape, name in enumerate(key.origins):
        yield mark(shape, 0, 0, _PLAIN, ""), name
    if any(map(key.given_up, shown)):
        yield mark(0, 0, 0, _PLAIN, "", hollow=True), "given up early"
    yield "", ""
    yield f'<path d="M-8 0h16" {paint(stroke=_FRONT)} stroke-width="1.6"/>', "front"
    if len(rounds) > 1:
        yield f'<path d="M-8 0h16" {paint(stroke="step-1")} stroke-opacity=".55"/>', "front after a round"
    yield interval(0, -7, 7, _FRONT), "95% interval"
    if winner is not None:
        yield f'<circle r="6" {paint(stroke=_WINNER)} stroke-width="2"/>', "winner"
        yield f'<path d="M-8 0h16" {_DASHED}/>', "its ancestors"
    if baselines:
        yield f'<path d="M-5 -5l10 10m0 -10l-10 10" {_CROSS}/>', "other pages"
    if outside:
        yield "", ""
        yield "", f"{outside} θ lie outside"


def _samples(candidate: Candidate) -> int:
    return candidate.evaluation.samples if candidate.evaluation is not None else 0


def _origin(candidate: Candidate) -> str:
    """Return the kind of origin: "mutation", or "proposer" for "proposer:NAME"."""
    return candidate.origin.split(":")[0]


def _title(each: Candidate) -> str:
    return f"{each.digest[:10]} ({each.origin}, step {each.step}): ρ {each.rho:.2f}, {_interval(each.evaluation)}"


def _interval(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "not read"
    return f"{evaluation.error:.2%} wrong [{evaluation.low:.2%}, {evaluation.high:.2%}]"
