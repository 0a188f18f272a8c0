"""The fonts: single faces, the search for them, and the choice of a face for each part of a text.

    face.py     one face: a font file, an index in it, and its variable axes
    bundle.py   the fonts that come with this package, as their generated index describes them
    library.py  the search for a face: by family among bundled and installed fonts, or by path
    stack.py    faces in order of preference, and the choice of one for each grapheme cluster

A face opens its file on first use. Nothing here shapes text or draws pixels.
`src/generators/index_fonts.py` writes the files that bundle.py reads.
"""

from glyphrender.fonts.face import EM, Face
from glyphrender.fonts.library import Family, families, find_face, parse_axes
from glyphrender.fonts.stack import MISSING, FontStack, font_stack

__all__ = [
    "EM",
    "MISSING",
    "Face",
    "Family",
    "FontStack",
    "families",
    "find_face",
    "font_stack",
    "parse_axes",
]
