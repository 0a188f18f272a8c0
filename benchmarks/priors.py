"""Errors of readers on a text and on text without language priors, under one θ, and what that changes for a search.

    python benchmarks/priors.py read --pages 3                       # tesseract and RapidOCR, preset dense
    python benchmarks/priors.py grid --kind english code             # the front of a few θ on prose, and on letters
    python benchmarks/priors.py search --kind code --steps 60        # two fronts: found on prose, found on letters

`read` prints a row per text, reader and kind: the error rate, its 95% interval, and the prior's share. The texts are
those of `texts`; RapidOCR alone reads Chinese.

`grid` reads the same θ (four families in two sizes) on both kinds of text, and marks which of them are on the front of
each: no other θ has fewer errors at as much ρ. It takes minutes, where two searches take hours.

`search` runs two searches that differ only in what is read: excerpts as they are, and excerpts of random letters. Then
it reads both fronts on both kinds, on excerpts that neither search has seen. It prints each front with both errors, and
how the best θ of one kind fares on the other.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import report
import texts

from glyphrender import Theta, render
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import PageReader, legibility
from glyphrender.ocr.priorless import TextKind
from glyphrender.search.candidate import Candidate
from glyphrender.search.priors import PriorEvaluator
from glyphrender.search.reader import ReaderEvaluator
from glyphrender.search.rho_text import rho_texts
from glyphrender.search.search import search
from glyphrender.search.space import Space
from glyphrender.search.workers import Work, Workers
from glyphrender.tasks.priors import prior_share

MODEL = "glm-4.1v"
WITHOUT = [kind for kind in TextKind if kind is not TextKind.PROSE]
# The novel in lines of 70 characters, as it stands in its file.
TEXTS = {"english": (texts.verses, "dense"), "code": (texts.code, "code-flow"), "chinese": (texts.chinese, "dense-zh")}


def readers(language: str) -> dict[str, PageReader]:
    """Return the readers by name; tesseract's English data cannot read Chinese."""
    from glyphrender.ocr.rapidocr import RapidOcr
    from glyphrender.ocr.tesseract import Tesseract

    found: dict[str, PageReader] = {} if language == "chinese" else {"tesseract": Tesseract()}
    return found | {"rapidocr": RapidOcr()}


def read(names: list[str], pages: int, seed: int, only: list[str]) -> list[list[object]]:
    """Return rows of (text, reader, kind, error rate, interval, prior's share)."""
    rows: list[list[object]] = []
    for name in names:
        text, preset = TEXTS[name]
        document = render(text()[:300_000], Theta.preset(f"{preset}@{MODEL}"))
        for by, reader in readers(name).items():
            if by not in only:
                continue
            prose = legibility(document, reader, model=MODEL, pages=pages, seed=seed)
            for kind in WITHOUT:
                without = legibility(document, reader, model=MODEL, pages=pages, seed=seed, kind=kind)
                found = prior_share(prose, without)
                if kind is WITHOUT[0]:
                    low, high = found.prose.low, found.prose.high
                    rows.append([name, by, "prose", f"{prose.error_rate:.2%}", f"{low:.2%}–{high:.2%}", ""])
                share = found.share
                said = "" if share is None else f"{share.mean:.0%} [{share.low:.0%}, {share.high:.0%}]"
                interval = f"{found.without.low:.2%}–{found.without.high:.2%}"
                rows.append([name, by, kind, f"{without.error_rate:.2%}", interval, said])
                print(*rows[-1], flush=True)
    return rows


def fronts(name: str, steps: int, rounds: int, kind: TextKind, seed: int, samples: int) -> list[dict[str, object]]:
    """Search on prose and on `kind`, read both fronts on both, and return one record for each θ."""
    text = TEXTS[name][0]()[:300_000]
    space = Space.preset("reader", MODEL, text=text, fix=["columns=1"])
    prose = ReaderEvaluator(text, model=MODEL)
    found: list[tuple[str, Candidate]] = []
    for judge in (prose, prose.of_kind(kind)):
        result = search(
            text, MODEL, space=space, evaluator=judge, rounds=rounds, steps=steps, seed=seed, jobs=1, rungs=(2, 6)
        )
        found += [(str(judge.kind), each) for each in result.front]
    work = Work(
        texts=rho_texts((text,)), model=vision_model(MODEL), tokenizer=None, evaluator=PriorEvaluator(prose, kind)
    )
    with Workers(work, 1) as workers:
        read = workers.evaluations([(each.theta, samples, seed + 2) for _, each in found])
        return [
            {"searched": on, "rho": each.rho, "theta": each.theta.to_dict(), **evaluation.details["prior"]}
            for (on, each), evaluation in zip(found, read, strict=True)
        ]


def grid(name: str, kind: TextKind, seed: int, samples: int) -> list[list[object]]:
    """Return a row for each θ of a grid: ρ, errors on prose and on `kind`, the prior's share, and its fronts."""
    text = TEXTS[name][0]()[:300_000]
    base = Theta.preset(f"{TEXTS[name][1]}@{MODEL}")
    families = ("DejaVu Serif", "DejaVu Sans", "Atkinson Hyperlegible", "DejaVu Sans Mono")
    thetas = [
        base.replace(font=font, font_size=size, line_height=round(1.15 * size, 3))
        for font in families
        for size in (6.75, 8.5)
    ]
    prose = ReaderEvaluator(text, model=MODEL)
    work = Work(
        texts=(text[:60_000],), model=vision_model(MODEL), tokenizer=None, evaluator=PriorEvaluator(prose, kind)
    )
    found = [(theta, work.rho(theta), work.evaluation((theta, samples, seed)).details["prior"]) for theta in thetas]
    points = [(theta, rho, prior) for theta, rho, prior in found if not isinstance(rho, str)]
    rows: list[list[object]] = []
    for theta, rho, prior in sorted(points, key=lambda each: each[1]):
        on = [
            label
            for label, key in (("prose", "prose"), (str(kind), "error"))
            if not any(other[1] >= rho and other[2][key] < prior[key] for other in points)
        ]
        share = prior["share"]
        said = "" if share is None else f"{share[0]:.0%} [{share[1]:.0%}, {share[2]:.0%}]"
        type_ = f"{theta.font} {theta.font_size:g}"
        rows.append([type_, f"{rho:.2f}", f"{prior['prose']:.2%}", f"{prior['error']:.2%}", said, ", ".join(on)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["read", "grid", "search"])
    parser.add_argument("--kind", nargs="*", choices=TEXTS, default=list(TEXTS))
    parser.add_argument("--reader", nargs="*", default=["tesseract", "rapidocr"])
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--text", choices=WITHOUT, default=TextKind.LETTERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    if given.what == "read":
        rows = read(given.kind, given.pages, given.seed, given.reader)
        print(report.table(["text", "reader", "kind", "error", "95% interval", "prior's share"], rows))
        return
    if given.what == "grid":
        for name in given.kind:
            rows = grid(name, TextKind(given.text), given.seed, given.samples)
            head = ["type", "ρ", "prose", given.text, "prior's share", "on the front of"]
            print(f"{name}\n" + report.table(head, rows), flush=True)
        return
    for name in given.kind:
        records = fronts(name, given.steps, given.rounds, TextKind(given.text), given.seed, given.samples)
        if given.json is not None:
            given.json.write_text(json.dumps(records, indent=1), encoding="utf-8")
        rows = [
            [
                each["searched"],
                f"{each['rho']:.2f}",
                f"{each['prose']:.2%}",
                f"{each['error']:.2%}",
                f"{each['theta']['font']} {each['theta']['font_size']:g}/{each['theta']['line_height']:g}",
            ]
            for each in sorted(records, key=lambda each: (str(each["searched"]), each["rho"]))
        ]
        print(f"{name}\n" + report.table(["searched on", "ρ", "prose", given.text, "type"], rows))


if __name__ == "__main__":
    main()
