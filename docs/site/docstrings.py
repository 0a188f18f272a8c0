"""An extension of griffe, which reads the docstrings: comments of constants count, and examples become code.

- The comment above or beside a constant or a field without a docstring is its docstring.
- Examples that begin with `>>>` are fenced as `pycon`, outside sections too.
- Members of a class without docstring or comment (values of an enumeration, fields of a named tuple) follow its
  docstring as code. The fields of a dataclass are in its signature.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import griffe
from public_names import comment_at


class Docstrings(griffe.Extension):
    """Completes docstrings before they become Markdown."""

    def on_attribute_instance(self, *, node: ast.AST | griffe.ObjectNode, attr: griffe.Attribute, **_: Any) -> None:
        """Give a constant or a field the comment of its line, if it has no docstring."""
        if attr.docstring is None and attr.lineno and isinstance(attr.filepath, Path):
            text = comment_at(_lines(attr.filepath), attr.lineno)
            if text and not text.startswith(("noqa", "type:")):
                attr.docstring = griffe.Docstring(text, parent=attr)

    def on_instance(self, *, node: ast.AST | griffe.ObjectNode, obj: griffe.Object, **_: Any) -> None:
        """Fence the examples of a docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)

    def on_class_members(self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any) -> None:
        """Show members that say nothing of themselves as one block of code."""
        if any("dataclass" in str(decorator.value) for decorator in cls.decorators):
            return
        members = [member for member in cls.members.values() if member.is_attribute and not member.is_private]
        shown = [
            _declaration(member) for member in members if member.docstring is None and "property" not in member.labels
        ]
        if shown:
            text = cls.docstring.value + "\n\n" if cls.docstring else ""
            cls.docstring = griffe.Docstring(f"{text}```python\n" + "\n".join(shown) + "\n```", parent=cls)


def _declaration(attribute: Any) -> str:
    annotation = f": {attribute.annotation}" if attribute.annotation is not None else ""
    return attribute.name + annotation + (f" = {attribute.value}" if attribute.value is not None else "")


_EXAMPLE = re.compile(r"^>>> .*(?:\n.*\S.*)*", re.M)  # up to the next empty line


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
