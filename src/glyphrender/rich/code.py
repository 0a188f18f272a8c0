"""Source code → rich text, with the styles of its tokens and, if asked for, marks instead of indents."""

from __future__ import annotations

from glyphrender.rich.highlight import highlights, lexer_of
from glyphrender.rich.line_ends import LineEnds, checked_text
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import MarkupSettings
from glyphrender.theta import ThetaLike


def from_code(source: str, language: str = "", theta: ThetaLike = None, *, name: str = "") -> RichText:
    """Return `source`, a text in a programming language, as rich text. All of its characters are drawn.

    Args:
        source: the code.
        language: a name that Pygments knows, such as "python".
        theta: how it is set: `highlighting`, and the colors of text and page.
        name: name of the file, which decides if `language` is empty.

    Raises:
        DataError: `source` is not str.
        ThetaError: `theta` is not valid, or Pygments has no language of that name.
        DependencyError: Pygments is not installed.

    >>> from_code("if x: pass", "python").spans[0]
    StyleSpan(start=0, end=2, style=Style(weight=700))
    """
    ends = LineEnds(source)
    lexer = lexer_of(checked_text("language", language), checked_text("name", name), source)
    start, end, style, styles = highlights(ends.text, lexer, MarkupSettings.of(theta))
    if ends.text is not source:
        start, end = [ends.source(at) for at in start], [ends.source(at) for at in end]
    return RichText.of_columns(source, start, end, style, styles)
