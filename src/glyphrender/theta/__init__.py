"""θ, the rendering parameters of a page, as a value.

`fields.py` declares the fields with their defaults, units and help texts, and `derived.py` has what follows from them,
such as the geometry of a page. `theta.py` has the dataclass: both of these, and the ways in and out. `parameter.py`
checks the value of one field, `constraints.py` checks fields against each other, and `choices.py` has the enumerations.
`color.py`, `language.py` and `newline_markup.py` parse three kinds of value. `json_file.py`, `glyph_config.py`,
`sampling.py` and `presets/` are ways to make a θ. `describe.py` explains the fields to people. No module here knows
about fonts or text.
"""

from __future__ import annotations

from glyphrender.theta.choices import (
    Alignment,
    Ansi,
    BlankLines,
    BoxDrawing,
    CarriageReturn,
    Cells,
    ComplexBreaks,
    ControlCharacters,
    Direction,
    Emoji,
    FormFeed,
    Highlighting,
    Hinting,
    Indentation,
    Leading,
    LineBreaker,
    LineBreaks,
    LinkTargets,
    Markup,
    MissingGlyph,
    Overlap,
    PageNumber,
    ParagraphIds,
    SoftHyphens,
    Spaces,
    TableHead,
    ZeroWidth,
)
from glyphrender.theta.fields import DEFAULTS, PARAMETERS, check_field_names
from glyphrender.theta.theta import Theta, ThetaLike

__all__ = [
    "DEFAULTS",
    "PARAMETERS",
    "Alignment",
    "Ansi",
    "BlankLines",
    "BoxDrawing",
    "CarriageReturn",
    "Cells",
    "ComplexBreaks",
    "ControlCharacters",
    "Direction",
    "Emoji",
    "FormFeed",
    "Highlighting",
    "Hinting",
    "Indentation",
    "Leading",
    "LineBreaker",
    "LineBreaks",
    "LinkTargets",
    "Markup",
    "MissingGlyph",
    "Overlap",
    "PageNumber",
    "ParagraphIds",
    "SoftHyphens",
    "Spaces",
    "TableHead",
    "Theta",
    "ThetaLike",
    "ZeroWidth",
    "check_field_names",
]
