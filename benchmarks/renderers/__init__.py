"""The renderers that `peers.py` compares, one file each. All set the same page, which `common.py` defines.

To add a renderer, write a file with a function that draws the pages and a `PEER` that describes it, and list it here.
"""

from renderers import ours, pango_cairo, pillow_words, reportlab_poppler, skia_paragraph, typst_compiler

PEERS = (
    *ours.PEERS,
    reportlab_poppler.PEER,
    typst_compiler.PEER,
    skia_paragraph.PEER,
    pango_cairo.PEER,
    pillow_words.PEER,
)

__all__ = ["PEERS"]
