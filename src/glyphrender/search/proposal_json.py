"""The JSON in which a language model proposes θ: the schema of a reply, and a parser that keeps its usable parts.

Models put JSON into code fences and prose, cut it off, invent names, write "9.5 pt" for 9.5 and NaN where they have no
idea. None of that may stop a search. No part of a reply is executed or trusted: a change that does not name an axis of
the space and one of its values is dropped and counted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from glyphrender.search.axes import Axis

__all__ = ["WrittenProposal", "nearest_value", "parse_proposals", "proposal_schema"]

# Enough for fifty proposals. Every "{" is tried as the start of an object, each in time linear in the rest.
_LONGEST: Final = 60_000
_STARTS: Final = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenProposal:
    """One proposal as the model wrote it.

    Attributes:
        base: the step of the candidate that is changed; None if the reply names none.
        changes: axis → value, unchecked.
    """

    base: int | None
    changes: Mapping[str, Any]


def proposal_schema(axes: Sequence[Axis], steps: Sequence[int], count: int) -> dict[str, Any]:
    """Return the JSON schema of a reply: at most `count` proposals, each based on a candidate of one of `steps`."""
    changes = {
        "type": "object",
        "properties": {axis.name: _accepted(axis) for axis in axes},
        "additionalProperties": False,
        "minProperties": 1,
    }
    proposal = {
        "type": "object",
        "properties": {"base": {"enum": list(steps)} if steps else {"type": "integer"}, "changes": changes},
        "required": ["base", "changes"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "critique": {"type": "string"},
            "proposals": {"type": "array", "items": proposal, "maxItems": count},
        },
        "required": ["critique", "proposals"],
        "additionalProperties": False,
    }


def parse_proposals(reply: str) -> tuple[str, list[WrittenProposal]]:
    """Return the critique and the complete proposals in `reply`; empty where there are none.

    >>> parse_proposals('Sure: {"critique": "too tight", "proposals": [{"base": 3, "changes": {"leading": 1.1}}]}')
    ('too tight', [WrittenProposal(base=3, changes={'leading': 1.1})])
    """
    end = reply[-_LONGEST:]
    critique, found = "", []
    for value in _objects(end):
        if isinstance(value.get("critique"), str):
            critique = critique or value["critique"]
        listed = value.get("proposals")
        found += [_idea(each) for each in (listed if isinstance(listed, list) else [value]) if _is_idea(each)]
    if not critique and (cut := re.search(r'"critique"\s*:\s*("(?:[^"\\]|\\.)*")', end)):
        critique = str(_decoded(cut[1]) or "")
    return critique, found


def nearest_value(value: Any, axis: Axis) -> Any:
    """Return the value of `axis` that `value` means, or None if it means none.

    A number may be written with words ("9.5 pt"); a number that is no rung of the ladder becomes the nearest rung. A
    choice is found in any letter case, and also if it is slightly misspelt.
    """
    if axis.ordered:
        number = _number(value)
        if number is None:
            return None
        # Clamp first: compared with 1e300 all values of the ladder are equally far.
        number = min(max(number, axis.values[0]), axis.values[-1])
        return min(axis.values, key=lambda each: abs(each - number))
    names = {_name(each): each for each in axis.values}
    name = _name(value)
    near = get_close_matches(name, names, n=1, cutoff=0.8) if isinstance(value, str) else []
    return names.get(near[0] if name not in names and near else name)


def _accepted(axis: Axis) -> dict[str, Any]:
    """Return the schema of one value of `axis`."""
    listed = [list(value) if isinstance(value, tuple) else value for value in axis.values]
    help = axis.to_dict()["help"]
    if axis.ordered and len(listed) > 8:
        return {"type": "number", "minimum": listed[0], "maximum": listed[-1], "description": help}
    return {"enum": listed, "description": help}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in `text`; if an object is cut off, the complete objects inside it."""
    at = text.find("{")
    for _ in range(_STARTS):
        if at < 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict):
                yield value
        at = text.find("{", end)


def _whole_number(digits: str) -> float:
    # Python reads no integer of more than 4,300 digits, and no reply means one of that size.
    return int(digits) if len(digits) < 20 else math.copysign(math.inf, -1 if digits[0] == "-" else 1)


_DECODER: Final = json.JSONDecoder(parse_int=_whole_number, parse_constant=lambda _: None)


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _is_idea(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("changes"), dict)


def _idea(value: Mapping[str, Any]) -> WrittenProposal:
    base = value.get("base")
    whole = isinstance(base, int) and not isinstance(base, bool)
    return WrittenProposal(base=base if whole else None, changes=value["changes"])


def _name(value: Any) -> str:
    """Return the form in which choices are compared: JSON in lower case without quotes, and "true" for "yes"."""
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    try:
        name = json.dumps(value).strip('" ').lower()
    except (ValueError, RecursionError):
        return ""
    return words.get(name, name)


def _number(value: Any) -> float | None:
    if isinstance(value, str) and (first := re.match(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)", value)):
        value = float(first[1])
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)
