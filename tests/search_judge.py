"""An evaluator that is arithmetic, and a search to be killed: `python search_judge.py JOURNAL [SLEEP]`."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from glyphrender import Theta
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.result import SearchResult
from glyphrender.search.search import search
from glyphrender.search.space import Space

TEXT = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")[:20_000]


class Judge:
    """Errors that fall with size and leading, with noise that falls with the sample; counts its calls."""

    name = "arithmetic"
    rungs = (1, 4, 16)

    def __init__(self, sleep: float = 0.0) -> None:
        self.sleep, self.calls = sleep, 0

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        self.calls += 1
        time.sleep(self.sleep)
        noise = random.Random(f"{theta.digest}/{samples}/{seed}").gauss(0, 0.2 / samples**0.5)
        small = max(0.0, 9.5 - theta.font_size) + 4 * max(0.0, 1.15 - theta.line_height / theta.font_size)
        error = 0.001 * 2.2 ** (small + noise)
        half = error * 0.2 / samples**0.5
        return Evaluation(error=min(1.0, error), low=error - half, high=error + half, samples=samples)


class Rich(Judge):
    """Errors that depend on nine fields, of readings whose wrong letters are counted: 1,000 letters a sample."""

    name = "rich"
    rungs = (2, 6, 20)

    def true(self, theta: Theta) -> Evaluation:
        """Without the noise."""
        wanted = {"DejaVu Sans": 9, "Inter": 8.4, "Noto Sans": 8.8, "DejaVu Serif": 9.3}
        spoilt = (
            max(0, wanted.get(theta.font, 9.5) - theta.font_size)
            + 4 * max(0, 1.12 - theta.line_height / theta.font_size)
            + 3 * max(0, -theta.letter_spacing)
            - min(0.2, max(0, theta.letter_spacing))
            + 6 * max(0, 0.95 - theta.horizontal_scale)
            + 2 * max(0, -theta.word_spacing - 0.2)
            + 0.5 * (theta.font_weight == 700)
            + 0.5 * (theta.hinting != "NONE")
            + 0.3 * (not theta.subpixel)
        )
        error = min(1.0, 0.001 * 2.2**spoilt)
        return Evaluation(error=error, low=error, high=error, samples=1)

    def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
        letters = 1000 * samples
        expected = self.true(theta).error * letters
        wrong = max(0.0, random.Random(f"{theta.digest}/{samples}/{seed}").gauss(expected, 1.6 * expected**0.5))
        half = 3 * max(wrong, 1) ** 0.5 / letters
        error = min(1.0, wrong / letters)
        return Evaluation(error=error, low=max(0.0, error - half), high=error + half, samples=samples)


def small_space() -> Space:
    vary = ["font_size=6:11:0.25", "leading=1:1.4:0.05", "letter_spacing=0:0.5:0.1", "columns=1|2"]
    return Space.preset("none", vary=vary)


def a_search(judge: Judge, **settings: object) -> SearchResult:
    defaults: dict[str, object] = {"space": small_space(), "rounds": 3, "steps": 30, "seed": 3, "jobs": 1}
    defaults["start"] = {"default": Theta()}  # not the presets, which are themselves what searches find
    return search(TEXT, evaluator=judge, **(defaults | settings))  # type: ignore[arg-type]


if __name__ == "__main__":
    a_search(Judge(float(sys.argv[2])), journal=sys.argv[1], resume=True, jobs=2)
