"""One Markdown text drawn by us and by Chromium, side by side, in English, Arabic and Chinese.

    python benchmarks/markdown_browser.py FOLDER      # markdown-english.png, markdown-arabic.png, …
    python benchmarks/markdown_browser.py --write     # into docs/images

Chromium gets the HTML of markdown-it-py, the same fonts and the same size of letters, and otherwise its own style
sheet with the borders of GitHub's tables, code and quotations. The left half is ours. Nothing is measured: what differs
is looked at, and docs/markup.md lists it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import chromium
import numpy as np
from markdown_it import MarkdownIt
from PIL import Image

from glyphrender import Theta, render
from glyphrender.fonts import font_stack

ENGLISH = """\
# Birds of the coast

Gulls nest on *cliffs*, terns on **shingle**, and `puffins` in ~~trees~~ burrows.
They come back[^1] to the same [place](https://example.org) each year, &amp; early.\\
This line stands after a hard break.

- one thing, which is long enough to be set on two lines of this page, as many items are
- another
  1. a thing inside
  2. a second one

     with a paragraph of its own
- [ ] to do
- [x] done

10. ten
11. eleven
    ```python
    def count(birds):
        return len(birds)  # all of them
    ```

> A quotation stands here, long enough for a second line, with *emphasis*.
>
> > And one inside.
> >
> > - with a list

---

### A table

| bird | weight | where |
|:-----|-------:|:-----:|
| gull | 1,200 g | cliffs<br>and roofs |
| tern | 110 g | `shingle` |

![a puffin on a rock](puffin.png) and <kbd>html</kbd>, 2 * 3 = 6.
"""
ARABIC = """\
# طيور الساحل

تعشش النوارس على *المنحدرات*، وخطاف البحر على **الحصى**، و`puffin` في الجحور.
تعود كل عام إلى [المكان نفسه](https://example.org) في وقت مبكر.

- شيء أول، وهو طويل بما يكفي ليقع في سطرين من هذه الصفحة الضيقة كما يحدث في كثير من القوائم
- شيء آخر
  1. شيء في الداخل
  2. شيء ثان
- [ ] لم يتم
- [x] تم

> اقتباس يقف هنا، وهو طويل بما يكفي لسطر ثان في هذه الصفحة الضيقة، كما أرجو، مع *تأكيد*.
>
> > واقتباس في الداخل.

---

### جدول

| الطائر | الوزن | المكان |
|--------|------:|--------|
| نورس | 1200 غ | المنحدرات<br>والسطوح |
| خطاف | 110 غ | الحصى |
"""
CHINESE = """\
# 海岸的鸟类

海鸥在*悬崖*上筑巢，燕鸥在**卵石**上筑巢，`puffin`在洞穴里。
它们每年都回到[同一个地方](https://example.org)，而且很早。

- 第一件事，长得足以在这一页上占据两行，就像许多列表项目一样，真的是这样的
- 另一件事
  1. 里面的一件事
  2. 第二件事
- [ ] 待办
- [x] 完成

> 引用的文字在这里，足够长，可以占据这一页的第二行，希望如此，并且有*强调*。
>
> > 里面还有一段引用。

---

### 表格

| 鸟 | 重量 | 地点 |
|----|-----:|------|
| 海鸥 | 1200 克 | 悬崖<br>和屋顶 |
| 燕鸥 | 110 克 | 卵石 |
"""
TEXTS = {"english": ENGLISH, "arabic": ARABIC, "chinese": CHINESE}
THETA = Theta(
    page_size=(340, 1200), font_size=12, line_height=16, markup="MARKDOWN", heading_size=1.5, auto_crop_width=False
)
# Chromium's own style sheet with smaller margins, and the lines that GitHub draws.
CSS = """
body { margin: 10px; width: 320px; font: 12px/16px sans, fallback; text-rendering: geometricPrecision }
p, ul, ol, pre, blockquote, table { margin: 0 0 6px } li > p { margin: 0 } ul, ol { padding-inline-start: 22px }
h1 { font-size: 18px; line-height: 22px; margin: 0 0 6px } h3 { font-size: 15px; margin: 0 0 6px }
blockquote { border-inline-start: 2px solid #777; padding-inline-start: 10px }
code, pre { font-family: mono, fallback; font-size: 12px } table { border-collapse: collapse }
td, th { border: 1px solid #bbb; padding: 1px 6px } hr { border: 0; border-top: 1px solid #777; margin: 8px 0 }
"""


def page(text: str) -> str:
    """Return the HTML of a Markdown text, with the fonts of θ."""
    faces = {"sans": THETA.font, "mono": "DejaVu Sans Mono"}
    rules = []
    for name, family in faces.items():
        for weight in (400, 700):
            for italic in (False, True):
                path = font_stack(family, weight=weight, italic=italic).primary.path
                style = "italic" if italic else "normal"
                rules.append(
                    f"@font-face {{ font-family: {name}; font-weight: {weight}; font-style: {style}; "
                    f'src: url("{Path(path).resolve().as_uri()}") }}'
                )
    for number, face in enumerate(chromium.faces(text, THETA)[1:]):
        rules.append(
            f'@font-face {{ font-family: fallback{number}; src: url("{Path(face.path).resolve().as_uri()}") }}'
        )
    names = ", ".join(f"fallback{number}" for number in range(len(rules) - 8)) or "sans-serif"
    body = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    for box, mark in (("[ ]", "☐"), ("[x]", "☑")):
        body = body.replace(f"<li>{box}", f'<li style="list-style: none">{mark}')
    for tag in ("h1", "h3", "p", "ul", "ol", "li", "blockquote", "table", "th", "td"):
        body = body.replace(f"<{tag}>", f"<{tag} dir=auto>")
    style = CSS.replace("fallback", names)
    return f"<!doctype html><meta charset=utf-8><style>{' '.join(rules)} {style}</style><body>{body}"


def beside(text: str) -> Image.Image:
    """Return our page and Chromium's page of a Markdown text, in a row."""
    (ours, *_) = render(text, THETA)
    theirs = chromium.screenshot(page(text), 340, 1200)
    rows = np.flatnonzero((np.asarray(theirs.convert("L")) < 250).any(axis=1))
    theirs = theirs.crop((0, 0, 340, int(rows.max()) + 11))
    row = Image.new("RGB", (340 * 2 + 8, max(ours.size[1], theirs.height)), "#C0C8D0")
    row.paste(ours.image, (0, 0))
    row.paste(theirs, (348, 0))
    return row


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--write", action="store_true", help="write docs/images/markdown-*.png")
    given = parser.parse_args()
    folder = Path(__file__).parent.parent / "docs/images" if given.write else given.folder
    if folder is None:
        parser.error("name a folder, or --write")
    for name, text in TEXTS.items():
        picture = beside(text).quantize(16, dither=Image.Dither.NONE)
        picture.save(folder / f"markdown-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
