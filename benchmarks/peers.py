"""Ours beside what else sets text into page images: the same text, frame, font and size, in one run.

    python benchmarks/peers.py            # prints the table
    python benchmarks/peers.py --write    # and puts it into docs/benchmarks.md

Every peer breaks the text into pages of 595 × 842 px with a frame of 563 × 810 (81 lines of 10 px, DejaVu
Sans at 9 px), draws them and ends with PNG: files in a folder unless it says otherwise. Each round sets
another part of the novel, after a warm-up on its first pages, so that what a peer remembers (ours: words it
has shaped; Typst: whatever it has laid out) helps as it does in use and not more. Rounds go through all
peers in turn, so that a slow minute of the machine meets them all, and the median is shown. CPU time
includes that of processes a peer starts; the first pages in a fresh process include the start of Python.
"Read wrong" is what tesseract, twice enlarged, gets wrong of the characters of three full pages of each (extra
`reader`). What is not installed is listed with how to get it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import glyph_pipeline
import report
import texts

from glyphrender.errors import DependencyError

WIDTH, HEIGHT, MARGIN = 595, 842, 16
FONT, SIZE, LEADING = "DejaVu Sans", 9, 10
MEASURE = WIDTH - 2 * MARGIN
LINES = (HEIGHT - 2 * MARGIN) // LEADING
FONT_FILE = texts.FONTS / "dejavu" / "DejaVuSans.ttf"
# The baseline within a line of 10 px: 7.6 px of ascender, the rest below.
ASCENT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """One way from text to pages.

    Attributes:
        name: as in the table.
        draw: (text, folder) → pages and bytes of their PNGs; raises ImportError where not installed.
        packages: distributions whose versions are shown.
        install: how to get what may be missing.
        prepare: called before the clock starts, with a text that is not measured.
        keep: as `draw`, but leaves its pages in the folder, where that does not.
    """

    name: str
    draw: Callable[[str, Path], tuple[int, int]]
    packages: tuple[str, ...] = ()
    install: str = ""
    prepare: Callable[[str], object] = str
    keep: Callable[[str, Path], object] | None = None


def _in(folder: Path) -> tuple[int, int]:
    sizes = [file.stat().st_size for file in folder.glob("*.png")]
    return len(sizes), sum(sizes)


# -- ours ----------------------------------------------------------------------------------------------


def theta() -> Any:
    from glyphrender import Theta

    return Theta(
        page_size=(WIDTH, HEIGHT),
        margin_x=MARGIN,
        margin_y=MARGIN,
        font=FONT,
        font_size=SIZE,
        line_height=LEADING,
    )


def forget(warm_up: str) -> None:
    """Forget the words of all texts but `warm_up`: one of our rows must not shape for the next."""
    from glyphrender import layout
    from glyphrender.typeset.word_cache import words_of

    words_of.cache_clear()
    for _ in layout(warm_up, theta()):
        pass


@contextmanager
def drawn_by(raster: str) -> Iterator[None]:
    """Our pages are drawn by "skia", by "numba", compiled code with Skia's masks, or by "harfbuzz"."""
    from glyphrender.raster.canvas import rasteriser

    before = os.environ.get("GLYPHRENDER_RASTER")
    os.environ["GLYPHRENDER_RASTER"] = raster
    rasteriser.cache_clear()
    try:
        yield
    finally:
        os.environ.pop("GLYPHRENDER_RASTER")
        os.environ.update({} if before is None else {"GLYPHRENDER_RASTER": before})
        rasteriser.cache_clear()


def ours_saved(text: str, folder: Path, *, raster: str = "skia") -> tuple[int, int]:
    from glyphrender import render

    with drawn_by(raster):
        render(text, theta()).save(folder / "pages")
    return _in(folder / "pages")


def ours_in_memory(text: str, folder: Path, *, raster: str = "skia", bits: int | None = None) -> tuple[int, int]:
    from glyphrender import layout

    with drawn_by(raster):
        sizes = [len(page.png(bits=bits)) for page in layout(text, theta())]
    return len(sizes), sum(sizes)


def kept(text: str, folder: Path, *, raster: str = "skia", bits: int | None = None) -> None:
    from glyphrender import layout

    with drawn_by(raster):
        for page in layout(text, theta()):
            (folder / f"page_{page.number:03d}.png").write_bytes(page.png(bits=bits))


def compiled(draw: Callable[..., tuple[int, int]], text: str, folder: Path) -> tuple[int, int]:
    import numba  # noqa: F401

    return draw(text, folder, raster="numba")


def ours_by_glyphs_call(text: str, folder: Path) -> tuple[int, int]:
    from glyphrender.compat import text_to_images

    # By family, so that it shares the words that `forget` leaves; a file of the same font would not.
    with drawn_by("skia"):
        text_to_images(text, folder, config_dict=_glyph_config() | {"font-path": FONT}, unique_id="pages")
    return _in(folder / "pages")


# -- peers ---------------------------------------------------------------------------------------------


def _glyph_config() -> dict[str, Any]:
    # ReportLab's frame adds 6 pt to each margin.
    margins = {"margin-x": MARGIN - 6, "margin-y": MARGIN - 6}
    return glyph_pipeline.SEARCHED_CONFIG | margins | {"font-path": str(FONT_FILE)}


def reportlab(text: str, folder: Path) -> tuple[int, int]:
    glyph_pipeline.pages(text, _glyph_config(), folder)
    return _in(folder)


def typst(text: str, folder: Path) -> tuple[int, int]:
    import typst

    (folder / "text.txt").write_text(text, encoding="utf-8")
    (folder / "page.typ").write_text(
        f"""#set page(width: {WIDTH}pt, height: {HEIGHT}pt, margin: {MARGIN}pt)
#set text(font: "{FONT}", size: {SIZE}pt, top-edge: 7pt, bottom-edge: -2pt, hyphenate: false)
#set par(leading: {LEADING - SIZE}pt, spacing: {LEADING - SIZE}pt, justify: false)
#for line in read("text.txt").split("\\n") [#line \\ ]
"""
    )
    typst.compile(
        str(folder / "page.typ"),
        output=str(folder / "page_{0p}.png"),
        font_paths=[str(FONT_FILE.parent)],
        ignore_system_fonts=True,
        format="png",
        ppi=72.0,
    )
    return _in(folder)


def skia_paragraph(text: str, folder: Path) -> tuple[int, int]:
    import skia

    layout = skia.textlayout
    fonts = layout.FontCollection()
    provider = layout.TypefaceFontProvider()
    provider.registerTypeface(skia.Typeface.MakeFromFile(str(FONT_FILE)), FONT)
    fonts.setDefaultFontManager(provider)
    style = layout.TextStyle()
    style.setFontFamilies([FONT])
    style.setFontSize(SIZE)
    style.setColor(skia.ColorBLACK)
    style.setHeight(LEADING / SIZE)
    style.setHeightOverride(True)
    of_paragraph = layout.ParagraphStyle()
    of_paragraph.setTextStyle(style)
    unicode = skia.Unicode.ICU_Make()
    surface = skia.Surface.MakeRaster(
        skia.ImageInfo.Make(WIDTH, HEIGHT, skia.kGray_8_ColorType, skia.kOpaque_AlphaType)
    )
    canvas = surface.getCanvas()
    number, y = 0, 0.0
    canvas.clear(skia.ColorWHITE)

    def turn() -> None:
        nonlocal number
        number += 1
        surface.makeImageSnapshot().save(str(folder / f"page_{number:03d}.png"), skia.kPNG)
        canvas.clear(skia.ColorWHITE)

    frame = skia.Rect.MakeXYWH(MARGIN, MARGIN, MEASURE, LINES * LEADING)
    for line in text.split("\n"):
        builder = layout.ParagraphBuilder.make(of_paragraph, fonts, unicode)
        builder.addText(line)
        paragraph = builder.Build()
        paragraph.layout(MEASURE)
        # A paragraph hides its lines; one that passes the foot of a page is painted on both, clipped.
        height = round(paragraph.Height / LEADING) * LEADING
        while True:
            canvas.save()
            canvas.clipRect(frame)
            paragraph.paint(canvas, MARGIN, MARGIN + y)
            canvas.restore()
            if y + height <= LINES * LEADING:
                y += height
                break
            turn()
            y -= LINES * LEADING
    if y > 0:
        turn()
    return _in(folder)


def pillow(text: str, folder: Path) -> tuple[int, int]:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(FONT_FILE, SIZE)
    widths: dict[str, float] = {}
    space = font.getlength(" ")
    page: list[str] = []
    number = 0

    def turn() -> None:
        nonlocal number
        number += 1
        image = Image.new("L", (WIDTH, HEIGHT), 255)
        draw = ImageDraw.Draw(image)
        for row, line in enumerate(page):
            draw.text((MARGIN, MARGIN + ASCENT + row * LEADING), line, fill=0, font=font, anchor="ls")
        image.save(folder / f"page_{number:03d}.png")
        page.clear()

    def put(words: list[str]) -> None:
        page.append(" ".join(words))
        if len(page) == LINES:
            turn()

    for source in text.split("\n"):
        line: list[str] = []
        used = 0.0
        for word in source.split(" "):
            width = widths.get(word)
            if width is None:
                width = widths[word] = font.getlength(word)
            if line and used + space + width > MEASURE:
                put(line)
                line, used = [], 0.0
            used += width + (space if line else 0.0)
            line.append(word)
        put(line)
    if page:
        turn()
    return _in(folder)


def pango(text: str, folder: Path) -> tuple[int, int]:
    try:
        import cairocffi
        import pangocairocffi
        import pangocffi
    except OSError as error:  # the packages are there, the system's libraries are not
        raise ImportError(str(error)) from error

    unit = pangocffi.units_from_double(1)
    description = pangocffi.FontDescription()
    description.family = FONT
    description.set_absolute_size(SIZE * unit)
    number = row = 0
    surface = cairocffi.ImageSurface(cairocffi.FORMAT_RGB24, WIDTH, HEIGHT)
    context = cairocffi.Context(surface)
    layout = pangocairocffi.create_layout(context)
    layout.font_description = description
    layout.width = MEASURE * unit
    layout.wrap = pangocffi.WrapMode.WORD_CHAR

    def clear() -> None:
        context.set_source_rgb(1, 1, 1)
        context.paint()
        context.set_source_rgb(0, 0, 0)

    def turn() -> None:
        nonlocal number, row
        number, row = number + 1, 0
        surface.write_to_png(str(folder / f"page_{number:03d}.png"))
        clear()

    clear()
    for line in text.split("\n"):
        layout.text = line
        runs = layout.get_iter()
        while True:
            run = runs.get_run()
            if run is not None:
                x = runs.get_run_extents()[1].x / unit
                context.move_to(MARGIN + x, MARGIN + ASCENT + row * LEADING)
                pangocairocffi.show_glyph_item(context, line, run)
            else:  # Pango marks the end of a line by a run that is none
                row += 1
                if row == LINES:
                    turn()
            if not runs.next_run():
                break
    if row:
        turn()
    return _in(folder)


COMPILED = "glyphrender compiled, files and manifest"
PEERS = (
    Peer(
        name="glyphrender, files and manifest",
        draw=ours_saved,
        prepare=forget,
        packages=("glyphrender", "skia-python", "uharfbuzz"),
    ),
    Peer(name="glyphrender, Glyph's call (files)", draw=ours_by_glyphs_call, prepare=forget),
    Peer(name="glyphrender, PNG in memory", draw=ours_in_memory, prepare=forget, keep=kept),
    Peer(
        name=COMPILED,
        draw=partial(compiled, ours_saved),
        prepare=forget,
        packages=("numba",),
        install="pip install 'glyphrender[fast]'",
    ),
    Peer(
        name="glyphrender compiled, PNG in memory",
        draw=partial(compiled, ours_in_memory),
        prepare=forget,
        keep=partial(kept, raster="numba"),
    ),
    Peer(
        name="glyphrender, 4-bit PNG in memory",
        draw=partial(ours_in_memory, bits=4),
        prepare=forget,
        keep=partial(kept, bits=4),
    ),
    Peer(
        name="glyphrender, HarfBuzz raster, PNG in memory",
        draw=partial(ours_in_memory, raster="harfbuzz"),
        prepare=forget,
        keep=partial(kept, raster="harfbuzz"),
    ),
    Peer(
        name="ReportLab, poppler, Pillow (as Glyph)",
        draw=reportlab,
        packages=("reportlab", "pdf2image", "pillow"),
        install="pip install reportlab pdf2image; apt install poppler-utils",
    ),
    Peer(name="Typst", draw=typst, packages=("typst",), install="pip install typst"),
    Peer(name="Skia textlayout Paragraph, Skia PNG", draw=skia_paragraph, packages=("skia-python",)),
    Peer(
        name="Pango, cairo",
        draw=pango,
        packages=("pangocairocffi",),
        install="pip install pangocairocffi; apt install libpangocairo-1.0-0, and DejaVu Sans",
    ),
    Peer(name="Pillow, wrapped by words", draw=pillow, packages=("pillow",)),
)


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@dataclass(frozen=True, slots=True)
class Round:
    """What a peer took for a text: seconds of CPU and of the clock a page, pages, bytes a page."""

    cpu: float
    wall: float
    pages: int
    size: float


def measured(peer: Peer, text: str) -> Round:
    """A round, in a folder that is removed."""
    folder = Path(tempfile.mkdtemp(prefix="peer-"))
    try:
        cpu, wall = _cpu(), time.perf_counter()
        pages, size = peer.draw(text, folder)
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    finally:
        shutil.rmtree(folder)
    return Round(cpu / pages, wall / pages, pages, size / pages)


def fresh(peer: Peer, text: str) -> float:
    """Seconds from starting a process to its pages, the start of Python and all imports included."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write(text)
        file.flush()
        start = time.perf_counter()
        subprocess.run([sys.executable, __file__, "--only", peer.name, file.name], check=True)
        return time.perf_counter() - start


def parts(pages: int, rounds: int) -> list[str]:
    """Parts of the novel for a warm-up and so many rounds; the first fills so many of our pages."""
    novel = texts.novel()
    first = texts.first_pages(novel, pages, theta())
    step = (len(novel) - len(first)) // rounds
    starts = [novel.index("\n", step * number - 1) + 1 for number in range(1, rounds)]
    return [first, *(novel[start : start + len(first)] for start in starts), novel[-len(first) :]]


def read_wrong(peer: Peer, text: str) -> float:
    """Share of the characters of `text` that tesseract gets wrong on the peer's pages.

    Raises:
        DependencyError: without the extra `reader`.
    """
    from PIL import Image

    from glyphrender.ocr.comparison import comparable, edit_distance
    from glyphrender.ocr.tesseract import Tesseract

    reader = Tesseract()
    with tempfile.TemporaryDirectory(prefix="peer-") as name:
        folder = Path(name)
        (peer.keep or peer.draw)(text, folder)
        read = "".join(comparable(reader(Image.open(file).convert("L"))) for file in sorted(folder.rglob("*.png")))
    there = comparable(text)
    return edit_distance(there, read) / len(there)


def errors(peers: Iterable[Peer]) -> dict[Peer, float]:
    """What is read wrong of each peer's pages of one text; nothing without a reader."""
    text = texts.first_pages(texts.novel(), 3, theta())
    try:
        return {peer: read_wrong(peer, text) for peer in peers}
    except DependencyError as error:
        print(f"not read: {error}", file=sys.stderr)
        return {}


def plotted(taken: Mapping[Peer, list[Round]], wrong: Mapping[Peer, float], title: str) -> None:
    """A bar a peer: CPU time a page, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = [peer.name for peer in taken]
    times = [1e3 * median(round.cpu for round in rounds) for rounds in taken.values()]
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(names) + 1.2), layout="constrained")
    colors = ["#1f5fbf" if name.startswith("glyphrender") else "#9aa5b1" for name in names]
    bars = axes.barh(names, times, color=colors, height=0.7)
    notes = [f"{each:.1f} ms" for each in times]
    if wrong:
        notes = [f"{note}, {wrong[peer]:.2%} read wrong" for note, peer in zip(notes, taken, strict=True)]
    axes.bar_label(bars, notes, padding=4, fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(1, 12 * max(times))
    axes.invert_yaxis()
    axes.set_xlabel("CPU ms a page")
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(report.DOCS / "images" / "peers.png", dpi=110)


def compared(pages: int, rounds: int, wrong: dict[Peer, float], *, plot: bool) -> str:
    """The table for texts of so many of our pages."""
    warm_up, *some = parts(pages, rounds)
    taken: dict[Peer, list[Round]] = {}
    missing: list[str] = []
    for peer in PEERS:
        try:
            measured(peer, warm_up)
            taken[peer] = []
        except ImportError as error:
            missing.append(f"- {peer.name}: {error}. `{peer.install}`")
    for text in some:
        for peer, rounds_of in taken.items():
            peer.prepare(warm_up)
            rounds_of.append(measured(peer, text))
    if not wrong:
        wrong.update(errors(taken))
    files, memory = (median(round.cpu for round in taken[PEERS[row]]) for row in (0, 2))
    compiled = [median(round.cpu for round in some) for peer, some in taken.items() if peer.name == COMPILED]
    rows = []
    for peer, rounds_of in taken.items():
        cpu = median(round.cpu for round in rounds_of)
        rows.append(
            [
                peer.name,
                sum(round.pages for round in rounds_of),
                f"{1e3 * median(round.wall for round in rounds_of):.2f}",
                f"{1e3 * cpu:.2f}",
                f"{cpu / files:.1f}",
                f"{cpu / memory:.1f}",
                *(f"{cpu / its:.1f}" for its in compiled),
                f"{median(round.size for round in rounds_of) / 1e3:.0f}",
                f"{min(fresh(peer, warm_up) for _ in range(3)):.2f}",
                f"{wrong[peer]:.2%}" if peer in wrong else "",
            ]
        )
    ratios = ["CPU ÷ files", "CPU ÷ in memory", *(["CPU ÷ compiled, files"] if compiled else [])]
    head = ["", "pages", "ms a page", "CPU ms a page", *ratios, "KB a page", "s in a fresh process", "read wrong"]
    title = f"{pages} pages ({len(warm_up):,} characters of English) at a time, median of {rounds}:"
    if plot:
        plotted(taken, wrong, f"{pages} pages of English at a time, DejaVu Sans 9 px, median of {rounds}")
    shown = f"{title}\n\n{report.table(head, rows)}"
    return shown + ("\nNot installed here:\n\n" + "\n".join(missing) + "\n" if missing else "")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pages", type=int, nargs="+", default=[16, 25])
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        name, file = arguments.only
        peer = next(peer for peer in PEERS if peer.name == name)
        measured(peer, Path(file).read_text(encoding="utf-8"))
        return
    packages = dict.fromkeys(package for peer in PEERS for package in peer.packages)
    wrong: dict[Peer, float] = {}
    tables = "\n".join(
        compared(pages, arguments.rounds, wrong, plot=arguments.write and pages == arguments.pages[0])
        for pages in arguments.pages
    )
    text = f"{report.machine()} {report.versions(packages)}.\n\n{tables}"
    print(text)
    if arguments.write:
        report.write("peers", text)


if __name__ == "__main__":
    main()
