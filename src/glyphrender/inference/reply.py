"""A model's answer, as a value that can be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from glyphrender.inference.tool_calls import ToolCall

__all__ = ["BROKEN_OFF", "Reply"]

#: The `finish_reason` of a reply whose stream ended without a reason and without its end mark: the server died, or a
#: proxy cut the connection.
BROKEN_OFF: Final = "broken off"

# Reasons of a whole answer: OpenAI's word, those of text-generation servers, and Anthropic's behind gateways.
_WHOLE: Final = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn"})
# Reasons of an answer that ends in calls of tools, which is whole if the calls are there.
_CALLS: Final = frozenset({"tool_calls", "function_call", "tool_use"})


def says_cut(reason: str | None) -> bool:
    """Return whether a reason says that an answer is not whole, whatever else is said of it.

    >>> says_cut("length"), says_cut("stop"), says_cut("tool_calls"), says_cut(None)
    (True, False, False, False)
    """
    return reason is not None and reason.lower() not in _WHOLE | _CALLS


def total_tokens(counts: Sequence[int | None]) -> int | None:
    """Return the sum of counts of tokens; None if one of them is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A model's answer and its token counts. An unknown count is None, never 0.

    Attributes:
        text: the answer. Thoughts are a part of it if the server does not separate them.
        prompt_tokens: tokens of the prompt.
        completion_tokens: tokens of the answer, including the model's thoughts.
        cached_tokens: tokens of the prompt that the server had in its cache.
        finish_reason: "stop"; "length" if the answer was cut off at `max_tokens`; "broken off" if the stream ended
            without its end; another word of the server, such as "content_filter"; None if the server gives no reason.
        reasoning: the model's thoughts, where the server gives them apart from the answer (`reasoning_content` or
            `reasoning`). They are never scored.
        calls: calls of tools that the server found in the answer; see `Endpoint.complete`.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()

    @property
    def tokens(self) -> int | None:
        """Return the tokens of prompt and answer, without an unknown count; None if both are unknown."""
        counted = [count for count in (self.prompt_tokens, self.completion_tokens) if count is not None]
        return sum(counted) if counted else None

    @property
    def thoughts_alone(self) -> bool:
        """Return whether the server gave thoughts and no answer.

        >>> Reply(text="", reasoning="Four?", finish_reason="length").thoughts_alone
        True
        """
        return bool(self.reasoning.strip()) and not self.text.strip()

    @property
    def cut(self) -> bool:
        """Return whether the answer is not whole: it ended for another reason than that the model was done.

        >>> Reply(text="It is", finish_reason="length").cut, Reply(text="It is Jane.", finish_reason="stop").cut
        (True, False)
        """
        reason = "stop" if self.finish_reason is None else self.finish_reason.lower()
        return reason not in _WHOLE and not (reason in _CALLS and self.calls)
