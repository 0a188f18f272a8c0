"""ρ against error as SVG: every θ of a search a point, its front a line, other renderers' pages as named marks.

Written by hand: it needs no plotting library, and text in it stays text. Error has a logarithmic axis, since halving it
is worth as much at 1% as at 0.1%; what was read without a mistake stands on the floor of the plot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Final

from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation

__all__ = ["Baseline", "front_plot"]

WIDTH, HEIGHT = 900, 540
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 20, 52
# From dark to light as rounds go on (viridis), so that a front that moves is seen to move.
_RAMP: Final = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#E3D01B")
_FRONT, _BASELINE, _WINNER = "#111", "#C2410C", "#DC2626"
# What is far from all of the front is left out: a θ of 90% errors would squeeze the rest into a corner.
_MOST_ERROR: Final = 1.0
_BEYOND: Final = 1.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Pages of another renderer, or of a θ that no search found, on the scales of a search.

    Attributes:
        name: what is written beside its mark.
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
    """An SVG document of 900 × 540.

    Args:
        candidates: all of a search; those that were not evaluated are not drawn.
        front: those that no other one beats in both ρ and error.
        winner: the one that the search gives back, ringed, with a dashed line from the θ it descends from.
        baselines: named marks beside them.
        error: title of the upright axis.
    """
    seen = [each for each in candidates if each.evaluation is not None and isfinite(each.rho)]
    axes = _Axes.around(seen, front, baselines)
    shown = [each for each in seen if axes.holds(each)]
    # The largest sample is that of the front, read again at the end; the one before it is the search's own.
    full = (sorted({_samples(each) for each in seen}) or [0])[-2:][0]
    rounds = sorted({each.round for each in seen})
    origins = list(dict.fromkeys(_origin(each) for each in seen))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *axes.drawn(error),
    ]
    # The front at the end of each round but the last: how far the search had come.
    for number in rounds[:-1]:
        until = _unbeaten([each for each in shown if each.round <= number and _samples(each) >= full])
        parts.append(_stairs(until, axes, f'stroke="{_color(number, rounds)}" stroke-opacity=".55"'))
    for each in sorted(shown, key=lambda each: each.round):
        faint = 0.3 if _samples(each) < full else 0.85
        color = _color(each.round, rounds)
        parts.append(_mark(_origin(each), origins, *axes.at(each), color, _title(each), faint))
    for each in front:
        parts.append(_bar(axes, each.rho, each.evaluation, _FRONT))
    parts.append(_stairs(front, axes, f'stroke="{_FRONT}" stroke-width="1.6"'))
    for each in front:
        x, y = axes.at(each)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="none" stroke="{_FRONT}"/>')
    if winner is not None:
        parts += _lineage(winner, seen, axes)
    parts += _named(baselines, axes)
    parts += _legend(
        rounds,
        origins,
        len(seen) - len(shown),
        given_up=any(_samples(each) < full for each in shown),
        baselines=bool(baselines),
        winner=winner is not None,
    )
    return "\n".join([*(part for part in parts if part), "</svg>\n"])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axes:
    """Where ρ and error stand in the picture: ρ by its value, error by its logarithm."""

    across: tuple[float, ...]
    lowest: int
    highest: float

    @classmethod
    def around(cls, seen: Sequence[Candidate], front: Sequence[Candidate], baselines: Sequence[Baseline]) -> _Axes:
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
        return cls(across=_ticks(min([low, *wide]), max([high, *wide])), lowest=lowest, highest=log10(most) + 0.05)

    def x(self, rho: float) -> float:
        """Pixels from the left."""
        first, last = self.across[0], self.across[-1]
        return _LEFT + (rho - first) / (last - first) * (WIDTH - _LEFT - _RIGHT)

    def y(self, error: float) -> float:
        """Pixels from the top; what is below the lowest power of ten stands on the floor."""
        height = max(log10(error), self.lowest) if error > 0 else self.lowest
        share = (min(height, self.highest) - self.lowest) / (self.highest - self.lowest)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def at(self, each: Candidate | Baseline) -> tuple[float, float]:
        """Of a point."""
        return self.x(each.rho), self.y(each.evaluation.error if each.evaluation is not None else 1.0)

    def holds(self, each: Candidate) -> bool:
        """Whether its point is inside."""
        error = each.evaluation.error if each.evaluation is not None else 1.0
        return self.across[0] <= each.rho <= self.across[-1] and (error <= 0 or log10(error) <= self.highest)

    def drawn(self, error: str) -> Iterator[str]:
        """Grid, ticks and titles."""
        right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
        for tick in self.across:
            x = f"{self.x(tick):.1f}"
            yield f'<path d="M{x} {_TOP}V{bottom}" stroke="#e5e5e5"/>'
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        for power in range(self.lowest, ceil(self.highest) + 1):
            for digit in range(1, 10):
                if log10(digit) + power > self.highest:
                    break
                y = f"{self.y(digit * 10.0**power):.1f}"
                yield f'<path d="M{_LEFT} {y}H{right}" stroke="{"#d4d4d4" if digit == 1 else "#f2f2f2"}"/>'
                if digit in (1, 2, 5):
                    place = f'x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end"'
                    color = "" if digit == 1 else ' fill="#888" font-size="10"'
                    yield f"<text {place}{color}>{100 * digit * 10.0**power:.6g}%</text>"
        middle = (_LEFT + right) / 2
        title = "ρ: text tokens for one visual token"
        yield f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{title}</text>'
        turned = f"translate(14 {(_TOP + bottom) / 2}) rotate(-90)"
        yield f'<text transform="{turned}" text-anchor="middle">{escape(error)}, logarithmic</text>'


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers, some five to ten, that enclose both."""
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 7
    unit = 10.0 ** floor(log10(rough))
    step = next(step * unit for step in (1, 2, 5, 10) if step * unit >= rough)
    return tuple(round(tick * step, 10) for tick in range(floor(low / step), ceil(high / step) + 1))


def _unbeaten(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those with fewer errors than all that have their ρ or more, from the largest ρ down."""
    front: list[Candidate] = []
    for each in sorted(candidates, key=lambda each: (-each.rho, each.error)):
        if not front or each.error < front[-1].error:
            front.append(each)
    return front


def _stairs(front: Sequence[Candidate], axes: _Axes, stroke: str) -> str:
    """The edge of what a front beats: more ρ than one of its points costs the errors of the next."""
    points = [axes.at(each) for each in sorted(front, key=lambda each: each.rho)]
    if not points:
        return ""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"V{y:.1f}H{x:.1f}" for x, y in points[1:])
    return f'<path d="{path}" fill="none" {stroke}/>'


def _bar(axes: _Axes, rho: float, evaluation: Evaluation | None, color: str) -> str:
    """The 95% interval, upright."""
    if evaluation is None:
        return ""
    x, top, bottom = axes.x(rho), axes.y(evaluation.high), axes.y(evaluation.low)
    ends = f"M{x - 3:.1f} {top:.1f}h6M{x - 3:.1f} {bottom:.1f}h6"
    return f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}{ends}" stroke="{color}" stroke-opacity=".6" fill="none"/>'


def _lineage(winner: Candidate, seen: Sequence[Candidate], axes: _Axes) -> Iterator[str]:
    """The winner, and a dashed line to it from its ancestors: the first parent of each."""
    by_digest = {each.digest: each for each in seen}
    path = [winner]
    while path[-1].parents:
        parent = by_digest.get(path[-1].parents[0])
        if parent is None or parent in path:
            break
        path.append(parent)
    points = [axes.at(each) for each in reversed(path) if axes.holds(each)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{line}" fill="none" stroke="{_WINNER}" stroke-width="1.3" stroke-dasharray="5 3"/>'
    x, y = axes.at(winner)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{_WINNER}" stroke-width="2"/>'


def _named(baselines: Sequence[Baseline], axes: _Axes) -> Iterator[str]:
    """Crosses with names; a name that would stand on another one moves down."""
    taken: list[tuple[float, float]] = []
    for each in sorted(baselines, key=lambda each: axes.at(each)[1]):
        x, y = axes.at(each)
        yield _bar(axes, each.rho, each.evaluation, _BASELINE)
        title = f"{each.name}: ρ {each.rho:.2f}, {_interval(each.evaluation)}"
        yield (
            f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="{_BASELINE}" stroke-width="2.2">'
            f"<title>{escape(title)}</title></path>"
        )
        left, width = x + 9, 6.3 * len(each.name)
        anchor = "start"
        if left + width > WIDTH - _RIGHT:
            left, anchor = x - 9, "end"
        start = left if anchor == "start" else left - width
        below = y + 4
        while any(abs(below - other) < 13 and abs(start - at) < width for at, other in taken):
            below += 3
        taken.append((start, below))
        yield (
            f'<text x="{left:.1f}" y="{below:.1f}" text-anchor="{anchor}" fill="{_BASELINE}" font-weight="600" '
            f'paint-order="stroke" stroke="#fff" stroke-width="3">{escape(each.name)}</text>'
        )


def _legend(
    rounds: Sequence[int], origins: Sequence[str], outside: int, *, given_up: bool, baselines: bool, winner: bool
) -> Iterator[str]:
    left, y = WIDTH - _RIGHT + 22, _TOP + 8
    rows: list[tuple[str, str]] = []
    for number in rounds if len(rounds) <= 8 else [rounds[0], rounds[len(rounds) // 2], rounds[-1]]:
        swatch = f'<rect x="-5" y="-5" width="10" height="10" fill="{_color(number, rounds)}"/>'
        rows.append((swatch, f"round {number}"))
    rows.append(("", ""))
    rows += [(_mark(name, origins, 0, 0, "#777", name), name) for name in origins]
    if given_up:
        rows.append((_mark(origins[0], origins, 0, 0, "#777", "", 0.3), "given up early"))
    rows.append(("", ""))
    rows.append((f'<path d="M-8 0h16" stroke="{_FRONT}" stroke-width="1.6"/>', "front"))
    if len(rounds) > 1:
        rows.append((f'<path d="M-8 0h16" stroke="{_RAMP[1]}" stroke-opacity=".55"/>', "front after a round"))
    rows.append((f'<path d="M0 -7v14M-3 -7h6M-3 7h6" stroke="{_FRONT}" stroke-opacity=".6"/>', "95% interval"))
    if winner:
        rows.append((f'<circle r="6" fill="none" stroke="{_WINNER}" stroke-width="2"/>', "winner"))
        dashes = f'stroke="{_WINNER}" stroke-width="1.3" stroke-dasharray="5 3"'
        rows.append((f'<path d="M-8 0h16" {dashes}/>', "its ancestors"))
    if baselines:
        cross = f'<path d="M-5 -5l10 10m0 -10l-10 10" stroke="{_BASELINE}" stroke-width="2.2"/>'
        rows.append((cross, "other pages"))
    if outside:
        rows += [("", ""), ("", f"{outside} θ lie outside")]
    for mark, name in rows:
        if name:
            yield f'<g transform="translate({left} {y})">{mark}<text x="15" y="4">{escape(name)}</text></g>'
        y += 19 if name else 9


def _samples(candidate: Candidate) -> int:
    return candidate.evaluation.samples if candidate.evaluation is not None else 0


def _origin(candidate: Candidate) -> str:
    """ "mutation", or "proposer" for "proposer:NAME"."""
    return candidate.origin.split(":")[0]


def _color(number: int, rounds: Sequence[int]) -> str:
    place = rounds.index(number) / max(len(rounds) - 1, 1)
    return _RAMP[round(place * (len(_RAMP) - 1))]


def _mark(
    origin: str, origins: Sequence[str], x: float, y: float, color: str, title: str, opacity: float = 0.85
) -> str:
    path = (
        f"M{x - 3.5:.1f} {y:.1f}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
        f"M{x - 3.2:.1f} {y - 3.2:.1f}h6.4v6.4h-6.4z",
        f"M{x:.1f} {y - 4.4:.1f}l4.4 7.6h-8.8z",
        f"M{x:.1f} {y - 4.8:.1f}l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
        f"M{x:.1f} {y + 4.4:.1f}l4.4 -7.6h-8.8z",
    )[origins.index(origin) % 5]
    return f'<path d="{path}" fill="{color}" fill-opacity="{opacity}"><title>{escape(title)}</title></path>'


def _title(each: Candidate) -> str:
    return f"{each.digest[:10]} ({each.origin}, step {each.step}): ρ {each.rho:.2f}, {_interval(each.evaluation)}"


def _interval(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "not read"
    return f"{evaluation.error:.2%} wrong [{evaluation.low:.2%}, {evaluation.high:.2%}]"
