"""Runs a command on this machine as if it lacked some shared libraries, the way a bare container does.

In a mount namespace of its own, the directory that holds a library is covered by one with links to
everything else in it. Nothing outside the command sees that, and it ends with the command. Needs Linux,
unshare(1), and root or user namespaces; `why_not` says what is in the way. Run by hand:

    python tests/hidden_libraries.py libEGL.so.1 libGL.so.1 -- python -c 'import skia'
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

# The links are made before the directory is covered: after that, ln(1) itself would find no libraries.
# What is hidden goes by prefix, so that libEGL.so.1.1.0 leaves with libEGL.so.1.
COVER = """
set -e
work=$1 directory=$2 hidden=$3; shift 3
mount --make-rprivate /
mkdir "$work/whole" "$work/rest"
mount --bind "$directory" "$work/whole"
mount -t tmpfs none "$work/rest"
ln -s "$work"/whole/* "$work/rest/"
for library in $hidden; do rm -f "$work/rest/$library"*; done
mount --move "$work/rest" "$directory"
exec "$@"
"""


def run_without(libraries: Sequence[str], command: Sequence[str], work: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` with `libraries` (all in one directory) hidden; `work` is an empty directory to use."""
    directories = {path.parent.resolve() for path in map(path_of, libraries) if path is not None}
    if len(directories) != 1:
        raise ValueError(f"{', '.join(libraries)} must be installed, in one directory: {sorted(directories)}")
    cover = ["sh", "-c", COVER, "cover", str(work), str(directories.pop()), " ".join(libraries)]
    return subprocess.run([*_unshare(), *cover, *command], capture_output=True, text=True, timeout=600)


@cache
def path_of(library: str) -> Path | None:
    """Where the dynamic linker finds `library`, or None."""
    # Root's directories are not on every user's PATH.
    ldconfig = shutil.which("ldconfig", path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
    if ldconfig is None:
        return None
    listed = subprocess.run([ldconfig, "-p"], capture_output=True, text=True).stdout
    for line in listed.splitlines():
        name, _, path = line.strip().partition(" => ")
        if name.split(" ")[0] == library:
            return Path(path)
    return None


def why_not(*libraries: str) -> str:
    """Why `libraries` cannot be hidden here; "" when they can."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return "needs Linux and unshare(1)"
    if missing := [library for library in libraries if path_of(library) is None]:
        return f"{', '.join(missing)} not found by ldconfig: nothing to hide"
    trial = subprocess.run([*_unshare(), "mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return "" if trial.returncode == 0 else f"no mount namespace: {trial.stderr.strip()}"


def _unshare() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


if __name__ == "__main__":
    import tempfile

    split = sys.argv.index("--")
    with tempfile.TemporaryDirectory() as directory:
        done = run_without(sys.argv[1:split], sys.argv[split + 1 :], Path(directory))
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    sys.exit(done.returncode)
