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


def test_joins_of_marked_lines_of_rfcs_are_right_over_page_breaks_too(measured: ModuleType) -> None:
    samples = list(measured.samples(measured.RFCS))
    counts = [measured.counted(sample) for sample in samples]
    right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
    assert right + missed >= 100
    assert right / (right + wrong) >= 0.92
    assert right / (right + missed) >= 0.94
    for sample in samples:  # no line of a page's foot or head is joined
        found = {sample.text.count("\n", 0, place) for place, _ in joins(sample.text, 0, len(sample.text))}
        rows = sample.text.split("\n")
        assert not any(re.search(r"\[Page \d+\]$|^RFC \d{4}  ", rows[at]) for at in found)


def test_a_list_item_stays_as_it_is_up_to_sixteen_lines() -> None:
    def item(lines: int) -> str:
        return "Text.\n\n  * The item begins in this line, which is as long as lines are that wrap\n" + (
            "    and goes on in this one, which is as long as lines are that are wrapped\n" * lines
        )

    assert not joins(item(16), 0, len(item(16)))
    assert len(joins(item(20), 0, len(item(20)))) == 3


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
