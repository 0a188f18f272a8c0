"""Nasty texts at four lengths: how the time grows, and how many times as long as prose a character takes.

    python benchmarks/superlinear.py                          # every kind of text, some ten minutes
    python benchmarks/superlinear.py --only tabs --only bidi  # those whose name holds "tabs" or "bidi"
    python benchmarks/superlinear.py --longest 500000

Each text is laid out by a new typesetter that has opened its fonts, and the first page is drawn. The unit of time is a
character of prose: a novel is laid out just before and just after every measurement, in the same process, so a busy
machine slows both. The columns are

- `prose`: layout of the longest text, CPU time a character, in characters of prose;
- `exponent`: of the layout time over the three longest lengths, by least squares; 1 is linear. What is made once a
  text, such as new words, makes it smaller;
- `page`: drawing and compressing the first page, in pages of prose.

The bar: exponent at most 1.1, and a character at most 10 of prose. The exit status is 1 if a text misses it.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import report
import texts

from glyphrender import GlyphRenderError, Theta, Typesetter, layout

PROSE = 250_000
# Passes over the prose, before and after each measurement: one takes 80 ms, which is too short for some clocks.
PASSES = 3
MOST_EXPONENT, MOST_PROSE = 1.1, 10

Maker = Callable[[int], str]


def repeated(unit: str) -> Maker:
    return lambda n: (unit * (n // len(unit) + 1))[:n]


def joined(pieces: Callable[[random.Random], str], separator: str = " ") -> Maker:
    """Return a maker of texts of random pieces, no two alike."""

    def make(n: int) -> str:
        rng, found, size = random.Random(n), [], 0
        while size < n:
            found.append(pieces(rng))
            size += len(found[-1]) + len(separator)
        return separator.join(found)[:n]

    return make


def of(characters: str, k: int) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choices(characters, k=k))


def nested(opening: str, closing: str, inside: str = "") -> Maker:
    return lambda n: opening * (n // 2) + inside + closing * (n // 2)


def code_points(n: int) -> str:
    every = [cp for cp in range(0x20, 0x110000) if not 0xD800 <= cp < 0xE000]
    return "".join(map(chr, islice(cycle(every), n)))


def basic_plane(n: int) -> str:
    """Return characters of the Basic Multilingual Plane at random, lone surrogates among them."""
    return "".join(map(chr, random.Random(n).choices(range(1, 0x10000), k=n)))


ARABIC, HEBREW, LATIN = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "אבגדהוזחטיכלמנסעפצקרשת", "abcdefghijklmnopqrstuvwxyz"
WORDS = "the quick brown fox jumps over it "
CODE_PRESET = Theta.preset("code").fields()
CODE = "def f(x):\n\tif x > 0:\n\t\treturn x\t# more\n\n"
# Text, then what θ differs in.
KINDS: dict[str, tuple[Maker, dict[str, Any]]] = {
    "newlines": (repeated("\n"), {}),
    "spaces": (repeated(" "), {}),
    "spaces, COLLAPSE": (repeated(" "), {"spaces": "COLLAPSE"}),
    "spaces, JUSTIFY": (repeated("a  b   "), {"alignment": "JUSTIFY"}),
    "tabs": (repeated("\t"), {}),
    "tabs, 64 wide": (repeated("\t"), {"tab_width": 64}),
    "tabs and letters": (repeated("a\t"), {}),
    "tabs and spaces": (repeated("\t a \t"), {}),
    "tabs, a table": (repeated("name\tvalue\t12\tx y z\n"), {}),
    "tabs, a table of long rows": (repeated("word\t" * 60 + "\n"), {}),
    "tabs, code": (repeated(CODE), {}),
    "tabs, code, monospaced": (repeated(CODE), {"font": "DejaVu Sans Mono", "line_numbers": 6}),
    "tabs, code, COLLAPSE": (repeated(CODE), {"spaces": "COLLAPSE"}),
    "tabs, JUSTIFY": (repeated("some\twords and more words "), {"alignment": "JUSTIFY"}),
    "tabs, OPTIMAL": (repeated("some\twords and more words\n"), {"line_breaker": "OPTIMAL"}),
    "tabs and Chinese": (repeated("東京\t都\n"), {}),
    "tabs and Hebrew": (repeated("אב\tגד a\n"), {}),
    "tabs and markers": (repeated("a\tb\n"), {"newline_markup": "↵ "}),
    "one word": (repeated("a"), {}),
    "words, no two alike": (joined(lambda rng: f"{rng.getrandbits(48):x}"), {}),
    "long words, no two alike": (joined(of("abcdefghij", 900)), {}),
    "long words, one repeated": (repeated("abcdefghij" * 90 + " "), {}),
    "long words, one repeated, a line each": (repeated("abcdefghij" * 9 + "\n"), {"page_size": (60, 400)}),
    "long words, hyphenated": (joined(of(LATIN, 60)), {"hyphenate": True, "language": "en"}),
    "long words, hyphenated, German": (joined(of(LATIN, 60)), {"hyphenate": True, "language": "de"}),
    "long words, decomposed, hyphenated": (
        joined(lambda rng: "".join(letter + "\u0301" for letter in rng.choices("aeou", k=45))),
        {"hyphenate": True, "language": "fr"},
    ),
    "words, no two alike, hyphenated": (joined(of(LATIN, 9)), {"hyphenate": True, "language": "en"}),
    "hyphenate": (repeated("incomprehensibilities "), {"hyphenate": True, "language": "en"}),
    "hyphenate, one word": (repeated("incomprehensibilities"), {"hyphenate": True, "language": "en"}),
    "marks on one letter": (lambda n: "a" + "\u0301" * n, {}),
    "marks of six kinds": (
        lambda n: "a" + "".join(random.Random(1).choices("\u0301\u0316\u0345\u0334\u0591\u064b", k=n)),
        {},
    ),
    "marks on letters": (repeated("e\u0301\u0323 "), {}),
    "emoji, ZWJ chain": (repeated("👩\u200d"), {}),
    "emoji, families": (repeated("👨\u200d👩\u200d👧\u200d👦"), {}),
    "emoji, flags": (repeated("🇩🇪"), {}),
    "emoji, half flags": (repeated("🇩"), {}),
    "emoji, VS16": (repeated("☺\ufe0f"), {}),
    "emoji, color": (repeated("😀"), {"emoji": "COLOR"}),
    "brackets, open": (repeated("("), {}),
    "brackets, nested": (nested("(", ")"), {}),
    "brackets, nested, bidi": (nested("א(", ")a"), {}),
    "brackets, mixed": (repeated("([)]"), {}),
    "bidi, embeddings deep": (nested("\u202b", "\u202c", "a"), {}),
    "bidi, embeddings in turn": (repeated("a\u202bב\u202c"), {}),
    "bidi, overrides": (repeated("ab\u202ecd\u202c "), {}),
    "bidi, isolates deep": (nested("\u2067", "\u2069", "א"), {}),
    "bidi, isolates open": (repeated("\u2067"), {}),
    "bidi, isolates closed": (repeated("\u2069"), {}),
    "bidi, isolates in turn": (repeated("a\u2067ב\u2069"), {}),
    "bidi, isolates of words": (repeated("abc \u2067אבג\u2069 "), {}),
    "bidi, isolates, ESCAPE": (repeated("a\u2067ב\u2069"), {"zero_width": "ESCAPE"}),
    "bidi, letters in turn": (repeated("aא"), {}),
    "bidi, letters in turn, random": (lambda n: "".join(random.Random(n).choices(LATIN + HEBREW, k=n)), {}),
    "bidi, words": (repeated("abc אבג 123 "), {}),
    "bidi, words, no two alike": (joined(lambda rng: of(LATIN, 5)(rng) + " " + of(HEBREW, 5)(rng)), {}),
    "bidi, numbers": (repeated("א1ב2-3 "), {}),
    "Arabic, one word": (repeated("ببب"), {}),
    "Arabic, tatweel": (repeated("ـ"), {}),
    "Arabic, words, no two alike": (joined(of(ARABIC, 6)), {}),
    "scripts in turn": (repeated("aбγد"), {}),
    "scripts in turn, random": (lambda n: "".join(random.Random(n).choices("aбγकก東あ가ᏣԱ", k=n)), {}),
    "scripts in turn, words": (repeated("ab бв γδ कख กข "), {}),
    "Devanagari, viramas": (repeated("क्"), {}),
    "Devanagari, signs without a base": (repeated("\u093e "), {}),
    "Thai": (repeated("ภาษาไทยไม่มี"), {}),
    "Thai, dictionary": (repeated("ภาษาไทยไม่มี"), {"complex_breaks": "DICTIONARY"}),
    "Khmer, dictionary": (repeated("ភាសាខ្មែរ"), {"complex_breaks": "DICTIONARY"}),
    "Burmese": (repeated("မြန်မာဘာသာ"), {}),
    "Tibetan": (repeated("ཀྵ"), {}),
    "Hangul, jamo": (repeated("ᄀ"), {}),
    "Hangul": (repeated("가나다 "), {}),
    "Chinese": (repeated("東京都"), {}),
    "Chinese, JUSTIFY, OPTIMAL": (
        repeated("東京都\n" * 3 + "東" * 90),
        {"line_breaker": "OPTIMAL", "alignment": "JUSTIFY"},
    ),
    "Chinese and long words, JUSTIFY, OPTIMAL": (
        joined(lambda rng: "東" * rng.randint(20, 90) + "incomprehensibilities"[: rng.randint(9, 21)], ""),
        {"line_breaker": "OPTIMAL", "alignment": "JUSTIFY"},
    ),
    "Chinese, one paragraph, OPTIMAL": (joined(of("東京都、。的一是", 50), ""), {"line_breaker": "OPTIMAL"}),
    "Chinese, paragraphs, JUSTIFY, OPTIMAL": (
        joined(lambda rng: "".join(rng.choices("東京都、。的一是", k=rng.randint(30, 400))) + "\n", ""),
        {"line_breaker": "OPTIMAL", "alignment": "JUSTIFY"},
    ),
    "hyphens": (repeated("a-"), {}),
    "slashes": (repeated("/"), {}),
    "quotation marks": (repeated("\"'"), {}),
    "soft hyphens": (repeated("a\u00ad"), {}),
    "soft hyphens, SHOW": (repeated("a\u00ad"), {"soft_hyphens": "SHOW"}),
    "URL": (lambda n: "http://" + "a/b?c=d&" * (n // 8), {}),
    "no-break spaces": (repeated("a\u00a0"), {}),
    "word joiners": (repeated("a\u2060"), {}),
    "numbers": (repeated("1,234.5-"), {}),
    "zero-width spaces": (repeated("\u200b"), {}),
    "zero-width spaces and letters": (repeated("a\u200b"), {}),
    "zero-width, ESCAPE": (repeated("\u200b"), {"zero_width": "ESCAPE"}),
    "zero-width and letters, ESCAPE": (repeated("a\u200d"), {"zero_width": "ESCAPE"}),
    "controls": (repeated("\x01\x1b"), {}),
    "controls and letters": (repeated("a\x01"), {}),
    "controls, HIDE": (repeated("\x01\x1b"), {"control_characters": "HIDE"}),
    "controls, preset code": (repeated("a\x01"), CODE_PRESET),
    "word joiners, preset code": (repeated("a\u2060"), CODE_PRESET),
    "surrogates": (repeated("\ud800"), {}),
    "surrogates and letters": (repeated("a\ud800"), {}),
    "surrogates, preset code": (repeated("\ud800"), CODE_PRESET),
    "random code points": (basic_plane, {}),
    "random code points, preset code": (basic_plane, CODE_PRESET),
    "backspaces, OVERWRITE": (repeated("a\b"), {"carriage_return": "OVERWRITE"}),
    "backspaces, bold, OVERWRITE": (repeated("a\ba b\bb"), {"carriage_return": "OVERWRITE"}),
    "backspaces, underlined, OVERWRITE": (repeated("_\ba _\bb\n"), {"carriage_return": "OVERWRITE"}),
    "backspaces, short lines, OVERWRITE": (repeated("a\b\n"), {"carriage_return": "OVERWRITE"}),
    "backspaces and marks, OVERWRITE": (repeated("e\u0301\b"), {"carriage_return": "OVERWRITE"}),
    "carriage returns, OVERWRITE": (repeated("10%\r"), {"carriage_return": "OVERWRITE"}),
    "sequences, STRIP": (repeated("a\x1b[1mb\x1b[0m"), {"ansi": "STRIP"}),
    "sequences, STRIP, OVERWRITE": (repeated("a\x1b[1mb\b\x1b[0m"), {"ansi": "STRIP", "carriage_return": "OVERWRITE"}),
    "controls, paragraph ends": (repeated("a\x1c\x1d"), {}),
    "line ends of all kinds": (repeated("a\r\nb\x85c\u2028d\v"), {}),
    "missing": (repeated("\U000f0000\ue123"), {}),
    "missing, no two alike": (lambda n: "".join(chr(0xF0000 + k % 0xFFFD) for k in range(n)), {}),
    "missing, among letters": (repeated("ab\U000f0000 "), {}),
    "missing, NOTDEF": (repeated("\U000f0000\ue123"), {"missing_glyph": "NOTDEF"}),
    "all code points": (code_points, {}),
    "form feeds, PAGE": (repeated("word\f" + WORDS * 20), {"form_feed": "PAGE"}),
    "OPTIMAL": (repeated(WORDS * 20 + "\n"), {"line_breaker": "OPTIMAL"}),
    "OPTIMAL, letters": (repeated("a " * 200 + "\n"), {"line_breaker": "OPTIMAL"}),
    "OPTIMAL, one paragraph": (repeated(WORDS), {"line_breaker": "OPTIMAL"}),
    "OPTIMAL, hyphenate": (
        repeated("incomprehensible sensibilities " * 20 + "\n"),
        {"line_breaker": "OPTIMAL", "hyphenate": True, "language": "en"},
    ),
    "JUSTIFY": (repeated("a b c dd "), {"alignment": "JUSTIFY"}),
    "markers": (repeated("ab\n"), {"newline_markup": "↵ "}),
    "markers, bidi": (repeated("aא\n"), {"newline_markup": "↵ "}),
    "markers, OPTIMAL": (repeated("ab cd\n"), {"newline_markup": "↵ ", "line_breaker": "OPTIMAL"}),
    "line numbers": (repeated("\n"), {"line_numbers": 6}),
    "letter_spacing": (repeated("a b "), {"letter_spacing": -2}),
    "word_spacing": (repeated("a b "), {"word_spacing": -2}),
    "borders": (repeated("a\n"), {"border_width": 1, "para_bg_color": "#EEEEEE"}),
    "a page of 12 pt": (repeated("word "), {"page_size": (12, 12), "margin_x": 0, "margin_y": 0}),
}


def seconds(text: str, theta: Theta) -> tuple[float, float]:
    """Return the CPU seconds of (laying out `text`, drawing and compressing its first page)."""
    typesetter = Typesetter()
    next(layout("a", theta, typesetter=typesetter)).png()  # opens the fonts
    start = time.process_time()
    pages = layout(text, theta, typesetter=typesetter)
    first = next(pages)
    first.words, first.lines  # noqa: B018 - what a program asks a page for
    for _ in pages:
        pass
    laid_out = time.process_time()
    first.png()
    return laid_out - start, time.process_time() - laid_out


class Prose:
    """A novel, by whose time that of other texts is measured."""

    def __init__(self) -> None:
        novel = texts.novel()
        self.text = (novel * (PROSE // len(novel) + 1))[:PROSE]
        seconds(self.text, Theta())

    def pace(self) -> tuple[float, float]:
        """Return the CPU seconds of a character, and of drawing a page."""
        passes = [seconds(self.text, Theta()) for _ in range(PASSES)]
        return sum(whole for whole, _ in passes) / PASSES / PROSE, sum(page for _, page in passes) / PASSES


def measured(make: Maker, theta: Theta, lengths: list[int], prose: Prose) -> Iterator[tuple[float, float]]:
    """Yield (layout in characters of prose, page in pages of prose) for each length."""
    before = prose.pace()
    for n in lengths:
        found = seconds(make(n), theta)
        after = prose.pace()
        yield (2 * found[0] / (before[0] + after[0]), 2 * found[1] / (before[1] + after[1]))
        before = after


def main() -> None:
    """Measure all kinds of text, and print a table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="kinds whose name holds this")
    parser.add_argument("--longest", type=int, default=2_000_000, help="characters (default: %(default)s)")
    arguments = parser.parse_args()
    lengths = [arguments.longest // 4**k for k in (3, 2, 1, 0)]
    kinds = [name for name in KINDS if not arguments.only or any(part in name for part in arguments.only)]
    prose, missed = Prose(), 0
    print(f"{report.machine()} A character of prose takes {prose.pace()[0] * 1e6:.2f} µs.\n")
    head = ["", *(f"n={n:,}" for n in lengths), "prose", "exponent", "page"]
    print(report.table(head, []), end="", flush=True)
    for name in kinds:
        make, fields = KINDS[name]
        try:
            found = list(measured(make, Theta(**fields), lengths, prose))
        except GlyphRenderError as error:  # such as color emoji where no font has them
            print(f"| {name}: {error} |", flush=True)
            continue
        costs = [cost / n for (cost, _), n in zip(found, lengths, strict=True)]
        # Lengths are a factor of 4 apart, so the slope over three of them is that between the first and the last.
        exponent = 1 + math.log(costs[-1] / costs[-3]) / math.log(16)
        good = exponent <= MOST_EXPONENT and costs[-1] <= MOST_PROSE
        missed += not good
        row = [name + (" **missed**" if not good else ""), *(f"{cost:.2f}" for cost in costs)]
        row += [f"{costs[-1]:.2f}", f"{exponent:.2f}", f"{max(page for _, page in found):.1f}"]
        print("| " + " | ".join(row) + " |", flush=True)
    print(f"\n{len(kinds)} kinds of text, {missed} missed the bar.")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
