"""The texts that are measured: the same characters for everyone who has the repository and a Python."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import glyphrender

HERE = Path(__file__).resolve().parent / "texts"
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
