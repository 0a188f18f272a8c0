"""The bundled θ, by name. Each is a JSON file with the fields that define the θ or that differ from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from glyphrender.errors import ThetaError, shown

# The grid of GLM-4.1V is 28 px. At 72 and at 96 dpi, the sides of a page of 588 × 840 pt are multiples of 28 px, so the
# model's processor does not resample the page. The two glyph-* presets keep the page size of the paper's configs
# instead.
PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "glyph-en": "the English θ that the Glyph paper's search found, with DejaVu Sans for Verdana",
        "glyph-zh": "the Chinese θ of the paper, with Noto Sans CJK SC for Source Han Sans HW SC",
        "code": "source code, one source line a row: bold monospaced, line numbers, GLM grid",
        "code-flow": "found by search on Python: running text, ↵ for a newline, bold sans 8.5 on 9.125 pt, GLM grid; "
        "an OCR program read 25 of 240 random identifiers exactly",
        "log": "output of programs: as the preset code, without line numbers, terminal colors and overwritten text",
        "dense": "found by search on English prose: bold serif 6.75 on 8.25 pt, wide page, GLM grid; an OCR program "
        "read 2 of 240 random identifiers exactly, so send identifiers as text",
        "dense-zh": "found by search on Chinese prose: 8.25 on 9.125 pt, narrow page, GLM grid",
        "scan-6": "to scan, then to read parts as text: pages of some 600 tokens, 7 px type, ρ 6 on English prose",
        "scan-8": "to scan, then to read parts as text: pages of some 800 tokens, 6 px type, ρ 8 on English prose",
        "scan-10": "to scan, then to read parts as text: pages of some 950 tokens, 5.5 px type, ρ 10 on English prose",
        "book": "a printed page: serif, justified, optimal line breaks, indented first lines",
        "document_style": "theme of the paper: office document",
        "web_style": "theme of the paper: web page, paragraphs on cards",
        "dark_mode": "theme of the paper: light text on dark",
        "code_style": "theme of the paper: code viewer",
        "artistic_pixel": "theme of the paper: pixel font at its own 16 px, two colors",
    }
)


def read(name: str) -> dict[str, Any]:
    """Return the fields of the preset `name`.

    Raises:
        ThetaError: there is no preset of that name; the message lists the names.
    """
    if name not in PRESETS:
        raise ThetaError(
            f"There is no preset {shown(name)}. Use one of {', '.join(PRESETS)}, or Theta.load for a file.",
            field="preset",
        )
    values: dict[str, Any] = json.loads((files(__package__) / f"{name}.json").read_text(encoding="utf-8"))
    return values
