"""Processes that are killed at a chosen step, and what they leave."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "os.listdir", "os.scandir"}
STEPS |= {"shutil.rmtree", "ctypes.dlopen", "ctypes.dlsym"}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Fork a process that does `work` and is killed at its file-system step `step`; return whether it was killed."""
    child = os.fork()
    if not child:
        try:
            seen = 0

            def hook(event: str, arguments: tuple[Any, ...]) -> None:
                nonlocal seen
                if event in STEPS:
                    seen += 1
                    if seen == step:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.WIFSIGNALED(status)


def tree(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder, hidden things included."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }
