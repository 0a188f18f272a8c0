"""The public names, room by room, read from the source.

A name is public if it is in `glyphrender.__all__`, or in the `__all__` of a module of one of the `ROOMS`. Packages
come before their modules: a name that a package exports is listed once, under the package. The source is parsed and
not imported (but for an `__all__` that is computed), so the list is the same on every machine, whichever extras are
installed. `hooks.py` makes the pages of the API from the list, and `tests/test_docs.py` checks the docstrings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
# Room → what its names are for: the table of docs/api.md.
ROOMS: dict[str, str] = dict(
    re.findall(r"^\| `glyphrender\.(\w+)` \| (.*) \|$", (SOURCE.parent / "docs/api.md").read_text("utf-8"), re.M)
)
# Rooms without public names of their own: what they do for users is done by the names of other rooms, or by commands.
INTERNAL = {"_system", "cli", "fonts", "raster", "studio", "text", "typeset"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A public name: the module that exports it, and where and how it is defined."""

    name: str
    module: str
    home: str
    node: ast.stmt | None
    comment: str

    @property
    def line(self) -> str:
        """Return the first paragraph of the docstring as one line, or the comment above a constant."""
        node = self.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
        return self.comment


def entries(module: str) -> list[Entry]:
    """Return the public names of `module` in the order of its `__all__`."""
    return [_resolved(name, module, module) for name in _exported(module)]


def rooms() -> dict[str, list[Entry]]:
    """Return the public names of `glyphrender` and of each room; a name that was listed before is left out."""
    found = {"glyphrender": entries("glyphrender")}
    listed = {(entry.home, entry.name) for entry in found["glyphrender"]}
    for room in ROOMS:
        found[room] = []
        for module in _modules(f"glyphrender.{room}"):
            for entry in entries(module):
                if (entry.home, entry.name) not in listed:
                    listed.add((entry.home, entry.name))
                    found[room].append(entry)
    return {room: names for room, names in found.items() if names}


# -- the source --------------------------------------------------------------------------------------


def _path(module: str) -> Path:
    path = SOURCE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _modules(room: str) -> list[str]:
    """Return the modules of a room that have an `__all__`, packages before what is in them."""
    path = SOURCE / room.replace(".", "/")
    files = sorted(path.rglob("*.py"), key=lambda file: (file.parent, file.name != "__init__.py", file.name))
    names = []
    for file in files if path.is_dir() else [_path(room)]:
        parts = file.relative_to(SOURCE).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [name for name in names if not any(part.startswith("_") for part in name.split(".")) and _exported(name)]


def _tree(module: str) -> ast.Module:
    if module not in _TREES:
        _TREES[module] = ast.parse(_path(module).read_text(encoding="utf-8"))
    return _TREES[module]


_TREES: dict[str, ast.Module] = {}


def _exported(module: str) -> list[str]:
    for statement in _tree(module).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                return list(ast.literal_eval(statement.value))  # type: ignore[attr-defined]
            except ValueError:  # made of other names, as that of `glyphrender` is
                return list(import_module(module).__all__)
    return []


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a module, those under `if TYPE_CHECKING:` and in `try:` included."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If | ast.Try):
            found += _statements(statement.body) + _statements(statement.orelse)
        else:
            found.append(statement)
    return found


def _resolved(name: str, module: str, exporter: str) -> Entry:
    """Follow imports from `module` to where `name` is defined."""
    found: Entry | None = None
    for statement in _statements(_tree(module).body):
        if isinstance(statement, ast.ImportFrom):
            source = _imported(statement, module)
            for alias in statement.names:
                if (alias.asname or alias.name) == name and source.startswith("glyphrender"):
                    return _resolved(alias.name, source, exporter)
        elif getattr(statement, "name", None) == name or name in _targets(statement):
            comment = _comment(module, statement)
            found = Entry(name=name, module=exporter, home=module, node=statement, comment=comment)
    return found or Entry(name=name, module=exporter, home=module, node=None, comment="")


def _imported(statement: ast.ImportFrom, module: str) -> str:
    """Return the absolute name of the module that `from … import` in `module` names."""
    if not statement.level:
        return statement.module or ""
    package = module if _path(module).name == "__init__.py" else module.rpartition(".")[0]
    parts = package.split(".")[: len(package.split(".")) - statement.level + 1]
    return ".".join([*parts, statement.module or ""]).rstrip(".")


def _targets(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    if isinstance(statement, getattr(ast, "TypeAlias", ())):  # `type X = …`
        targets = [statement.name]  # type: ignore[attr-defined]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _comment(module: str, statement: ast.stmt) -> str:
    """Return the text of a constant: a string after the assignment, or comment lines above or beside it."""
    body = _tree(module).body
    after = body[body.index(statement) + 1 :][:1] if statement in body else []
    if after and isinstance(after[0], ast.Expr) and isinstance(after[0].value, ast.Constant):
        return " ".join(str(after[0].value.value).split())
    return comment_at(_path(module).read_text(encoding="utf-8").splitlines(), statement.lineno)


def comment_at(lines: Sequence[str], number: int) -> str:
    """Return the comment lines above line `number`, counted from 1, or else the comment beside it."""
    beside = lines[number - 1].partition("  # ")[2]
    above: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.lstrip().startswith("#") or "--" in line:
            break
        above.insert(0, line.lstrip().lstrip("#: "))
    return " ".join(above) or beside
