"""The trace of an expansion: each turn of the model, each call with its answer, and the tokens of all.

A trace is a plain value. It goes to JSON and back, and `show` prints it for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from glyphrender.inference.expand_results import Quote
from glyphrender.inference.tool_calls import ToolCall

__all__ = ["Ended", "ExpandTrace", "TraceCall", "TracePicture", "TraceTurn", "quotes_hold"]

#: Why no more calls were answered: the model answered; or the budget of calls, tokens or seconds was spent.
Ended: TypeAlias = Literal["answered", "calls", "tokens", "seconds"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TracePicture:
    """A picture that a model got.

    Attributes:
        size: width and height in pixels.
        theta: digest of its θ.
        text: the text that it shows.
        tokens: its visual tokens.
    """

    size: tuple[int, int]
    theta: str
    text: str
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceCall:
    """A call and its answer.

    Attributes:
        call: the call, as the model wrote it.
        normal: the call in its normal form; empty if it was not understood.
        text: the text that the model got.
        quotes: the parts of the source in it.
        pages: numbers of the pages that the model asked for.
        pictures: the pictures that the model got.
        problem: why the call was not served; see `ToolResult`.
        tokens: tokens of text and pictures, by our count.
    """

    call: ToolCall
    normal: str
    text: str
    quotes: tuple[Quote, ...] = ()
    pages: tuple[int, ...] = ()
    pictures: tuple[TracePicture, ...] = ()
    problem: str = ""
    tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceTurn:
    """A turn of the model, and the answers to its calls.

    Attributes:
        said: the reply.
        calls: the calls in it. A turn without calls is the last.
        prompt_tokens, completion_tokens, cached_tokens: the server's counts; None where it gave none.
    """

    said: str
    calls: tuple[TraceCall, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpandTrace:
    """All turns of one question.

    Attributes:
        question: the question.
        pages: numbers of the pages that the model saw.
        turns: the turns, in order.
        ended: why no more calls were answered.
        text_tokens: tokens of the document as text.
        visual_tokens: visual tokens of its pages.
        page_overhead: tokens around the images of its pages.
        exact_tokens: tokens of the exact strings beside the pages.
        expansion_tokens: tokens of what calls brought: text of the source and pictures.
        tool_overhead: tokens of the description of the tools, of the calls, and of answers that bring nothing.
        seconds: seconds from the first request to the answer. Stored replies take none.
    """

    question: str
    pages: tuple[int, ...]
    turns: tuple[TraceTurn, ...]
    ended: Ended
    text_tokens: int
    visual_tokens: int
    page_overhead: int
    exact_tokens: int
    expansion_tokens: int
    tool_overhead: int
    seconds: float = 0.0

    @property
    def calls(self) -> tuple[TraceCall, ...]:
        """Return the calls of all turns."""
        return tuple(call for turn in self.turns for call in turn.calls)

    @property
    def served(self) -> tuple[TraceCall, ...]:
        """Return the calls that brought something."""
        return tuple(call for call in self.calls if not call.problem)

    @property
    def pages_read(self) -> tuple[int, ...]:
        """Return the numbers of the pages that the model asked for and got, ascending."""
        return tuple(sorted({page for call in self.served for page in call.pages}))

    @property
    def rho(self) -> float:
        """Return ρ of the pages alone: text tokens ÷ visual tokens; 1 if the document was sent as text."""
        return self.text_tokens / self.visual_tokens if self.visual_tokens else 1.0

    @property
    def paid_tokens(self) -> int:
        """Return visual tokens + exact strings + expansion tokens + tool overhead.

        Each token counts once, however often a server was sent it: the prompts of one question begin alike, and a
        prefix cache keeps them.
        """
        return self.visual_tokens + self.exact_tokens + self.expansion_tokens + self.tool_overhead

    @property
    def effective_rho(self) -> float:
        """Return text tokens ÷ `paid_tokens`; 1 if the document was sent as text."""
        return self.text_tokens / self.paid_tokens if self.visual_tokens else 1.0

    @property
    def prompt_tokens(self) -> int | None:
        """Return the tokens of all prompts, by the server's count; None if it gave none."""
        counts = [turn.prompt_tokens for turn in self.turns]
        return None if None in counts else sum(count or 0 for count in counts)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, from which `from_dict` makes an equal trace."""
        values = asdict(self)
        for turn, found in zip(self.turns, values["turns"], strict=True):
            for call, each in zip(turn.calls, found["calls"], strict=True):
                each["call"] = call.call.to_dict()
        return {**values, "rho": self.rho, "effective_rho": self.effective_rho, "pages_read": self.pages_read}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExpandTrace:
        """Return the trace whose `to_dict` is `values`, also after a way through JSON."""
        given = {name: value for name, value in values.items() if name not in ("rho", "effective_rho", "pages_read")}
        turns = tuple(TraceTurn(**{**turn, "calls": tuple(map(_call, turn["calls"]))}) for turn in given["turns"])
        return cls(**{**given, "turns": turns, "pages": tuple(given["pages"])})

    def show(self, *, most: int = 240) -> str:
        """Return the trace as text for a person. Texts longer than `most` characters are cut in the middle."""
        lines = [f"Question: {_cut(self.question, most)}"]
        for turn in self.turns:
            if turn.said.strip():
                lines.append(f"model: {_cut(turn.said, most)}")
            for call in turn.calls:
                cost = f"{call.tokens} tokens" + (f", not served: {call.problem}" if call.problem else "")
                lines.append(f"  {call.call.shown} ({cost})")
                lines.append(f"    {_cut(call.text, most)}")
                lines += [f"    [picture of {p.size[0]}×{p.size[1]} px, {p.tokens} tokens]" for p in call.pictures]
        lines.append(
            f"{len(self.served)} of {len(self.calls)} calls served, {self.expansion_tokens} tokens read, pages "
            f"{', '.join(map(str, self.pages_read)) or 'none'}; ended: {self.ended}; ρ {self.rho:.2f}, effective "
            f"{self.effective_rho:.2f}"
        )
        return "\n".join(lines)


def _call(values: Mapping[str, Any]) -> TraceCall:
    pictures = [TracePicture(**{**each, "size": tuple(each["size"])}) for each in values["pictures"]]
    given = {
        "call": ToolCall.from_dict(values["call"]),
        "quotes": tuple(Quote(**each) if isinstance(each, Mapping) else Quote(*each) for each in values["quotes"]),
        "pages": tuple(values["pages"]),
        "pictures": tuple(pictures),
    }
    return TraceCall(**{**values, **given})


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most * 2 // 3]} … {text[-most // 3 :]}"


def quotes_hold(calls: Sequence[TraceCall], source: str) -> bool:
    """Return whether every quote of every call is the source, character for character."""
    return all(
        call.text[quote.at : quote.at + quote.end - quote.start] == source[quote.start : quote.end]
        for call in calls
        for quote in call.quotes
    )
