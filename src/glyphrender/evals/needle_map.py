"""A needle map as a picture and as a table: depth × length, a panel for each kind of needle and each condition.

Each cell shows its share of right replies in per cent, and in color: dark is right, pale is wrong. The ramp goes from
yellow to dark blue (cividis), so that people who confuse red and green can read it, and so that it survives a grey
printer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from glyphrender._system.seal import sealed, sealed_png
from glyphrender.errors import DataError
from glyphrender.evals.outcome import Outcome
from glyphrender.evals.rho import rhos
from glyphrender.evals.runner import Run
from glyphrender.fonts.library import find_face
from glyphrender.report.tables import ReportTable
from glyphrender.tasks.statistics import wilson

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["NeedleCell", "figures", "needle_cells", "needle_map", "needle_png", "needle_table"]

_CELL: Final = (64, 34)
_GAP, _LEFT, _TOP, _HEAD, _FOOT = 26, 150, 84, 24, 40
_SIZE, _SMALL = 15, 13
# cividis (Nuñez, Anderton and Renslow 2018), from none right to all right.
_RAMP: Final = ((253, 231, 128), (203, 186, 105), (150, 144, 117), (107, 109, 113), (64, 75, 107), (0, 34, 78))
_INK, _PALE, _GREY, _NONE = (26, 26, 26), (255, 255, 255), (102, 102, 102), (235, 235, 235)


@dataclass(frozen=True, kw_only=True, slots=True)
class NeedleCell:
    """The replies of one cell of the map.

    Attributes:
        kind, condition: the panel.
        length: characters of the text.
        depth: place of the needle in per cent.
        right, count: right replies, and replies in all; a missing reply is wrong.
    """

    kind: str
    condition: str
    length: int
    depth: int
    right: int
    count: int


def needle_cells(outcomes: Sequence[Outcome]) -> list[NeedleCell]:
    """Return the cells of a map, by kind, condition, length and depth.

    Raises:
        DataError: an outcome is none of a needle map.
    """
    counted: dict[tuple[str, str, int, int], list[float]] = {}
    for each in outcomes:
        try:
            key = (each.item.task, each.condition, int(each.item.meta["length"]), int(each.item.meta["depth"]))
        except (KeyError, TypeError, ValueError):
            raise DataError(f"item {each.item.key} has no length and depth. Run the benchmark needle.") from None
        counted.setdefault(key, []).append(each.value)
    return [
        NeedleCell(kind=kind, condition=name, length=length, depth=depth, right=round(sum(found)), count=len(found))
        for (kind, name, length, depth), found in sorted(counted.items())
    ]


def needle_table(run: Run) -> str:
    """Return the figures of a map as Markdown: a row for each kind, condition and length, a column for each depth."""
    cells = needle_cells(run.outcomes)
    depths = sorted({cell.depth for cell in cells})
    found = {(cell.kind, cell.condition, cell.length, cell.depth): cell for cell in cells}
    heads = ["kind", "condition", "characters", *(f"{depth}%" for depth in depths), "all", "95% interval"]
    lines = []
    for kind in dict.fromkeys(cell.kind for cell in cells):
        for condition in run.conditions:
            for length in sorted({cell.length for cell in cells}):
                row = [found.get((kind, condition.name, length, depth)) for depth in depths]
                known = [cell for cell in row if cell is not None]
                if not known:
                    continue
                right, count = sum(cell.right for cell in known), sum(cell.count for cell in known)
                share = wilson(right / count, count)
                shown = ["" if cell is None else f"{cell.right}/{cell.count}" for cell in row]
                interval = f"{share.low:.0%}–{share.high:.0%}"
                lines.append([kind, condition.name, f"{length:,}", *shown, f"{right}/{count}", interval])
    return ReportTable(columns=heads, rows=lines, left=2).markdown() + "\n"


def figures(run: Run) -> dict[str, bytes]:
    """Return the files of a map by their suffix: the picture, and the same figures as a table beside it."""
    table = f"# Needle map: {run.model}, {run.benchmark.revision}\n\n{needle_table(run)}"
    return {".map.png": sealed_png(needle_png(run)), ".map.md": sealed(table)}


def needle_png(run: Run) -> bytes:
    """Return the picture of a map as the bytes of a PNG; see `needle_map`."""
    buffer = BytesIO()
    needle_map(run).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def needle_map(run: Run) -> Image:
    """Return the picture of a map. A row of panels is a kind, a column is a condition, with its ρ.

    Raises:
        DataError: the run is none of the benchmark needle.
    """
    from PIL import Image, ImageDraw

    cells = needle_cells(run.outcomes)
    found = {(cell.kind, cell.condition, cell.length, cell.depth): cell for cell in cells}
    kinds = list(dict.fromkeys(cell.kind for cell in cells))
    lengths, depths = sorted({cell.length for cell in cells}), sorted({cell.depth for cell in cells})
    wide, high = len(lengths) * _CELL[0], len(depths) * _CELL[1]
    # A column is at least as wide as its title.
    step_x, step_y = max(wide, 170) + _GAP, high + _FOOT + 10
    size = (_LEFT + step_x * len(run.conditions), _TOP + step_y * len(kinds) + _FOOT)
    picture = Image.new("RGB", (max(size[0], 620), size[1]), "white")
    draw = ImageDraw.Draw(picture)
    pen = _Pen(draw)
    protocol = run.benchmark.protocol.name
    pen.text((_GAP, 16), f"Needle map: {run.model}", size=_SIZE + 3, bold=True)
    pen.text((_GAP, 42), f"{run.benchmark.revision}, protocol {protocol}: right replies in per cent")
    for column, condition in enumerate(run.conditions):
        left = _LEFT + step_x * column
        ratio = rhos(run.of(condition)).visual
        pen.text((left, _TOP - 16), condition.name, bold=True)
        for row, kind in enumerate(kinds):
            top = _TOP + step_y * row + _HEAD
            if not column:
                pen.text((_GAP, top + high / 2 - 9), kind.replace("_", " "), bold=True)
            for down, depth in enumerate(depths):
                middle = top + (down + 0.5) * _CELL[1]
                if not column:
                    pen.text((left - 8, middle), f"{depth}%", size=_SMALL, anchor="rm", color=_GREY)
                for across, length in enumerate(lengths):
                    x = left + across * _CELL[0]
                    _cell(pen, (x, top + down * _CELL[1]), found.get((kind, condition.name, length, depth)))
            for across, length in enumerate(lengths):
                middle = left + (across + 0.5) * _CELL[0]
                pen.text((middle, top + high + 11), _short(length), size=_SMALL, anchor="mm", color=_GREY)
        if ratio is not None:
            pen.text((left, _TOP + 2), f"ρ {ratio:.2f}", size=_SMALL, color=_GREY)
    pen.text((_GAP, size[1] - 30), "down: depth of the needle · across: characters of the text", color=_GREY)
    return picture


class _Pen:
    """Draws text in a bundled font."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self._fonts: dict[tuple[int, bool], Any] = {}

    def text(
        self,
        place: tuple[float, float],
        text: str,
        *,
        size: int = _SIZE,
        bold: bool = False,
        anchor: str = "lm",
        color: tuple[int, int, int] = _INK,
    ) -> None:
        from PIL import ImageFont

        key = (size, bold)
        if key not in self._fonts:
            path = find_face("DejaVu Sans", weight=700 if bold else 400).path
            self._fonts[key] = ImageFont.truetype(str(path), size)
        self.draw.text(place, text, font=self._fonts[key], fill=color, anchor=anchor)


def _cell(pen: _Pen, place: tuple[float, float], cell: NeedleCell | None) -> None:
    left, top = place
    box = [left + 1, top + 1, left + _CELL[0] - 1, top + _CELL[1] - 1]
    if cell is None:
        pen.draw.rectangle(box, fill=_NONE)
        return
    share = cell.right / cell.count
    fill = _color(share)
    pen.draw.rectangle(box, fill=fill)
    light = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2] > 140
    middle = (left + _CELL[0] / 2, top + _CELL[1] / 2)
    pen.text(middle, f"{100 * share:.0f}", anchor="mm", color=_INK if light else _PALE)


def _color(share: float) -> tuple[int, int, int]:
    """Return the color of a share from 0 to 1.

    >>> _color(0.0), _color(1.0)
    ((253, 231, 128), (0, 34, 78))
    """
    at = share * (len(_RAMP) - 1)
    low = min(int(at), len(_RAMP) - 2)
    mixed = [round(a + (b - a) * (at - low)) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _short(length: int) -> str:
    """Return a length in few characters.

    >>> _short(4000), _short(250), _short(1_500_000)
    ('4 K', '250', '1.5 M')
    """
    for unit, name in ((1_000_000, "M"), (1_000, "K")):
        if length >= unit:
            return f"{length / unit:g} {name}"
    return str(length)
