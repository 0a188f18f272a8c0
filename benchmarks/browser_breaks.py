"""Where Chromium lets lines end, recorded for some thousand short texts, and how often `line_breaks=BROWSER` agrees.

    python benchmarks/browser_breaks.py            # ask Chromium, print the agreement and every difference
    python benchmarks/browser_breaks.py --record   # and write its answers to tests/data/browser-breaks.txt
    python benchmarks/browser_breaks.py --seed 7   # other texts, of the same kinds
    python benchmarks/browser_breaks.py --pairs    # all 8,836 pairs of printable ASCII in four contexts

Each text stands in a paragraph without width (`width: 0; overflow-wrap: normal`), so a line ends at every place where
one may end. Everything else has its initial value: `line-break: auto; word-break: normal`. Spaces are kept
(`white-space: pre-wrap`). The texts are in texts/breaks.txt; more are put together from their parts.
"""

from __future__ import annotations

import argparse
import html
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import chromium
import numpy as np
from texts import HERE

from glyphrender.text import browser_breaks, complexbreak, linebreak
from glyphrender.text.properties import codepoints

#: Stands in the file for a place where a line may end. No text has this character.
BREAK = "¦"
RECORD = Path(__file__).parents[1] / "tests" / "data" / "browser-breaks.txt"
ASCII = [chr(cp) for cp in range(0x21, 0x7F)]

STYLE = "p { margin: 0; width: 0; font: 16px/24px sans-serif; white-space: pre-wrap; overflow-wrap: normal }"
# The middle of a character's rectangle tells its line: the rectangles of different fonts have different tops.
SCRIPT = """
const found = [...document.querySelectorAll('p')].map(paragraph => {
  const node = paragraph.firstChild, starts = [], range = document.createRange();
  let last = -Infinity, at = 0, count = 0;
  for (const character of node.data) {
    range.setStart(node, at);
    range.setEnd(node, at += character.length);
    const boxes = range.getClientRects(), box = boxes[boxes.length - 1];  // a soft hyphen may come first
    if (box && box.height) {
      const middle = (box.top + box.bottom) / 2;
      if (middle > last + 12) { starts.push(count); last = middle; }
    }
    count++;
  }
  return starts;
});
document.body.textContent = '@' + JSON.stringify(found) + '@';
"""


def line_starts(cases: Sequence[tuple[str, str]]) -> list[list[int]]:
    """Return the characters at which Chromium's lines start, for each (language, text)."""
    paragraphs = "".join(f"<p lang={language}>{html.escape(text, quote=False)}</p>" for language, text in cases)
    page = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{paragraphs}<script>{SCRIPT}</script>"
    found = re.search(r"@(\[.*\])@", chromium.dom(page))
    if not found:
        raise RuntimeError("Chromium did not answer.")
    answer: list[list[int]] = json.loads(html.unescape(found[1]))
    return answer


def our_starts(text: str, language: str = "en") -> list[int]:
    """Return the characters at which lines of no width would start under `line_breaks=BROWSER`."""
    cps = codepoints(text)
    actions = browser_breaks.break_actions(cps, chinese=language == "zh")
    complexbreak.add_breaks(cps, actions, "DICTIONARY")
    return [0, *(np.flatnonzero(actions[:-1] != linebreak.PROHIBITED) + 1).tolist()]


def cases(seed: int = 0) -> list[tuple[str, str]]:
    """Return (language, text) of every case, without repetitions; `seed` chooses those that are put together."""
    parts: dict[str, list[str]] = {}
    for section in re.split(r"^= ", (HERE / "breaks.txt").read_text(encoding="utf-8"), flags=re.M)[1:]:
        head, *lines = section.strip("\n").split("\n")
        parts[head] = [line for line in lines if line]
    found = [(head.split()[0], line) for head, lines in parts.items() for line in lines]
    found += [("en", text) for text in _ascii_tokens(seed)]
    found += [("en", text) for text in _strings_of_signs(parts, seed)]
    found += _joined(parts, seed)
    return list(dict.fromkeys(found))


def _ascii_tokens(seed: int) -> Iterator[str]:
    """Yield tokens of printable ASCII between words, in which marks are as frequent as letters."""
    rng = random.Random(seed + 14)
    for _ in range(600):
        yield f"a {''.join(rng.choice('abAB129' if rng.random() < 0.5 else ASCII) for _ in range(rng.randint(3, 9)))} z"


def _strings_of_signs(parts: dict[str, list[str]], seed: int) -> Iterator[str]:
    """Yield strings of the characters that the sections of signs and sentences have, among letters and digits."""
    rng = random.Random(seed + 31)
    signs = sorted({sign for head, lines in parts.items() if "sign" in head for line in lines for sign in line})
    signs = [sign for sign in signs if not unicodedata.combining(sign)]
    wide = sorted({sign for head in ("ja sentences", "zh sentences") for line in parts[head] for sign in line})
    for _ in range(400):
        pool = rng.choice([signs, wide, signs + wide])
        yield "".join(rng.choice("a1 ") if rng.random() < 0.3 else rng.choice(pool) for _ in range(rng.randint(3, 8)))


def _joined(parts: dict[str, list[str]], seed: int) -> Iterator[tuple[str, str]]:
    """Yield texts put together from words of one or two languages and the marks between them."""
    rng = random.Random(seed + 29)
    words = {head.split()[0]: lines for head, lines in parts.items() if head.endswith("words")}
    marks = parts["en marks"]
    for language in words:
        for _ in range(150):
            other = rng.choice([language, language, "en", "ja", "zh"])
            text = rng.choice(words[language])
            for _ in range(rng.randint(1, 4)):
                text += rng.choice(marks).replace("_", " ") + rng.choice(words[rng.choice([language, other])])
            yield language, text


def pairs() -> None:
    """Compare every pair of printable ASCII characters between letters, digits, after a space and after a mark."""
    for before, after in (("a", "a"), ("0", "0"), ("x ", "x"), (".", "a")):
        asked = [("en", before + first + second + after) for first in ASCII for second in ASCII]
        answers = line_starts(asked)
        other = [text for (_, text), theirs in zip(asked, answers, strict=True) if our_starts(text) != theirs]
        print(f"{before}··{after}: {len(asked) - len(other)} of {len(asked)} agree", *other[:20])


def marked(text: str, starts: Sequence[int]) -> str:
    """Return `text` with BREAK where lines start."""
    return BREAK.join(text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    parser.add_argument("--seed", type=int, default=0, help="which texts are put together; 0 is what is recorded")
    parser.add_argument("--pairs", action="store_true", help="compare all pairs of ASCII instead")
    arguments = parser.parse_args()
    if arguments.pairs:
        pairs()
        return
    asked = cases(arguments.seed)
    answers = line_starts(asked)
    agree: Counter[str] = Counter()
    for (language, text), theirs in zip(asked, answers, strict=True):
        ours = our_starts(text, language)
        agree[language] += ours == theirs
        if ours != theirs:
            print(language, f"Chromium {marked(text, theirs)}", f"ours {marked(text, ours)}", sep="\t")
    for language, count in Counter(language for language, _ in asked).items():
        print(f"{language}: {agree[language]} of {count} agree")
    print(f"all: {sum(agree.values())} of {len(asked)} agree ({sum(agree.values()) / len(asked):.2%})")
    if arguments.record and not arguments.seed:
        lines = [f"{language}\t{marked(text, theirs)}" for (language, text), theirs in zip(asked, answers, strict=True)]
        head = f"# {chromium.version()}. A line of no width ends at every {BREAK}. See benchmarks/browser_breaks.py.\n"
        RECORD.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
