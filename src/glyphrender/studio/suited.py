"""The markup or preset for a file, by its name: Markdown is set as markup, code and logs under their presets.

The studio offers this when a file is opened, and changes nothing by itself: a visitor may want to see the source.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from glyphrender.rich.door import for_file
from glyphrender.studio.source import Source
from glyphrender.theta import Markup, Theta

__all__ = ["Suited", "suited"]

_LOGS: Final = (".log",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suited:
    """A markup or a preset that is offered for a file or a folder.

    Attributes:
        label: the text of the button.
        preset: the preset to begin with; "" keeps the θ of the visitor.
        fields: field of θ → value, changed after that.
    """

    label: str
    preset: str = ""
    fields: tuple[tuple[str, Any], ...] = ()

    def applied(self, theta: Theta) -> Theta:
        """Return the θ that is offered, in place of `theta`."""
        return (Theta.preset(self.preset) if self.preset else theta).replace(**dict(self.fields))


# Markup says itself which lines belong together, so θ refuses it beside `unwrap`.
_MARKDOWN: Final = Suited(label="Set it as Markdown", fields=(("markup", "MARKDOWN"), ("unwrap", False)))
_DIFF: Final = Suited(label="Set it as differences", fields=(("markup", "DIFF"), ("unwrap", False)))
_CODE: Final = Suited(label="Set it as code", preset="code")
_LOG: Final = Suited(label="Set it as a log", preset="log")


def suited(source: Source) -> Suited | None:
    """Return what suits a text by the name of its file, or a folder by most of its files; None for plain text.

    Raises:
        DependencyError: the extra markup is not installed.

    >>> suited(Source(name="notes.md")).fields, suited(Source(name="fit.py")).preset, suited(Source(name="book.txt"))
    ((('markup', 'MARKDOWN'), ('unwrap', False)), 'code', None)
    """
    if source.messages:
        return None
    if not source.files:
        return _of(source.name)
    kinds = Counter(_of(name) for name, _ in source.files)
    kind, files = kinds.most_common(1)[0]
    return kind if 2 * files > len(source.files) else None


def _of(name: str) -> Suited | None:
    if PurePosixPath(name).suffix.lower() in _LOGS:
        return _LOG
    found = for_file(Theta(markup=Markup.FILES), name).markup
    return {Markup.MARKDOWN: _MARKDOWN, Markup.DIFF: _DIFF, Markup.CODE: _CODE}.get(found)
