"""ρ on texts of many kinds for several models, what to do about code, and how many θ a second can be measured.

    pip install -e '.[ratio]'
    python benchmarks/ratio.py            # prints the tables
    python benchmarks/ratio.py --write    # and puts them into docs/ratio.md
    python benchmarks/ratio.py FILE…      # the first table for texts of your own

Nothing is drawn, and nothing but the θ a second depends on the machine.
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
from report import machine, table

from glyphrender import Theta, compression_ratio, fit
from glyphrender.models.tokenizers import tokenizer
from glyphrender.ratio.ratio import Ratio

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/ratio.md"
MODELS = ("glm-4.1v", "qwen3-vl", "internvl3", "mistral-small-3.2", "gpt-5.5")
PAPER = {72: "3–4", 96: "2–3", 120: "1.2"}


def running(text: str) -> str:
    """`text` as one paragraph, as the haystacks of RULER are."""
    return " ".join(text.split())


def declaration(code: str) -> str:
    """The Universal Declaration of Human Rights, 20 times over, so that the last page counts for little."""
    return (ROOT / f"tests/data/udhr-{code}.txt").read_text(encoding="utf-8") * 20


def settings() -> str:
    """JSON as programs write it: 100 θ, indented by 2."""
    rng = np.random.default_rng(0)
    return json.dumps([Theta.sample(rng).to_dict() for _ in range(100)], indent=2, ensure_ascii=False)


def kinds() -> dict[str, tuple[str, str]]:
    """Texts with the preset that each is set by."""
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
    """ρ at the paper's searched θ and three resolutions for GLM-4.1V, beside the paper's figures for RULER."""
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
    """ρ of each kind of text under its preset, aligned to each model."""
    rows = []
    for name, (text, preset) in kinds().items():
        found = [compression_ratio(text, theta=Theta.preset(f"{preset}@{model}"), model=model) for model in MODELS]
        rows.append([name, *(f"{ratio.rho:.2f}" for ratio in found)])
    heights = [Theta.preset(f"glyph-en@{model}") for model in MODELS]
    pages = [f"{'×'.join(map(str, theta.page_pixels))}" for theta in heights]
    return table(["", *MODELS], [*rows, ["page in pixels", *pages]])


def ways() -> Iterator[tuple[str, Theta]]:
    """Ways to set code, all at the same em."""
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
    """What to do about code, for GLM-4.1V."""
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


def alike(ratio: Ratio) -> str:
    return f"{ratio.font_pixels:.2f} px"


def at_equal_ratio() -> str:
    """The largest type at a given ρ, on the page of the paper and on the grid."""
    novel = kinds()["English, paragraphs"][0]
    rows = []
    for rho in (2, 3, 4, 5):
        plain = fit(novel, rho=rho)
        grid = fit(novel, rho=rho, theta=Theta().align_to("glm-4.1v"))
        condensed = fit(novel, rho=rho, theta=Theta(font="DejaVu Sans Condensed").align_to("glm-4.1v"))
        rows.append([f"ρ ≥ {rho}", *(alike(found.ratio) for found in (plain, grid, condensed))])
    return table(["", "595×842 px, resampled", "588×840 px, as drawn", "the same, DejaVu Sans Condensed"], rows)


def speed() -> str:
    """θ a second on 100,000 tokens: the text is known, the sizes are new each time."""
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    given = {path.name: path.read_text(encoding="utf-8") for path in arguments.files}
    if given:
        print(english(given))
        return
    page = PAGE.read_text(encoding="utf-8") if arguments.write else ""
    for name, made in (
        ("english", english({})),
        ("models", by_model()),
        ("code", of_code()),
        ("fit", at_equal_ratio()),
        ("speed", speed()),
    ):
        print(f"{name}\n\n{made}")
        if arguments.write:
            before, rest = page.split(f"<!-- {name} -->\n")
            page = before + f"<!-- {name} -->\n" + made + f"<!-- /{name} -->" + rest.split(f"<!-- /{name} -->")[1]
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
