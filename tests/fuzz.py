"""Check every invariant on random documents, for hours. This program is several times as fast as Hypothesis.

    python tests/fuzz.py --documents 200000 --processes 2

Document k of a seed is always the same, so a failure is repeated by its number: `--first K --documents 1`. Every
document is set as a whole, once more, from a stream of pieces, and by appending the pieces. Every 16th is also set with
cold caches, by other typesetters, from a file, and on a page of its own width. Every 128th is drawn. Every 2048th is
repeated to 70,000 characters and saved by one process and by two.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from nasty import NASTY
from strategies import FAMILIES, INGREDIENTS, LANGUAGES
from test_invariants import check_accounts, check_boxes, same

from glyphrender import Page, Theta, Typesetter, default_typesetter, layout, render
from glyphrender.document.span import Span
from glyphrender.errors import ThetaError
from glyphrender.fonts.face import EM
from glyphrender.typeset.style import flow_of

STEW = "".join(INGREDIENTS)
SHORT = [text for text in NASTY.values() if len(text) <= 200]
# Each θ is used for this many documents, so that words of other documents are in its cache.
PER_THETA = 128


def a_text(rng: random.Random) -> str:
    """Return a text like those of `strategies.texts`: many scripts, every separator, long tokens."""
    parts = []
    for _ in range(rng.randint(0, 9)):
        some = rng.choice(INGREDIENTS)
        parts.append(
            rng.choice(
                (
                    lambda some=some: "".join(rng.choices(some, k=rng.randint(1, 12))),
                    lambda some=some: some,
                    lambda: "".join(rng.choices(STEW, k=rng.randint(1, 8))),
                    lambda: chr(rng.randrange(0x110000)),
                    lambda: rng.choice(STEW) * rng.randint(2, 80),
                    lambda: rng.choice(SHORT)[: rng.randint(0, 60)],
                )
            )()
        )
    separator = rng.choice(("", "", " ", "\n"))
    return separator.join(parts)


def a_theta(rng: random.Random) -> Theta:
    """Return a θ with a small page and random values of all fields that bear on layout."""
    while True:
        size = rng.choice((5, 7.5, 9, 16))
        fields: dict[str, Any] = {
            "page_size": (rng.choice((30, 60, 120, 300)), rng.choice((40, 120, 400))),
            "margin_x": rng.choice((0, 2.5, 7)),
            "margin_y": rng.choice((0, 3)),
            "font": rng.choice(FAMILIES),
            "font_size": size,
            "line_height": size + rng.choice((0, 1, 4.25)),
            "dpi": rng.choice((72, 72, 96)),
            "language": rng.choice(LANGUAGES),
            "columns": rng.choice((1, 1, 1, 2)),
            "column_gap": 4,
            "alignment": rng.choice(("LEFT", "LEFT", "JUSTIFY", "JUSTIFY", "RIGHT", "CENTER")),
            "direction": rng.choice(("AUTO", "AUTO", "LTR", "RTL")),
            "line_breaker": rng.choice(("GREEDY", "GREEDY", "OPTIMAL")),
            "complex_breaks": rng.choice(("CLUSTER", "CLUSTER", "DICTIONARY")),
            "hyphenate": rng.random() < 0.2,
            "cells": rng.choice(("NATURAL", "NATURAL", "GRID")),
            "box_drawing": rng.choice(("MONOSPACED", "MONOSPACED", "FONT")),
            "leading": rng.choice(("FIXED", "FIXED", "FIT")),
            "spaces": rng.choice(("KEEP", "COLLAPSE")),
            "zero_width": rng.choice(("HIDE", "HIDE", "ESCAPE")),
            "soft_hyphens": rng.choice(("BREAK", "BREAK", "HIDE", "SHOW", "ESCAPE")),
            "ansi": rng.choice(("ESCAPE", "STRIP")),
            "carriage_return": rng.choice(("LINE", "LINE", "OVERWRITE")),
            "continuation_indent": rng.choice((0, 0, 6, 90)),
            "continuation_mark": rng.choice(("", "", "↪", "»")),
            "control_characters": rng.choice(("ESCAPE", "HIDE")),
            "missing_glyph": rng.choice(("BOX", "NOTDEF")),
            "form_feed": rng.choice(("LINE", "PAGE")),
            "newline_markup": rng.choice(("<br/>", "<br/>", " ↵ ")),
            "letter_spacing": rng.choice((0, 0, 0, 0.5, -0.3)),
            "word_spacing": rng.choice((0, 0, 1.5, -0.5)),
            "horizontal_scale": rng.choice((1, 1, 0.8)),
            "first_line_indent": rng.choice((0, 0, 6)),
            "left_indent": rng.choice((0, 0, 3)),
            "space_after": rng.choice((0, 0, 3)),
            "tab_width": rng.choice((1, 4, 8)),
            "line_numbers": rng.choice((0, 0, 0, 3)),
            "ligatures": rng.random() < 0.8,
            "kerning": rng.random() < 0.8,
            "auto_crop_width": rng.random() < 0.5,
            "unwrap": rng.random() < 0.3,
            "blank_lines": rng.choice(("KEEP", "KEEP", "INDENT", "HALF", "MARK")),
            "page_number": rng.choice(("NONE", "NONE", "TOP_RIGHT", "BOTTOM_LEFT")),
            "page_header": rng.choice(("", "", "{section} Ẫ 漢 p. {page}")),
            "paragraph_ids": rng.choice(("NONE", "NONE", "MARGIN")),
        }
        if fields["hyphenate"]:
            fields["language"] = rng.choice(("", "en", "de-1996"))
        try:
            return Theta(**fields)
        except ThetaError:
            continue


@dataclass
class Seen:
    """The properties of a page, each read once, because a page works them out again at every access."""

    number: int
    span: tuple[int, int]
    text: str
    theta: Theta
    size: tuple[int, int]
    lines: tuple[Span, ...]
    words: tuple[Span, ...]
    pieces: tuple[Span, ...]

    @classmethod
    def of(cls, page: Page) -> Seen:
        return cls(page.number, page.span, page.text, page.theta, page.size, page.lines, page.words, page.pieces)


def outline(pages: Iterable[Page | Seen]) -> list[tuple[Any, ...]]:
    """Return what two layouts of a text must have in common: pages, sizes, lines and the box of each line."""
    return [
        (page.number, page.span, page.size, [(line.start, line.end, line.text, line.box) for line in page.lines])
        for page in pages
    ]


def check(text: str, theta: Theta, rng: random.Random, number: int) -> None:
    """Check the invariants on one document."""
    pages = list(layout(text, theta))
    seen: list[Any] = [Seen.of(page) for page in pages]
    check_accounts(text, seen)
    check_boxes(seen)
    whole = outline(seen)
    cuts = sorted(rng.randint(0, len(text)) for _ in range(rng.choice((1, 1, 2, 3))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert outline(layout(text, theta)) == whole, "again"
    assert outline(render(iter(pieces), theta)) == whole, "stream"
    check_appended(pieces, theta, whole, step_by_step=number % 16 == 0)
    if number % 16 == 0:
        assert outline(layout(io.StringIO(text, newline=""), theta)) == whole, "file"
        default_typesetter().clear()
        assert outline(layout(text, theta)) == whole, "cold cache"
        longest = max(map(len, text.split("\n"))) + 1 if not flow_of(theta) else len(text)
        if not theta.newline_marker and theta.line_breaker == "GREEDY":
            for typesetter in (Typesetter(chunk_size=max(64, longest)), Typesetter(max_bytes=1000)):
                assert outline(layout(text, theta, typesetter=typesetter)) == whole, repr(typesetter)
        check_width(text, theta, pages)
    if number % 128 == 0:
        again = list(layout(text, theta))
        same(again, pages)
        assert [page.png() for page in again] == [page.png() for page in pages], "bytes"
    if number % 2048 == 0 and text:
        check_jobs((text + "\n") * (70_000 // (len(text) + 1) + 1), theta.replace(page_size=(300, 400)))


def check_appended(pieces: list[str], theta: Theta, whole: list[tuple[Any, ...]], *, step_by_step: bool) -> None:
    """Check that a document to which the pieces are appended has the pages of the whole.

    With `step_by_step`, check too that each piece leaves the pages that it is said to leave.
    """
    document = render(pieces[0], theta)
    for piece in pieces[1:]:
        before = outline(document) if step_by_step else []
        unchanged = document.extend_text(piece).unchanged
        if step_by_step:
            assert outline(document[:unchanged]) == before[:unchanged], "unchanged"
    assert outline(document) == whole, "append"


def check_jobs(text: str, theta: Theta) -> None:
    """Check that two processes write the bytes that one writes."""
    with TemporaryDirectory() as folder:
        one, two = (render(text, theta).save(f"{folder}/{jobs}", jobs=jobs) for jobs in (1, 2))
        assert one == two, "jobs"
        for page in one["pages"]:
            first, second = (Path(folder, jobs, page["file"]).read_bytes() for jobs in "12")
            assert first == second, "jobs"


def check_width(text: str, theta: Theta, pages: list[Page]) -> None:
    """Check that a page as wide as its widest line breaks lines where the wide page did."""
    if theta.columns > 1 or theta.line_breaker != "GREEDY" or theta.letter_spacing or theta.first_line_indent:
        return
    blocks = [block for page in default_typesetter().layout_pages(text, theta) for block in page.blocks]
    if not blocks:
        return
    room = max(int((block.table.width + block.table.indent)[block.lo : block.hi].max()) for block in blocks)
    room = room * theta.em / EM
    if room > theta.measure:
        return
    try:
        narrow = theta.replace(page_size=(theta.page_size[0] - theta.measure + room + 1e-6, theta.page_size[1]))
    except ThetaError:  # less than an em is left
        return
    assert [line.text for page in layout(text, narrow) for line in page.lines] == [
        line.text for page in pages for line in page.lines
    ], "measured width"


def run(seed: int, first: int, last: int) -> tuple[int, int, list[str]]:
    """Return (number of characters, documents that passed, failures) of documents `first` to `last - 1`."""
    characters = count = 0
    failures = []
    for number in range(first, last):
        theta = a_theta(random.Random(f"{seed} {number // PER_THETA}"))
        rng = random.Random(f"{seed}/{number}")
        text = a_text(rng)
        characters += len(text)
        try:
            check(text, theta, rng, number)
            count += 1
        except Exception:
            failures.append(f"document {number}: {text!r}\n{theta!r}\n{traceback.format_exc(limit=-2)}")
    return characters, count, failures


def main() -> None:
    """Check documents and print what failed. The exit status is 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    start, last = time.monotonic(), arguments.first + arguments.documents
    starts = range(arguments.first, last, 1024)
    characters = passed = failed = 0
    with ProcessPoolExecutor(arguments.processes) as pool:
        ends = [min(begin + 1024, last) for begin in starts]
        for end, (some, good, failures) in zip(
            ends, pool.map(run, [arguments.seed] * len(ends), starts, ends), strict=True
        ):
            characters += some
            passed += good
            failed += len(failures)
            for failure in failures:
                print(failure, flush=True)
            print(f"{end:,}: {failed} failed, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    seconds = time.monotonic() - start
    print(f"{passed + failed:,} documents, {characters:,} characters, {failed} failures, {seconds:.0f} s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
