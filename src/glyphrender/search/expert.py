"""A proposer that applies a typesetter's rules to the front of a search. It uses no model and no randomness.

Each rule takes a θ of the front and changes parameters that belong together. Most rules keep the amount of text on a
page: they solve for the font size that does so. Blind mutation rarely keeps it: a change of face or tracking shifts ρ,
and then the child is judged by its ρ and not by its type. The rules use θ, the counts of misread characters and the
widths of faces; they draw nothing. Every proposal is a θ of the space that no candidate had.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from glyphrender.document.layout import layout
from glyphrender.errors import FontError, LayoutError, ThetaError
from glyphrender.search.axes import Axis
from glyphrender.search.candidate import Candidate, unbeaten
from glyphrender.search.proposer import Proposals
from glyphrender.search.space import Genes, Space
from glyphrender.theta import Theta

__all__ = ["ExpertProposer", "sampled_front"]

# Text with about the letter frequencies of English prose: faces are compared by how wide they set it.
_SAMPLE: Final = (
    "it is a truth universally acknowledged that a single man in possession of a good fortune must be in want"
)
# Groups of characters that some faces draw alike.
_CONFUSABLE: Final = tuple(map(set, ("lI1i|!", "0OoQDC", "5S", "8B3", "2Z", "KH", "ceo", "rnm", "uvy", ",.", "'\"`")))
#: Faces that tell confusable characters apart, the best first; then narrow faces, which leave room for a larger size.
_DISTINCT: Final = ("Atkinson Hyperlegible", "DejaVu Sans Mono", "DejaVu Sans", "Noto Sans Mono CJK SC", "DejaVu Serif")
_NARROW: Final = ("DejaVu Sans Condensed", "Noto Sans CJK SC", "Inter", "Noto Sans")


def sampled_front(history: Sequence[Candidate]) -> list[Candidate]:
    """Return the front of the candidates that were read on the largest sample, highest ρ first.

    No other of these candidates beats one of the front in both error and ρ.
    """
    samples = max(
        (candidate.evaluation.samples for candidate in history if candidate.evaluation is not None), default=0
    )
    return unbeaten(each for each in history if each.evaluation is not None and each.evaluation.samples == samples)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertProposer:
    """A `Proposer` that follows rules.

    Attributes:
        sample: a line or two of the text that is set. Faces are compared by how wide they set it.
    """

    sample: str = _SAMPLE

    @property
    def name(self) -> str:
        """The name in the origin of its candidates."""
        return "expert"

    def propose(self, history: Sequence[Candidate], space: Space, count: int, rng: random.Random) -> Proposals:
        """Return at most `count` θ, made by applying each rule in turn to each θ of the front; `rng` is not used."""
        front = sampled_front(history)
        seen = {candidate.digest for candidate in history}
        thetas: list[Theta] = []
        log: list[dict[str, Any]] = []
        clashes = 0
        for why, step, genes in _interleaved([_ideas(front, space, rule, self.sample) for rule in _RULES]):
            if len(thetas) == count:
                break
            try:
                theta = space.theta(genes)
            except ThetaError:
                clashes += 1
                continue
            if theta.digest not in seen:
                seen.add(theta.digest)
                thetas.append(theta)
                log.append({"base": step, "why": why, "digest": theta.digest})
        critique = f"{len(front)} on the front; {_misread_most(front)}" if front else "nothing is evaluated yet"
        return Proposals(thetas=tuple(thetas), critique=critique, rejected=clashes, log={"proposals": log})


Idea = tuple[str, int, Genes]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """One θ of the front, as a rule sees it."""

    genes: Genes
    axes: Mapping[str, Axis]
    candidate: Candidate
    sample: str

    def moved(self, name: str, steps: int) -> Genes:
        """Return genes with one axis some rungs up or down its ladder; empty if there is no such rung."""
        axis = self.axes.get(name)
        if axis is None or not axis.ordered or not self.genes:
            return {}
        at = axis.values.index(self.genes[name]) + steps
        return self.genes | {name: axis.values[at]} if 0 <= at < len(axis.values) else {}

    def set(self, name: str, value: Any, genes: Genes | None = None) -> Genes:
        """Return genes with one axis at `value`; empty if the axis lacks that value, or has it already."""
        genes = self.genes if genes is None else genes
        axis = self.axes.get(name)
        if axis is None or not genes or value not in axis.values or genes[name] == value:
            return {}
        return genes | {name: value}

    def as_full(self, genes: Genes) -> Genes:
        """Return `genes` with the font size that keeps the amount of text on a page as it is under `self.genes`."""
        axis = self.axes.get("font_size")
        if not genes or axis is None:
            return {}
        target = self._area(self.genes, self.genes.get("font_size"))
        return genes | {"font_size": min(axis.values, key=lambda size: abs(self._area(genes, size) - target))}

    def _area(self, genes: Genes, size: Any) -> float:
        """Return the area of one character in square points, including leading and tracking."""
        theta = self.candidate.theta
        size = theta.font_size if size is None else size
        at: dict[str, Any] = {name: genes.get(name, getattr(theta, name)) for name in _SETTING}
        width = _advance(at["font"], at["font_weight"], self.sample) * size * at["horizontal_scale"]
        width += at["letter_spacing"] + at["word_spacing"] / 6  # every sixth character of prose is a space
        if "leading" in genes:
            return float(width * size * genes["leading"])
        gap = genes.get("line_gap", theta.line_height - theta.font_size)
        return float(width * (size + gap))


_SETTING: Final = ("font", "font_weight", "horizontal_scale", "letter_spacing", "word_spacing")


def _leading(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Trade leading against size: letters are read, and the white between lines only separates them."""
    for steps in (-1, -2, 1, 2):
        for name in ("leading", "line_gap"):
            yield "leading against size at the same text a page", case.as_full(case.moved(name, steps))
    for name in ("leading", "line_gap"):
        yield "the same size on tighter lines", case.moved(name, -1)


def _tracking(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Try other tracking: letters that touch are misread, and letters far apart are small."""
    for steps in (1, -1, 2, -2):
        yield "tracking against size at the same text a page", case.as_full(case.moved("letter_spacing", steps))
    for steps in (-1, 1):
        yield "word spaces against size", case.as_full(case.moved("word_spacing", steps))


def _faces(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Try another face: one that tells apart what was confused, else a narrow one, which may be larger."""
    confused = _confusable_share(case.candidate)
    order = (*_DISTINCT, *_NARROW) if confused > 0.3 else (*_NARROW, *_DISTINCT)
    why = f"{confused:.0%} of misreadings are between look-alikes" if confused > 0.3 else "a face with more room"
    for face in order:
        yield f"{why}: {face}", case.as_full(case.set("font", face))


def _width(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Try narrower and higher, or wider and lower, letters."""
    for steps in (-1, 1, -2, 2):
        yield "width of letters against their height", case.as_full(case.moved("horizontal_scale", steps))


def _pixels(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Try other hinting: unhinted shapes at fractions of a pixel read better than hinted ones (docs/ratio.md)."""
    yield "outlines as designed", case.set("subpixel", True, case.set("hinting", "NONE") or case.genes)
    yield "vertical hinting alone", case.set("hinting", "SLIGHT")
    weight = 700 if case.genes.get("font_weight") == 400 else 400
    yield f"weight {weight}", case.as_full(case.set("font_weight", weight))


def _filled(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Fill the page, because tokens pay for all of it: less margin, more text, at the same size or a larger one."""
    for name in ("margin_x", "margin_y", "column_gap"):
        yield f"less {name}", case.moved(name, -1)
        yield f"least {name}", case.set(name, case.axes[name].values[0]) if name in case.axes else {}
    for steps in (1, 3, -1):
        yield "a page of another height", case.moved("page_height", steps)
        yield "lines of another length", case.moved("page_width", steps)
    for steps in (-1, 1):
        yield "more columns for short lines, fewer for long ones", case.moved("columns", steps)
    for name in ("space_before", "space_after", "border_width", "border_padding", "left_indent", "right_indent"):
        yield f"no {name}", case.set(name, 0)


def _sizes(case: _Case) -> Iterator[tuple[str, Genes]]:
    """Try the same setting somewhat larger or smaller; only trying tells where on the front it belongs."""
    for steps in (-1, 1, -3, 3):
        yield "the same setting in another size", case.moved("font_size", steps)


_Rule = Callable[[_Case], Iterator[tuple[str, Genes]]]
_RULES: Final[tuple[_Rule, ...]] = (_leading, _faces, _tracking, _filled, _sizes, _pixels, _width)


def _ideas(front: Sequence[Candidate], space: Space, rule: _Rule, sample: str) -> Iterator[Idea]:
    """Yield the ideas of `rule` for the front: its first idea for each θ, then its second, …"""
    axes = {axis.name: axis for axis in space.axes}

    def ideas(candidate: Candidate) -> Iterator[Idea]:
        case = _Case(genes=space.genes(candidate.theta), axes=axes, candidate=candidate, sample=sample)
        yield from ((why, candidate.step, genes) for why, genes in rule(case) if genes)

    yield from _interleaved([ideas(each) for each in _by_gap(front)])


def _by_gap(front: Sequence[Candidate]) -> list[Candidate]:
    """Return the front, points beside the widest gaps first, because most new θ can be found there."""
    if len(front) < 3:
        return list(front)
    gaps = [(one.rho - other.rho) / one.rho + abs(one.error - other.error) for one, other in pairwise(front)]
    sides = [0.0, *gaps], [*gaps, 0.0]
    room = {each.step: left + right for each, left, right in zip(front, *sides, strict=True)}
    return sorted(front, key=lambda each: (-room[each.step], each.step))


def _interleaved(streams: Sequence[Iterator[Idea]]) -> Iterator[Idea]:
    """Yield the first idea of each stream, then the second of each, … until all are spent."""
    going = list(streams)
    while going:
        for stream in list(going):
            idea = next(stream, None)
            if idea is None:
                going.remove(stream)
            else:
                yield idea


def _confusions(candidate: Candidate) -> list[tuple[str, str, int]]:
    details = candidate.evaluation.details if candidate.evaluation is not None else {}
    return [(there, read, count) for there, read, count in details.get("confusions", [])]


def _confusable_share(candidate: Candidate) -> float:
    """Return the share of look-alikes among the characters that were misread as others."""
    found = [(there, read, count) for there, read, count in _confusions(candidate) if there and read]
    alike = sum(count for there, read, count in found if any({*there, *read} <= group for group in _CONFUSABLE))
    return alike / total if (total := sum(count for *_, count in found)) else 0.0


def _misread_most(front: Sequence[Candidate]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for candidate in front:
        for there, read, count in _confusions(candidate):
            counts[there, read] = counts.get((there, read), 0) + count
    most = sorted(counts, key=lambda pair: (-counts[pair], pair))[:5]
    shown = ", ".join(f"{there or 'nothing'!r} as {read or 'nothing'!r} {counts[there, read]}×" for there, read in most)
    return f"misread most: {shown}" if shown else "no misreadings are listed"


@lru_cache(maxsize=256)
def _advance(font: str, weight: int, sample: str) -> float:
    """Return the mean advance of the characters of `sample`, in ems; 0.5 for a font that cannot be opened."""
    theta = Theta(font=font, font_weight=weight, font_size=10, line_height=20, page_size=(14_000, 60))
    try:
        page = next(layout(sample.replace("\n", " ")[:1000], theta))
    except (FontError, LayoutError, StopIteration):
        return 0.5
    box = page.lines[0].box
    return (box[2] - box[0]) / 10 / max(1, len(page.lines[0].text))
