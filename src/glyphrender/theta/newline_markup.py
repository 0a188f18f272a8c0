"""Glyph's newline markup: what stands for a newline of the source, in the two forms its configs use.

Glyph hands the markup to ReportLab, whose paragraphs read a subset of HTML. Only what can stand for a newline
is understood here; anything else in angle brackets is refused, so that no tag is ever drawn as text.
"""

from __future__ import annotations

import re

from glyphrender.errors import ThetaError
from glyphrender.theta.color import canonical

_LINE_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_COLORED = re.compile(
    r"""<font\s+color\s*=\s*(?P<quote>["']?)(?P<colour>[^"'<>]+?)(?P=quote)\s*>(?P<text>[^<>]+)</font\s*>""",
    re.IGNORECASE,
)


def newline_marker(markup: str, font_color: str) -> tuple[str, str] | None:
    """Text and canonical colour of the marker that `markup` makes of a newline; None for a line break.

    `<br/>` is a line break, `<font color="#FF0000"> \\n </font>` a red backslash and n between spaces, and
    text without tags a marker in `font_color`. Character references such as `&lt;` are resolved.

    Raises:
        ThetaError: another tag, or a colour that is none.
    """
    if _LINE_BREAK.fullmatch(markup):
        return None
    if match := _COLORED.fullmatch(markup.strip()):
        marker, named = match["text"], match["colour"]
    elif "<" in markup or ">" in markup:
        raise ThetaError(
            f'newline_markup={markup!r} has tags other than one <br/> or <font color="…">…</font>. '
            f"Use one of these, or write &lt; for a literal <.",
            field="newline_markup",
        )
    else:
        marker, named = markup, font_color
    if (color := canonical(named)) is None:
        raise ThetaError(
            f"newline_markup={markup!r} has the colour {named!r}, which is none. Use #RRGGBB.",
            field="newline_markup",
        )
    if "&" in marker:
        from html import unescape

        marker = unescape(marker)
    return marker, color
