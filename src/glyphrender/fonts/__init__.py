"""Who draws the characters: faces, where they are found, and the stack that shares a text among them."""

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
