"""Texts to begin with: prose, code, and a chat.

The prose is the first chapter of "Pride and Prejudice" (Jane Austen, 1813). The code is a module of this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from glyphrender.studio.source import Source, text_source

__all__ = ["SAMPLES", "sample"]

#: Title of each sample → its file, beside this module or in the room, and a preset that suits it.
SAMPLES: Final[Mapping[str, tuple[str, str]]] = {
    "Prose": ("prose.txt", "glyph-en"),
    "Code": ("../figures.py", "code"),
    "Chat with tools": ("chat.json", "glyph-en"),
}


def sample(title: str) -> Source:
    """Return the sample of this title.

    >>> sample("Prose").text[:16], len(sample("Chat with tools").messages)
    ('It is a truth un', 9)
    """
    file = SAMPLES[title][0]
    folder = files(__package__) if "/" not in file else files("glyphrender.studio")
    name = file.rpartition("/")[2]
    text = (folder / name).read_text(encoding="utf-8")
    return text_source(text, name=name if name.endswith(".py") else "")  # of code, the name decides the markup
