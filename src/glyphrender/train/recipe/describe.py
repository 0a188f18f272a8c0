"""The fields of recipes as Markdown: `python -m glyphrender.train.recipe.describe > docs/recipes.md`."""

from __future__ import annotations

import dataclasses
from typing import Any

from glyphrender.train.recipe import STAGES, Recipe
from glyphrender.train.recipe.fields import RecipeSection

__all__ = ["markdown"]


def markdown() -> str:
    """Return the page that lists every section and field of recipes, with defaults, values and help."""
    lines = [
        "# Fields of recipes",
        "",
        "Written by `python -m glyphrender.train.recipe.describe`; see [training.md](training.md) for what recipes do.",
        "A recipe is a TOML file: `stage`, these fields, and a table `[section]` for each section.",
        "`--set section.field=value` changes one. A field marked * does not change what",
        "is learned: it may differ when a run is resumed.",
        "",
    ]
    lines += _table("Recipe", Recipe)
    seen: set[type[RecipeSection]] = set()
    for stage, recipe in STAGES.items():
        for name, section in recipe.sections().items():
            if section not in seen:
                seen.add(section)
                only = f", of {stage}" if name not in Recipe.sections() or name == "data" else ""
                lines += _table(f"[{name}]{only}", section)
    return "\n".join(lines)


def _table(title: str, section: type[RecipeSection]) -> list[str]:
    about = (section.__doc__ or "").partition("\n")[0]
    rows = []
    for field in dataclasses.fields(section):
        if kind := section.kinds().get(field.name):
            made: Any = field.default_factory
            default = made() if field.default is dataclasses.MISSING else field.default
            star = " *" if field.name in section.free() else ""
            rows.append(f"| `{field.name}`{star} | {_shown(default)} | {kind.help} | {kind.domain()} |")
    return [f"## {title}", "", about, "", "| field | default | meaning | values |", "|---|---|---|---|", *rows, ""]


def _shown(value: object) -> str:
    match value:
        case "" | () | {}:
            return "empty"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name} {each:g}" for name, each in value.items())
        case _:
            return f"{value}"


if __name__ == "__main__":
    print(markdown(), end="")
