"""docs/Dockerfile.slim without Docker: its COPY and RUN lines, unchanged, in a minimal Debian.

    python benchmarks/container.py FOLDER [--suite trixie]    # as root, with mmdebstrap; 1 GB, five minutes

A Debian with its essential packages and Python (mmdebstrap --variant=minbase) stands for the base image. A virtual
environment comes first on PATH, where the base image has its own Python. First only the package is installed and a
page rendered, which shows what a bare image does. Then the recipe is followed and the page is rendered again. Every
command and its output are printed; the last lines compare the two pages. Name resolution and certificates are those of
this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "docs" / "Dockerfile.slim"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy")
IMPORT = """python -c 'import skia' 2>&1 | tail -n 1"""
RENDER = "echo 'Every page a picture.' | glyphrender render - -o /tmp/{name} && ls /tmp/{name}"


def steps(recipe: str) -> list[tuple[str, str]]:
    """Return (instruction, argument) of each line of a Dockerfile, with continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", recipe, flags=re.M))
    found = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(instruction, " ".join(argument.split())) for instruction, argument in found]


def base_image(root: Path, suite: str) -> None:
    """Make the Debian that stands for the image after FROM."""
    if not root.exists():
        command = [
            "mmdebstrap",
            "--variant=minbase",
            "--include=python3,python3-venv,ca-certificates",
            suite,
            str(root),
        ]
        print("+", shlex.join(command), flush=True)
        subprocess.run(command, check=True)
    for file in (CERTIFICATES, "etc/resolv.conf"):
        if Path("/", file).exists():
            shutil.copyfile(Path("/", file), root / file)
    run(root, "python3 -m venv /opt/python")


def run(root: Path, command: str, *, fails: bool = False) -> None:
    """Run a shell command in the root file system, as RUN does."""
    print("+", command, flush=True)
    inside = {
        "PATH": "/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PIP_CERT": f"/{CERTIFICATES}",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    inside |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    result = subprocess.run(
        ["chroot", str(root), "/bin/sh", "-c", command],
        env=inside,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    print("\n".join(result.stdout.splitlines()[-6:]), flush=True)
    if result.returncode and not fails:
        raise SystemExit(f"exit status {result.returncode}: {command}")


def copy(root: Path, source: str, target: str) -> None:
    """Copy the files that git tracks, as COPY does."""
    print(f"+ COPY {source} {target}", flush=True)
    into = root / target.lstrip("/")
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", str(ROOT / source), "archive", "HEAD"], check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(into)], input=archive.stdout, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the root file system; an existing one is used again")
    parser.add_argument("--suite", default="trixie", help="suite of Debian")
    arguments = parser.parse_args()
    if os.geteuid() or not shutil.which("mmdebstrap"):
        sys.exit("this needs root and mmdebstrap (Debian: apt-get install mmdebstrap).")
    root = arguments.folder.resolve()
    recipe = steps(RECIPE.read_text(encoding="utf-8"))
    base_image(root, arguments.suite)

    print("\n--- the bare image", flush=True)
    # In a root file system that was used before, the recipe has installed them.
    run(root, "! dpkg --status libegl1 > /dev/null 2>&1 || apt-get purge --yes --auto-remove libegl1 libgl1")
    for instruction, argument in recipe:
        if instruction == "COPY":
            copy(root, *argument.split())
    pip = next(argument.split(" && ")[0] for _, argument in recipe if argument.startswith("pip install"))
    run(root, pip)
    run(root, IMPORT)
    run(root, "GLYPHRENDER_RASTER=skia glyphrender render /usr/src/glyphrender/README.md -o /tmp/refused", fails=True)
    run(root, RENDER.format(name="bare"))

    print("\n--- the recipe", flush=True)
    for instruction, argument in recipe:
        if instruction == "RUN":
            run(root, argument)
        elif instruction == "COPY":
            copy(root, *argument.split())
        else:
            print("#", instruction, argument)
    run(root, RENDER.format(name="skia"))
    for name in ("bare", "skia"):
        page = (root / "tmp" / name / "page_0001.png").read_bytes()
        print(name, len(page), "bytes, sha256", hashlib.sha256(page).hexdigest()[:16])


if __name__ == "__main__":
    main()
