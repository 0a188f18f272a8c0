"""Parse Glyph's newline markup, which says what a newline of the source becomes, in the two forms of Glyph's configs.

Glyph passes the markup to ReportLab, whose paragraphs accept a subset of HTML. This module understands only markup that
can stand for a newline. Other text in angle brackets is refused, so that no tag is ever drawn as text.
"""

from __future__ import annotations

import re

from glyphrender.errors import ThetaError, shown
from glyphrender.theta.color import canonical

_LINE_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_COLORED = re.compile(
    r"""<font\s+color\s*=\s*(?P<quote>["']?)(?P<color>[^"'<>]+?)(?P=quote)\s*>(?P<text>[^<>]+)</font\s*>""",
    re.IGNORECASE,
)


def newline_marker(markup: str, font_color: str) -> tuple[str, str] | None:
    """Return text and canonical color of the marker that a newline becomes, or None for a line break.

    `<br/>` is a line break. `<font color="#FF0000"> \\n </font>` is a red backslash and n between spaces. Text without
    tags is a marker in `font_color`. Character references such as `&lt;` are resolved.

    Raises:
        ThetaError: `markup` has another tag, or a color that is not known.

    >>> newline_marker("<br/>", "#000000"), newline_marker("&para;", "#000000")
    (None, ('¶', '#000000'))
    """
    if _LINE_BREAK.fullmatch(markup):
        return None
    if match := _COLORED.fullmatch(markup.strip()):
        marker, named = match["text"], match["color"]
    elif "<" in markup or ">" in markup:
        raise ThetaError(
            f'newline_markup={shown(markup)} has tags other than one <br/> or <font color="…">…</font>. '
            f"Use one of these, or write &lt; for a literal <.",
            field="newline_markup",
        )
    else:
        marker, named = markup, font_color
    if (color := canonical(named)) is None:
        raise ThetaError(
            f"newline_markup={shown(markup)} has the unknown color {shown(named)}. Use #RRGGBB.",
            field="newline_markup",
        )
    if "&" in marker:
        from html import unescape

        marker = unescape(marker)
    return marker, color
