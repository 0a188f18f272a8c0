"""Highlighted code: the styles of its tokens, by Pygments.

A lexer only says which characters get which style. All characters are drawn, in their order, whatever it says. So a
lexer that fails or guesses wrong costs styles, and no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from glyphrender.errors import DependencyError, ThetaError, shown
from glyphrender.rich.settings import MarkupSettings
from glyphrender.rich.style import Style
from glyphrender.theta.choices import Highlighting

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Grey pages: what introduces a name is bold, and comments are light and italic. A type is set as the nearest type above
# it, so `Keyword.Type` is a `Keyword`.
_GREY: Final[Mapping[tuple[str, ...], Style]] = {
    ("Comment",): Style(weight=400, italic=True),
    ("Comment", "Preproc"): Style(weight=700),
    ("Keyword",): Style(weight=700),
    ("Name", "Class"): Style(weight=700),
    ("Name", "Function"): Style(weight=700),
    ("Name", "Tag"): Style(weight=700),
    ("Operator", "Word"): Style(weight=700),
    ("Literal", "String", "Doc"): Style(weight=400, italic=True),
    ("Generic", "Heading"): Style(weight=700),
    ("Generic", "Strong"): Style(weight=700),
    ("Generic", "Emph"): Style(italic=True),
}
# Styles of Pygments. The text of `default` has a contrast of 4.5 or more on white.
_LIGHT: Final = "default"
_DARK: Final = "github-dark"


class Highlights(NamedTuple):
    """The styles of a code, in columns: character `start` to `end - 1` gets number `style` of `styles`."""

    start: list[int]
    end: list[int]
    style: list[int]
    styles: list[Style]


def highlights(code: str, lexer: Lexer | None, settings: MarkupSettings) -> Highlights:
    """Return the styles of `code`, whose line ends are "\\n"."""
    found = Highlights([], [], [], [])
    if lexer is None or settings.highlighting is Highlighting.NONE:
        return found
    style_of = _styles(settings.highlighting, settings.is_dark)
    start, end, style, styles = found
    known: dict[Any, int] = {}  # type of a token → number of its style, -1 for none
    numbers: dict[Style, int] = {}
    done, last = 0, -1
    try:
        for at, kind, value in lexer.get_tokens_unprocessed(code):
            number = known.get(kind)
            if number is None:
                found_style = style_of(kind)
                number = -1 if found_style is None else numbers.setdefault(found_style, len(numbers))
                known[kind] = number
            stop = at + len(value)
            if at < done or stop > len(code):  # a lexer that goes back or on; its styles would overlap
                continue
            done = stop
            if number >= 0 and stop > at:
                if number == last and at == end[-1]:
                    end[-1] = stop
                else:
                    start.append(at)
                    end.append(stop)
                    style.append(number)
                last = number
    except Exception:  # lexers are written for one language each, and get texts of any; the rest stays plain
        pass
    styles += numbers
    return found


@cache
def _styles(highlighting: Highlighting, is_dark: bool) -> Any:
    """Return the function from a type of token to its style, or None."""
    return _grey if highlighting is Highlighting.GREY else _colors(_DARK if is_dark else _LIGHT)


def _grey(kind: Any) -> Style | None:
    names = tuple(str(kind).split(".")[1:])
    for length in range(len(names), 0, -1):
        if (style := _GREY.get(names[:length])) is not None:
            return style
    return None


def _colors(name: str) -> Any:
    from pygments.styles import get_style_by_name

    palette = get_style_by_name(name)

    def style_of(kind: Any) -> Style | None:
        while kind is not None and not palette.styles_token(kind):
            kind = kind.parent
        if kind is None:
            return None
        named = palette.style_for_token(kind)
        style = Style(
            color=f"#{named['color']}" if named["color"] else None,
            weight=700 if named["bold"] else None,
            italic=True if named["italic"] else None,
            underline=True if named["underline"] else None,
        )
        return style if style != Style() else None

    return style_of


@lru_cache(maxsize=64)
def lexer_named(language: str) -> Lexer | None:
    """Return the lexer of a language, as a fence or a user names it; None if Pygments has none.

    Raises:
        DependencyError: Pygments is not installed.
    """
    lexers, missing = _pygments()
    try:
        return lexers.get_lexer_by_name(language) if language else None
    except missing:
        return None


def lexer_of_file(name: str, code: str = "") -> Lexer | None:
    """Return the lexer of a file with this name; None if Pygments knows none. `code` decides between several.

    Raises:
        DependencyError: Pygments is not installed.
    """
    lexers, missing = _pygments()
    try:
        return lexers.get_lexer_for_filename(name, code[:10_000]) if name else None
    except missing:
        return None


def lexer_of(language: str, name: str, code: str) -> Lexer | None:
    """Return the lexer of a code: that of `language` if it is given, else that of a file with this name.

    Raises:
        ThetaError: Pygments has no language of that name.
        DependencyError: Pygments is not installed.
    """
    if not language:
        return lexer_of_file(name, code)
    lexer = lexer_named(language)
    if lexer is None:
        raise ThetaError(
            f"code_language={shown(language)} is no language of Pygments. Use a name such as python, c++ or json, "
            'or "" for the language of the file name.',
            field="code_language",
        )
    return lexer


def _pygments() -> tuple[Any, type[Exception]]:
    try:
        import pygments.lexers
        from pygments.util import ClassNotFound
    except ImportError as error:
        raise DependencyError.of(error, "highlighted code needs the package Pygments", extra="markup") from error
    return pygments.lexers, ClassNotFound
