"""Print the map of a checkout: modules, cycles between them, duplicated code, and state that modules keep.

    python benchmarks/house.py                  # this checkout
    python benchmarks/house.py ../base . --list # two, side by side, and every name behind the figures

The source is read with `ast`; nothing of it is imported. An import inside a function counts, one under
`if TYPE_CHECKING:` does not, except in the row that says so. A cycle is a set of modules each of which reaches all
others by imports. Duplicated pairs are counted by the command `duplicates`, where there is one.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "glyphrender"
CACHES = {"cache", "lru_cache"}
# Two methods lead upwards on purpose, `Theta.align_to` and `Document.ratio`: (last part of the importer, imported).
DOORS = {("theta", "ratio.align"), ("document", "ratio.ratio"), ("stream", "ratio.ratio")}
# What may be kept at the top of a module and written to by a function.
CONTAINERS = {
    "dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque", "bytearray",
    "WeakSet", "WeakKeyDictionary", "WeakValueDictionary", "local", "ContextVar",
}  # fmt: skip
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "Event"}
WRITES = {
    "append", "add", "update", "extend", "insert", "setdefault", "pop", "popitem", "popleft", "remove", "discard",
    "clear", "set", "appendleft",
}  # fmt: skip


def modules(source: Path) -> dict[str, ast.Module]:
    """Return module name → syntax tree, of every module of the package under `source`."""
    found = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def type_only(tree: ast.Module) -> set[ast.AST]:
    """Return all nodes under `if TYPE_CHECKING:`."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imports(name: str, tree: ast.Module, names: set[str], package: bool, *, types: bool) -> set[str]:
    """Return the modules of the package that module `name` imports, those for types too if `types`."""
    skipped = set() if types else type_only(tree)
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")
                above = above[: len(above) - node.level + package]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in names else base)
    return (found & names) - {name}


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the sets of nodes that reach each other, by Tarjan's algorithm; single nodes are left out."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def room(name: str) -> str:
    """Return the room of a module, `glyphrender.theta` for `glyphrender.theta.parameter`."""
    return ".".join(name.split(".")[:2])


def rooms_of(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph of rooms; a module of the root is a room of its own."""
    found: dict[str, set[str]] = {room(name): set() for name in graph}
    for name, others in graph.items():
        found[room(name)] |= {room(other) for other in others} - {room(name)}
    return found


def without_doors(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without the two imports that lead upwards on purpose."""
    return {
        name: {other for other in others if (name.split(".")[-1], other.removeprefix(f"{PACKAGE}.")) not in DOORS}
        for name, others in graph.items()
    }


def last_name(node: ast.expr) -> str:
    """Return `c` for `a.b.c(…)`, `a.b.c` and `c`."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def caches(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield every function whose results are kept for the whole process, methods included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(last_name(decorator) in CACHES for decorator in node.decorator_list):
                arguments = node.args
                fixed = not (arguments.args or arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg)
                yield f"{name}:{node.lineno} {node.name}" + (" (no argument: one value)" if fixed else "")
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            if last_name(call) in CACHES:
                yield f"{name}:{node.lineno} {ast.unparse(node.targets[0])}"


def state(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield every name at the top of a module that a function of the module rebinds or writes to, and every lock."""
    tops: dict[str, ast.expr | None] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            tops |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            tops[node.target.id] = node.value
    written: set[str] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        shared = {inner for node in ast.walk(function) if isinstance(node, ast.Global) for inner in node.names}
        written |= shared
        # A name that the function assigns is its own, whatever stands at the top of the module.
        local = {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        local |= {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
        for node in ast.walk(function):
            target: ast.expr | None = None
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                target = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                target = node.func.value
            if isinstance(target, ast.Name) and target.id in tops and target.id not in local - shared:
                written.add(target.id)
    for top, value in tops.items():
        made_by = last_name(value) if isinstance(value, ast.Call) else ""
        empty = isinstance(value, ast.Dict | ast.List | ast.Set) or made_by in CONTAINERS
        line = value.lineno if value else 0
        if made_by in LOCKS:
            yield f"{name}:{line} {top} (lock)"
        elif top in written:
            yield f"{name}:{line} {top}" + ("" if empty else " (rebound or written to)")


def duplicates(checkout: Path) -> str:
    """Return how many pairs of places in the package share six or more lines, as the command counts them."""
    if shutil.which("duplicates") is None:
        return "skipped: there is no command `duplicates`"
    command = ["duplicates", "--repo", str(checkout / "src"), "--most", "200", "--seconds", "120"]
    done = subprocess.run(command, capture_output=True, text=True)
    rows = [line for line in done.stdout.splitlines() if re.match(r"D\d+ ", line)]
    shapes = sum("`shape`" in row or " shape" in row or "boilerplate" in row for row in rows)
    return f"{len(rows)}, of them {len(rows) - shapes} the same to the letter"


def house(checkout: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the figures of a checkout, and the names behind some of them."""
    source = checkout / "src"
    trees = modules(source)
    names = set(trees)
    packages = {name for name in names if (source / name.replace(".", "/")).is_dir()}

    def graph(*, types: bool) -> dict[str, set[str]]:
        found = {}
        for name, tree in trees.items():
            # The package itself imports its public names when they are used; everything may use the package.
            found[name] = imports(name, tree, names, name in packages, types=types) if name != PACKAGE else set()
        return found

    when_run, with_types = graph(types=False), graph(types=True)
    root = sorted(name for name in names - packages if name.count(".") == 1)
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in (source / PACKAGE).rglob("*.py")]
    kept = [row for name, tree in trees.items() for row in caches(name, tree)]
    constant = sum(row.endswith("one value)") for row in kept)
    globals_ = [row for name, tree in trees.items() for row in state(name, tree)]
    found = {
        "cycles between modules": cycles(when_run),
        "… without the doors": cycles(without_doors(when_run)),
        "… and with imports for types": cycles(without_doors(with_types)),
        "cycles between rooms": cycles(rooms_of(when_run)),
        "… without the doors (rooms)": cycles(rooms_of(without_doors(when_run))),
    }
    figures = {
        "modules": f"{len(names)}",
        "rooms (packages of the root)": f"{len({room(name) for name in packages} - {PACKAGE})}",
        "modules of the root": f"{len(root)}",
        **{label: f"{len(sets)} ({sum(map(len, sets))} members)" for label, sets in found.items()},
        "arrows between modules": f"{sum(map(len, when_run.values()))}",
        "functions with a cache": f"{len(kept)}, of them {constant} of one value",
        "globals that hold state": f"{len(globals_)}",
        "duplicated pairs": duplicates(checkout),
        "lines": f"{sum(lines):,}",
        "lines of the longest module": f"{max(lines):,}",
    }
    listed = {"modules of the root": root}
    listed |= {label: [" ↔ ".join(part) for part in sets] for label, sets in found.items()}
    listed |= {"functions with a cache": kept, "globals that hold state": globals_}
    return figures, listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("checkouts", type=Path, nargs="*", default=[here])
    parser.add_argument("--list", action="store_true", help="the names behind the figures too")
    arguments = parser.parse_args()
    maps = [house(checkout.resolve()) for checkout in arguments.checkouts]
    width = max(len(label) for label in maps[0][0]) + 2
    print(" " * width + "".join(f"{checkout.resolve().name:40}" for checkout in arguments.checkouts).rstrip())
    for label in maps[0][0]:
        print(f"{label:{width}}" + "".join(f"{figures[label]:40}" for figures, _ in maps).rstrip())
    if arguments.list:
        for checkout, (_, listed) in zip(arguments.checkouts, maps, strict=True):
            for label, rows in listed.items():
                print(f"\n{checkout.resolve().name}, {label}:")
                print("\n".join(f"  {row}" for row in rows) or "  none")


if __name__ == "__main__":
    main()
