"""Pages of any renderer on one scale: where their lines are and what is on them, so that a reader can be tested.

A *sheet* is a page as a model sees it, after the model's own resize, together with its lines. Places in a text are
counted in letters, which no renderer changes: without white space, in NFKC, with plain quotation marks, which is what
the reader of the search compares. A *passage* is 600 letters at a place that depends on the seed alone.

To read a passage, its lines, and one more line above and below, are cut out of its sheet, read, and compared with the
truth. Only edits inside the passage count. So every renderer is judged on the same letters, on its own full pages.
"""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import glyph_pipeline
import numpy as np
from PIL import Image, ImageOps

from glyphrender import Page, Theta, compression_ratio, layout
from glyphrender.models.model import VisionModel
from glyphrender.ocr.legibility import PageReader, seen_image
from glyphrender.search.reader import letters
from glyphrender.tasks.alignment import differences

PASSAGE = 600
# Border around a cut, in pixels, because tesseract loses letters that touch an edge.
EDGE = 10
RESAMPLES = 4000
_GOLDEN = (5**0.5 - 1) / 2
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet.

    Attributes:
        shown: letters of the line, newline marks included.
        own: for each letter, whether it belongs to the text (and not to a newline mark).
        box: box of the line, in pixels of the sheet.
    """

    shown: str
    own: tuple[bool, ...]
    box: Box


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page as the model sees it.

    Attributes:
        image: the page after the model's resize.
        lines: its lines, in reading order.
        start: place of its first letter in the text.
    """

    image: Image.Image
    lines: tuple[Line, ...]
    start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A text as one renderer lays it out.

    Attributes:
        name: name in tables.
        rho: text tokens per visual token.
        pages: number of pages.
        starts: place of the first letter of each page, and of the end.
        draw: takes the number of a page, 0 for the first, and returns its sheet.
    """

    name: str
    rho: float
    pages: int
    starts: tuple[int, ...]
    draw: Callable[[int], Sheet]


def by_theta(name: str, text: str, theta: Theta, model: VisionModel) -> Setting:
    """Return the setting of `text` under `theta`."""
    pages = list(layout(text, theta))
    starts = [0, *np.cumsum([len(letters(page.text)) for page in pages]).tolist()]

    def draw(number: int) -> Sheet:
        return _our_sheet(pages[number], model, starts[number])

    rho = compression_ratio(text, theta=theta, model=model, over_limit="ignore").rho
    return Setting(name=name, rho=rho, pages=len(pages), starts=tuple(starts), draw=draw)


def _our_sheet(page: Page, model: VisionModel, start: int) -> Sheet:
    image = seen_image(page, model)
    wide, high = (seen / drawn for seen, drawn in zip(image.size, page.size, strict=True))
    marker = page.theta.newline_marker
    lines = []
    for line in page.lines:
        shown, own = letters(line.text), [True] * len(letters(line.text))
        if marker is not None:
            parts = [letters(part) for part in re.split("\r\n?|\n", line.text)]
            mark = letters(marker[0])
            shown = mark.join(parts)
            own = [inside for part in parts for inside in [*[False] * len(mark), *[True] * len(part)]][len(mark) :]
        x0, y0, x1, y1 = line.box
        lines.append(Line(shown, tuple(own), (x0 * wide, y0 * high, x1 * wide, y1 * high)))
    return Sheet(image, tuple(lines), start)


def by_glyphs_script(name: str, text: str, config: dict[str, Any], model: VisionModel) -> Setting:
    """Return the setting of `text` by ReportLab and poppler. pdftotext of poppler tells where the lines are."""
    with tempfile.TemporaryDirectory() as folder:
        paths = glyph_pipeline.pages(text, config, Path(folder))
        images = [Image.open(path).convert("RGB") for path in paths]
        pdf = Path(folder, "pages.pdf")
        pdf.write_bytes(glyph_pipeline.pdf(text, config))
        boxes = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], check=True, capture_output=True, text=True).stdout
    scale = config["dpi"] / 72
    lines_of = [list(_pdf_lines(page, scale)) for page in _pdf_pages(boxes)]
    counts = [sum(len(line.shown) for line in lines) for lines in lines_of]
    starts = [0, *np.cumsum(counts).tolist()]
    there, known = "".join(line.shown for lines in lines_of for line in lines), letters(text.replace("\u200b", ""))
    if there != known:
        at = next((i for i, (a, b) in enumerate(zip(there, known)) if a != b), min(len(there), len(known)))  # noqa: B905
        raise SystemExit(f"{name}: its PDF says {there[at : at + 20]!r} where the text has {known[at : at + 20]!r}.")
    costs = [model.image(*image.size) for image in images]
    tokens = compression_ratio(text, theta=Theta(), model=model, over_limit="ignore").text_tokens

    def draw(number: int) -> Sheet:
        image, size = images[number], costs[number].size
        wide, high = (seen / drawn for seen, drawn in zip(size, image.size, strict=True))
        seen = image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)
        lines = tuple(
            Line(line.shown, line.own, (line.box[0] * wide, line.box[1] * high, line.box[2] * wide, line.box[3] * high))
            for line in lines_of[number]
        )
        return Sheet(seen, lines, starts[number])

    rho = tokens / sum(cost.tokens for cost in costs)
    return Setting(name=name, rho=rho, pages=len(images), starts=tuple(starts), draw=draw)


def _pdf_pages(boxes: str) -> Iterator[list[tuple[str, Box]]]:
    """Yield the words of each page in the output of pdftotext, with their boxes in points."""
    name = "{http://www.w3.org/1999/xhtml}"
    # Control characters are not allowed in XML.
    root = ElementTree.fromstring(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", boxes))
    for page in root.iter(f"{name}page"):
        yield [
            (word.text or "", (*(float(word.attrib[key]) for key in ("xMin", "yMin", "xMax", "yMax")),))  # type: ignore[misc]
            for word in page.iter(f"{name}word")
        ]


def _pdf_lines(words: list[tuple[str, Box]], scale: float) -> Iterator[Line]:
    """Words that stand at one height, from left to right."""
    rows: dict[int, list[tuple[str, Box]]] = {}
    for text, box in words:
        rows.setdefault(round(box[1] * 2), []).append((text, box))
    merged: list[list[tuple[str, Box]]] = []
    last = -10
    for height in sorted(rows):
        if height - last <= 4:  # 2 pt: one font's box beside another's
            merged[-1] += rows[height]
        else:
            merged.append(list(rows[height]))
        last = height
    for row in merged:
        row.sort(key=lambda word: word[1][0])
        shown = "".join(letters(text) for text, _ in row)
        box = (
            min(box[0] for _, box in row) * scale,
            min(box[1] for _, box in row) * scale,
            max(box[2] for _, box in row) * scale,
            max(box[3] for _, box in row) * scale,
        )
        yield Line(shown, (True,) * len(shown), box)


@dataclass(frozen=True, slots=True)
class Read:
    """A reading: edits and letters of each passage."""

    wrong: tuple[int, ...]
    letters: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Character error rate."""
        return sum(self.wrong) / max(1, sum(self.letters))


def places(total: int, passages: int, seed: int) -> list[int]:
    """Return where the passages begin, in letters."""
    offset = random.Random(f"{seed}/passages").random()
    return [int((offset + number * _GOLDEN) % 1 * max(1, total - PASSAGE)) for number in range(passages)]


def read(setting: Setting, reader: PageReader, *, passages: int, seed: int) -> Read:
    """Read all passages of a setting."""
    wrong, counted, drawn = [], [], {}
    for place in places(setting.starts[-1], passages, seed):
        middle = place + PASSAGE // 2
        number = int(np.searchsorted(setting.starts, middle, "right")) - 1
        if number not in drawn:
            drawn = {number: setting.draw(number)}  # one at a time: a page of 1568 × 1568 px in RGB is 7 MB
        edits, count = _passage(drawn[number], place, reader)
        wrong.append(edits)
        counted.append(count)
    return Read(tuple(wrong), tuple(counted))


def _passage(sheet: Sheet, place: int, reader: PageReader) -> tuple[int, int]:
    """Return (edits, letters) of the passage at `place`, for the part that is in one column of `sheet`."""
    ends = sheet.start + np.cumsum([sum(line.own) for line in sheet.lines])
    first = int(np.searchsorted(ends, place, "right"))
    last = min(int(np.searchsorted(ends, place + PASSAGE - 1, "right")), len(sheet.lines) - 1)
    middle = int(np.searchsorted(ends, place + PASSAGE // 2, "right"))
    middle = min(middle, len(sheet.lines) - 1)

    def follows(line: int) -> bool:
        """Return whether the line is below the one before it, and so in the same column."""
        return sheet.lines[line].box[1] > sheet.lines[line - 1].box[1]

    start = stop = middle
    while start > max(first - 1, 0) and follows(start):
        start -= 1
    while stop < min(last + 1, len(sheet.lines) - 1) and follows(stop + 1):
        stop += 1
    lines = sheet.lines[start : stop + 1]
    image = _cut(sheet.image, lines)
    begin = int(ends[start] - sum(sheet.lines[start].own))
    shown = "".join(line.shown for line in lines)
    own = [inside for line in lines for inside in line.own]
    at = begin + np.cumsum([0, *own])  # place of each shown letter; a mark has the place of the next letter
    lowest, highest = max(place, begin), min(place + PASSAGE, int(at[-1]))
    wrong = 0
    for edit in differences(shown, letters(reader(image))):
        end = edit.start + len(edit.true)
        marks = own[edit.start : end].count(False)
        inside = sum(1 for i in range(edit.start, end) if own[i] and lowest <= at[i] < highest)
        if inside == sum(own[edit.start : end]) and lowest <= at[edit.start] < highest:
            wrong += max(0, edit.cost - marks)
        else:  # an edit across the edge of the passage counts by its letters inside
            wrong += inside
    return wrong, max(0, highest - lowest)


def _cut(image: Image.Image, lines: Sequence[Line]) -> Image.Image:
    """Return the lines, cut out in their whole width, with a border in the color of the page."""
    left = max(0, int(min(line.box[0] for line in lines)) - 4)
    top = max(0, int(min(line.box[1] for line in lines)) - 1)
    right = min(image.width, int(max(line.box[2] for line in lines)) + 5)
    bottom = min(image.height, int(max(line.box[3] for line in lines)) + 2)
    return ImageOps.expand(image.crop((left, top, right, bottom)), EDGE, image.getpixel((0, 0)))


def interval(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the middle 95% of resampled figures."""
    low, high = np.nanquantile(values, (0.025, 0.975)).tolist()
    return low, high


def resampled(passages: int) -> np.ndarray[Any, Any]:
    """Return which passages each resample draws; shape (resamples, passages).

    The result is the same for every setting, so that comparisons are paired.
    """
    return np.random.default_rng(0).integers(passages, size=(RESAMPLES, passages))


def rates(found: Read) -> np.ndarray[Any, Any]:
    """Return the error rate of each resample; shape (resamples,)."""
    drawn = resampled(len(found.wrong))
    return np.array(found.wrong)[drawn].sum(1) / np.maximum(1, np.array(found.letters)[drawn].sum(1))


def digest(*parts: str) -> str:
    """Return a short key for a measurement that depends on `parts`."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
