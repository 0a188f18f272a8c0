"""Compare the pages of two checkouts: the same texts under the same θ must give the same bytes.

    python benchmarks/same_pages.py ../base                     # this checkout against ../base
    python benchmarks/same_pages.py ../base --documents 10000 --seed 1

Each checkout runs in a process of its own, with this Python and its own `src` on PYTHONPATH. The processes use
public names alone, so modules may have moved between the two. They get the inputs of the golden pages, the nasty
texts of the tests, random texts under random θ, and the names of the presets. Of every document they report the
digest of θ, and of every page the PNG bytes, span, size, words, lines and missing characters; of some documents also
the figures of ρ. Equal seeds give equal documents. The exit status is 1 if anything differs, and the first document
that does is written to a file.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]

Case = dict[str, Any]

# θ of one number serve this many documents, so that words of other documents are remembered under them.
PER_THETA = 16
# ρ is computed for each document whose number is a multiple of this.
PER_RATIO = 10
MODELS = ("glm-4.1v", "qwen3-vl", "internvl3", "gemma-3", "phi-4-multimodal", "llama-4")
TOKENIZER = "cl100k"
COLORS = ("#000000", "#FFFFFF", "#101820", "#E6E6E6", "#7A1F1F", "#F4ECD8", "#1F3A7A")


# ── Documents, made once and given to both checkouts ──


def cases(documents: int, seed: int) -> list[Case]:
    """Return all documents: {"name", "text"} with the fields of θ, the name of a preset or a seed of Theta.sample."""
    sys.path[:0] = [str(HERE / "src"), str(HERE / "tests")]
    from nasty import NASTY
    from test_golden import PAGES, SMALL

    found: list[Case] = [
        {"name": f"golden {name}", "text": text, "fields": {**SMALL, **fields}, "ratio": True}
        for name, (text, fields) in PAGES.items()
    ]
    short = {name: text[:6000] for name, text in NASTY.items()}
    found += [{"name": f"nasty {name}", "text": text, "fields": {}, "ratio": True} for name, text in short.items()]
    for number in range(documents):
        rng = random.Random(f"{seed}/{number}")
        case: Case = {"name": f"document {number}", "text": random_text(rng), "ratio": number % PER_RATIO == 0}
        group = number // PER_THETA
        if group % 4 == 3:
            case["sample"] = [seed, group]
        else:
            case["fields"] = random_fields(random.Random(f"{seed} {group}"))
        found.append(case)
    return found


def random_text(rng: random.Random) -> str:
    """Return up to nine stretches of many scripts: trouble starts where two kinds of text meet."""
    from nasty import NASTY
    from strategies import INGREDIENTS

    stew, parts = "".join(INGREDIENTS), []
    for _ in range(rng.randint(0, 9)):
        ingredient = rng.choice(INGREDIENTS)
        kind = rng.randrange(7)
        if kind == 0:
            parts.append("".join(rng.choices(ingredient, k=rng.randint(1, 12))))
        elif kind == 1:
            parts.append("".join(rng.choices(stew, k=rng.randint(1, 8))))
        elif kind == 2:
            parts.append(chr(rng.randrange(0x110000)))
        elif kind == 3:
            parts.append(rng.choice(stew) * rng.randint(2, 80))
        elif kind == 4:
            parts.append(rng.choice(list(NASTY.values()))[: rng.randint(0, 200)])
        elif kind == 5:
            parts.append("plain words of a plain sentence, " * rng.randint(1, 12))
        else:
            parts.append(ingredient)
    return rng.choice(("", "", " ", "\n")).join(parts)


def random_fields(rng: random.Random) -> dict[str, Any]:
    """Return fields of a valid θ that this machine can set; each that bears on a page takes more than one value."""
    from strategies import FAMILIES, LANGUAGES

    from glyphrender import GlyphRenderError, Theta, layout

    for _ in range(10_000):
        size = rng.choice((5, 7.5, 9, 9, 13.25, 16))
        background = rng.choice(("#FFFFFF", "#FFFFFF", *COLORS))
        fields: dict[str, Any] = {
            "page_size": [rng.choice((40, 80, 160, 320, 595)), rng.choice((60, 160, 420))],
            "dpi": rng.choice((60, 72, 72, 96, 110.5, 144)),
            "margin_x": rng.choice((0, 2.5, 10)),
            "margin_y": rng.choice((0, 3, 10)),
            "columns": rng.choice((1, 1, 1, 2, 3)),
            "column_gap": rng.choice((4, 12)),
            "auto_crop_width": rng.random() < 0.5,
            "auto_crop_last_page": rng.random() < 0.5,
            "page_grid": rng.choice((1, 1, 14, 28)),
            "min_pixels": rng.choice((0, 0, 6272)),
            "font": rng.choice(FAMILIES),
            "font_weight": rng.choice((400, 400, 700)),
            "font_italic": rng.random() < 0.15,
            "fallback": rng.sample(FAMILIES, rng.choice((0, 0, 1, 2))),
            "font_size": size,
            "line_height": size + rng.choice((0, 1, 4.25)),
            "horizontal_scale": rng.choice((1, 1, 0.8, 1.25)),
            "letter_spacing": rng.choice((0, 0, 0, 0.5, -0.3)),
            "word_spacing": rng.choice((0, 0, 1.5, -0.5)),
            "ligatures": rng.random() < 0.8,
            "kerning": rng.random() < 0.8,
            "emoji": rng.choice(("MONO", "MONO", "COLOR")),
            "missing_glyph": rng.choice(("BOX", "NOTDEF")),
            "alignment": rng.choice(("LEFT", "LEFT", "JUSTIFY", "JUSTIFY", "RIGHT", "CENTER")),
            "justify_stretch": rng.choice((2, 8)),
            "first_line_indent": rng.choice((0, 0, 6)),
            "left_indent": rng.choice((0, 0, 3)),
            "right_indent": rng.choice((0, 0, 2)),
            "space_before": rng.choice((0, 0, 5)),
            "space_after": rng.choice((0, 0, 3)),
            "border_width": rng.choice((0, 0, 0, 1)),
            "border_padding": rng.choice((0, 0, 2)),
            "font_color": rng.choice(("#000000", *COLORS)),
            "page_bg_color": background,
            "para_bg_color": rng.choice(("", "", *COLORS)),
            "para_border_color": rng.choice(COLORS),
            "newline_markup": rng.choice(("<br/>", "<br/>", "<br/>", " ↵ ", r'<font color="#FF0000"> \n </font>')),
            "line_breaker": rng.choice(("GREEDY", "GREEDY", "OPTIMAL")),
            "hyphenate": rng.random() < 0.2,
            "line_numbers": rng.choice((0, 0, 0, 3)),
            "tab_width": rng.choice((1, 4, 8)),
            "spaces": rng.choice(("KEEP", "COLLAPSE")),
            "form_feed": rng.choice(("LINE", "PAGE")),
            "language": rng.choice(LANGUAGES),
            "direction": rng.choice(("AUTO", "AUTO", "LTR", "RTL")),
            "control_characters": rng.choice(("ESCAPE", "HIDE")),
            "soft_hyphens": rng.choice(("BREAK", "BREAK", "HIDE", "SHOW")),
            "zero_width": rng.choice(("HIDE", "HIDE", "ESCAPE")),
            "complex_breaks": rng.choice(("CLUSTER", "CLUSTER", "DICTIONARY")),
            "hinting": rng.choice(("NONE", "NONE", "SLIGHT", "NORMAL", "FULL")),
            "subpixel": rng.random() < 0.8,
            "antialias": rng.random() < 0.8,
        }
        if fields["hyphenate"]:
            fields["language"] = rng.choice(("", "en", "de-1996"))
        try:
            list(layout("a page", Theta(**fields)))
        except GlyphRenderError:  # such as color emoji where no font has them
            continue
        return fields
    raise RuntimeError("no random θ of 10,000 was valid")


# ── In the process of one checkout: public names alone ──


def report(given: list[Case], presets: list[str]) -> list[dict[str, Any]]:
    """Return what this process' checkout makes of each document, as JSON values."""
    import glyphrender

    records: list[dict[str, Any]] = []
    for name in presets:
        records.append(guarded(lambda name=name: {"digest": glyphrender.Theta.preset(name).digest}))
    for case in given:
        records.append(guarded(lambda case=case: record(case)))
    return records


def guarded(work: Any) -> dict[str, Any]:
    """Return what `work` returns, or the type of the library's error: messages may differ."""
    from glyphrender import GlyphRenderError

    try:
        result: dict[str, Any] = work()
    except GlyphRenderError as error:
        return {"error": type(error).__name__}
    return result


def record(case: Case) -> dict[str, Any]:
    """Return the digest of θ, a fingerprint of each page, and the figures of ρ where the document asks for them."""
    import glyphrender

    theta = theta_of(case)
    document = glyphrender.render(case["text"], theta)
    pages = [page_record(page) for page in document]
    streamed = [list(page.span) for page in glyphrender.layout(iter([case["text"]]), theta)]
    found = {"digest": theta.digest, "theta": json.loads(theta.to_json()), "pages": pages, "streamed": streamed}
    if case["ratio"]:
        model = MODELS[sum(map(ord, case["name"])) % len(MODELS)]
        found["ratio"] = ratio(case["text"], theta, model)
    return found


def theta_of(case: Case) -> Any:
    import numpy as np

    from glyphrender import Theta

    if "sample" in case:
        return Theta.sample(np.random.default_rng(case["sample"]))
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in case["fields"].items()}
    return Theta(**fields)


def page_record(page: Any) -> dict[str, Any]:
    return {
        "number": page.number,
        "size": list(page.size),
        "span": list(page.span),
        "text": fingerprint(page.text.encode("utf-32-le", "surrogatepass")),
        "png": fingerprint(page.png()),
        "words": spans(page.words),
        "lines": spans(page.lines),
        "missing": sorted(page.missing.items()),
    }


def spans(found: Any) -> list[Any]:
    """Return the count and a fingerprint of all texts, places and boxes; boxes to the last bit."""
    rows = [(span.text, span.start, span.end, tuple(float(side).hex() for side in span.box)) for span in found]
    return [len(rows), fingerprint(repr(rows).encode())]


def ratio(text: str, theta: Any, model: str) -> dict[str, Any]:
    """Return the counts behind ρ. The parameter that names the model was once called `vision`."""
    from glyphrender import compression_ratio

    name = "model" if "model" in inspect.signature(compression_ratio).parameters else "vision"
    found = guarded(lambda: {"ratio": compression_ratio(text, theta=theta, tokenizer=TOKENIZER, **{name: model})})
    if "error" in found:
        return found
    counts = found["ratio"]
    return {
        "model": model,
        "text_tokens": counts.text_tokens,
        "visual_tokens": counts.visual_tokens,
        "overhead": counts.overhead,
        "font_pixels": counts.font_pixels.hex(),
        "pages": [[page.number, *page.size, page.characters, page.tokens] for page in counts.pages],
    }


def fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


# ── The comparison ──


def run(checkout: Path, folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start the process that reports on `checkout`; its records are written to `folder`/`name`.json."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", __file__, str(checkout), "--in", str(folder / "cases.json")]
    return subprocess.Popen([*command, "--out", str(folder / f"{name}.json")], env=environment, cwd=folder)


def differing(one: Any, other: Any, at: str = "") -> str:
    """Return the path to the first value in which two records differ, "" where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in one or key not in other:
                return f"{at}.{key}"
            if inner := differing(one[key], other[key], f"{at}.{key}"):
                return inner
        return ""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, yours) in enumerate(zip(one, other, strict=True)):
            if inner := differing(mine, yours, f"{at}[{number}]"):
                return inner
        return ""
    return "" if one == other else at or "."


def compare(base: Path, checkout: Path, documents: int, seed: int, output: Path) -> int:
    """Run both checkouts, print what they agree on, and return the exit status."""
    started = time.monotonic()
    presets = sorted(path.stem for path in (HERE / "src/glyphrender").rglob("presets/*.json"))
    presets += [f"{name}@{model}" for name in presets for model in MODELS[:2]]
    given = cases(documents, seed)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "cases.json").write_text(json.dumps({"cases": given, "presets": presets}), encoding="ascii")
        processes = {name: run(path, folder, name) for name, path in (("base", base), ("new", checkout))}
        failed = [name for name, process in processes.items() if process.wait()]
        if failed:
            print(f"the process of the checkout {' and of '.join(failed)} failed")
            return 1
        before, after = (json.loads((folder / f"{name}.json").read_text(encoding="ascii")) for name in processes)
    names = presets + [case["name"] for case in given]
    different = [number for number in range(len(names)) if before[number] != after[number]]
    pages = sum(len(found.get("pages", ())) for found in after)
    errors = sum("error" in found for found in after)
    ratios = sum("text_tokens" in found.get("ratio", ()) for found in after)
    print(
        f"{len(presets)} presets, {len(given)} documents, {pages:,} pages, {ratios} ratios, {errors} errors: "
        f"{len(different)} differ ({time.monotonic() - started:.0f} s)"
    )
    if not different:
        return 0
    first = different[0]
    where = differing(before[first], after[first])
    case = given[first - len(presets)] if first >= len(presets) else {"name": names[first]}
    found = {"case": case, "where": where, "base": before[first], "new": after[first]}
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="ascii")
    print(f"first: {names[first]}, at {where}; written to {output}")
    print("all: " + ", ".join(names[number] for number in different[:20]) + ("" if len(different) <= 20 else ", …"))
    return 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="a checkout to compare with")
    parser.add_argument("--checkout", type=Path, default=HERE, help="the other one; by default the one of this file")
    parser.add_argument("--documents", type=int, default=1000, help="random documents")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("different.json"), help="where the first difference goes")
    parser.add_argument("--in", dest="given", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.given:
        import glyphrender

        if not Path(glyphrender.__file__).is_relative_to(arguments.base / "src"):
            sys.exit(f"glyphrender comes from {glyphrender.__file__}, not from {arguments.base}")
        given = json.loads(arguments.given.read_text(encoding="ascii"))
        records = report(given["cases"], given["presets"])
        arguments.out.write_text(json.dumps(records), encoding="ascii")
        return
    base, checkout = arguments.base.resolve(), arguments.checkout.resolve()
    sys.exit(compare(base, checkout, arguments.documents, arguments.seed, arguments.output))


if __name__ == "__main__":
    main()
