"""Where the Unicode conformance files are: parts of them here, whole ones where somebody has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from glyphrender.text.properties import table

PARTS = Path(__file__).parent / "data" / "unicode"
WHOLE = Path(os.environ.get("GLYPHRENDER_UCD") or Path(__file__).parents[2] / "shared" / "unicode")

extents = pytest.mark.parametrize(
    "folder", [pytest.param(PARTS, id="part"), pytest.param(WHOLE, id="whole", marks=pytest.mark.slow)]
)


def lines(folder: Path, name: str) -> list[str]:
    """The lines of a file without comments; skips the test if the file is not to be had."""
    path = folder / name
    if not path.exists():
        pytest.skip(f"no {name}: set GLYPHRENDER_UCD to a folder with the Unicode Character Database")
    stripped = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in stripped if line]


def break_cases(folder: Path, name: str) -> list[tuple[str, list[int]]]:
    """(text, where ÷ stands in it) of LineBreakTest and GraphemeBreakTest."""
    cases = []
    for line in lines(folder, name):
        signs, code_points = line.split()[::2], line.split()[1::2]
        text = "".join(chr(int(code_point, 16)) for code_point in code_points)
        cases.append((text, [index for index, sign in enumerate(signs) if sign == "÷"]))
    return cases


def property_ranges(folder: Path, name: str) -> Iterator[tuple[range, list[str]]]:
    """(code points, values) of a property file."""
    for line in lines(folder, name):
        code_points, *values = (field.strip() for field in line.split(";"))
        first, _, last = code_points.partition("..")
        yield range(int(first, 16), int(last or first, 16) + 1), values


def unicode_texts(max_size: int = 30) -> st.SearchStrategy[str]:
    """Texts in which the classes that rules speak of are as likely as letters: one character a record."""
    _, first = np.unique(table().record, return_index=True)
    return st.text(st.sampled_from([chr(code_point) for code_point in first.tolist()]), max_size=max_size)
