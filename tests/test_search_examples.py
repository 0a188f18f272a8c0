"""The examples in docstrings of search, adapters and the command line run."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "adapters.corpus.items",
    "adapters.corpus.names",
    "search.axes",
    "search.pareto",
    "search.presets",
    "search.proposal_json",
    "report.colors",
    "report.look",
    "report.plots",
    "report.tables",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    result = doctest.testmod(import_module(f"glyphrender.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
