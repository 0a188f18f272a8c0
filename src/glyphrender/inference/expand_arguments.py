"""The arguments of a tool call, as models write them: a page as 3, "3" or "page 3", a region by name or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from glyphrender.inference.expand_results import NotServedError

# Regions by name, as x0, y0, x1, y1 in thousandths of the page from its top left corner.
_REGIONS: Final = {
    "all": (0, 0, 1000, 1000), "whole": (0, 0, 1000, 1000),
    "top": (0, 0, 1000, 340), "middle": (0, 330, 1000, 670), "bottom": (0, 660, 1000, 1000),
    "left": (0, 0, 490, 1000), "right": (510, 0, 1000, 1000),
}  # fmt: skip


def region_of(region: Any, *, works: str) -> tuple[Sequence[float], str]:
    """Return a region as thousandths of the page, and its name.

    Args:
        region: a name, four numbers, or a text with four numbers; numbers up to 1 are shares of the page.
        works: the sentence of the error that says which call works.

    Raises:
        NotServedError: it is none of these.
    """
    if isinstance(region, str) and region.strip().lower() in _REGIONS:
        return _REGIONS[region.strip().lower()], f"The {region.strip().lower()}"
    if isinstance(region, str) and (numbers := re.findall(r"\d+(?:\.\d+)?", region)):
        region = [float(number) for number in numbers]
    if isinstance(region, list | tuple) and len(region) == 4 and all(map(_is_finite, region)):
        box = [float(side) * (1000 if max(map(float, region)) <= 1 else 1) for side in region]
        if box[0] < box[2] and box[1] < box[3]:
            return box, "This region"
    raise NotServedError(
        "arguments",
        f"region={said(region)} is none of {', '.join(_REGIONS)}, and no [x0, y0, x1, y1] in thousandths of the "
        f"page from its top left corner. {works}.",
    )


def said(value: Any, most: int = 60) -> str:
    """Return a value of a model for a message: on one line, and cut."""
    text = value if isinstance(value, str) else repr(value) if value is not None else "none"
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}…"


def integer(value: Any) -> int | None:
    """Return a whole number that a model wrote as 3, 3.0, "3" or "page 3"; None if the value is none."""
    if isinstance(value, str):
        found = re.fullmatch(r"\D*?(-?\d{1,9})(?:\.0+)?\D*", value)
        return int(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value) or value != int(value):
        return None
    return int(value)


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e15 and math.isfinite(value)
