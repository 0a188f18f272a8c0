"""`glyphrender show`: one HTML file with the pages of a text, to zoom into and hover over."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glyphrender.cli.options import text_options, theta_options
from glyphrender.errors import DataError

if TYPE_CHECKING:
    from glyphrender.document import Page
    from glyphrender.theta import Theta

_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body{{margin:0;background:#777;font:13px system-ui,sans-serif}}
header{{position:sticky;top:0;z-index:2;background:#222;color:#eee;padding:6px 12px}}
main{{display:flex;flex-wrap:wrap;gap:16px;padding:16px}}
figure{{margin:0;position:relative;zoom:var(--zoom,1);line-height:0}}
img{{image-rendering:pixelated;box-shadow:0 1px 6px #0008}}
figcaption{{line-height:18px;color:#eee}}
i{{position:absolute}} i:hover{{background:#08f4;outline:1px solid #08f}}
</style>
<header>{title} · {note} · zoom: + and − keys, or
<input id="z" type="range" min="0.25" max="4" step="0.25" value="1"></header>
<main>
"""
_FOOT = """</main><script>
const z=document.getElementById('z'),set=()=>document.documentElement.style.setProperty('--zoom',z.value);
z.oninput=set;onkeydown=e=>{if(e.key==='+'||e.key==='=')z.stepUp();else if(e.key==='-')z.stepDown();else return;set()};
</script></html>
"""


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("pages.html"), show_default=True)
@click.option("--pages", default=20, show_default=True, type=click.IntRange(1), help="How many pages to show.")
@theta_options
@text_options
def command(file: Path, output: Path, pages: int, theta: Theta, encoding: str | None, errors: str) -> None:
    """Make a self-contained HTML sheet of the pages of FILE, with zoom and a box for every word."""
    from glyphrender.document import layout
    from glyphrender.text.source import read

    text = read(file, encoding=encoding, errors=errors)
    shown: list[str] = []
    more = False
    for page in layout(text, theta):
        if len(shown) == pages:
            more = True
            break
        shown.append("".join(_figure(page)))
    note = f"the first {len(shown)} pages" if more else f"{len(shown)} pages"
    head = _HEAD.format(title=html.escape(file.name), note=note)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.write_text(head + "".join(shown) + _FOOT, encoding="utf-8", errors="backslashreplace")
        part.replace(output)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{output} cannot be written ({error.strerror}). Choose another file.") from error
    click.echo(f"{output}: {note}")


def _figure(page: Page) -> Iterator[str]:
    width, height = page.size
    data = base64.b64encode(page.png()).decode()
    yield f'<figure><img width="{width}" height="{height}" alt="page {page.number}" src="data:image/png;base64,{data}">'
    for word in page.words:
        x0, y0, x1, y1 = word.box
        tip = html.escape(f"{word.text} [{word.start}–{word.end}]", quote=True)
        yield (
            f'<i title="{tip}" style="left:{x0:.1f}px;top:{y0:.1f}px;'
            f'width:{x1 - x0:.1f}px;height:{y1 - y0:.1f}px"></i>'
        )
    start, end = page.span
    yield f"<figcaption>page {page.number}, {width}×{height} px, characters {start}–{end}</figcaption></figure>"
