"""Accuracy against ρ and against length, as SVG. Bars are 95% intervals; a dash leads from θ to θ of one arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from glyphrender.evals.arms import Arm
from glyphrender.evals.summary import bucket_order
from glyphrender.report.colors import paint
from glyphrender.report.plots import Frame, Labels, interval, linear, mark, round_ticks, series_color

__all__ = ["bucket_plot", "rho_plot"]

_FRAME: Final = Frame(width=860, height=420, left=64, right=200, top=20, bottom=52)
_SERIES: Final = {arm: number for number, arm in enumerate(Arm)}
# Lines of the first, second, … θ of one arm.
_DASHES: Final = ("5 3", "1 3", "9 3", "9 3 1 3")
_SHARES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def rho_plot(report: Mapping[str, Any]) -> str:
    """Return the score of each condition against its visual ρ. `report` is the result of `summary`."""
    shown = [each for each in report["conditions"] if each["rho_visual"] is not None]
    ticks = round_ticks(0.0, max([1.0, *(each["rho_visual"] for each in shown)]), intervals=7)

    def at(each: Mapping[str, Any]) -> tuple[float, float]:
        return _FRAME.x(linear(each["rho_visual"], ticks)), _FRAME.y(each["mean"])

    def parts() -> Iterator[str]:
        for tick in ticks:
            yield from _FRAME.vertical_line(_FRAME.x(linear(tick, ticks)), f"{tick:g}")
        yield from _shares()
        yield from _FRAME.titles("ρ: text tokens for one token in their place", "score")
        for arm in Arm:
            line = sorted((each for each in shown if each["arm"] == arm), key=lambda each: each["rho_visual"])
            if len(line) > 1:
                yield _line([at(each) for each in line], _color(arm))
        labels = Labels(_FRAME, map(at, shown), size=11)
        for each in shown:
            arm = Arm(each["arm"])
            x, y = at(each)
            yield _bar(x, each, _color(arm))
            yield mark(_SERIES[arm], x, y, _color(arm), _title(each))
            yield labels.place(x, y, each["name"], color=_color(arm))

    arms = [Arm(each["arm"]) for each in shown]
    return _FRAME.document(
        chain(parts(), _FRAME.legend(_legend(arms))),
        title="Score against ρ",
        description=f"Each mark is one of {len(shown)} arms: across its visual ρ, upright its score with a 95% "
        "interval. The figures are in the table of arms.",
    )


def bucket_plot(report: Mapping[str, Any], bucket: str) -> str:
    """Return the score of each condition against the values of a bucket, such as "length"."""
    conditions = [each for each in report["conditions"] if bucket in each["buckets"]]
    values = bucket_order(value for each in conditions for value in each["buckets"][bucket])

    def x(value: str, offset: float = 0.0) -> float:
        return _FRAME.x((values.index(value) + 0.5 + offset) / len(values))

    def parts() -> Iterator[str]:
        every = max(1, len(values) // 8)
        dashes = _dashes(conditions)
        for place, value in enumerate(values):
            yield from _FRAME.vertical_line(x(value), value if place % every == 0 else "")
        yield from _shares()
        yield from _FRAME.titles(bucket, "score")
        for number, each in enumerate(conditions):
            # Conditions stand side by side, so that no bar hides another.
            offset = 0.0 if len(conditions) < 2 else (number / (len(conditions) - 1) - 0.5) * 0.3
            color = _color(each["arm"])
            found = each["buckets"][bucket]
            points = [(x(value, offset), _FRAME.y(found[value]["mean"])) for value in values if value in found]
            yield _line(points, color, dashes[number])
            for value in values:
                if value in found:
                    place_x = x(value, offset)
                    yield _bar(place_x, found[value], color)
                    title = f"{each['name']}, {value}: {_share(found[value])}"
                    yield mark(_SERIES[Arm(each["arm"])], place_x, _FRAME.y(found[value]["mean"]), color, title)

    return _FRAME.document(
        chain(parts(), _FRAME.legend(_named(conditions))),
        title=f"Score against {bucket}",
        description=f"A line for each of {len(conditions)} arms: across {bucket}, upright the score with a 95% "
        f"interval. The figures are in the table by {bucket}.",
    )


def _color(arm: str) -> str:
    """Return the name of the color of an arm."""
    return series_color(_SERIES[Arm(arm)])


def _shares() -> Iterator[str]:
    for share in _SHARES:
        yield from _FRAME.horizontal_line(_FRAME.y(share), f"{share:.0%}")


def _line(points: Sequence[tuple[float, float]], color: str, dash: str = _DASHES[0]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" {paint(stroke=color)} stroke-opacity=".6" stroke-dasharray="{dash}"/>'


def _dashes(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the dashes of the line of each condition. They tell the θ of one arm apart."""
    seen: dict[str, int] = {}
    found = []
    for each in conditions:
        number = seen[each["arm"]] = seen.get(each["arm"], -1) + 1
        found.append(_DASHES[number % len(_DASHES)])
    return found


def _bar(x: float, found: Mapping[str, Any], color: str) -> str:
    return interval(x, _FRAME.y(found["high"]), _FRAME.y(found["low"]), color)


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['mean']:.1%} [{found['low']:.1%}, {found['high']:.1%}] of {found['count']}"


def _title(each: Mapping[str, Any]) -> str:
    return f"{each['name']}: ρ {each['rho_visual']:.2f}, {_share(each)}"


def _legend(arms: Sequence[Arm]) -> Iterator[tuple[str, str]]:
    for arm in dict.fromkeys(arms):
        yield mark(_SERIES[arm], 0, 0, _color(arm), ""), arm.value
    yield from _interval_row()


def _named(conditions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for each, dash in zip(conditions, _dashes(conditions), strict=True):
        arm = Arm(each["arm"])
        yield _line([(-12, 0), (10, 0)], _color(arm), dash) + mark(_SERIES[arm], 0, 0, _color(arm), ""), each["name"]
    yield from _interval_row()


def _interval_row() -> Iterator[tuple[str, str]]:
    yield "", ""
    yield interval(0, -7, 7, "ink"), "95% interval"
