"""A model of tests that reads what it is sent: texts as they are, and pages through the text that was drawn on them."""

from __future__ import annotations

import re
import threading
from typing import Any

from glyphrender import Document
from glyphrender.errors import EndpointError, RequestRefused
from glyphrender.evals.arms import Poser
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model
from glyphrender.tasks.scoring import exact
from glyphrender.tasks.task import Score

POSER = Poser(vision=vision_model("glm-4.1v"), tokenizer=tokenizer("glm-4"))
PROTOCOL = EvalProtocol(name="official", source="these tests", sampling={"temperature": 0.0})
FILLER = "It was the best of times, it was the worst of times. "


class Parrot:
    """A `Model` that answers with the code of the text that it is sent; it misreads pages with odd numbers.

    Attributes:
        asked: conversations that it was asked.
        fails, refuses: codes on which it fails, or refuses.
    """

    identity: tuple[Any, ...] = ("parrot", 1)

    def __init__(self, *, fails: tuple[str, ...] = (), refuses: tuple[str, ...] = ()) -> None:
        self.asked: list[Conversation] = []
        self.fails, self.refuses = fails, refuses
        self._lock = threading.Lock()

    def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
        with self._lock:
            self.asked.append(conversation)
        texts, pages = [], []
        for turn in conversation.turns:
            texts += [part for part in turn.parts if isinstance(part, str)]
            pages += [part.text for part in turn.parts if isinstance(part, Document)]
        found = re.search(r"code is (\w+)", " ".join(texts + pages))
        code = found[1] if found else "none"
        if code in self.fails:
            raise EndpointError("the server is down")
        if code in self.refuses:
            raise RequestRefused("the server takes no such pages")
        wrong = bool(pages) and code[-1:] in "13579"
        tokens = sum(len(text) // 4 for text in texts) + 500 * len(pages)
        text = f"<think>Is it 0?</think>{'?' if wrong else code}\nor not"
        return Reply(text=text, prompt_tokens=tokens, completion_tokens=9, finish_reason="stop")


def codes(count: int = 6, *, repeats: int = 120) -> Benchmark:
    """Return a benchmark whose items ask for the code of a text."""
    items = [
        Item(
            key=f"item {number}",
            task="even" if number % 2 == 0 else "odd",
            turns=(
                ItemTurn("user", ("Read.\n", Drawable(_text(number, repeats * (1 + number // 3))), "\nWhich code?")),
            ),
            answers=(f"k{number}",),
            max_tokens=16,
            buckets={"length": f"{1 + number // 3}-{2 + number // 3}k"},
            stop=("\n",),
        )
        for number in range(count)
    ]
    return Benchmark(name="codes", revision="sha256:0", protocol=PROTOCOL, items=items, score=_score)


def _text(number: int, repeats: int) -> str:
    return FILLER * (repeats // 2) + f"The code is k{number}. " + FILLER * (repeats // 2)


def _score(item: Item, reply: str) -> Score:
    return Score(error=1 - exact(reply, item.answers))
