"""Hostile fonts: mutated files as a font of θ. Each is rendered, or refused by a typed error; no crash, no hang.

    python benchmarks/hostile_fonts.py                      # 300 fonts for each rasteriser: some minutes
    python benchmarks/hostile_fonts.py --fonts 2000 --seed 5 --raster harfbuzz

Each font is drawn in a forked process with 20 seconds and 6 GB. The bundled fonts are changed byte by byte, table by
table, in their directory of tables, and cut short.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import traceback
from pathlib import Path

FONTS = Path(__file__).parents[1] / "fonts"
TEXT = "Hello fi ffl AVA Tésting 123 العربية हिन्दी ไทย 東京 😀👨‍👩‍👧 => != \u0301\u0301 ﷺ\nline two\tx" * 3
TABLES = (
    "GSUB GPOS GDEF glyf loca hmtx hhea maxp head cmap CFF  COLR kern OS/2 name fvar gvar avar HVAR CBDT SVG  morx "
    "post VORG vmtx cvt  fpgm prep"
)
OUTCOMES = {10: "rendered", 11: "a typed error", 12: "no memory", 13: "UNTYPED ERROR", 14: "ENDLESS PAGES"}


def tables(data: bytes) -> list[tuple[str, int, int]]:
    """Return tag, offset and length of each table that lies within the file."""
    try:
        count = struct.unpack_from(">H", data, 4)[0]
        entries = [struct.unpack_from(">4s4xII", data, 12 + 16 * number) for number in range(count)]
    except struct.error:
        return []
    return [(tag.decode("latin-1"), at, size) for tag, at, size in entries if size and at + size <= len(data)]


def mutated(data: bytearray, rng: random.Random) -> tuple[bytearray, str]:
    """Return the changed font, and what was changed."""
    found = tables(data)
    how = rng.choice(["flip", "flip", "table", "table", "table", "cut", "zero", "directory"]) if found else "flip"
    if how == "flip":
        for _ in range(rng.choice([1, 8, 64, 500])):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif how == "cut":
        data = data[: rng.randrange(len(data))]
    elif how == "directory":
        at = 12 + 16 * rng.randrange(len(found)) + rng.choice([8, 12])
        value = rng.choice([0, 0xFFFFFFFF, 0x7FFFFFFF, len(data) - 1, rng.randrange(1 << 32)])
        data[at : at + 4] = struct.pack(">I", value)
    else:
        wanted = rng.choice([TABLES[at : at + 4] for at in range(0, len(TABLES), 5)])
        tag, at, size = next((entry for entry in found if entry[0] == wanted), rng.choice(found))
        how = f"{how} {tag}"
        if how.startswith("zero"):
            data[at : at + size] = bytes(size)
        for _ in range(0 if how.startswith("zero") else rng.choice([1, 3, 10, 40])):
            place = at + rng.randrange(min(size, rng.choice([32, 256, size])))
            new = rng.choice([b"\xff\xff", b"\0\0", b"\x7f\xff", b"\x80\0", b"\0\1", bytes([rng.randrange(256)])])
            data[place : place + len(new)] = new
    return data, how


def outcome_of(path: Path, errors: Path) -> str:
    """Render with the font in a forked process, and return how that ended."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(20)
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os._exit(_render(path))
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "HANGS for 20 s" if number == signal.SIGALRM else f"CRASH by {signal.Signals(number).name}"
    return OUTCOMES.get(os.WEXITSTATUS(status), f"STATUS {os.WEXITSTATUS(status)}")


def _render(path: Path) -> int:
    from glyphrender import GlyphRenderError, Theta, render

    try:
        for number, page in enumerate(render(TEXT, Theta(font=str(path), page_size=(200, 200)))):
            page.png()
            if number > 300:
                return 14
        return 10
    except GlyphRenderError:
        return 11
    except MemoryError:
        return 12
    except BaseException:
        traceback.print_exc()
        return 13


def main() -> None:
    """Try mutated fonts, and print how often each outcome came; the status is 1 if one in capitals did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=int, default=300, help="number of fonts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--raster", choices=["skia", "harfbuzz"], help="one rasteriser; by default both in turn")
    arguments = parser.parse_args()
    if arguments.raster is None:
        ends = [
            os.spawnv(os.P_WAIT, sys.executable, [sys.executable, *sys.argv, "--raster", name])
            for name in ("skia", "harfbuzz")
        ]
        sys.exit(max(ends))
    os.environ["GLYPHRENDER_RASTER"] = arguments.raster
    from glyphrender import render

    render("warm")[0].png()
    rng = random.Random(arguments.seed)
    sources = sorted(path for path in FONTS.rglob("*.[ot]tf") if path.stat().st_size < 3_000_000)
    found: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        path, errors = Path(name, "font.ttf"), Path(name, "errors")
        for _ in range(arguments.fonts):
            source = rng.choice(sources)
            data, how = mutated(bytearray(source.read_bytes()), rng)
            path.write_bytes(data)
            outcome = outcome_of(path, errors)
            found[outcome] += 1
            if outcome.split()[0].isupper():
                kept = Path(f"hostile-{arguments.raster}-{found.total()}.ttf")
                kept.write_bytes(data)
                print(f"{outcome}: {source.name}, {how}, kept as {kept}\n{errors.read_text()[-500:]}", file=sys.stderr)
    for outcome, count in found.most_common():
        print(f"{arguments.raster}: {count:6,} {outcome}")
    sys.exit(any(outcome.split()[0].isupper() for outcome in found))


if __name__ == "__main__":
    main()
