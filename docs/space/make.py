"""Make a Hugging Face space of the studio: `python docs/space/make.py FOLDER`, and `--upload USER/NAME` to publish it.

The folder gets the package as its wheel would install it, `app.py`, and `requirements.txt` with what the package and
its extras `studio` and `reader` need. So the space needs no release of glyphrender on an index, and runs what is in
this clone. It runs elsewhere too: `cd FOLDER && python app.py`. A folder that holds anything else is left alone, and of
a space only the files that this script wrote are published.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXTRAS = ("studio", "reader")
#: The command in card.txt, by which the README of a space is known.
MARK = "`python docs/space/make.py`"
#: Names of the files of a space, as patterns: no other file of the folder is published.
FILES = ("app.py", "README.md", "requirements.txt", "glyphrender/*", "glyphrender-*.dist-info/*")


def requirements() -> list[str]:
    """Return what the package and the extras of the space need, each once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return list(dict.fromkeys([*project["dependencies"], *(need for extra in EXTRAS for need in extras[extra])]))


def make(folder: Path) -> None:
    """Write the space into `folder`, which is new, empty or an earlier space, also one that was broken off.

    Raises:
        SystemExit: the folder holds something else, or hatchling is not installed.
    """
    readme = folder / "README.md"
    is_space = readme.is_file() and MARK in readme.read_text("utf-8", "replace")
    if folder.exists() and any(folder.iterdir()) and not is_space:
        raise SystemExit(f"{folder} holds something else than a space. Choose a new folder.")
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ImportError:
        raise SystemExit("the package hatchling is missing. Run pip install hatchling.") from None
    with tempfile.TemporaryDirectory() as place:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "card.txt", readme)
        (wheel,) = WheelBuilder(str(ROOT)).build(directory=place, versions=["standard"])
        shutil.rmtree(folder / "glyphrender", ignore_errors=True)
        zipfile.ZipFile(wheel).extractall(folder)
    shutil.copyfile(HERE / "app.py", folder / "app.py")
    (folder / "requirements.txt").write_text("\n".join(requirements()) + "\n", encoding="utf-8")


def upload(folder: Path, name: str) -> str:
    """Publish `folder` as the space `name`, as the person who ran `hf auth login`; return its address."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(name, repo_type="space", space_sdk="gradio", exist_ok=True)
    api.upload_folder(
        folder_path=folder,
        repo_id=name,
        repo_type="space",
        commit_message="glyphrender studio",
        allow_patterns=list(FILES),
    )
    return f"https://huggingface.co/spaces/{name}"


def main(arguments: list[str]) -> None:
    """Make the space that the arguments of a command line ask for."""
    parser = argparse.ArgumentParser(description="Make a Hugging Face space of the studio.")
    parser.add_argument("folder", type=Path, help="folder of the space: new, empty, or an earlier space")
    parser.add_argument("--upload", metavar="USER/NAME", help="publish it; run `hf auth login` before")
    given = parser.parse_args(arguments)
    make(given.folder)
    print(upload(given.folder, given.upload) if given.upload else f"{given.folder}: run python app.py in it")


if __name__ == "__main__":
    main(sys.argv[1:])
