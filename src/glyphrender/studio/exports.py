"""θ to copy: as JSON, as a line of Python, and as a command. Each draws the same pages as the studio.

The command names the file that the visitor opened. A text that was typed has no file, so the command reads `text.txt`,
which the visitor saves. A θ that `--set` cannot write is read from `theta.json`.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Any, Final

from glyphrender.studio.source import Source
from glyphrender.studio.state import set_fields
from glyphrender.theta import Theta

__all__ = ["TEXT_FILE", "THETA_FILE", "command_line", "python_line"]

#: The file of a text that was typed.
TEXT_FILE: Final = "text.txt"
#: The file of the parameters, in which the studio exports them as JSON.
THETA_FILE: Final = "theta.json"


def command_line(source: Source, theta: Theta, *, preset: str = "", output: str = "pages") -> str:
    """Return the command that draws the pages of `source` under `theta`.

    Args:
        source: the text, folder or chat. A chat is drawn by no command; see `python_line`.
        theta: the rendering parameters.
        preset: the preset that θ was made from; "" for the defaults.
        output: the folder of the pages.

    >>> command_line(Source(text="Hello", name="my notes.txt"), Theta(font_size=8), preset="")
    "glyphrender render 'my notes.txt' --set font_size=8 -o pages"
    """
    if source.messages:
        return "# No command draws a chat. Use the Python line."
    written, unwritten = set_fields(theta, Theta.of(preset or None))
    words = ["glyphrender", "render", _place(source)]
    if unwritten:
        words += ["--theta", THETA_FILE]
    else:
        words += ["--preset", preset] if preset else []
        for name, text in written.items():
            words += ["--set", f"{name}={text}"]
    return shlex.join([*words, "-o", output])


def python_line(source: Source, theta: Theta, *, preset: str = "") -> str:
    """Return Python that makes the pages of `source` under `theta`.

    >>> print(python_line(Source(text="Hello"), Theta.preset("dense").replace(dpi=96), preset="dense"))
    from glyphrender import Theta, render_file
    document = render_file('text.txt', Theta.preset('dense').replace(dpi=96.0))
    """
    made = _theta(theta, preset)
    if source.messages:
        return (
            "from pathlib import Path\n"
            "from glyphrender import Theta, from_messages, render\n"
            "from glyphrender.studio.source import chat_of\n"
            f"theta = {made}\n"
            f"messages = chat_of(Path({_place(source)!r}).read_text(encoding='utf-8'))\n"
            "document = render(from_messages(messages, theta).text, theta)"
        )
    if source.files:
        names = [name for name, _ in source.files]
        return (
            "from pathlib import Path\n"
            "from glyphrender import Theta\n"
            "from glyphrender.studio.source import folder\n"
            f"names = {names!r}\n"
            f"document = folder((name, Path(name).read_bytes()) for name in names).document({made})"
        )
    return f"from glyphrender import Theta, render_file\ndocument = render_file({_place(source)!r}, {made})"


def _place(source: Source) -> str:
    name = source.name or ("chat.json" if source.messages else TEXT_FILE)
    # A name that begins with "-" would be read as an option.
    return f"./{name}" if name.startswith("-") else name


def _theta(theta: Theta, preset: str) -> str:
    changes = {name: value for name, (value, _) in theta.diff(Theta.of(preset or None)).items()}
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in changes.items())
    if not preset:
        return f"Theta({arguments})"
    return f"Theta.preset({preset!r})" + (f".replace({arguments})" if arguments else "")


def _literal(value: Any) -> str:
    return repr(str(value)) if isinstance(value, StrEnum) else repr(value)
