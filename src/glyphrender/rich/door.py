"""The door: a text, and what θ says of its markup → the text itself, or rich text.

Everything that makes pages of a text asks here once. A text without markup comes back as the same object, so plain
pages cost nothing and stay as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from glyphrender.rich.indentation import with_indent_marks
from glyphrender.rich.rich_text import RichText
from glyphrender.rich.settings import MarkupSettings
from glyphrender.text.parts import PartSpan
from glyphrender.theta import Indentation, Markup, Theta

_MARKDOWN: Final = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_DIFFS: Final = (".diff", ".patch")
_PLAIN: Final = (".txt", ".text", ".log", ".csv", ".tsv", "")


def has_markup(theta: Theta) -> bool:
    """Return whether `theta` asks for rich text."""
    return theta.markup is not Markup.NONE or theta.indentation is not Indentation.KEEP


def with_markup(text: str | RichText, theta: Theta, parts: Sequence[PartSpan] = ()) -> str | RichText:
    """Return `text` with the styles that its markup asks for; the same object if θ asks for none, or it is rich text.

    Args:
        text: the whole text.
        theta: the rendering parameters.
        parts: the parts of the text, such as files. Each is read alone, by its own name; headings have no markup.

    Raises:
        ThetaError: `code_language` is no language.
        DependencyError: the extra markup is not installed.

    >>> with_markup("a *b*", Theta(markup="MARKDOWN")).drawn
    'a b'
    """
    if isinstance(text, RichText) or not has_markup(theta):
        return text
    if not parts:
        return _marked(text, theta, "")
    pieces: list[str | RichText] = [text[: parts[0].start]]
    for number, part in enumerate(parts):
        end = parts[number + 1].start if number + 1 < len(parts) else len(text)
        pieces += text[part.start : part.text_start], _marked(text[part.text_start : end], theta, part.name)
    return RichText.joined(pieces)


def reading_of(theta: Theta) -> tuple[object, ...]:
    """Return all of `theta` that `with_markup` depends on, as a value."""
    return theta.markup, theta.code_language, theta.indentation, MarkupSettings.of(theta)


def for_file(theta: Theta, name: str) -> Theta:
    """Return `theta` for a text that is one file of this name: the name decides the markup and the language of code.

    Raises:
        DependencyError: the extra markup is not installed.

    >>> for_file(Theta(markup="FILES"), "notes/a.md").markup
    <Markup.MARKDOWN: 'MARKDOWN'>
    >>> for_file(Theta(markup="FILES"), "a.py").code_language
    'python'
    """
    markup = _kind(theta.markup, name)
    language = theta.code_language
    if markup is Markup.CODE and not language:
        from glyphrender.rich.highlight import lexer_of_file

        lexer = lexer_of_file(name)
        language = lexer.aliases[0] if lexer is not None and lexer.aliases else ""
    if markup is theta.markup and language == theta.code_language:
        return theta
    return theta.replace(markup=markup, code_language=language)


def _marked(text: str, theta: Theta, name: str) -> str | RichText:
    """Return one part of a text, whose file has this name, with its markup."""
    match _kind(theta.markup, name):
        case Markup.MARKDOWN:
            from glyphrender.rich.markdown import from_markdown

            return from_markdown(text, theta)
        case Markup.CODE:
            from glyphrender.rich.code import from_code

            code = from_code(text, theta.code_language, theta, name=name)
            return with_indent_marks(code) if theta.indentation is Indentation.MARK else code
        case Markup.DIFF:
            from glyphrender.rich.diff import from_diff

            return from_diff(text, theta)
        case Markup.TERMINAL:
            from glyphrender.rich.terminal import from_terminal

            return from_terminal(text, theta)
        case _:
            return with_indent_marks(RichText(text)) if theta.indentation is Indentation.MARK else text


def _kind(markup: Markup, name: str) -> Markup:
    """Return the markup of a file: FILES decides by its name."""
    if markup is not Markup.FILES:
        return markup
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _MARKDOWN:
        return Markup.MARKDOWN
    if suffix in _DIFFS:
        return Markup.DIFF
    if suffix in _PLAIN:
        return Markup.NONE
    from glyphrender.rich.highlight import lexer_of_file

    return Markup.CODE if lexer_of_file(name) else Markup.NONE
