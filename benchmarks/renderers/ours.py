"""glyphrender itself: pages as files with a manifest, as files by Glyph's own call, and as PNG in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from renderers.common import FONT, HEIGHT, LEADING, MARGIN, SIZE, WIDTH, Peer, pages_in
from renderers.reportlab_poppler import glyph_config


def theta() -> Any:
    """Return the θ that sets the common page."""
    from glyphrender import Theta

    return Theta(
        page_size=(WIDTH, HEIGHT),
        margin_x=MARGIN,
        margin_y=MARGIN,
        font=FONT,
        font_size=SIZE,
        line_height=LEADING,
    )


def keep_only_words_of(warm_up: str) -> None:
    """Clear the word cache and fill it with the words of `warm_up`, so that no row profits from the row before."""
    from glyphrender import default_typesetter, layout

    default_typesetter().clear()
    for _ in layout(warm_up, theta()):
        pass


@contextmanager
def drawn_by(raster: str) -> Iterator[None]:
    """Choose who draws our pages: "skia"; "numba", which is compiled code with Skia's masks; or "harfbuzz"."""
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


def saved(text: str, folder: Path, *, raster: str = "skia") -> tuple[int, int]:
    """Save a document: files and a manifest."""
    from glyphrender import render

    with drawn_by(raster):
        render(text, theta()).save(folder / "pages")
    return pages_in(folder / "pages")


def in_memory(text: str, folder: Path, *, raster: str = "skia", bits: int | None = None) -> tuple[int, int]:
    """Make PNG bytes page by page and keep none."""
    from glyphrender import layout

    with drawn_by(raster):
        sizes = [len(page.png(bits=bits)) for page in layout(text, theta())]
    return len(sizes), sum(sizes)


def written(text: str, folder: Path, *, raster: str = "skia", bits: int | None = None) -> None:
    """Write the pages that `in_memory` makes into `folder`."""
    from glyphrender import layout

    with drawn_by(raster):
        for page in layout(text, theta()):
            (folder / f"page_{page.number:03d}.png").write_bytes(page.png(bits=bits))


def compiled(draw: Callable[..., tuple[int, int]], text: str, folder: Path) -> tuple[int, int]:
    """Call `draw` with compiled code; raises ImportError without numba."""
    import numba  # noqa: F401

    return draw(text, folder, raster="numba")


def by_glyphs_call(text: str, folder: Path) -> tuple[int, int]:
    """Draw the pages by the function that Glyph's script has, under the config of its search."""
    from glyphrender.compat import text_to_images

    # The font is named by family, so that this call shares the cached words; the same font by file would not.
    with drawn_by("skia"):
        text_to_images(text, folder, config_dict=glyph_config() | {"font-path": FONT}, unique_id="pages")
    return pages_in(folder / "pages")


FILES = Peer(
    name="glyphrender, files and manifest",
    draw=saved,
    prepare=keep_only_words_of,
    packages=("glyphrender", "skia-python", "uharfbuzz"),
)
IN_MEMORY = Peer(name="glyphrender, PNG in memory", draw=in_memory, prepare=keep_only_words_of, keep=written)
COMPILED_FILES = Peer(
    name="glyphrender compiled, files and manifest",
    draw=partial(compiled, saved),
    prepare=keep_only_words_of,
    packages=("numba",),
    install="pip install '.[fast]'",
)
PEERS = (
    FILES,
    Peer(name="glyphrender, Glyph's call (files)", draw=by_glyphs_call, prepare=keep_only_words_of),
    IN_MEMORY,
    COMPILED_FILES,
    Peer(
        name="glyphrender compiled, PNG in memory",
        draw=partial(compiled, in_memory),
        prepare=keep_only_words_of,
        keep=partial(written, raster="numba"),
    ),
    Peer(
        name="glyphrender, 4-bit PNG in memory",
        draw=partial(in_memory, bits=4),
        prepare=keep_only_words_of,
        keep=partial(written, bits=4),
    ),
    Peer(
        name="glyphrender, HarfBuzz raster, PNG in memory",
        draw=partial(in_memory, raster="harfbuzz"),
        prepare=keep_only_words_of,
        keep=partial(written, raster="harfbuzz"),
    ),
)
