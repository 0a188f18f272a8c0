"""Notebooks as pages of the site, from the cells and the outputs that are committed. Nothing is executed.

Code becomes a block of Markdown; a picture becomes an image in the page; HTML that our own values show is kept as it
is, without its style element, because the site has styles of its own for tables.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1] / "notebooks"


def notebook_pages() -> dict[str, str]:
    """Return path → Markdown of each notebook."""
    return {f"notebooks/{path.stem}.md": _page(path) for path in sorted(HERE.glob("*.ipynb"))}


def linked(markdown: str) -> str:
    """Return Markdown whose links to notebooks lead to their pages."""
    return re.sub(r"\]\(([\w./-]+)\.ipynb\)", r"](\1.md)", markdown)


def _page(path: Path) -> str:
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(linked(source))
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_output(each) for each in cell["outputs"]]
    note = f"The notebook is `docs/notebooks/{path.name}` in the repository."
    return "\n\n".join([parts[0], note, *parts[1:]]) + "\n"


def _output(output: dict[str, Any]) -> str:
    shown = {kind: "".join(value) for kind, value in output.get("data", {}).items() if kind != "application/json"}
    if html := shown.get("text/html"):
        return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    if picture := shown.get("image/png"):
        alt = escape(shown.get("text/plain", "picture").strip("<>"))
        return f'<p><img alt="{alt}" src="data:image/png;base64,{"".join(picture.split())}"></p>'
    return f"```text\n{(''.join(output.get('text', '')) or shown.get('text/plain', '')).rstrip()}\n```"
