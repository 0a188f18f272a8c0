"""θ, the rendering parameters of a page, as a value.

`theta.py` is the dataclass. `parameter.py` says what one field accepts, `choices.py` has the enumerations,
`constraints.py` the rules between fields. `color.py` and `newline_markup.py` read two kinds of value. The ways in
and out are `glyph_config.py`, `sampling.py`, `describe.py` and `presets/`. Nothing here knows of fonts or of text.
"""

from __future__ import annotations

from glyphrender.theta.choices import (
    Alignment,
    ComplexBreaks,
    ControlCharacters,
    Direction,
    Emoji,
    FormFeed,
    Hinting,
    LineBreaker,
    MissingGlyph,
    Overlap,
    SoftHyphens,
    Spaces,
    ZeroWidth,
)
from glyphrender.theta.theta import DEFAULTS, PARAMETERS, Theta, known

__all__ = [
    "DEFAULTS",
    "PARAMETERS",
    "Alignment",
    "ComplexBreaks",
    "ControlCharacters",
    "Direction",
    "Emoji",
    "FormFeed",
    "Hinting",
    "LineBreaker",
    "MissingGlyph",
    "Overlap",
    "SoftHyphens",
    "Spaces",
    "Theta",
    "ZeroWidth",
    "known",
]
