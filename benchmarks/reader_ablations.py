"""Two ablations of the Glyph paper on a tiny reader, at equal budget, three seeds: the grid of a page, and θ.

    python benchmarks/reader_ablations.py OUT                 three CPU minutes; writes OUT/ablations.json
    python benchmarks/reader_ablations.py OUT --budget 0.1    a tenth of the steps, for a rehearsal

Each arm trains the tower of `train/reader/tiny_reader.py` by stage 0 (`train/reader/align.py`) for equal steps from
equal weights on the same words, and is scored on held-out pages: the share of their letters that the visual tokens
name. Reading with the language model comes after that and costs ten times as much, so it is not measured here.

- `searched`: pages in the proportions of the preset `dense`, drawn on the grid of the model;
- `shrunk`, `enlarged`: the same pages, drawn 29/28 or 27/28 as large, which the processor then resizes to the same
  visual tokens;
- `random`: pages in one θ a seed, drawn as `Theta.sample` draws it (family, weight, slant, colors), with as many
  characters a visual token;
- `mixed`: each page in such a random θ of its own.

It needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import report
import texts
from numpy.typing import NDArray

from glyphrender import Page, Theta, render
from glyphrender.adapters.pixels import Patchify
from glyphrender.tasks.statistics import bootstrap
from glyphrender.train.reader.align import AlignmentHead, cell_labels
from glyphrender.train.reader.equal_pages import equal_pages
from glyphrender.train.reader.reading import CELL, plain_prose

SHAPE = (4, 3)
# Two lines a cell, of up to six characters in it each.
LINE, SLOTS = 14.0, 12
PAGE = {
    "page_size": (SHAPE[0] * CELL, SHAPE[1] * CELL),
    "dpi": 72,
    "margin_x": 0,
    "margin_y": 0,
    "line_height": LINE,
    "overlap": "ALLOW",
    "auto_crop_width": False,
    "auto_crop_last_page": False,
}
STEPS, BATCH, RATE = 200, 4, 2e-3
HELD_OUT = 96
SAMPLE = "It is a truth universally acknowledged, that a single man must be in want of a wife."

#: Draws (the page that the model sees, the page on the grid that has its labels).
Draw: TypeAlias = Callable[[np.random.Generator, list[str]], tuple[Page, Page]]


def searched() -> Theta:
    """Return the proportions of the preset `dense`, with lines of 14 px."""
    dense = Theta.preset("dense")
    by = LINE / dense.line_height
    return Theta(
        font=dense.font,
        font_weight=dense.font_weight,
        font_size=dense.font_size * by,
        horizontal_scale=dense.horizontal_scale,
        letter_spacing=dense.letter_spacing * by,
        word_spacing=dense.word_spacing * by,
        **PAGE,
    )


def advance(theta: Theta) -> float:
    """Return the mean advance of a character in pixels."""
    page = render(SAMPLE, theta.replace(page_size=(4000, 28)))[0]
    return float(page.characters[4].max()) / len(SAMPLE)


@cache
def size_of(font: str, weight: int, italic: bool) -> float:
    """Return the font size at which a face has as many characters a line as the searched θ."""
    theta = Theta(font=font, font_weight=weight, font_italic=italic, font_size=10, **PAGE)
    return 10 * advance(searched()) / advance(theta)


def random_theta(rng: np.random.Generator) -> Theta:
    """Return θ of the paper's distributions, at the searched density. Pixel fonts have one size, and are left out."""
    while (drawn := Theta.sample(rng)).font in ("Spleen", "Unifont"):
        pass
    return Theta(
        font=drawn.font,
        font_weight=drawn.font_weight,
        font_italic=drawn.font_italic,
        font_size=round(size_of(drawn.font, drawn.font_weight, drawn.font_italic), 3),
        font_color=drawn.font_color,
        page_bg_color=drawn.para_bg_color or drawn.page_bg_color,
        **PAGE,
    )


def text_of(rng: np.random.Generator, words: list[str]) -> str:
    """Return more prose than fills a page."""
    first = int(rng.integers(len(words) - 60))
    return " ".join(words[first : first + 60])


def drawn_at(scale: float) -> Draw:
    """Return the draw of pages in the searched θ, `scale` times as large as the model sees them."""
    theta = searched()

    def draw(rng: np.random.Generator, words: list[str]) -> tuple[Page, Page]:
        text = text_of(rng, words)
        grid = render(text, theta)[0]
        if scale == 1:
            return grid, grid
        seen = render(text, theta.replace(dpi=72 * scale))[0]
        assert seen.text == grid.text, "lines break alike at every scale"
        return seen, grid

    return draw


def drawn_randomly(theta: Theta | None) -> Draw:
    """Return the draw of pages in a θ, or each in a random one."""

    def draw(rng: np.random.Generator, words: list[str]) -> tuple[Page, Page]:
        page = render(text_of(rng, words), theta or random_theta(rng))[0]
        return page, page

    return draw


#: Draws by seed.
ARMS: dict[str, Callable[[int], Draw]] = {
    "searched": lambda seed: drawn_at(1),
    "shrunk": lambda seed: drawn_at(29 / 28),
    "random": lambda seed: drawn_randomly(random_theta(np.random.default_rng((seed, 2)))),
    "enlarged": lambda seed: drawn_at(27 / 28),
    "mixed": lambda seed: drawn_randomly(None),
}


class Stage0:
    """Stage 0 of one model: batches of pages with their labels, training, and scores."""

    def __init__(self, seed: int) -> None:
        from glyphrender.train.reader.tiny_reader import tiny_reader

        self.model, self.processor = tiny_reader(seed=seed)
        equal_pages(self.model)
        self.patchify = Patchify.of(self.processor)
        self.align = AlignmentHead(self.model.config.text_config.hidden_size, SLOTS)
        self.blank = self.tokens_of(" ")[0]

    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a character."""
        found: list[int] = self.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def batch(self, pages: list[tuple[Page, Page]]) -> tuple[Any, Any]:
        """Return (visual tokens, labels) of pages."""
        import torch

        pixels = self.patchify([seen for seen, _ in pages])
        labels = [cell_labels(page, self.tokens_of, cell=CELL, slots=SLOTS, blank=self.blank) for _, page in pages]
        seen = self.model.model.visual(pixels["pixel_values"], grid_thw=pixels["image_grid_thw"]).pooler_output
        return seen, torch.from_numpy(np.concatenate(labels))

    def train(self, draw: Draw, words: list[str], *, steps: int, seed: int) -> list[float]:
        """Train for so many steps; return the mean loss of each tenth."""
        import torch

        weights = [*self.model.model.visual.parameters(), self.model.get_input_embeddings().weight]
        optimizer = torch.optim.AdamW(weights, lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
        warmup, decay = min(50, steps // 4), 0.3 * steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1, (step + 1) / warmup, max(0.02, (steps - step) / decay))
        )
        rng = np.random.default_rng((seed, 0))
        losses = []
        for _ in range(steps):
            seen, labels = self.batch([draw(rng, words) for _ in range(BATCH)])
            loss, _ = self.align(seen, self.model.get_input_embeddings().weight, labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            losses.append(float(loss.detach()))
        return [round(float(part.mean()), 3) for part in np.array_split(losses, 10)]

    def score(self, draw: Draw, words: list[str]) -> NDArray[np.float64]:
        """Return the share of letters that is right, for each held-out page."""
        import torch

        rng = np.random.default_rng(777_777)
        with torch.no_grad():
            seen, labels = self.batch([draw(rng, words) for _ in range(HELD_OUT)])
            best = self.align.logits(seen, self.model.get_input_embeddings().weight).argmax(-1)
        letters = labels != self.blank
        right = ((best == labels) & letters).view(HELD_OUT, -1).sum(1)
        return (right / letters.view(HELD_OUT, -1).sum(1)).double().numpy()


def measure(*, arms: list[str], seeds: list[int], budget: float, out: Path) -> dict[str, Any]:
    """Train and score all arms; write the result after each."""
    words = plain_prose(texts.novel()).split()
    cut = int(0.9 * len(words))
    steps = max(10, int(STEPS * budget))
    result: dict[str, Any] = {"steps": steps, "batch": BATCH, "held_out": HELD_OUT, "runs": []}
    for seed in seeds:
        for arm in arms:
            draw = ARMS[arm](seed)
            started = time.process_time()
            stage = Stage0(seed)
            losses = stage.train(draw, words[:cut], steps=steps, seed=seed)
            run = {"arm": arm, "seed": seed, "cpu_seconds": round(time.process_time() - started, 1), "losses": losses}
            score = bootstrap(stage.score(draw, words[cut:]), seed=seed)
            run |= {"right": score.mean, "low": score.low, "high": score.high}
            if arm == "random":
                theta = draw(np.random.default_rng(0), words)[0].theta
                run["theta"] = {
                    name: getattr(theta, name) for name in ("font", "font_weight", "font_italic", "font_size")
                }
                run["theta"] |= {"colors": [str(theta.font_color), str(theta.page_bg_color)]}
            result["runs"].append(run)
            print(run, flush=True)
            (out / "ablations.json").write_text(json.dumps(result) + "\n")
    return result


def table(result: dict[str, Any]) -> str:
    """Return the table of a result in Markdown."""
    runs = result["runs"]
    seeds = sorted({run["seed"] for run in runs})
    rows: list[list[object]] = []
    base = {run["seed"]: run["right"] for run in runs if run["arm"] == "searched"}
    for arm in ARMS:
        right = {run["seed"]: run["right"] for run in runs if run["arm"] == arm}
        if len(right) < len(seeds) or not base:
            continue
        values = [right[seed] for seed in seeds]
        apart = [right[seed] - base[seed] for seed in seeds]
        spread = f"{np.std(values, ddof=1):.1%}" if len(seeds) > 1 else ""
        cells = [f"{value:.1%}" for value in values]
        rows.append([arm, *cells, f"{np.mean(values):.1%}", spread, ", ".join(f"{100 * each:+.1f}" for each in apart)])
    head = ["arm", *(f"seed {seed}" for seed in seeds), "mean", "deviation", "against searched, points"]
    return report.table(head, rows)


def main() -> None:
    """Read the command line and run the ablations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the results")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--budget", type=float, default=1.0, help="share of the steps of training")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    print(table(measure(arms=options.arms, seeds=options.seeds, budget=options.budget, out=options.out)))


if __name__ == "__main__":
    main()
