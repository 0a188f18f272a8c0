"""Arms: the ways in which the same items are asked, and what each of them costs in tokens before it is asked.

    pages         each drawable becomes pages under a θ
    pages+exact   pages, and the exact strings of each document as text beside them
    expanded      pages, and tools by which the model gets the text of those that it asks for
    text          plain text
    truncated     text cut in the middle to the tokens that its pages would cost
    retrieved     passages found by BM25, to the tokens that the pages would cost

The last two are the honest baselines: text for the same money. Nothing is drawn until a request is sent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from io import BytesIO
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Final

from glyphrender._system.regular_file import read_bytes
from glyphrender.document.document import Document
from glyphrender.document.render import render
from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Drawable, Item, ItemTurn, listed
from glyphrender.evals.shortening import cut_in_the_middle, retrieved
from glyphrender.inference.conversation import Conversation, Turn, TurnPart, image_size
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_schema import EXPAND_TOOLS
from glyphrender.inference.sidecar import exact_strings, sidecar
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import Tokenizer
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.theta import Theta

__all__ = ["Arm", "Condition", "ItemCost", "Posed", "Poser", "conditions_of"]

#: Pages of this many texts are remembered, because several arms need the cost of the same pages.
_REMEMBERED: Final = 64


class Arm(StrEnum):
    """The arms; see the module."""

    PAGES = "pages"
    PAGES_EXACT = "pages+exact"
    EXPANDED = "expanded"
    TEXT = "text"
    TRUNCATED = "truncated"
    RETRIEVED = "retrieved"

    @property
    def draws(self) -> bool:
        """Return whether the arm sends pages."""
        return self in (Arm.PAGES, Arm.PAGES_EXACT, Arm.EXPANDED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """An arm under a θ: one row of a report.

    Attributes:
        arm: the arm.
        theta: θ of the pages, whose tokens are also the budget of shortened text; None for plain text.
        name: name in reports, such as "pages", or "pages 3f2a9c" if a run has several θ.
        tools: names of the tools of the arm `expanded`; see `glyphrender.inference.expand`.
        budget: limits on what the model may ask for in that arm.
    """

    arm: Arm
    theta: Theta | None
    name: str
    tools: tuple[str, ...] = EXPAND_TOOLS["text"]
    budget: ExpandBudget = field(default_factory=ExpandBudget)

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that decide what is sent for an item."""
        decides = [self.arm.value, None if self.theta is None else self.theta.digest]
        return [*decides, list(self.tools), self.budget.identity] if self.arm is Arm.EXPANDED else decides


def conditions_of(arms: Sequence[str | Arm], thetas: Sequence[Theta]) -> tuple[Condition, ...]:
    """Return the conditions of a run: each arm under each θ, plain text once.

    >>> [each.name for each in conditions_of(["pages", "text"], [Theta()])]
    ['pages', 'text']

    Raises:
        DataError: an arm is not known or given twice, there is none, or pages have no θ.
    """
    arms, thetas = listed("arms", arms), listed("thetas", thetas)
    if not all(isinstance(theta, Theta) for theta in thetas):
        raise DataError(f"thetas={shown(thetas)} has a value that is no Theta. Give thetas, as by Theta.of.")
    chosen = []
    for arm in arms:
        try:
            chosen.append(Arm(arm))
        except ValueError:
            raise DataError(f"arm={shown(arm)} is not known. Use one of: {', '.join(Arm)}.") from None
    if len(set(chosen)) < len(chosen):
        raise DataError(f"arms={shown(list(arms))} has one arm twice. Name each once.")
    if not chosen:
        raise DataError(f"no arm is given. Use one of: {', '.join(Arm)}.")
    different = list({theta.digest: theta for theta in thetas}.values())
    if not different and any(arm is not Arm.TEXT for arm in chosen):
        raise DataError("no θ is given for pages and their budget. Give one.")
    found = []
    for arm in chosen:
        for theta in [None] if arm is Arm.TEXT else different:
            several = theta is not None and len(different) > 1
            name = f"{arm} {theta.digest[:6]}" if several and theta is not None else str(arm)
            found.append(Condition(arm=arm, theta=theta, name=name))
    return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemCost:
    """Tokens of one item in one arm, by our own count, without the model's chat template.

    Attributes:
        context_tokens: text tokens of all that may be drawn, the numerator of ρ.
        plain_tokens: tokens of the item as plain text, its own images included.
        shown_tokens: tokens that stand in place of the context: visual tokens of pages, or tokens of the text that is
            left of it.
        text_tokens: tokens of all text in the prompt.
        image_tokens: visual tokens of pages and of the item's own images.
        overhead: tokens of separators and markers of all images.
        pages: number of pages.
    """

    context_tokens: int
    plain_tokens: int
    shown_tokens: int
    text_tokens: int
    image_tokens: int = 0
    overhead: int = 0
    pages: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Return the tokens of the prompt."""
        return self.text_tokens + self.image_tokens + self.overhead


@dataclass(frozen=True, kw_only=True, slots=True)
class Posed:
    """An item as one arm asks it.

    Attributes:
        conversation: what is sent.
        cost: its tokens.
        document: the document of all drawables, in the arm `expanded`; None in others, and if nothing is drawn.
        evidence: numbers of the pages of the document that hold evidence.
    """

    conversation: Conversation
    cost: ItemCost
    document: Document | None = None
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _PagesCost:
    """The cost of the pages of one text."""

    text_tokens: int
    visual_tokens: int
    overhead: int
    pages: int

    @property
    def tokens(self) -> int:
        return self.visual_tokens + self.overhead


@dataclass(frozen=True, kw_only=True, slots=True)
class Poser:
    """Makes conversations of items. Threads may share one.

    Attributes:
        vision: the vision model by which images are counted.
        tokenizer: the tokenizer by which text is counted.
        exact: most tokens of exact strings beside the pages of one document.
    """

    vision: VisionModel
    tokenizer: Tokenizer
    exact: int = 2048
    _known: OrderedDict[tuple[bytes, str], _PagesCost] = field(default_factory=OrderedDict, repr=False, compare=False)
    _lock: Any = field(default_factory=Lock, repr=False, compare=False)

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that, with a condition, decide what is sent for an item."""
        return [self.vision.name, self.tokenizer.name, self.exact]

    def pose(self, item: Item, condition: Condition) -> Posed:
        """Return an item as `condition` asks it.

        Raises:
            DataError: an image of the item cannot be read, or has another type.
            VisionModelError: the vision model refuses a page or an image of this size.
            ThetaError, FontError, LayoutError: the text cannot be set under θ.
            TokenizerError, DependencyError: text cannot be counted, or the package bm25s is missing.
        """
        theta = condition.theta
        if theta is not None and item.theta:
            theta = theta.replace(**item.theta)
        count = self.tokenizer.count
        drawn, as_pages = theta if condition.arm.draws else None, _with_pages_of_the_user(item)
        sent = item if drawn is None else as_pages
        texts = sent.drawables
        pages = [] if theta is None else [self._pages(text, theta) for text in as_pages.drawables]
        kept: Sequence[str] = texts
        budget = sum(each.tokens for each in pages)
        if condition.arm is Arm.TRUNCATED:
            # Each text gets the tokens of its own pages, or its share where all texts are drawn as one.
            shares = [each.tokens for each in pages] if as_pages is item else _shares(budget, list(map(count, texts)))
            kept = [cut_in_the_middle(text, most, count) for text, most in zip(texts, shares, strict=True)]
        elif condition.arm is Arm.RETRIEVED:
            kept = retrieved(texts, _question(item), budget, count)
        turns = []
        remaining = iter(kept)
        for turn in sent.turns:
            shown_texts = [next(remaining) if isinstance(part, Drawable) else "" for part in turn.parts]
            turns.append(self._turn(item, turn, shown_texts, drawn, sidecars=condition.arm is Arm.PAGES_EXACT))
        conversation = Conversation(tuple(turns))
        posed = Posed(conversation=conversation, cost=self._cost(item, conversation, kept, pages if drawn else None))
        if condition.arm is not Arm.EXPANDED or drawn is None or not any(texts):
            return posed
        return _as_one_document(posed, [text for text in texts if text], drawn, item if sent is item else None)

    def cost(self, item: Item, condition: Condition) -> ItemCost:
        """Return only the cost; errors are those of `pose`. Nothing is drawn."""
        # Until the model asks, both arms cost the same, and only one of them lays out the pages that it sends.
        alike = replace(condition, arm=Arm.PAGES) if condition.arm is Arm.EXPANDED else condition
        return self.pose(item, alike).cost

    def _pages(self, text: str, theta: Theta) -> _PagesCost:
        # Not the text itself: sixty of them may be a million tokens each.
        key = (sha256(text.encode("utf-8", "surrogatepass")).digest(), theta.digest)
        with self._lock:
            found = self._known.get(key)
        if found is None:
            ratio = compression_ratio(
                text, theta=theta, model=self.vision, tokenizer=self.tokenizer, over_limit="ignore"
            )
            found = _PagesCost(
                text_tokens=ratio.text_tokens,
                visual_tokens=ratio.visual_tokens,
                overhead=ratio.overhead,
                pages=len(ratio.pages),
            )
            with self._lock:
                self._known[key] = found
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def _turn(self, item: Item, turn: ItemTurn, texts: Sequence[str], drawn: Theta | None, *, sidecars: bool) -> Turn:
        """Return a turn of a conversation. Texts side by side become one, because servers separate their parts."""
        parts: list[TurnPart] = []

        def add(text: str) -> None:
            if parts and isinstance(parts[-1], str):
                parts[-1] += text
            elif text:
                parts.append(text)

        for part, text in zip(turn.parts, texts, strict=True):
            if isinstance(part, str):
                add(part)
            elif not isinstance(part, Drawable):
                parts.append(_image(item, part))
            elif drawn is None or not text:
                add(text)
            else:
                document = render(text, drawn)
                parts.append(document)
                if sidecars and (exact := sidecar(exact_strings(document), budget=self.exact)):
                    add(exact + "\n\n")
        return Turn(turn.role, tuple(parts) or ("",))

    def _cost(
        self, item: Item, conversation: Conversation, kept: Sequence[str], pages: Sequence[_PagesCost] | None
    ) -> ItemCost:
        count = self.tokenizer.count
        own, own_overhead = self._own_images(conversation)
        sent = sum(count(part) for turn in conversation.turns for part in turn.parts if isinstance(part, str))
        context = sum(map(count, item.drawables))
        plain = sum(count(turn.text) for turn in item.turns)
        drawn = pages or []
        visual = sum(each.visual_tokens for each in drawn)
        return ItemCost(
            context_tokens=context,
            plain_tokens=plain + own + own_overhead,
            shown_tokens=visual if pages is not None else sum(map(count, kept)),
            text_tokens=sent,
            image_tokens=visual + own,
            overhead=sum(each.overhead for each in drawn) + own_overhead,
            pages=sum(each.pages for each in drawn),
        )

    def _own_images(self, conversation: Conversation) -> tuple[int, int]:
        """Return visual tokens and overhead of images that are no pages of ours."""
        tokens = overhead = 0
        for turn in conversation.turns:
            for part in turn.parts:
                if not isinstance(part, str | Document):
                    cost = self.vision.image(*image_size(part))
                    tokens, overhead = tokens + cost.tokens, overhead + cost.overhead
        return tokens, overhead


def _as_one_document(posed: Posed, texts: Sequence[str], theta: Theta, item: Item | None) -> Posed:
    """Return `posed` with pages that are numbered through, because a model asks for them by number.

    `item` is the item whose drawables `texts` are, empty ones left out; None if they were put together otherwise.
    """
    whole = render(texts[0], theta) if len(texts) == 1 else Document.joined([(text, theta) for text in texts])
    starts = [0, *accumulate(map(len, texts))]
    pages = [[page for page in whole if page.span[0] in range(start, end)] for start, end in pairwise(starts)]
    waiting = iter(pages)
    turns = []
    for turn in posed.conversation.turns:
        parts = [[part] if not isinstance(part, Document) else next(waiting) for part in turn.parts]
        turns.append(Turn(turn.role, tuple(part for several in parts for part in several)))
    spans = []
    if item is not None:
        begin = [0, *accumulate(map(len, item.drawables))]
        spans = [
            (begin[each.text] + start, begin[each.text] + end) for each in item.evidence for start, end in each.spans
        ]
    return replace(posed, conversation=Conversation(tuple(turns)), document=whole, evidence=whole.pages_of(spans))


def _with_pages_of_the_user(item: Item) -> Item:
    """Return an item whose pages all stand in turns of the user, because servers take images in no others.

    If a turn of the assistant may be drawn, the conversation before the last turn becomes one text with "User: " and
    "Assistant: " before its turns, as Glyph's own evaluation draws it (thu-coai/Glyph, evaluation/mrcr, 61afa7f).
    """
    if not any(isinstance(part, Drawable) for turn in item.turns if turn.role == "assistant" for part in turn.parts):
        return item
    *earlier, last = item.turns
    opening = [turn for turn in earlier if turn.role == "system"]
    talk = [turn for turn in earlier if turn.role != "system"]
    if any(isinstance(part, bytes | Path) for turn in talk for part in turn.parts):
        return item  # its images would be lost
    text = "\n\n".join(f"{turn.role.title()}: {turn.text}" for turn in talk)
    return replace(item, turns=(*opening, ItemTurn("user", (Drawable(text), "\n\n", *last.parts))))


def _shares(total: int, sizes: Sequence[int]) -> list[int]:
    """Return `total` in shares that are to each other as `sizes`."""
    whole = max(1, sum(sizes))
    return [total * size // whole for size in sizes]


def _question(item: Item) -> str:
    """Return the text of the last turn that is not drawn; the last turn's whole text if there is none."""
    last = item.turns[-1]
    return "\n".join(part for part in last.parts if isinstance(part, str)) or last.text[-2_000:]


def _image(item: Item, part: bytes | Path) -> TurnPart:
    if isinstance(part, bytes):
        return part
    from PIL import Image  # takes 40 ms of a cold start

    try:
        data = read_bytes(part)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return data
        with Image.open(BytesIO(data)) as image:
            image.load()
            return image.copy()
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"item {item.key}: {part} is no image ({error}). Give the image.", path=part) from error
