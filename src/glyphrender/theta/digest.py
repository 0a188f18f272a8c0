"""Compute the digest of θ: one name for the values of all fields. Journals, manifests and reply stores compare it.

A field that was added after the first version enters the digest only if it differs from its default. The default of a
new field leaves every page as it was, so a new field changes no existing digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

# The fields of the first version, which every digest covers. Never add to them.
FIRST_FIELDS: Final = frozenset(
    {
        "page_size", "dpi", "margin_x", "margin_y", "columns", "column_gap", "auto_crop_width",
        "auto_crop_last_page", "page_grid", "min_pixels", "font", "font_weight", "font_italic", "font_axes",
        "fallback", "font_size", "line_height", "overlap", "horizontal_scale", "letter_spacing", "word_spacing",
        "ligatures", "kerning", "emoji", "missing_glyph", "alignment", "justify_stretch", "first_line_indent",
        "left_indent", "right_indent", "space_before", "space_after", "border_width", "border_padding",
        "font_color", "page_bg_color", "para_bg_color", "para_border_color", "newline_markup", "line_breaker",
        "hyphenate", "line_numbers", "tab_width", "spaces", "form_feed", "language", "direction",
        "control_characters", "soft_hyphens", "zero_width", "complex_breaks", "hinting", "subpixel",
        "antialias",
    }
)  # fmt: skip


def digest(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of the fields in `values`. `values` and `defaults` are JSON values.

    >>> old = {"dpi": 72.0}
    >>> digest(old, old) == digest({**old, "new": 0}, {**old, "new": 0}) != digest({**old, "new": 1}, {**old, "new": 0})
    True
    """
    covered = {name: value for name, value in values.items() if name in FIRST_FIELDS or value != defaults[name]}
    canonical = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
