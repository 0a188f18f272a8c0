"""Files for `accelerate launch --config_file`, for one machine of eight GPUs: plain data parallel, FSDP, DeepSpeed.

No file names a GPU or a model size; `num_processes` is the only number to change for another machine.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from glyphrender.errors import DataError, shown

__all__ = ["launch_file", "launch_names"]


def launch_names() -> tuple[str, ...]:
    """Return the names of the launch files."""
    folder = files("glyphrender.train.launch")
    return tuple(sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml")))


def launch_file(name: str) -> Path:
    """Return the path of a launch file.

    Raises:
        DataError: there is no such file.
    """
    if name not in launch_names():
        raise DataError(f"launch file {shown(name)} does not exist. Use {', '.join(launch_names())}.")
    return Path(str(files("glyphrender.train.launch") / f"{name}.yaml"))
