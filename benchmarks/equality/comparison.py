"""A metric beside its official script, and the pieces that such comparisons are made of."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One metric, ours and the official one.

    Attributes:
        name: name of the metric.
        source: the official file, below the folder of scripts.
        official: called with one case.
        ours: called with the same case. Both return a value that `==` compares.
        case: draws one case.
        known: explains a difference of a case, or returns "" for one that is not explained.
    """

    name: str
    source: str
    official: Callable[..., Any]
    ours: Callable[..., Any]
    case: Callable[[Random], tuple[Any, ...]]
    known: Callable[..., str] = lambda *case: ""


def module_of(path: Path, *, beside: bool = False) -> ModuleType:
    """Return the module in a file, under a name of its own. `beside`: the module imports files beside it."""
    spec = importlib.util.spec_from_file_location(f"official_{abs(hash(path))}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if beside:
        sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        if beside:
            sys.path.remove(str(path.parent))
    return module


def function_of(path: Path, name: str, given: Mapping[str, Any]) -> Callable[..., Any]:
    """Return one function of a file, without the rest of the file, which imports servers and reads arguments.

    `given` are the global names that the function uses, such as {"re": re}.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert len(found) == 1, f"{path} has {len(found)} functions {name}"
    names = dict(given)
    exec(compile(ast.Module(body=list(found), type_ignores=[]), str(path), "exec"), names)
    function = names[name]
    assert callable(function)
    return function


@contextmanager
def stack_of_a_script(above: int) -> Iterator[None]:
    """Give the next call the stack that it has in a script, where `above` frames are above it, of the default 1,000."""
    depth, frame = 0, sys._getframe(2)
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000 + depth - above)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
