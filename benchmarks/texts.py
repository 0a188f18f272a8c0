"""The texts that are measured: the same characters for everyone who has the repository and a Python."""

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
    """Pride and Prejudice with a paragraph a line, 685,000 characters."""
    text = (HERE / "pride-and-prejudice.txt").read_text(encoding="utf-8")
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def verses() -> str:
    """The same in lines of 70 characters, as verses and e-mail come: more line ends than line breaks."""
    return (HERE / "pride-and-prejudice.txt").read_text(encoding="utf-8")


def code() -> str:
    """Modules of the standard library of the Python that runs this, 400,000 characters."""
    return "".join(inspect.getsource(module) for module in (argparse, ast, inspect, typing))


def chinese() -> str:
    """The Universal Declaration of Human Rights, again and again, 290,000 characters."""
    return (HERE / "udhr-chinese.txt").read_text(encoding="utf-8") * 100


def library() -> str:
    """The first 3 MB of the standard library of the Python that runs this, module after module, no tests."""
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
    """The Universal Declaration of Human Rights in the language of that ISO 639-3 code, 3,000 to 16,000 characters."""
    return (DECLARATIONS / f"udhr-{language}.txt").read_text(encoding="utf-8")


def again(language: str, characters: int) -> str:
    """A Declaration, again and again."""
    text = declaration(language)
    return text * (characters // len(text))


def first_pages(text: str, pages: int, theta: glyphrender.Theta) -> str:
    """As much of `text` as fills so many pages."""
    for page in glyphrender.layout(text, theta):
        if page.number == pages:
            return text[: page.span[1]].rstrip("\n")  # a line end at the very end opens one line more
    raise ValueError(f"the text has only {page.number} pages of {pages}")


def endless(megabytes: float) -> Iterator[str]:
    """The novel, chapter after chapter, with a number in each so that new words never cease."""
    chapters = novel().split("Chapter ")
    left, count = megabytes * 1e6, 0
    while left > 0:
        for chapter in chapters:
            count += 1
            yield f"Chapter {count} {chapter}"
            left -= len(chapter) + 10
            if left <= 0:
                return
