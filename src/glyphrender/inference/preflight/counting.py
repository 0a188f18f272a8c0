"""Explain the tokens that a server counts for images: which rule gives these counts?

The tokens of an image are the count of a prompt with it, less the count without it. Chat templates may write a few more
tokens around each image than we know of, the same for every size. So a rule explains a set of counts if all of them
differ from it by one small constant. Rules are tried from the most plausible one: ours; each image counted several
times or not at all; other limits on pixels; another model; one other constant of the same model; an image that is made
smaller on the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from glyphrender.errors import VisionModelError
from glyphrender.models.families.grid import GridModel
from glyphrender.models.model import VisionModel
from glyphrender.models.vision import VISION_MODELS, vision_model

__all__ = ["SLACK", "Explanation", "Seen", "explanations", "gap"]

#: Most tokens that a chat template may write around an image beyond those that our arithmetic knows.
SLACK: Final = 8

Size: TypeAlias = tuple[int, int]
#: Images of which a server counted the tokens: the size, and tokens beyond those of the same prompt without the image.
Seen: TypeAlias = Sequence[tuple[Size, int]]
_Rule: TypeAlias = Callable[[Size], int]

# The fields that all vision models have; the others are the constants of a family.
_COMMON: Final = frozenset(field.name for field in dataclasses.fields(VisionModel))
_FEW: Final = frozenset({"most", "least"})
_LENGTHS: Final = tuple(sorted({*range(1, 65), *range(70, 4097, 14), *range(80, 4097, 16), 70, 140, 280, 560, 1120}))
_LARGEST_AREA: Final = 1 << 30
_FACTORS: Final = (0.5, 0.25, 2.0, 1 / 3, 2 / 3, *(number / 20 for number in range(2, 41) if number != 20))


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A rule that gives the counts that were seen.

    Attributes:
        kind: the finding that the rule stands for.
        words: the rule in words.
        model: the model that counts so; None if it is not a model.
        times: how often each image is counted.
    """

    kind: str
    words: str
    model: VisionModel | None = None
    times: int = 1


def gap(seen: Seen, rule: _Rule) -> int | None:
    """Return the one constant by which all counts exceed those of `rule`; None if there is no such small constant.

    >>> gap([((28, 28), 7), ((56, 28), 9)], lambda size: size[0] // 14)
    5
    """
    constant: int | None = None
    try:
        for size, tokens in seen:
            found = tokens - rule(size)
            if abs(found) > SLACK or constant not in (None, found):
                return None
            constant = found
    except (VisionModelError, ValueError, ArithmeticError):
        return None
    return constant


def explanations(model: VisionModel, seen: Seen) -> list[Explanation]:
    """Return the rules that explain the counts, the most plausible one first; none if the counts are as predicted.

    If no rule explains them, the result is one explanation of the kind "other-counts".

    Args:
        model: the model that should have counted.
        seen: the images and their tokens.
    """
    if not seen or gap(seen, _rule(model)) is not None:
        return []
    return [*_found(model, seen)][:4] or [
        Explanation(kind="other-counts", words="no rule that is known here gives these counts")
    ]


def _found(model: VisionModel, seen: Seen) -> Iterator[Explanation]:
    if max(tokens for _, tokens in seen) <= SLACK:
        yield Explanation(
            kind="images-not-counted", words="images take no tokens: they are dropped, or left out of usage"
        )
        return
    for times in (2, 3, 4):
        if gap(seen, lambda size, times=times: times * _rule(model)(size)) is not None:  # type: ignore[misc]
            yield Explanation(kind="counted-again", words=f"each image is counted {times} times", times=times)
            return
    others = [*_others(model, seen)]
    limits = [*_other_limits(model, seen)]
    # A changed limit is likelier than another model, unless both limits changed at once.
    yield from [*limits, *others] if len(limits) == 1 and limits[0].kind != "both-limits" else [*others, *limits]
    if not limits and not others:
        yield from _other_constants(model, seen)
    yield from _resized(model, seen)
    if len(seen) > 2 and len({tokens for _, tokens in seen}) == 1:
        yield Explanation(kind="one-size", words=f"every image takes {seen[0][1]:,} tokens, whatever its size")


def _rule(model: VisionModel) -> _Rule:
    return lambda size: model.image(*size).prompt_tokens


def _others(model: VisionModel, seen: Seen) -> Iterator[Explanation]:
    """Yield the other models whose published rule gives the counts, as one explanation."""
    if len(seen) < 2:
        return
    names = [name for name in VISION_MODELS if name != model.name and gap(seen, _rule(vision_model(name))) is not None]
    if names:
        words = f"these are the counts of {', '.join(names)}"
        yield Explanation(kind="other-model", words=words, model=vision_model(names[0]))


def _other_limits(model: VisionModel, seen: Seen) -> Iterator[Explanation]:
    """Yield `min_pixels` and `max_pixels` that give the counts, for a model of the grid."""
    if not isinstance(model, GridModel):
        return
    for constant in sorted(range(-SLACK, SLACK + 1), key=abs):
        targets = [(size, tokens - constant) for size, tokens in seen]
        least, most = _limits(model, targets)
        if least is None and most is None:
            continue
        for low in least or (model.min_area,):
            for high in most or (model.max_area,):
                changed = replace(model, min_area=low, max_area=high)
                if gap(targets, _rule(changed)) is not None:
                    yield _limit_explanation(model, changed, least, most)
                    return


def _limits(model: GridModel, targets: Seen) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return intervals of `min_area` and of `max_area` that give the targets; None where nothing changed."""
    below: list[tuple[Size, int]] = []
    above: list[tuple[Size, int]] = []
    for size, target in targets:
        area, predicted = size[0] * size[1] * model.frames, _rule(model)(size)
        if area < model.min_area or target > predicted:
            below.append((size, target))
        if (target < predicted and area >= model.min_area) or area > model.max_area:
            above.append((size, target))
    return (
        None if _agree(model, below) else _interval(model, "min_area", below),
        None if _agree(model, above) else _interval(model, "max_area", above),
    )


def _agree(model: VisionModel, targets: Seen) -> bool:
    return all(_rule(model)(size) == target for size, target in targets)


def _interval(model: GridModel, field: str, targets: Seen) -> tuple[int, int] | None:
    """Return the smallest and the largest value of a limit that gives all targets. Tokens never fall as it rises."""
    low, high = 1, _LARGEST_AREA
    for size, target in targets:
        low = max(low, _least(model, field, size, target))
        high = min(high, _least(model, field, size, target + 1) - 1)
    return (low, high) if low <= high else None


def _least(model: GridModel, field: str, size: Size, target: int) -> int:
    """Return the least value of a limit from which on an image takes `target` tokens."""
    low, high = 1, _LARGEST_AREA
    while low < high:
        middle = (low + high) // 2
        # Only one of the limits is asked about, so the other must not bind.
        rest = {"min_area": 0} if field == "max_area" else {"max_area": _LARGEST_AREA}
        if _rule(replace(model, **{**rest, field: middle}))(size) >= target:  # type: ignore[arg-type]
            high = middle
        else:
            low = middle + 1
    return low


def _limit_explanation(
    model: GridModel, changed: GridModel, least: tuple[int, int] | None, most: tuple[int, int] | None
) -> Explanation:
    words: list[str] = []
    for name, interval, own in (("min_pixels", least, model.min_area), ("max_pixels", most, model.max_area)):
        if interval is not None:
            low, high = (each // model.frames for each in interval)
            value = (
                f"{low:,}" if low == high else f"between {low:,} and {high:,}" if high < 1 << 28 else f"over {low:,}"
            )
            unit = " (in the processor's file: × 2 frames)" if model.frames == 2 else ""
            words.append(f"{name} is {value} in place of {own // model.frames:,}{unit}")
    kind = "both-limits" if len(words) > 1 else "min-pixels" if least is not None else "max-pixels"
    return Explanation(kind=kind, words=" and ".join(words), model=changed)


def _other_constants(model: VisionModel, seen: Seen) -> Iterator[Explanation]:
    """Yield the first value of each constant of the model that alone gives the counts."""
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if field.name in _COMMON or field.name in ("min_area", "max_area", "markers"):
            continue
        for other in _values(field.name, value):
            changed = replace(model, **{field.name: other})  # type: ignore[arg-type]
            if gap(seen, _rule(changed)) is not None:
                words = f"{field.name} is {other} in place of {value}"
                yield Explanation(kind="other-constant", words=words, model=changed)
                break


def _values(name: str, value: object) -> Iterable[object]:
    """Return other values that a constant may have, those nearest to its own first."""
    if isinstance(value, bool):
        return (not value,)
    if not isinstance(value, int):
        return ()
    values = range(1, 65) if name in _FEW else _LENGTHS
    return sorted((each for each in values if each != value), key=lambda each: abs(each - value))


def _resized(model: VisionModel, seen: Seen) -> Iterator[Explanation]:
    """Yield ways in which a gateway may have made images smaller before the server saw them."""

    def scaled(size: Size, factor: float) -> int:
        return _rule(model)((max(1, round(size[0] * factor)), max(1, round(size[1] * factor))))

    def limited(size: Size, longest: int) -> int:
        return scaled(size, min(1.0, longest / max(size)))

    sides = [side for side in range(64, 4097, 4) if gap(seen, partial(limited, longest=side)) is not None]
    if sides:
        words = f"images are first shrunk to a longest side of {_range(sides[0], sides[-1])} px"
        yield Explanation(kind="longest-side", words=words)
    for factor in _FACTORS:
        if gap(seen, partial(scaled, factor=factor)) is not None:
            yield Explanation(kind="scaled", words=f"images are first scaled by {factor:.3g}")
            return


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
