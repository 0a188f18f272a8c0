"""Run the notebooks of this folder and write their outputs into them: `python docs/notebooks/execute.py [NAME.ipynb]`.

Outputs are committed, because a reader on a web page sees pages and tables only then, and they are small: no notebook
has more than `LARGEST` bytes. What changes from run to run is taken out: times, ids of kernels, and stderr. So the
script changes nothing where nothing has changed, and a test compares what the notebooks print with what is committed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Largest size of a notebook, with its outputs.
LARGEST = 200_000


def executed(path: Path) -> Any:
    """Return a notebook after it ran from its first cell to its last, as an `nbformat` node.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
            for output in cell.outputs:
                output.pop("execution_count", None)
                if output.output_type == "execute_result":
                    output.execution_count = None
            cell.execution_count = None
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return notebook


def printed(notebook: Any) -> list[str]:
    """Return what the cells of a notebook print or show, as plain text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return found


if __name__ == "__main__":
    import nbformat

    from glyphrender._system.atomic_write import write_atomically

    for name in sys.argv[1:] or sorted(each.name for each in HERE.glob("*.ipynb")):
        content = (nbformat.writes(executed(HERE / name)) + "\n").encode("utf-8")
        if len(content) > LARGEST:
            raise SystemExit(f"{name} has {len(content):,} bytes, more than {LARGEST:,}. Show less.")
        write_atomically(HERE / name, content)
        print(f"{name}: {len(content):,} bytes")
