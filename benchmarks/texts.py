"""The texts that benchmarks use: the same characters for everyone with this repository and the same Python."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sysconfig
import typing
from collections.abc import Iterator
from pathlib import Path

import glyphrender

HERE = Path(__file__).resolve().parent / "texts"
DECLARATIONS = HERE.parents[1] / "tests/data"
FONTS = HERE.parents[1] / "fonts"


def novel() -> str:
    """Return Pride and Prejudice with one line per paragraph, 685,000 characters."""
    text = (HERE / "pride-and-prejudice.txt").read_text(encoding="utf-8")
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def verses() -> str:
    """Return the novel in lines of 70 characters, like verses and e-mail: more line ends than line breaks."""
    return (HERE / "pride-and-prejudice.txt").read_text(encoding="utf-8")


def code() -> str:
    """Return modules of the standard library of the running Python, 400,000 characters."""
    return "".join(inspect.getsource(module) for module in (argparse, ast, inspect, typing))


def chinese() -> str:
    """Return the Universal Declaration of Human Rights in Chinese, again and again, 290,000 characters."""
    return (HERE / "udhr-chinese.txt").read_text(encoding="utf-8") * 100


def library() -> str:
    """Return the first 3 MB of the standard library of the running Python, without its tests."""
    folder = Path(sysconfig.get_path("stdlib"))
    modules = [
        path for path in sorted(folder.rglob("*.py")) if not {"site-packages", "test", "tests"} & set(path.parts)
    ]
    size, parts = 0, []
    for path in modules:
        parts.append(path.read_text(encoding="utf-8", errors="replace"))
        size += len(parts[-1])
        if size > 3_000_000:
            break
    return "".join(parts)


def declaration(language: str) -> str:
    """Return the Universal Declaration of Human Rights in a language (ISO 639-3 code), 3,000 to 16,000 characters."""
    return (DECLARATIONS / f"udhr-{language}.txt").read_text(encoding="utf-8")


def again(language: str, characters: int) -> str:
    """Return a Declaration, repeated up to `characters` characters."""
    text = declaration(language)
    return text * (characters // len(text))


def first_pages(text: str, pages: int, theta: glyphrender.Theta) -> str:
    """Return as much of `text` as fills `pages` pages under `theta`."""
    for page in glyphrender.layout(text, theta):
        if page.number == pages:
            return text[: page.span[1]].rstrip("\n")  # a line end at the end would begin one more line
    raise ValueError(f"the text has only {page.number} pages of {pages}")


def endless(megabytes: float) -> Iterator[str]:
    """Yield the novel, chapter after chapter, each with a new number, so that new words never cease."""
    chapters = novel().split("Chapter ")
    left, count = megabytes * 1e6, 0
    while left > 0:
        for chapter in chapters:
            count += 1
            yield f"Chapter {count} {chapter}"
            left -= len(chapter) + 10
            if left <= 0:
                return
