"""Text against pages on a running server: the time to the first token, and tokens a second under load.

Each request begins with a line of its own, so that no prefix cache answers for the model. What is measured is what a
client sees: the network, the queue and the server's processor count. Drawing, PNG and base64 are shown apart. A thought
is a token too, whether the server gives thoughts apart or not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from glyphrender.document.document import Document
from glyphrender.document.render import render
from glyphrender.errors import DataError
from glyphrender.evals.efficiency.clock import Timing
from glyphrender.evals.efficiency.measure import cut
from glyphrender.inference.conversation import Conversation, base64_png
from glyphrender.inference.model import EndpointModel, Model
from glyphrender.inference.reply import total_tokens
from glyphrender.models.tokenizers import Tokenizer
from glyphrender.theta import Theta

__all__ = ["ServedArm", "ServedRow", "ServerPlan", "measure_server"]

_QUESTION = "Repeat the last sentence of the document, then go on in its style."


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerPlan:
    """Lengths and loads that are measured on a server.

    Attributes:
        lengths: text tokens.
        answer: most tokens of a reply.
        repeats: requests one after another, for the time to the first token.
        concurrency: requests at a time under load; 0 leaves the load out.
        requests: requests under load.
    """

    lengths: Sequence[int] = (1024, 4096, 16384)
    answer: int = 64
    repeats: int = 3
    concurrency: int = 8
    requests: int = 16

    def __post_init__(self) -> None:
        """Refuse counts below 1."""
        for name in ("answer", "repeats", "requests"):
            if getattr(self, name) < 1:
                raise DataError(f"{name}={getattr(self, name)} is no count. Use an integer from 1.")
        if not self.lengths or min(self.lengths) < 1:
            raise DataError(f"lengths={self.lengths!r} is no list of text tokens. Use integers from 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedArm:
    """One prompt on a server.

    Attributes:
        prompt_tokens: tokens of the prompt as the server counts them; None if it does not say.
        first: seconds from sending to the first text of the reply, or of its thoughts.
        whole: seconds to the end of the reply.
        reply_tokens: tokens of the replies of the load; None if the server does not count.
        load_seconds: seconds of the load; None if it was left out.
    """

    prompt_tokens: int | None
    first: Timing
    whole: Timing
    reply_tokens: int | None = None
    load_seconds: float | None = None

    @property
    def throughput(self) -> float | None:
        """Tokens of replies a second under load."""
        return self.reply_tokens / self.load_seconds if self.reply_tokens and self.load_seconds else None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "first": self.first.to_dict(),
            "whole": self.whole.to_dict(),
            "reply_tokens": self.reply_tokens,
            "load_seconds": self.load_seconds,
            "throughput": self.throughput,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedRow:
    """One length on a server.

    Attributes:
        text_tokens: tokens of the text.
        pages: number of its pages.
        draw, encode: seconds of drawing the pages, and of PNG and base64.
        text, drawn: both arms.
    """

    text_tokens: int
    pages: int
    draw: float
    encode: float
    text: ServedArm
    drawn: ServedArm

    @property
    def first(self) -> float:
        """How many times sooner the first token comes from pages, the client's drawing left out."""
        return self.text.first.median / self.drawn.first.median

    @property
    def throughput(self) -> float | None:
        """How many times more tokens a second come under load."""
        text, drawn = self.text.throughput, self.drawn.throughput
        return drawn / text if text and drawn else None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "text_tokens": self.text_tokens,
            "pages": self.pages,
            "draw_seconds": self.draw,
            "encode_seconds": self.encode,
            "text": self.text.to_dict(),
            "drawn": self.drawn.to_dict(),
            "ratios": {"first": self.first, "throughput": self.throughput},
        }


def measure_server(
    model: Model,
    text: str,
    *,
    theta: Theta,
    counter: Tokenizer,
    plan: ServerPlan | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Iterator[ServedRow]:
    """Yield what pages of `text` save on a server, length by length.

    Args:
        model: the model, which streams its replies.
        text: the text; a short one is repeated.
        theta: θ of the pages, aligned to the model.
        counter: counts text tokens.
        plan: what is measured.
        progress: called with a line for each length.

    Raises:
        EndpointError: the server fails.
        RequestRefused: it does not take so many pages, or so long a text.
    """
    plan = plan or ServerPlan()
    numbers = _numbers()
    # The first page costs what later ones do not: fonts here, the image processor and the tower at the server.
    for warm in ("Say", render("Say", theta)):
        _first_and_whole(model, Conversation.ask(f"Request {next(numbers)}.", warm, "Say yes."), 2)
    for length in plan.lengths:
        part, tokens = cut(text, length, counter)
        start = time.perf_counter()
        document = render(part, theta)
        for page in document:
            page.array  # noqa: B018 - a page is drawn when its pixels are asked for
        drawn = time.perf_counter()
        for page in document:
            base64_png(page)
        encoded = time.perf_counter()
        arms = [_arm(model, each, numbers, plan) for each in (part, document)]
        row = ServedRow(
            text_tokens=tokens,
            pages=len(document),
            draw=drawn - start,
            encode=encoded - drawn,
            text=arms[0],
            drawn=arms[1],
        )
        progress(f"{tokens:,} tokens, {row.pages} pages: first token {row.first:.2f}× sooner")
        yield row


def _arm(model: Model, content: str | Document, numbers: Iterator[int], plan: ServerPlan) -> ServedArm:
    lock = threading.Lock()

    def conversation() -> Conversation:
        with lock:
            number = next(numbers)
        return Conversation.ask(f"Request {number}.", content, _QUESTION)

    found = [_first_and_whole(model, conversation(), plan.answer) for _ in range(plan.repeats)]
    arm = ServedArm(
        prompt_tokens=found[-1][2].prompt_tokens,
        first=Timing(seconds=tuple(first for first, _, _ in found)),
        whole=Timing(seconds=tuple(whole for _, whole, _ in found)),
    )
    if not plan.concurrency:
        return arm
    asked = [conversation() for _ in range(plan.requests)]
    start = time.perf_counter()
    with ThreadPoolExecutor(plan.concurrency) as pool:
        replies = list(pool.map(lambda each: model.complete(each, max_tokens=plan.answer), asked))
    seconds = time.perf_counter() - start
    return ServedArm(
        prompt_tokens=arm.prompt_tokens,
        first=arm.first,
        whole=arm.whole,
        reply_tokens=total_tokens([reply.completion_tokens for reply in replies]),
        load_seconds=seconds,
    )


def _first_and_whole(model: Model, conversation: Conversation, answer: int) -> tuple[float, float, Any]:
    """Return the seconds to the first text or thought and to the end of a reply, and the reply."""
    came: list[float] = []

    def note(_: str) -> None:
        came.append(time.perf_counter())

    start = time.perf_counter()
    if isinstance(model, EndpointModel):
        reply = model.complete(conversation, max_tokens=answer, on_text=note, on_reasoning=note)
    else:
        reply = model.complete(conversation, max_tokens=answer, on_text=note)
    end = time.perf_counter()
    return (came[0] if came else end) - start, end - start, reply


def _numbers() -> Iterator[int]:
    """Yield numbers that differ from those of an earlier run."""
    number = time.time_ns() % 10**9
    while True:
        yield number
        number += 1
