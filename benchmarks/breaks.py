"""Line breaks compared with Chromium's: the same text, font file, size and measure, in a dozen languages.

    python benchmarks/breaks.py             # print the table and every paragraph that differs
    python benchmarks/breaks.py --write     # and put the table into docs/browser.md
    python benchmarks/breaks.py --record    # and Chromium's breaks into tests/data/chromium-breaks.json

The texts are in tests/data: the Universal Declaration, and `web.txt`, which holds what is hard for UAX #14 (addresses,
numbers, dashes, quotation marks of several languages). The figures are shares of breaks that are equal: of the first
break of each paragraph, and of all breaks. A test compares with the recorded breaks, so it needs no browser; it names
each paragraph that differs, with the reason.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chromium
import report

from glyphrender import Theta, layout

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
RECORD = DATA / "chromium-breaks.json"
WIDTHS = (200, 330, 480)
# (file, language, bundled font)
TEXTS = (
    ("udhr-eng.txt", "en", "DejaVu Sans"),
    ("udhr-fra.txt", "fr", "Inter"),
    ("udhr-vie.txt", "vi", "Noto Sans"),
    ("udhr-rus.txt", "ru", "Noto Sans"),
    ("udhr-ell.txt", "el", "DejaVu Serif"),
    ("udhr-arb.txt", "ar", "Noto Naskh Arabic"),
    ("udhr-heb.txt", "he", "Noto Sans Hebrew"),
    ("udhr-hin.txt", "hi", "Noto Sans Devanagari"),
    ("udhr-tha.txt", "th", "Noto Sans Thai"),
    ("udhr-jpn.txt", "ja", "Noto Sans CJK JP"),
    ("udhr-zho.txt", "zh-Hans", "Noto Sans CJK SC"),
    ("udhr-kor.txt", "ko", "Noto Sans CJK KR"),
    ("web.txt", "en", "Noto Sans CJK SC"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One text at one line width, in pixels."""

    file: str
    language: str
    font: str
    width: int

    @property
    def text(self) -> str:
        return (DATA / self.file).read_text(encoding="utf-8").rstrip("\n")

    @property
    def theta(self) -> Theta:
        return Theta(
            font=self.font,
            font_size=16,
            line_height=24,
            page_size=(self.width, 14400),
            margin_x=0,
            margin_y=0,
            language=self.language,
            # Chromium breaks Thai by a dictionary; so does the extra `icu`.
            complex_breaks="DICTIONARY" if self.language == "th" else "CLUSTER",
        )


SETTINGS = [
    Setting(file=file, language=language, font=font, width=width) for file, language, font in TEXTS for width in WIDTHS
]


def our_line_starts(text: str, theta: Theta) -> list[list[int]]:
    """Return, for each paragraph, the offsets of the characters that begin a line."""
    starts = [line.start for page in layout(text, theta) for line in page.lines]
    found: list[list[int]] = []
    at = 0
    for paragraph in text.split("\n"):
        end = at + len(paragraph) + 1
        found.append([start - at for start in starts if at <= start < end])
        at = end
    return found


def differing(text: str, ours: list[list[int]], theirs: list[list[int]]) -> Iterator[tuple[int, str, str]]:
    """Yield (number of the paragraph, our first line that differs, theirs) for each paragraph that differs."""
    for number, (paragraph, mine, other) in enumerate(zip(text.split("\n"), ours, theirs, strict=True)):
        if mine == other:
            continue
        mine, other = [*mine, len(paragraph)], [*other, len(paragraph)]
        at = next(index for index, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b)
        yield number, paragraph[mine[at - 1] : mine[at]], paragraph[other[at - 1] : other[at]]


def counts(ours: list[list[int]], theirs: list[list[int]]) -> tuple[int, int, int, int]:
    """Return four counts: equal and all first breaks of paragraphs, equal and all breaks.

    A paragraph of one line has no break.
    """
    first = [(mine[1:2], other[1:2]) for mine, other in zip(ours, theirs, strict=True) if len(mine + other) > 2]
    every = [(set(mine[1:]), set(other[1:])) for mine, other in zip(ours, theirs, strict=True)]
    return (
        sum(mine == other for mine, other in first),
        len(first),
        sum(len(mine & other) for mine, other in every),
        sum(len(other) for _, other in every),
    )


def record(theirs: list[list[list[int]]]) -> dict[str, Any]:
    """Return what the test reads. Breaks are stored as lengths of lines, because those are short numbers."""
    cases = [
        {
            "file": setting.file,
            "language": setting.language,
            "font": setting.font,
            "width": setting.width,
            "complex_breaks": setting.theta.complex_breaks,
            "lines": [[b - a for a, b in zip(starts, starts[1:], strict=False)] for starts in case],
        }
        for setting, case in zip(SETTINGS, theirs, strict=True)
    ]
    return {"browser": chromium.version(), "css": chromium.PLAIN, "cases": cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/browser.md")
    parser.add_argument("--record", action="store_true", help="write Chromium's breaks into tests/data")
    parser.add_argument(
        "--line-breaks", default="UNICODE", help="the field of θ; BROWSER compares with line-break:auto"
    )
    parser.add_argument("--css", default="", help="CSS to add to Chromium's style, such as line-break:auto")
    arguments = parser.parse_args()
    css = arguments.css + (";line-break:auto" if arguments.line_breaks == "BROWSER" else "")
    theirs = chromium.line_starts([chromium.Case(text=s.text, theta=s.theta, css=css) for s in SETTINGS])
    rows: dict[str, list[int]] = {}
    for setting, case in zip(SETTINGS, theirs, strict=True):
        ours = our_line_starts(setting.text, setting.theta.replace(line_breaks=arguments.line_breaks))
        row = rows.setdefault(f"{setting.file} | {setting.language} | {setting.font}", [0] * 4)
        row[:] = [a + b for a, b in zip(row, counts(ours, case), strict=True)]
        for number, mine, other in differing(setting.text, ours, case):
            print(f"{setting.file} {setting.width} px, paragraph {number}\n  ours:   {mine!r}\n  theirs: {other!r}")
    rows["all | | "] = [sum(column) for column in zip(*rows.values(), strict=True)]
    head = ["text", "language", "font", "first-line breaks equal", "all breaks equal"]
    lines = [[*name.split(" | "), *_shares(row)] for name, row in rows.items()]
    widths = ", ".join(map(str, WIDTHS))
    text = f"{chromium.version()}; 16 px type, lines of {widths} px.\n\n{report.table(head, lines)}"
    print(text)
    if arguments.write:
        report.write("breaks", text, page="browser.md")
    if arguments.record:
        RECORD.write_text(json.dumps(record(theirs), separators=(",", ":")) + "\n", encoding="utf-8")


def _shares(row: list[int]) -> list[str]:
    return [f"{equal} of {of} ({equal / of:.2%})" for equal, of in (row[:2], row[2:])]


if __name__ == "__main__":
    main()
