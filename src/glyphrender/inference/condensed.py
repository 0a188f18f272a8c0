"""A long conversation as pages and text: old turns dense, later ones readable, the last ones as text.

Turns that are long past are needed seldom, and a model that can read pages as text (`expand`) gets their words when it
needs them. Turns in between are set in type that can be read. The latest stay text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glyphrender.document.document import Document
from glyphrender.errors import DataError, shown
from glyphrender.inference.conversation import Conversation, Turn, TurnPart
from glyphrender.theta import Theta, ThetaLike

__all__ = ["condensed"]

_ROLES = ("system", "user", "assistant")


def condensed(
    messages: Sequence[Mapping[str, Any]],
    *,
    as_text: int = 2,
    readable: int = 6,
    readable_theta: ThetaLike = None,
    dense_theta: ThetaLike = "scan-8",
) -> tuple[Conversation, Document | None]:
    """Return a conversation that says the same with fewer tokens, and the document of its pages.

    The turn of the system stays text. The pages stand at the beginning of the first turn of the user that follows.
    Before each turn on pages stands "User: " or "Assistant: ". If the turns on pages end with the user's and the next
    is the model's, a short text of the user holds the pages.

    Args:
        messages: {"role": …, "content": text} of each turn, in order. The last is the user's.
        as_text: how many of the last turns stay text; 1 or more.
        readable: how many turns before those are set under `readable_theta`.
        readable_theta: θ of these turns; by default the default θ.
        dense_theta: θ of all turns before.

    Raises:
        DataError: a message is none, or the last is not the user's.
        ThetaError: a θ is not valid.

    >>> talk = [{"role": role, "content": f"turn {n}"} for n, role in enumerate(["user", "assistant"] * 5 + ["user"])]
    >>> conversation, document = condensed(talk, as_text=1, readable=4)
    >>> [turn.role for turn in conversation.turns], len(document), document[-1].text
    (['user'], 2, 'User: turn 6\\n\\nAssistant: turn 7\\n\\nUser: turn 8\\n\\nAssistant: turn 9\\n\\n')
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise DataError(f"messages={shown(messages)} is no list of messages. Give the turns in order.")
    turns = [_turn(number, message) for number, message in enumerate(messages)]
    for name, value in (("as_text", as_text), ("readable", readable)):
        if not isinstance(value, int) or isinstance(value, bool) or value < (name == "as_text"):
            raise DataError(f"{name}={shown(value)} is no number of turns. Use {int(name == 'as_text')} or more.")
    opening = turns[:1] if turns and turns[0][0] == "system" else []
    talk = turns[len(opening) :]
    cut = max(0, len(talk) - as_text)
    middle = max(0, cut - readable)
    system = [Turn("system", (text,)) for _, text in opening]
    latest = [Turn(role, (text,)) for role, text in talk[cut:]]
    pairs = [(_drawn(talk[:middle]), dense_theta), (_drawn(talk[middle:cut]), readable_theta)]
    drawn = [(text, theta) for text, theta in pairs if text]
    if not drawn:
        return Conversation((*system, *latest)), None
    document = Document.joined([(text, Theta.of(theta)) for text, theta in drawn])
    note = "These pages are the conversation so far. It goes on below."
    parts: tuple[TurnPart, ...] = (document, note)
    if latest and latest[0].role == "user":
        latest[0] = Turn("user", (*parts, *latest[0].parts))
    else:
        latest.insert(0, Turn("user", parts))
    return Conversation((*system, *latest)), document


def _drawn(turns: Sequence[tuple[Any, str]]) -> str:
    return "".join(f"{role.title()}: {text}\n\n" for role, text in turns)


def _turn(number: int, message: object) -> tuple[Any, str]:
    role = message.get("role") if isinstance(message, Mapping) else None
    content = message.get("content") if isinstance(message, Mapping) else None
    if role not in _ROLES or not isinstance(content, str):
        raise DataError(
            f'message {number} is {shown(message)}. Give {{"role": …, "content": text}}, the role one of '
            f"{', '.join(_ROLES)}."
        )
    return role, content
