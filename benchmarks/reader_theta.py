"""Does the error of OCR programs predict the error of a vision-language model? A tiny reader, tesseract and RapidOCR.

    python benchmarks/reader_theta.py OUT                 five CPU minutes; writes OUT/theta.json and OUT/theta.png
    python benchmarks/reader_theta.py OUT --stage-0       stop after stage 0: the error of cells, and not of pages
    python benchmarks/reader_theta.py OUT --budget 0.1    a tenth of the steps, for a rehearsal
    python benchmarks/reader_theta.py OUT --draw          draw and print again what OUT/theta.json says

One reader (`train/reader/tiny_reader.py`) learns to read pages of all θ of `THETAS`, each equally often, with one text
layout: 3 lines of 16 characters, 7 px apart, whatever the type. So a character stands at one place under every θ, and
only its shape makes a θ hard. All three readers then read the same pages of words that were held out. It needs the
extras `train`, `reader` and `rapidocr`, and matplotlib.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import report
import texts
from numpy.typing import NDArray
from PIL import Image

from glyphrender import Theta, render
from glyphrender.ocr.comparison import comparable, edit_distance
from glyphrender.ocr.rapidocr import RapidOcr
from glyphrender.ocr.tesseract import Tesseract
from glyphrender.train.reader.reading import CELL, plain_prose, transcription
from glyphrender.train.rows.sample import Pages, Sample

LINES, WIDTH, PITCH = 3, 16, 7
COLUMNS = WIDTH * PITCH // CELL
PAGE = {
    "page_size": (COLUMNS * CELL, LINES * CELL),
    "dpi": 72,
    "margin_x": 0,
    "margin_y": 0,
    "line_height": CELL,
    "overlap": "ALLOW",
    "auto_crop_width": False,
    "auto_crop_last_page": False,
    "cells": "GRID",
}
FONTS = ("DejaVu Sans Mono", "DejaVu Sans", "DejaVu Serif", "Inter")
SIZES = (5.0, 6.0, 7.0, 9.0, 11.0)
VARIANTS: dict[str, dict[str, Any]] = {
    "bold": {"font_weight": 700},
    "oblique": {"font_italic": True},
    "grey #999": {"font_color": "#999999"},
    "light grey #ccc": {"font_color": "#CCCCCC"},
    "two colors": {"antialias": False},
    "narrow 0.6": {"horizontal_scale": 0.6},
}
#: Steps of stage 0, of 4 pages; then steps of reading, of 8 pages.
ALONE, READING = 640, 320
SHEET, BORDER = 8, 14  # pages on a sheet for the OCR programs; white pixels around it
MEASURES = {
    "cells": "tiny reader, cells",
    "reader": "tiny reader, pages",
    "tesseract": "tesseract",
    "rapidocr": "RapidOCR",
}


def on_grid(font: str, size: float, **settings: Any) -> Theta:
    """Return θ of pages whose characters are 7 px apart."""
    theta = Theta(font=font, font_size=size, **settings, **PAGE)
    left = render("00", theta)[0].characters[2]
    # Rounded down, because a line must not be a hair wider than the page.
    return theta.replace(letter_spacing=math.floor((PITCH - 0.002 - float(left[1] - left[0])) * 1000) / 1000)


def thetas() -> dict[str, Theta]:
    """Return the 32 θ by name: four families in five sizes, and six variants of two of them."""
    found = {f"{font} {size:g}": on_grid(font, size) for font in FONTS for size in SIZES}
    for font, size in (("DejaVu Sans", 9.0), ("DejaVu Serif", 7.0)):
        found |= {f"{font} {size:g} {name}": on_grid(font, size, **settings) for name, settings in VARIANTS.items()}
    return found


class Words:
    """Pages of words: lines of exactly 16 characters. One word in ten is held out from training."""

    def __init__(self, *, held_out: bool) -> None:
        words = sorted({word for word in plain_prose(texts.novel()).split() if word.isalpha() and len(word) > 1})
        tenth = np.random.default_rng(0).permutation(len(words)) % 10 == 0
        self.of_length: dict[int, list[str]] = defaultdict(list)
        for word, out in zip(words, tenth, strict=True):
            if out == held_out:
                self.of_length[len(word)].append(word)
        self.lengths = np.array([len(word) for word, out in zip(words, tenth, strict=True) if out == held_out])

    def page(self, rng: np.random.Generator) -> str:
        """Return the text of a page."""
        return "\n".join(self.line(rng) for _ in range(LINES))

    def line(self, rng: np.random.Generator) -> str:
        """Return words that fill a line."""
        words: list[str] = []
        room = WIDTH
        while room > 0:
            length = int(rng.choice(self.lengths))
            if (length == room or length + 3 <= room) and length in self.of_length:
                words.append(str(rng.choice(self.of_length[length])))
                room -= length + 1
        return " ".join(words)


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A dataset for `train_reader` in which every θ comes once before one comes again."""

    words: Words
    thetas: tuple[Theta, ...]
    batch: int
    count: int
    seed: int
    writer = SimpleNamespace(slots=CELL // PITCH)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        turn, place = divmod(index, len(self.thetas))
        order = np.random.default_rng((self.seed, 1, turn)).permutation(len(self.thetas))
        page = self.words.page(np.random.default_rng((self.seed, 0, index)))
        return transcription(Pages(page, self.thetas[order[place]]), "Read.", key=f"{self.seed}-{index}")


def train(
    model: Any, processor: Any, names: dict[str, Theta], *, steps: int, batch: int, alone: bool, seed: int, out: Path
) -> list[dict[str, float]]:
    """Train a reader on pages of all θ, by stage 0 alone or to read them; return the curve."""
    from glyphrender.train.reader.reading_trainer import train_reader

    data = Mixture(
        words=Words(held_out=False),
        thetas=tuple(names.values()),
        batch=batch,
        count=batch * steps,
        seed=seed if alone else seed + 500,
    )
    return train_reader(
        model,
        processor,
        data,  # type: ignore[arg-type]
        out=out / "trainer",
        steps=steps,
        alone=steps if alone else 0,
        pointing=() if alone else (2,),
        seed=seed,
        log_every=20,
    )


def by_cells(model: Any, processor: Any, samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Return, for each page, the share of its letters that a tower's visual tokens have wrong."""
    import torch

    from glyphrender.train.reader.align import AlignmentHead
    from glyphrender.train.reader.reading_trainer import ReadingCollator

    slots = CELL // PITCH
    collator, align = ReadingCollator(processor, slots), AlignmentHead(model.config.text_config.hidden_size, slots)
    batch = collator(samples)
    with torch.no_grad():
        visual = model.model.visual(batch["pixel_values"], grid_thw=batch["image_grid_thw"]).pooler_output
        best = align.logits(visual, model.get_input_embeddings().weight).argmax(-1)
    labels = batch["cell_labels"]
    letters = labels != collator.tokens_of(" ")[0]
    wrong = ((best != labels) & letters).view(len(samples), -1).sum(1)
    return (wrong / letters.view(len(samples), -1).sum(1)).double().numpy()


def sheet(samples: Sequence[Sample]) -> Image.Image:
    """Return the pages of samples, one below the other, on white."""
    pages = [render(sample.pages[0].text, sample.pages[0].theta)[0].image for sample in samples]
    width, height = pages[0].size
    whole = Image.new("L", (width + 2 * BORDER, height * len(pages) + 2 * BORDER), 255)
    for row, page in enumerate(pages):
        whole.paste(page.convert("L"), (BORDER, BORDER + row * height))
    return whole


def errors(read: Sequence[str], wanted: Sequence[str]) -> list[float]:
    """Return the character error rate of each text, white space left out."""
    return [
        edit_distance(comparable(text), comparable(page)) / len(comparable(page))
        for text, page in zip(read, wanted, strict=True)
    ]


def by_ocr(samples: dict[str, list[Sample]], groups: Sequence[slice]) -> dict[str, dict[str, list[float]]]:
    """Return the error rates of both OCR programs by θ, one for each sheet of pages."""
    readers: dict[str, Callable[[Image.Image], str]] = {"tesseract": Tesseract(), "rapidocr": RapidOcr()}
    found: dict[str, dict[str, list[float]]] = {}
    for name, each in samples.items():
        wanted = ["\n".join(sample.learned for sample in each[group]) for group in groups]
        sheets = [sheet(each[group]) for group in groups]
        found[name] = {reader: errors([read(image) for image in sheets], wanted) for reader, read in readers.items()}
    return found


def stage_0(names: dict[str, Theta], *, seed: int, budget: float, out: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Return (model, processor, curve and seconds) after stage 0; it is trained once for each OUT."""
    from glyphrender.train.reader.reading_trainer import load_reader
    from glyphrender.train.reader.tiny_reader import save_reader, tiny_reader

    folder = out / f"stage-0-seed-{seed}"
    if not (folder / "log.json").exists():
        started = time.process_time()
        model, processor = tiny_reader(layers=4, seed=seed)
        steps = max(8, int(ALONE * budget))
        curve = train(model, processor, names, steps=steps, batch=4, alone=True, seed=seed, out=out)
        save_reader(model, processor, folder)
        log = {"curve": curve, "cpu_seconds": round(time.process_time() - started, 1)}
        (folder / "log.json").write_text(json.dumps(log) + "\n")
    return *load_reader(folder), json.loads((folder / "log.json").read_text())


def measure(
    names: dict[str, Theta], *, seeds: Sequence[int], pages: int, budget: float, reading: bool, out: Path
) -> dict[str, Any]:
    """Train a reader for each seed, let all readers read the same pages, and return the errors of each sheet by θ."""
    from glyphrender.train.reader.reading_trainer import read_pages

    words = Words(held_out=True)
    held_out = [words.page(np.random.default_rng((777_777, index))) for index in range(pages)]
    samples = {name: [transcription(Pages(text, theta), "Read.") for text in held_out] for name, theta in names.items()}
    groups = [slice(start, start + SHEET) for start in range(0, pages, SHEET)]
    curves, seconds = {}, {}
    cache = out / f"ocr-{pages}.json"
    if not cache.exists():
        started = time.process_time()
        cache.write_text(json.dumps(by_ocr(samples, groups)) + "\n")
        seconds["ocr"] = round(time.process_time() - started, 1)
    halves: dict[str, dict[str, list[float]]] = json.loads(cache.read_text())
    for seed in seeds:
        model, processor, log = stage_0(names, seed=seed, budget=budget, out=out)
        seconds[f"stage 0, seed {seed}"], curve = log["cpu_seconds"], log["curve"]
        by_page = {"cells": {name: by_cells(model, processor, each) for name, each in samples.items()}}
        if reading:
            started = time.process_time()
            steps = max(8, int(READING * budget))
            curve += train(model, processor, names, steps=steps, batch=8, alone=False, seed=seed, out=out)
            seconds[f"reading, seed {seed}"] = round(time.process_time() - started, 1)
            by_page["reader"] = {
                name: np.array(errors(read_pages(model, processor, each), held_out)) for name, each in samples.items()
            }
        for measured, found in by_page.items():
            for name, values in found.items():
                halves[name][f"{measured} {seed}"] = [float(values[group].mean()) for group in groups]
        curves[seed] = curve
        print(seconds, flush=True)
    for row in halves.values():
        for measured in ("cells", "reader"):
            if of_seeds := [row[f"{measured} {seed}"] for seed in seeds if f"{measured} {seed}" in row]:
                row[measured] = np.mean(of_seeds, 0).tolist()
    return {
        "pages": pages,
        "seeds": list(seeds),
        "budget": budget,
        "cpu_seconds": seconds,
        "errors": {
            name: {reader: [round(x, 4) for x in each] for reader, each in row.items()} for name, row in halves.items()
        },
        "curves": curves,
    }


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values; equal ones share their mean rank."""
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[where]


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the rank correlation of two lists; 0 if one is constant."""
    a, b = ranks(a), ranks(b)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0


def correlations(result: dict[str, Any]) -> list[list[object]]:
    """Return rows of (pair, ρ, its interval from θ drawn again, ρ among θ that the OCR program can read)."""
    errors = result["errors"]
    mean = {name: np.array([np.mean(row[name]) for row in errors.values()]) for name in next(iter(errors.values()))}
    half = {
        name: [np.array([np.mean(row[name][part::2]) for row in errors.values()]) for part in (0, 1)] for name in mean
    }
    easy = mean["tesseract"] < 0.05
    rng = np.random.default_rng(0)
    count = len(errors)
    drawn = rng.integers(count, size=(2000, count))
    rows: list[list[object]] = []

    def add(pair: str, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
        low, high = np.quantile([spearman(a[which], b[which]) for which in drawn], (0.025, 0.975))
        rest = f"{spearman(a[easy], b[easy]):.2f} ({easy.sum()})"
        rows.append([pair, f"{spearman(a, b):.2f}", f"[{low:.2f}, {high:.2f}]", rest])

    own_measures = [own for own in ("reader", "cells") if own in mean]
    for ocr in ("tesseract", "rapidocr"):
        for own in own_measures:
            add(f"{MEASURES[ocr]} – {MEASURES[own]}", mean[ocr], mean[own])
    add("tesseract – RapidOCR", mean["tesseract"], mean["rapidocr"])
    if len(own_measures) == 2:
        add("tiny reader, cells – pages", mean["cells"], mean["reader"])
    if len(result["seeds"]) > 1:
        one, two = result["seeds"][:2]
        for own in own_measures:
            add(f"{MEASURES[own]}: seed {one} – {two}", mean[f"{own} {one}"], mean[f"{own} {two}"])
    for name in (*own_measures, "tesseract", "rapidocr"):
        add(f"{MEASURES[name]}: half the texts – other half", *half[name])
    return rows


def tables(result: dict[str, Any]) -> str:
    """Return the tables of a result in Markdown."""
    errors = result["errors"]
    shown = {name: label for name, label in MEASURES.items() if name in next(iter(errors.values()))}
    rows = [
        [name, *(f"{np.mean(row[each]):.1%}" for each in shown)]
        for name, row in sorted(errors.items(), key=lambda item: float(np.mean(item[1]["cells"])))
    ]
    head = ["pair", "Spearman's ρ", "95%", "where tesseract errs < 5% (θ)"]
    return report.table(head, correlations(result)) + "\n" + report.table(["θ", *shown.values()], rows)


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw the errors of the tiny reader over those of each OCR program, a mark for each θ."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    errors = result["errors"]
    own_measures = [own for own in ("cells", "reader") if own in next(iter(errors.values()))]
    figure, axes = pyplot.subplots(
        len(own_measures), 2, figsize=(10, 4 * len(own_measures) + 0.7), squeeze=False, constrained_layout=True
    )
    markers = dict(zip(FONTS, "so^D", strict=True))
    colors = {size: pyplot.get_cmap("viridis")(number / len(SIZES)) for number, size in enumerate(SIZES)}
    for row, own in zip(axes, own_measures, strict=True):
        for axis, ocr in zip(row, ("tesseract", "rapidocr"), strict=True):
            for name, found in errors.items():
                font = max((font for font in FONTS if name.startswith(font + " ")), key=len)
                size, *variant = name.removeprefix(font + " ").split(" ", 1)
                color = colors[float(size)]
                x, y = 100 * np.mean(found[ocr]), 100 * np.mean(found[own])
                filled = "none" if variant else color
                axis.scatter(x, y, marker=markers[font], s=45, facecolors=filled, edgecolors=color, linewidths=1.3)
            axis.set_xscale("symlog", linthresh=1)
            axis.set(xlabel=f"{MEASURES[ocr]}: characters wrong, %", xlim=(-0.2, 100), xticks=[0, 1, 10, 100])
            axis.xaxis.set_major_formatter("{x:g}")
            axis.set_ylim(bottom=0)
            axis.grid(alpha=0.3)
        row[0].set(ylabel=f"{MEASURES[own]}: wrong, %")
    handles = [Line2D([], [], marker=mark, ls="", color="grey", label=font) for font, mark in markers.items()]
    handles += [Line2D([], [], marker="o", ls="", color=color, label=f"{size:g} px") for size, color in colors.items()]
    handles.append(Line2D([], [], marker="o", ls="", mfc="none", color="grey", label="variant"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main() -> None:
    """Read the command line and run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the results")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--pages", type=int, default=16, help="held-out pages of each θ, a multiple of 16")
    parser.add_argument("--budget", type=float, default=1.0, help="share of the steps of training")
    parser.add_argument("--stage-0", action="store_true", help="do not learn to read whole pages")
    parser.add_argument("--draw", action="store_true", help="draw and print what is in OUT already")
    options = parser.parse_args()
    path = options.out / "theta.json"
    if not options.draw:
        import torch

        torch.set_num_threads(1)
        options.out.mkdir(parents=True, exist_ok=True)
        result = measure(
            thetas(),
            seeds=options.seeds,
            pages=options.pages,
            budget=options.budget,
            reading=not options.stage_0,
            out=options.out,
        )
        path.write_text(json.dumps(result) + "\n")
    result = json.loads(path.read_text())
    draw(result, options.out / "theta.png")
    print(tables(result))


if __name__ == "__main__":
    main()
