"""ρ on texts of many kinds for several models, ways to lay out code, and the θ a second that can be measured.

    pip install -e '.[ratio]'
    python benchmarks/ratio.py            # print the tables
    python benchmarks/ratio.py --write    # and put them into docs/ratio.md
    python benchmarks/ratio.py FILE…      # print the first table for your own texts

Nothing is drawn. All figures but the θ a second are the same on every machine.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import texts
from report import machine, table, write

from glyphrender import Theta, compression_ratio, fit
from glyphrender.models.tokenizers import tokenizer

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("glm-4.1v", "qwen3-vl", "internvl3", "mistral-small-3.2", "gpt-5.5")
PAPER = {72: "3–4", 96: "2–3", 120: "1.2"}


def running(text: str) -> str:
    """Return `text` as one paragraph, like the haystacks of RULER."""
    return " ".join(text.split())


def declaration(code: str) -> str:
    """Return the Universal Declaration of Human Rights 20 times over, so that the last page counts for little."""
    return (ROOT / f"tests/data/udhr-{code}.txt").read_text(encoding="utf-8") * 20


def settings() -> str:
    """Return JSON as programs write it: 100 random θ, indented by 2."""
    rng = np.random.default_rng(0)
    return json.dumps([Theta.sample(rng).to_dict() for _ in range(100)], indent=2, ensure_ascii=False)


def kinds() -> dict[str, tuple[str, str]]:
    """Return the texts by name, each with the name of its preset."""
    novel = texts.novel()[:400_000]
    return {
        "English, running text": (running(novel), "glyph-en"),
        "English, paragraphs": (re.sub(r"\n+", "\n", novel), "glyph-en"),
        "English, paragraphs, empty lines between": (novel, "glyph-en"),
        "English, lines of 70 characters": (texts.verses()[:400_000], "glyph-en"),
        "Python": (texts.code(), "glyph-en"),
        "Python, newlines as ↵": (texts.code(), "code-flow"),
        "JSON": (settings(), "glyph-en"),
        "JSON, newlines as ↵": (settings(), "code-flow"),
        "Chinese": (declaration("zho"), "glyph-zh"),
        "Arabic": (declaration("arb"), "glyph-en"),
        "Hindi": (declaration("hin"), "glyph-en"),
    }


def english(given: dict[str, str]) -> str:
    """Return the table of ρ for GLM-4.1V at the paper's θ and three resolutions, and the paper's figures for RULER."""
    shown = given or {name: text for name, (text, _) in kinds().items() if name.startswith("English")}
    ratios = {
        name: [
            compression_ratio(text, theta=theta)
            for dpi in PAPER
            for theta in (Theta(dpi=dpi), Theta(dpi=dpi).align_to("glm-4.1v"))
        ]
        for name, text in shown.items()
    }
    head = ["", *(f"{dpi} dpi{suffix}" for dpi in PAPER for suffix in ("", ", aligned"))]
    rows = [[name, *(f"{ratio.rho:.2f}" for ratio in found)] for name, found in ratios.items()]
    first = next(iter(ratios.values()))
    rows += [
        ["em in pixels, as the model sees it", *(f"{ratio.font_pixels:.2f}" for ratio in first)],
        ["pages resampled", *(f"{ratio.resampled / len(ratio.pages):.0%}" for ratio in first)],
        ["the paper, RULER", *(cell for ratio in PAPER.values() for cell in (ratio, ""))],
    ]
    return table(head, rows)


def by_model() -> str:
    """Return the table of ρ for each kind of text under its preset, aligned to each model."""
    rows = []
    for name, (text, preset) in kinds().items():
        found = [compression_ratio(text, theta=Theta.preset(f"{preset}@{model}"), model=model) for model in MODELS]
        rows.append([name, *(f"{ratio.rho:.2f}" for ratio in found)])
    heights = [Theta.preset(f"glyph-en@{model}") for model in MODELS]
    pages = [f"{'×'.join(map(str, theta.page_pixels))}" for theta in heights]
    return table(["", *MODELS], [*rows, ["page in pixels", *pages]])


def ways() -> Iterator[tuple[str, Theta]]:
    """Yield (name, θ) of the ways to lay out code, all at the same em."""
    sans = Theta().align_to("glm-4.1v")
    yield "a line a row, DejaVu Sans Mono", sans.replace(font="DejaVu Sans Mono")
    yield "a line a row, DejaVu Sans", sans
    yield "the same, pages not cropped", sans.replace(auto_crop_width=False)
    yield "two columns", sans.replace(columns=2)
    yield "three columns on 840 × 840 px", sans.replace(columns=3, page_size=(840, 840))
    yield "↵ for newlines, DejaVu Sans Mono", sans.replace(font="DejaVu Sans Mono", newline_markup="↵")
    yield "↵ for newlines, DejaVu Sans", sans.replace(newline_markup="↵")
    yield "the paper's red \\n", sans.replace(newline_markup='<font color="#FF0000"> \\n </font>')
    yield "↵, DejaVu Sans Condensed", sans.replace(newline_markup="↵", font="DejaVu Sans Condensed")
    yield "↵, Atkinson Hyperlegible", sans.replace(newline_markup="↵", font="Atkinson Hyperlegible")


def of_code() -> str:
    """Return the table of ways to lay out code, for GLM-4.1V."""
    code = texts.code()
    rows = []
    for name, theta in ways():
        ratio = compression_ratio(code, theta=theta)
        assert not ratio.resampled
        rows.append(
            [
                name,
                f"{ratio.rho:.2f}",
                f"{ratio.font_pixels:.2f}",
                len(ratio.pages),
                f"{ratio.characters_per_token:.1f}",
            ]
        )
    return table(["", "ρ", "em in pixels", "pages", "characters a token"], rows)


def at_equal_ratio() -> str:
    """Return the table of the largest type at a given ρ, on the paper's page and on the grid."""
    novel = kinds()["English, paragraphs"][0]
    rows = []
    for rho in (2, 3, 4, 5):
        plain = fit(novel, rho=rho)
        grid = fit(novel, rho=rho, theta=Theta().align_to("glm-4.1v"))
        condensed = fit(novel, rho=rho, theta=Theta(font="DejaVu Sans Condensed").align_to("glm-4.1v"))
        rows.append([f"ρ ≥ {rho}", *(f"{found.ratio.font_pixels:.2f} px" for found in (plain, grid, condensed))])
    return table(["", "595×842 px, resampled", "588×840 px, as drawn", "the same, DejaVu Sans Condensed"], rows)


def speed() -> str:
    """Return a line about θ a second on 100,000 tokens, with a known text and a new size each time."""
    text = texts.novel()[:456_000]
    count = tokenizer("glm-4").count(text)
    start = time.perf_counter()
    compression_ratio(text)
    first = time.perf_counter() - start
    times, cpu = [], time.process_time()
    for step in range(40):
        theta = Theta(font_size=7 + step / 20, line_height=8 + step / 20)
        start = time.perf_counter()
        compression_ratio(text, theta=theta)
        times.append(time.perf_counter() - start)
    cpu = (time.process_time() - cpu) / 40
    return (
        f"{machine()} {count:,} tokens, {len(text):,} characters. First θ, its words not yet shaped: {first:.2f} s. "
        f"Then 40 others: {1 / statistics.median(times):.0f} a second, by the median, while others used the machine; "
        f"{1000 * cpu:.0f} ms of one core each, which is {1 / cpu:.0f} a second.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="your own texts; only the first table is printed")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/ratio.md")
    arguments = parser.parse_args()
    given = {path.name: path.read_text(encoding="utf-8") for path in arguments.files}
    if given:
        print(english(given))
        return
    for name, made in (
        ("english", english({})),
        ("models", by_model()),
        ("code", of_code()),
        ("fit", at_equal_ratio()),
        ("speed", speed()),
    ):
        print(f"{name}\n\n{made}")
        if arguments.write:
            write(name, made, page="ratio.md")


if __name__ == "__main__":
    main()
