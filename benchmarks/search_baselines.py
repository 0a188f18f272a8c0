"""The legibility of pages that others make, and of our presets: error rates with intervals, and ρ, by two readers.

    python benchmarks/search_baselines.py benchmarks/texts/pride-and-prejudice.txt --flow
    python benchmarks/search_baselines.py TEXT --kind zh --readers tesseract:chi_sim,rapidocr --json out.json

Glyph's pages are drawn as its own script draws them (see `glyph_pipeline`), under the θ of its search. Verdana may not
be distributed, so DejaVu Sans, 0.6% wider, takes its place unless `--verdana FILE` gives the font. For Chinese the font
is Noto Sans CJK SC, the same design as Glyph's Source Han Sans, converted to TrueType because ReportLab takes nothing
else. All pages are seen after the model's own resize and judged on the same letters (see `sheets`); intervals are 95%
over resampled passages. It needs the extras `bench`, `ratio`, `reader` and `rapidocr`, and poppler-utils. With
`--json`, measurements are kept in that file and not repeated.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import glyph_pipeline
import report
import sheets
import texts

from glyphrender import Theta
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import PageReader
from glyphrender.search.baselines import KINDS, baseline_thetas

GLYPH = "Glyph's script"
# A setting is made only when it is measured.
Make = Callable[[], sheets.Setting]
_work: list[tuple[Make, str, int, int]] = []


def flowed(text: str) -> str:
    """Return a text whose lines were broken at 70 characters with one line per paragraph."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def reader(name: str) -> PageReader:
    """Return the reader named "tesseract", "tesseract:LANGUAGE" (such as "tesseract:chi_sim") or "rapidocr"."""
    kind, _, language = name.partition(":")
    if kind == "tesseract":
        from glyphrender.ocr.tesseract import Tesseract

        return Tesseract(language=language or "eng")
    if kind == "rapidocr":
        from glyphrender.ocr.rapidocr import RapidOcr

        return RapidOcr()
    raise SystemExit(f"reader {name!r} is not known. Use tesseract, tesseract:LANGUAGE or rapidocr.")


def glyph_font(kind: str, text: str, given: str | None) -> str:
    """Return the font file for ReportLab."""
    if given:
        return given
    if kind != "zh":
        return str(texts.FONTS / "dejavu" / "DejaVuSans.ttf")
    return _truetype(texts.FONTS / "noto-cjk" / "NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", text)


def _truetype(collection: Path, family: str, text: str) -> str:
    """Write a TrueType file with the letters of `text`, from a collection with cubic outlines; return its path."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTCollection

    font = next(font for font in TTCollection(collection).fonts if font["name"].getDebugName(1) == family)
    known = font.getBestCmap()
    wanted = {code: known[code] for code in sorted({*map(ord, text), 0x20, 0xA0}) if code in known}
    drawn, metrics, glyphs = font.getGlyphSet(), {}, {}
    for name in dict.fromkeys([".notdef", *wanted.values()]):
        pen = TTGlyphPen(None)
        drawn[name].draw(Cu2QuPen(pen, 0.5, reverse_direction=True))
        glyphs[name] = pen.glyph()
        metrics[name] = (font["hmtx"][name][0], 0)
    made = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    made.setupGlyphOrder(list(glyphs))
    made.setupCharacterMap(wanted)
    made.setupGlyf(glyphs)
    made.setupHorizontalMetrics(
        {
            name: (width, glyphs[name].xMin if glyphs[name].numberOfContours else 0)
            for name, (width, _) in metrics.items()
        }
    )
    made.setupHorizontalHeader(ascent=font["hhea"].ascent, descent=font["hhea"].descent)
    made.setupOS2(sTypoAscender=font["hhea"].ascent, sTypoDescender=font["hhea"].descent)
    made.setupNameTable({"familyName": "Stand-in", "styleName": "Regular", "psName": "Stand-in"})
    made.setupPost()
    path = Path(tempfile.mkdtemp(prefix="glyph-font-"), "stand-in.ttf")
    made.save(path)
    return str(path)


def settings(kind: str, text: str, vision: str, verdana: str | None) -> dict[str, Make]:
    """Return how to make each setting, by name: Glyph's script and all baselines."""
    model = vision_model(vision)
    config = glyph_pipeline.SEARCHED_CONFIG | {"font-path": glyph_font(kind, text, verdana)}
    made: dict[str, Make] = {GLYPH: partial(sheets.by_glyphs_script, GLYPH, text, config, model)}
    return made | by_thetas(baseline_thetas(kind), text, vision)


def by_thetas(thetas: Mapping[str, Theta], text: str, vision: str) -> dict[str, Make]:
    """Return how to make the setting of each θ, by name."""
    return {name: partial(sheets.by_theta, name, text, theta, vision_model(vision)) for name, theta in thetas.items()}


def measured(
    made: Mapping[str, Make],
    keys: Mapping[str, str],
    readers: list[str],
    *,
    passages: int,
    seed: int,
    jobs: int,
    kept: Path | None,
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the measurements: (name, reader) → ρ, pages, edits and letters of each passage.

    Measurements that the file `kept` holds under their key are not repeated.
    """
    known: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept is not None and kept.exists() else {}
    wanted = [(name, by) for by in readers for name in made]
    key = {(name, by): sheets.digest(keys[name], by, str(passages), str(seed)) for name, by in wanted}
    todo = [each for each in wanted if key[each] not in known]
    _work[:] = [(made[name], by, passages, seed) for name, by in todo]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for (name, by), found in zip(todo, pool.imap(_measure, range(len(todo))), strict=True):
            known[key[name, by]] = {"name": name, "reader": by, **found}
            rate = sum(found["wrong"]) / max(1, sum(found["letters"]))
            print(f"{name}, {by}: ρ {found['rho']:.2f}, {rate:.2%} wrong", flush=True)
            if kept is not None:
                part = kept.with_suffix(".part")
                part.write_text(json.dumps(known))
                part.replace(kept)
    return {each: known[key[each]] for each in wanted}


def _measure(number: int) -> dict[str, Any]:
    os.environ["OMP_THREAD_LIMIT"] = "1"
    make, by, passages, seed = _work[number]
    setting = make()
    found = sheets.read(setting, reader(by), passages=passages, seed=seed)
    return {"rho": setting.rho, "pages": setting.pages, "wrong": list(found.wrong), "letters": list(found.letters)}


def key_of(name: str, text: str, vision: str, theta: Theta | None, font: str | None) -> str:
    """Return a digest of all that a measurement depends on, except the reader and the passages."""
    setting = theta.digest if theta is not None else json.dumps(glyph_pipeline.SEARCHED_CONFIG) + Path(font or "").name
    return sheets.digest(vision, text, setting)


def read_of(found: Mapping[str, Any]) -> sheets.Read:
    """Return a measurement as the reading of a setting."""
    return sheets.Read(tuple(found["wrong"]), tuple(found["letters"]))


def rows(found: Mapping[tuple[str, str], dict[str, Any]], readers: list[str]) -> str:
    """Return the table, with one row per setting."""
    names = list(dict.fromkeys(name for name, _ in found))
    shown = []
    for name in names:
        cells: list[object] = [name, found[name, readers[0]]["pages"], f"{found[name, readers[0]]['rho']:.2f}"]
        for by in readers:
            read = read_of(found[name, by])
            low, high = sheets.interval(sheets.rates(read))
            cells.append(f"{read.rate:.2%} [{low:.2%}, {high:.2%}]")
        shown.append(cells)
    return report.table(["", "pages", "ρ", *(f"wrong, {by}" for by in readers)], shown)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `search_baselines` and `search_compare` share."""
    parser.add_argument("--kind", choices=KINDS, default="prose", help="kind of text")
    parser.add_argument("--flow", action="store_true", help="make each paragraph one line first")
    parser.add_argument("--start", type=int, default=0, help="first character of the text that is used")
    parser.add_argument("--characters", type=int, default=200_000, help="number of characters that are used")
    parser.add_argument("--vision", default="glm-4.1v", help="model that the pages are for")
    parser.add_argument("--readers", default="tesseract,rapidocr", help="names of readers, separated by commas")
    parser.add_argument("--passages", type=int, default=40, help=f"passages of {sheets.PASSAGE} letters to read")
    parser.add_argument("--seed", type=int, default=1, help="decides where the passages are")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--verdana", help="font file of Verdana, for Glyph's pages")
    parser.add_argument("--json", type=Path, help="file that keeps the measurements")


def text_of(path: str, arguments: argparse.Namespace) -> str:
    """Return the part of the text that is measured."""
    text = Path(path).read_text(encoding="utf-8").replace("\r\n", "\n")
    text = flowed(text) if arguments.flow else text
    return text[arguments.start : arguments.start + arguments.characters].strip("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    options(parser)
    arguments = parser.parse_args()
    text, by = text_of(arguments.text, arguments), arguments.readers.split(",")
    made = settings(arguments.kind, text, arguments.vision, arguments.verdana)
    thetas = baseline_thetas(arguments.kind)
    keys = {name: key_of(name, text, arguments.vision, thetas.get(name), arguments.verdana) for name in made}
    found = measured(
        made,
        keys,
        by,
        passages=arguments.passages,
        seed=arguments.seed,
        jobs=arguments.jobs,
        kept=arguments.json,
    )
    font = Path(arguments.verdana or "DejaVu Sans").stem
    print(f"\n{len(text):,} characters, {arguments.passages} passages of {sheets.PASSAGE} letters, {arguments.vision}.")
    print(f"Glyph's pages: {font if arguments.kind != 'zh' else 'Noto Sans CJK SC'}.\n\n{rows(found, by)}")


if __name__ == "__main__":
    main()
