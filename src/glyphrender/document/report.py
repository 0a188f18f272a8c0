"""The look that reports share: one style, one script, and a template that is filled in one pass.

A report is one HTML file. The file needs no other file, and its Content-Security-Policy lets it load none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

__all__ = ["filled", "html_table"]


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with `{{name}}` replaced by the value of that name, in one pass: values may hold braces.

    The names "style" and "script" stand for the style and the script of reports, unless `values` has them.

    >>> filled("<h1>{{title}}</h1>", {"title": "{{note}}"})
    '<h1>{{note}}</h1>'
    """
    before, *rest = template.split("{{")
    parts = [before]
    for part in rest:
        name, after = part.split("}}", 1)
        parts += [values[name] if name in values else _shared(name), after]
    return "".join(parts)


def html_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = (), classes: Sequence[str] = ()
) -> str:
    """Return a table as HTML. Cells are escaped here.

    Args:
        columns: headings.
        rows: the cells of each row.
        numbers: headings of the columns that are aligned to the right.
        classes: class of each row, "" for none; by default none has one.

    >>> html_table(["a", "n"], [["<", "1"]], numbers=["n"]).count("class=n")
    2
    """

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if column in numbers else ''}>{escape(cell)}</{tag}>"
            for column, cell in zip(columns, row, strict=True)
        )

    names = classes or [""] * len(rows)
    body = "".join(
        f"<tr{f' class={name}' if name else ''}>{cells('td', row)}</tr>" for row, name in zip(rows, names, strict=True)
    )
    return f"<table><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table>"


def _shared(name: str) -> str:
    suffix = {"style": "css", "script": "js"}[name]
    return (files(__package__) / f"report.{suffix}").read_text(encoding="utf-8")
