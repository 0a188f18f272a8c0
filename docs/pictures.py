"""Draw the pictures of the README and of docs/gallery.md: `python docs/pictures.py`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from glyphrender import BlockStyle, Part, RichText, Style, Theta, layout, render
from glyphrender.rich import Rule

HERE = Path(__file__).parent
NOVEL = (HERE.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
CODE = (HERE.parent / "src/glyphrender/raster/png.py").read_text(encoding="utf-8")
# What a program wrote to a terminal: colors, a link, and a progress bar that overwrites itself.
LOG = (
    "\x1b[2m2026-03-26 17:34:37\x1b[0m \x1b[32mINFO\x1b[0m fetching "
    "\x1b]8;;https://example.org\x07example.org\x1b]8;;\x07\n"
    + "".join(f"\r{step:3}%|{'█' * (step // 10):10}| {step}/100" for step in range(0, 101, 5))
    + "\n\x1b[1;31mERROR\x1b[0m disk \x1b[1m/dev/sda\x1b[0m is full\n"
)
TABLE = """\
┌───────────┬────────┬──────┐
│ name      │ size   │ ok   │
├───────────┼────────┼──────┤
│ 日本語    │ 12 KB  │ yes  │
│ résumé    │ 3 KB   │ no   │
│ 안녕      │ 9 KB   │ ✓    │
│ emoji 🎉  │ 1 KB   │ ✗    │
╞═══════════╪════════╪══════╡
│ ░▒▓█ ▌▐▀▄ │ ●○◆◇   │ →←↑↓ │
└───────────┴────────┴──────┘
src
├── main.py   # 入口
└── util.py   # 工具
"""
SCRIPTS = (HERE / "scripts.txt").read_text(encoding="utf-8")
# The file of the novel breaks its lines at about 70 characters. Most text has one line for each paragraph.
PROSE = "\n".join(" ".join(part.split()) for part in NOVEL.split("\n\n"))


BIRDS = """\
## Birds of the coast

Gulls nest on *cliffs*, terns on shingle. Both come back to the same place each year, as far as anyone has counted.

1. gulls
2. terns

تعشش النوارس على المنحدرات، وتعشش خطاف البحر على الحصى. يعود كلاهما إلى المكان نفسه كل عام.

1. النوارس
2. خطاف البحر

海鸥在悬崖上筑巢，燕鸥在卵石上筑巢。两者每年都回到同一个地方，据任何人所能数到的。

> A quotation is a paragraph too.
"""


def rich() -> RichText:
    """Return a text with blocks and styles in three scripts."""
    mono, bold = Style(family="DejaVu Sans Mono", background="#E4E4E4"), Style(weight=700)
    parts: list[tuple[str, BlockStyle | None, dict[str, Style]]] = [
        ("Styles of one paragraph\n", BlockStyle(rule=Rule.BELOW, space_after=0.4, keep_with_next=True), {}),
        (
            "Words may be bold, oblique, underlined, struck or code(x); the lines break as in plain text.\n",
            None,
            {
                "bold": bold,
                "oblique": Style(italic=True),
                "underlined": Style(underline=True),
                "struck": Style(strike=True, color="#777777"),
                "code(x)": mono,
            },
        ),
        ("中文的粗体字是合成的，行长不变。\n", BlockStyle(indent=1.6, marker="•"), {"粗体字": bold}),
        ("الكلمة العريضة في سطر من اليمين إلى اليسار.\n", BlockStyle(indent=1.6, marker="•"), {"العريضة": bold}),
        ("A quotation stands beside a bar.\n", BlockStyle(indent=1.5, rule=Rule.SIDE, space_before=0.4), {}),
    ]
    source = "".join(text for text, _, _ in parts)
    spans, blocks, at = [(0, len(parts[0][0]), Style(weight=700, size=1.4))], [], 0
    for text, block, styles in parts:
        spans += [(at + text.find(word), at + text.find(word) + len(word), style) for word, style in styles.items()]
        blocks += [(at, at + len(text), block)] if block else []
        at += len(text)
    return RichText(source, spans, blocks=blocks)


SMALL = {"page_size": (420, 280)}
PICTURES = {
    "page": (NOVEL, Theta(), 2),  # the README says: page 3 of the novel under the default θ
    "aligned": (PROSE, Theta(page_size=(588, 420)), 2),
    "book": (PROSE, Theta.preset("book").replace(page_size=(420, 336)), 3),
    "columns": (PROSE, Theta(columns=2, alignment="JUSTIFY", hyphenate=True, language="en", **SMALL), 2),
    "dark": (PROSE, Theta(page_bg_color="#1E1E1E", font_color="#D4D4D4", **SMALL), 2),
    "code": (CODE, Theta.preset("code").replace(line_numbers=3, auto_crop_width=False, **SMALL), 0),
    "log": (LOG, Theta.preset("log"), 0),
    "table": (TABLE, Theta(), 0),
    "marker": (CODE, Theta(newline_markup='<font color="#FF0000"> \\n </font>', **SMALL), 0),
    "cropped": ("A short text on a page\nthat is cut down to it.", Theta(), 0),
    "paragraphs": (
        PROSE,
        Theta(para_bg_color="#EEF3FA", border_width=0.5, border_padding=3, space_after=5, **SMALL),
        2,
    ),
    "rich": (rich(), Theta(leading="FIT", dpi=144, page_size=(300, 200)), 0),
    "furniture": (
        [Part(name="birds.md"), BIRDS],
        Theta(
            page_header="{file} · {section}",
            paragraph_ids="MARGIN",
            page_number="TOP_RIGHT",
            markup="MARKDOWN",
            font_size=12,
            line_height=15,
            margin_y=18,
            page_size=(380, 400),
        ),
        0,
    ),
    "scripts": (SCRIPTS, Theta(font_size=13, line_height=19, page_size=(588, 560)), 0),
}


def main() -> None:
    """Write each picture as a PNG, 1 to 60 KB: the page of the README as it is, others in 16 greys or 32 colors."""
    folder = HERE / "images"
    folder.mkdir(exist_ok=True)
    for name, (text, theta, number) in PICTURES.items():
        page = next(page for page in layout(text, theta) if page.number == number + 1)
        if name == "page":
            page.save(folder / "page.png")  # the README shows the pixels that a model gets
        else:
            image = page.image.convert("RGB").quantize(16 if theta.is_grey else 32, dither=Image.Dither.NONE)
            image.save(folder / f"{name}.png", optimize=True)
        print(f"{name}.png {page.size[0]}×{page.size[1]}")
    assert len(render(SCRIPTS)) == 1


if __name__ == "__main__":
    main()
