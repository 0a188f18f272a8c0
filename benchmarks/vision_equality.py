"""Visual tokens compared with those of transformers' own processors, for every open model and some 400 sizes.

    pip install transformers==5.23.0 torch==2.13.0 num2words
    python benchmarks/vision_equality.py            # print the table
    python benchmarks/vision_equality.py --write    # and write docs/vision.md and the data of tests/test_vision.py

Three things are compared: the placeholders and other tokens in the `input_ids` that a processor returns; whether it
refuses the size; and the size after its resize, which must be one that its image processor asked for. The table counts
the sizes for which all are equal. tests/vision_reference.py builds the processors and says what of them is replaced.
Some processors need torch; its wheel for the CPU is enough.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from report import table, write

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ["HF_HUB_OFFLINE"] = "1"

from vision_reference import REFERENCES, Reference, measure  # noqa: E402

from glyphrender.errors import VisionModelError  # noqa: E402
from glyphrender.models.vision import VISION_MODELS, VisionModel, vision_model  # noqa: E402
from glyphrender.models.vision_table import vision_table  # noqa: E402

FIXTURE = ROOT / "tests" / "data" / "vision_tokens.json"

Size = tuple[int, int]


def sizes() -> list[Size]:
    """Return sizes from 1 × 1 to 8000 × 8000: limits of the rules, strips, pages, whole cells and tiles, random."""
    edges = (1, 2, 9, 10, 11, 27, 28, 29, 112, 336, 384, 448, 512, 640, 641, 768, 769, 1024, 1540, 2048, 4096, 8000)
    found = [(side, side) for side in edges]
    found += [size for side in edges for size in ((1, side), (side, 1))]
    found += [size for side in (2, 28, 39, 41, 448) for size in ((8000, side), (side, 8000))]
    found += [(28 * n, 28 * (200 * n + d)) for n in (1, 2) for d in (-1, 0, 1) if 28 * (200 * n + d) <= 8000]
    found += [size for k in (7, 39, 40) for size in ((k, 200 * k), (200 * k, k), (k, min(8000, 200 * k + 1)))]
    pages = ((210, 297), (215.9, 279.4), (148, 210), (297, 210), (210, 210))
    found += [
        (round(w / 25.4 * dpi), round(h / 25.4 * dpi)) for w, h in pages for dpi in (72, 96, 120, 144, 150, 200, 300)
    ]
    for cell in (14, 16, 28, 32, 48, 336, 364, 384, 448, 512, 640, 768):
        found += [
            (cell * w, cell * h) for w, h in ((1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (4, 3), (5, 2)) if cell > 99
        ]
        found += [(cell * n, cell * m) for n, m in ((21, 30), (30, 21), (37, 37), (3, 100)) if cell < 99]
    # Halfway between two aspect ratios, where the order of the ratios decides.
    found += [
        (100 * a, 100 * b) for a, b in ((13, 12), (12, 13), (5, 4), (4, 5), (17, 12), (25, 24), (65, 72), (72, 65))
    ]
    chance = random.Random(4)
    while len(set(found)) < 400:
        found.append((round(8000 ** chance.random()), round(3000 ** chance.random())))
        side = 200 * 12 ** chance.random()
        found.append((round(side), min(8000, round(side * 2 ** chance.uniform(-1, 1)))))
    return list(dict.fromkeys(found))


@dataclass
class Result:
    """The answers of a processor for each size, and our differences.

    Attributes:
        rows: tokens, other tokens, width and height after the resize; None where the processor refuses the size.
        differences: one line for each size that differs.
    """

    rows: list[list[int] | None]
    differences: list[str]


def compare(reference: Reference, model: VisionModel, over: list[Size]) -> Result:
    """Compare the processor and `model` on each size."""
    measured, result = measure(reference), Result([], [])
    for width, height in over:
        try:
            cost = model.image(width, height)
            ours = (cost.tokens, cost.overhead)
        except VisionModelError:
            cost, ours = None, None
        try:
            visual, other, resized = measured(width, height)
        except (ValueError, ZeroDivisionError, RuntimeError, IndexError) as error:
            result.rows.append(None)
            if cost is not None:
                result.differences.append(f"{width}×{height}: {ours}, processor refuses: {error}")
            continue
        resized = resized or [(width, height)]
        if cost is None or ours != (visual, other) or cost.size not in resized:
            seen = None if cost is None else cost.size
            result.differences.append(f"{width}×{height}: {ours} {seen}, processor: {(visual, other)} {resized[:3]}")
        size = cost.size if cost is not None and cost.size in resized else resized[0]
        result.rows.append([visual, other, *size])
    return result


def compact(over: list[Size], results: dict[str, Result]) -> str:
    """Return the data of the test as JSON, one line per model."""
    lines = [f'  "{name}": {json.dumps(result.rows, separators=(",", ":"))}' for name, result in results.items()]
    return (
        f'{{\n"transformers": "{version("transformers")}",\n"sizes": {json.dumps(over, separators=(",", ":"))},\n'
        + '"models": {\n'
        + ",\n".join(lines)
        + "\n}\n}\n"
    )


def main() -> None:
    """Compare every model, print the table, and write the files if asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true", help="write docs/vision.md and the fixture of the tests")
    arguments.add_argument("--only", default="", help="compare only models whose names contain this")
    options = arguments.parse_args()
    over, results, rows = sizes(), {}, []
    for reference in REFERENCES:
        if not any(options.only in name for name in reference.models):
            continue
        start = time.perf_counter()
        name = reference.models[0]
        result = compare(reference, vision_model(name), over)
        refused = sum(row is None for row in result.rows)
        equal = len(over) - len(result.differences)
        print(f"{name}: {equal} of {len(over)}, {refused} refused, {time.perf_counter() - start:.0f} s", flush=True)
        print(*(f"    {line}\n" for line in result.differences[:12]), sep="", end="", flush=True)
        results[name] = result
        for other in reference.models:
            rows.append(
                (f"`{other}`", f"`{reference.processor.rpartition('.')[2]}`", f"{equal} / {len(over)}", refused)
            )
    unchecked = [
        name for name in VISION_MODELS if not vision_model(name).hosted and f"`{name}`" not in dict(r[:2] for r in rows)
    ]
    print("not compared:", ", ".join(unchecked) or "none")
    shown = table(["model", "processor", "equal", "refused by both"], rows)
    print(shown)
    if options.write and not options.only:
        FIXTURE.write_text(compact(over, results), encoding="utf-8")
        write("equality", f"transformers {version('transformers')}, {len(over)} sizes.\n\n{shown}", page="vision.md")
        write("models", vision_table(), page="vision.md")


if __name__ == "__main__":
    main()
