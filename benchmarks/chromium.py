"""A text laid out by headless Chromium under a θ: its pixels, and the characters at which its lines start.

Chromium gets the font files that θ uses, in the same order, and the same pixel size, line height, measure, language
and direction, so only the layout can differ. Its advances are made fractional and unhinted, as ours are
(`text-rendering: geometricPrecision`, `--font-render-hinting=none`). Only what both θ and CSS have is passed on: page,
margins, font and fallbacks, size, line height, alignment, tabs, language and direction. Points are passed as pixels,
so `dpi` must be 72.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glyphrender import Theta
from glyphrender.fonts import Face, font_stack
from glyphrender.text.grapheme import cluster_starts
from glyphrender.text.properties import codepoints
from glyphrender.theta import Alignment, Direction, Spaces

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--disable-gpu",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--allow-file-access-from-files",
)
# These turn off what CSS does and θ does not: squeezing of full-width punctuation, and space between Han and Latin.
# `strict` is UAX #14 without tailoring, as in θ.
PLAIN = "text-spacing-trim: space-all; text-autospace: no-autospace; line-break: strict"

# Finds the line starts, in code points, of every paragraph of every case. The middle of a character's rectangle tells
# its line, because the rectangles of different fonts have different tops.
LINE_STARTS = """
Promise.all([...document.fonts].map(font => font.load())).then(() => {
  const found = [...document.querySelectorAll('section')].map(section => {
    const height = parseFloat(getComputedStyle(section).lineHeight);
    return [...section.querySelectorAll('p')].map(paragraph => {
      const top = paragraph.getBoundingClientRect().top, node = paragraph.firstChild, starts = [];
      if (!node) return [0];
      const range = document.createRange();
      let last = -1, at = 0, count = 0;
      for (const character of node.data) {
        range.setStart(node, at);
        range.setEnd(node, at += character.length);
        const box = range.getClientRects()[0];
        if (box && box.height) {
          const line = Math.floor(((box.top + box.bottom) / 2 - top) / height);
          if (line > last) { starts.push(count); last = line; }
        }
        count++;
      }
      return starts;
    });
  });
  document.body.textContent = '@' + JSON.stringify(found) + '@';
});
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A text, the θ under which it is laid out, and CSS to add to its style."""

    text: str
    theta: Theta
    css: str = ""


def executable() -> str | None:
    """Return the path of the browser, or None if none is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@cache
def version() -> str:
    """Return the version of the browser, such as "Chromium 130.0.…"."""
    output = subprocess.run([_browser(), "--version"], check=True, capture_output=True, text=True).stdout
    return " ".join(output.split()[:2])


def faces(text: str, theta: Theta) -> list[Face]:
    """Return the faces that draw `text`, in the order of θ's stack. The font of θ is the first."""
    stack = font_stack(
        theta.font,
        weight=theta.font_weight,
        italic=theta.font_italic,
        axes=theta.font_axes,
        fallback=theta.fallback,
        language=theta.language,
    )
    cps = codepoints(text)
    used = np.unique(stack.assign(cps, cluster_starts(cps))).tolist()
    return [stack.faces[number] for number in dict.fromkeys([0, *used]) if number < len(stack.faces)]


def image(case: Case) -> Image.Image:
    """Return Chromium's screenshot of the page of `case`, in gray if the pages of its θ are gray."""
    theta = case.theta
    width, height = theta.page_pixels
    with _document([case], "") as page:
        shot = page.with_name("shot.png")
        _run(page, "--virtual-time-budget=10000", f"--window-size={width + 200},{height + 300}", f"--screenshot={shot}")
        with Image.open(shot) as picture:
            return picture.convert("L" if theta.is_grey else "RGB").crop((0, 0, width, height))


def line_starts(cases: Sequence[Case]) -> list[list[list[int]]]:
    """Return, for each paragraph of each case, the offsets of the characters that begin Chromium's lines."""
    with _document(cases, LINE_STARTS) as page:
        dom = _run(page, "--virtual-time-budget=600000", "--dump-dom")
    found = re.search(r"@(\[.*\])@", dom)
    if not found:
        raise RuntimeError(f"Chromium did not answer: {dom[-300:]}")
    answer: list[list[list[int]]] = json.loads(html.unescape(found[1]))
    return answer


def dom(source: str) -> str:
    """Return the document that Chromium makes of the HTML `source`, after its scripts have run."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder, "page.html")
        page.write_text(source, encoding="utf-8")
        return _run(page, "--virtual-time-budget=600000", "--dump-dom")


def screenshot(source: str, width: int, height: int) -> Image.Image:
    """Return Chromium's screenshot of the HTML `source` in a window of `width` × `height` pixels."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder, "page.html")
        page.write_text(source, encoding="utf-8")
        shot = page.with_name("shot.png")
        _run(page, "--virtual-time-budget=10000", f"--window-size={width},{height}", f"--screenshot={shot}")
        with Image.open(shot) as picture:
            return picture.convert("RGB")


def _browser() -> str:
    browser = executable()
    if browser is None:
        raise SystemExit("chromium is not installed (Debian: apt-get install chromium).")
    return browser


def _run(page: Path, *arguments: str) -> str:
    command = [_browser(), *ARGUMENTS, f"--user-data-dir={page.with_name('profile')}", *arguments, page.as_uri()]
    environment = os.environ | {"HOME": str(page.parent)}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=300).stdout


@contextmanager
def _document(cases: Sequence[Case], script: str) -> Iterator[Path]:
    """Write an HTML file with one section per case, and the fonts beside it; give its path."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        families: dict[Face, str] = {}
        sections = []
        for case in cases:
            for face in faces(case.text, case.theta):
                families.setdefault(face, f"face{len(families)}")
            names = ", ".join(families[face] for face in faces(case.text, case.theta))
            sections.append(_section(case, names))
        rules = [
            f'@font-face {{ font-family: {name}; src: url("{_file(face, Path(folder)).as_uri()}") }}'
            for face, name in families.items()
        ]
        page = Path(folder, "page.html")
        page.write_text(
            f"<!doctype html><meta charset=utf-8><style>{' '.join(rules)} body, p {{ margin: 0 }}</style>"
            f"<body>{''.join(sections)}<script>{script}</script>",
            encoding="utf-8",
        )
        yield page


def _section(case: Case, families: str) -> str:
    theta = case.theta
    if theta.dpi != 72:
        raise ValueError(f"dpi={theta.dpi:g}: Chromium takes points as pixels. Use dpi=72.")
    align = {Alignment.LEFT: "start", Alignment.RIGHT: "end"}.get(theta.alignment, theta.alignment.lower())
    # Each paragraph is an element, so that each has its own direction.
    direction = "auto" if theta.direction is Direction.AUTO else theta.direction.lower()
    space = "pre-line" if theta.spaces is Spaces.COLLAPSE else "pre-wrap"
    style = (
        f"font: {theta.font_size}px/{theta.line_height}px {families}; width: {theta.measure}px;"
        f"padding: {theta.margin_y}px {theta.margin_x}px; white-space: {space}; overflow-wrap: break-word;"
        f"tab-size: {theta.tab_width}; text-align: {align}; text-rendering: geometricPrecision;"
        f"color: {theta.font_color}; background: {theta.page_bg_color}; {PLAIN}; {case.css}"
    )
    # An empty <p> has no height. A line end gives it one line.
    paragraphs = "".join(
        f"<p dir={direction}>{html.escape(line, quote=False) or chr(10)}</p>" for line in case.text.split("\n")
    )
    return f'<section lang="{theta.language}" style="{style}">{paragraphs}</section>'


def _file(face: Face, folder: Path) -> Path:
    """Return the font file of `face`. A face of a collection is first written to a file, because CSS cannot name it."""
    if face.path.suffix.lower() not in (".ttc", ".otc"):
        return face.path
    from fontTools.ttLib import TTFont

    alone = folder / f"{face.path.stem}-{face.index}.otf"
    if not alone.exists():
        font: Any = TTFont(face.path, fontNumber=face.index, lazy=True)
        font.save(alone, reorderTables=False)
    return alone
