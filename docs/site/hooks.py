"""What MkDocs calls while it builds the site: the pages that are made of code, and their places in the menu.

    api/<module>.md      one page a module with public names, by mkdocstrings from the docstrings
    notebooks/<name>.md  one page a notebook, from its cells and outputs
    commands/<name>.md   one page a command, by mkdocs-click from the command line itself
    contributing.md      CONTRIBUTING.md, which lies beside the folder of the documents

None of them is in the repository. `public_names.py` says which names are public.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "src")]  # for docstrings.py, and mkdocs-click, which imports the commands

from notebook_pages import linked, notebook_pages  # noqa: E402
from public_names import ROOMS, Entry, rooms  # noqa: E402

from glyphrender.cli import COMMANDS  # noqa: E402

API, COMMAND_LINE = "API", "Commands"  # names of the parts of the menu that are filled here


def on_config(config: MkDocsConfig) -> None:
    """Put the generated pages into the menu."""
    filled = {API: _api_menu(), COMMAND_LINE: [f"commands/{name}.md" for name in COMMANDS]}
    for part in config.nav:
        for entries in part.values():
            for entry in entries:
                if isinstance(entry, dict):
                    for title in filled.keys() & entry.keys():
                        entry[title] += filled[title]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in {
        **_api_pages(),
        **_command_pages(),
        **notebook_pages(),
        "contributing.md": _contributing(),
    }.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links to CONTRIBUTING.md lead to its page, and complete the page that lists the public names."""
    if page.file.src_uri == "api.md":
        markdown += _table()
    return linked(markdown).replace("](../CONTRIBUTING.md", "](contributing.md")


# -- the API -----------------------------------------------------------------------------------------


def _modules() -> dict[str, dict[str, list[Entry]]]:
    """Return the public names by room and by module."""
    found: dict[str, dict[str, list[Entry]]] = {}
    for room, names in rooms().items():
        found[room] = {}
        for entry in names:
            found[room].setdefault(entry.module, []).append(entry)
    return found


def _api_menu() -> list[Any]:
    menu: list[Any] = []
    for room, modules in _modules().items():
        pages = [{module: f"api/{module}.md"} for module in modules]
        menu += pages if len(pages) == 1 else [{f"glyphrender.{room}": pages}]
    return menu


def _api_pages() -> dict[str, str]:
    pages = {}
    for modules in _modules().values():
        for module, names in modules.items():
            members = "".join(f"        - {entry.name}\n" for entry in names)
            pages[f"api/{module}.md"] = f"# {module}\n\n::: {module}\n    options:\n      members:\n{members}"
    return pages


def _table() -> str:
    """Return a table of all public names, which is long, for whoever looks for a name with the browser's search."""
    parts = []
    for room, modules in _modules().items():
        title = ROOMS.get(room, "the names that most programs need")
        heading = "glyphrender" if room == "glyphrender" else f"glyphrender.{room}"
        parts.append(f"\n## {heading}\n\n{title[0].upper()}{title[1:]}.\n\n| name | what |\n|---|---|")
        for module, names in modules.items():
            for entry in names:
                parts.append(f"| [`{entry.name}`](api/{module}.md#{module}.{entry.name}) | {_cell(entry.line)} |")
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"([|<])", r"\\\1", text)


# -- the command line, and pages from beside the folder ---------------------------------------------------


def _command_pages() -> dict[str, str]:
    return {
        f"commands/{name}.md": f"::: mkdocs-click\n    :module: glyphrender.cli.{name}\n"
        f"    :command: command\n    :prog_name: glyphrender {name}\n    :depth: 0\n    :style: table\n"
        for name in COMMANDS
    }


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Leave the default of an option empty if there is none: mkdocs-click 0.9 prints the sentinel of click 8.3."""
    return html.replace("<code>Sentinel.UNSET</code>", "") if page.file.src_uri.startswith("commands/") else html


def _contributing() -> str:
    """Return CONTRIBUTING.md with links as its place in the site needs them; a link to CHANGELOG.md becomes a name."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")
    return re.sub(r"\[([\w.]+)\]\(CHANGELOG\.md\)", r"`\1`", text)
