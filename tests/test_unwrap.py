"""Which line ends unwrapping joins, measured on lines that were marked by hand."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from glyphrender.text.unwrap import joins, shares

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def measured() -> ModuleType:
    spec = importlib.util.spec_from_file_location("unwrapping", ROOT / "benchmarks/unwrapping.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["unwrapping"] = module
    spec.loader.exec_module(module)
    return module


def test_joins_of_marked_lines_are_right_and_few_are_missed(measured: ModuleType) -> None:
    counts = [measured.counted(sample) for sample in measured.samples()]
    right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
    assert right + missed >= 30
    assert right / (right + wrong) >= 0.97
    assert right / (right + missed) >= 0.97


def test_nothing_is_joined_where_nothing_was_wrapped(measured: ModuleType) -> None:
    for sample in measured.samples():
        if not sample.marked:
            assert measured.counted(sample).wrong == 0, sample.name


@pytest.mark.slow
def test_the_paragraphs_of_a_novel_are_joined() -> None:
    text = (ROOT / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
    inside = [match.start() for match in re.finditer(r"(?<=[^\n])\n(?=[^\n])", text)]
    joined = {place for place, _ in joins(text, 0, len(text))}
    assert joined <= set(inside)
    assert len(joined) / len(inside) >= 0.99


def test_line_ends_of_windows_are_those_of_wrapping_too() -> None:
    text = "The ship left the harbour early in the morning, and nobody was there to\nsee it go.\n"
    assert len(joins(text, 0, len(text))) == len(joins(text.replace("\n", "\r\n"), 0, len(text) + 2)) == 1
    assert shares(text) == (0.0, 1.0)
    assert shares("") == (0.0, 0.0)
