"""Pack documents and questions into requests: pages as images, exact strings as text, within the limits.

Pages come first, in order, and the question comes last. With another question or a longer document, the bytes of
unchanged pages stay the same, so prompt caches can be used. Limits are checked before anything is sent. A document that
would break a limit is refused, split, or set in smaller type; `Packing.over` decides which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from glyphrender._system.arguments import TEXT, checked, instance
from glyphrender.document.document import Document
from glyphrender.document.page import Page
from glyphrender.errors import DataError, EndpointError, VisionModelError
from glyphrender.inference.conversation import Conversation, Turn, image_size, packed_png
from glyphrender.inference.json_stream import JsonStream
from glyphrender.inference.message_formats import FORMATS, TURNS_KEYS, Marks, PackedImage, PackedTurn, detail_of
from glyphrender.inference.page_load import PageLoad, Room, check_image_bytes, excess, image_load, text_load, too_much
from glyphrender.inference.providers import Provider, provider, provider_at
from glyphrender.inference.request import Request
from glyphrender.inference.sidecar import exact_strings, most_tokens, sidecar
from glyphrender.models.model import Limits, VisionModel
from glyphrender.models.tokenizers import TokenizerLike, tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.ratio.costs import LEAST_FONT_PIXELS
from glyphrender.ratio.fit import fit
from glyphrender.text.parts import with_parts

__all__ = ["INSTRUCTION", "Over", "Packing", "Request", "Send", "to_messages"]

#: The treatment of a document that does not fit one request.
Over: TypeAlias = Literal["error", "split", "downshift"]
#: The content that is sent: pages, text, or whichever costs fewer tokens.
Send: TypeAlias = Literal["auto", "pages", "text"]

INSTRUCTION: Final = (
    "The user's document comes first, as images of its pages in reading order or as text. Answer from the document "
    "alone. If it does not say, or if you are not certain of a character that matters, say so instead of guessing."
)

# Room for the JSON around instruction, pages and question, in bytes; and for the sentence that says which pages are
# sent, in tokens.
_AROUND: Final = 512
_WHICH: Final = 128
# The exact strings of a part may need this many more tokens than those of the whole document: a heading, and the number
# of a late page.
_NOTE: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Packing:
    """A way to turn documents and conversations into requests.

    Attributes:
        model: the vision model that is asked. It determines the limits and the cost of images.
        provider: a name in `PROVIDERS`, or a `Provider`; by default the model's own provider, or "openai" if it has
            none.
        send: pages, text, or whichever costs fewer tokens. "auto" needs the model's tokenizer (extra `ratio`).
        over: the treatment of a document that does not fit one request. "error" raises an error that says by how much,
            "split" makes several requests, and "downshift" makes pages of smaller type.
        min_font_pixels: smallest type in pixels, as the model sees it, if `over` is "downshift".
        context: most tokens of prompt and answer together; None for no limit.
        answer: tokens of the context that are reserved for the answer.
        max_images: most images in a request. Set this if the server takes fewer than provider and model allow.
        max_bytes: most bytes of a request as it is sent, in JSON. Set this if the server, or a proxy before it, takes
            fewer than the provider allows.
        exact: most tokens of exact strings that are sent beside pages; 0 for none.
        bits: bits of a grey pixel, see `Page.png`. The default is 4, which takes 30% fewer bytes than 8; if θ turns
            antialiasing off, the default is 1.
        cache: mark the last two pages for Anthropic's prompt cache. When a document grows, only its last page changes,
            so the cache up to the page before stays valid.
        instruction: the system prompt; "" for none.
        tokenizer: the tokenizer that counts text; by default the model's own.
        expandable: whether the model can read pages as text, see `expand`. The exact strings then say so.
    """

    model: str | VisionModel = "glm-4.1v"
    provider: str | Provider | None = None
    send: Send = "auto"
    over: Over = "error"
    min_font_pixels: float = LEAST_FONT_PIXELS
    context: int | None = None
    answer: int = 0
    max_images: int | None = None
    max_bytes: int | None = None
    exact: int = 2048
    bits: int | None = None
    cache: bool = False
    instruction: str = INSTRUCTION
    tokenizer: TokenizerLike | None = None
    expandable: bool = False

    @property
    def identity(self) -> list[Any]:
        """Return the JSON values that decide the content sent for a document. They go into keys of stored replies."""
        model = vision_model(self.model)
        to = provider(self.provider, model)
        return [model.name, to.name, self.send, self.over, self.min_font_pixels, self.context, self.answer,
                self.max_images, self.exact, self.bits, self.instruction,
                *(["expandable"] if self.expandable else []),
                *([] if self.max_bytes is None else [self.max_bytes])]  # fmt: skip

    def for_chat_completions(self, url: str = "") -> Packing:
        """Return this packing for a server of chat completions, which may serve the models of any provider.

        Args:
            url: address of the server. If `provider` is None, the limits of the provider at this address hold.

        Raises:
            EndpointError: `provider` is unknown, or takes no chat completions.
        """
        to = provider(self.provider or provider_at(url), vision_model(self.model))
        if to.format != "openai":
            raise EndpointError(
                f"provider={to.name!r} takes no chat completions. Leave it out, or send `requests` yourself."
            )
        return replace(self, provider=to)

    def requests(self, document: Document, question: str) -> tuple[Request, ...]:
        """Return the requests that ask `question` about `document`: one, or several where `over` is "split".

        Raises:
            DataError: the document or the question is empty.
            VisionModelError: a page is refused, or the document is too large; the message says by how much.
            EndpointError: there is no provider of that name.
            TokenizerError, DependencyError: text cannot be counted.
        """
        model = vision_model(self.model)
        to = provider(self.provider, model)
        pages = tuple(document)
        if not any(page.span[0] < page.span[1] for page in pages):
            raise DataError("the document is empty. Ask about one that has text.")
        if not question.strip():
            raise DataError("the question is empty. Ask something.")
        load = self._load(pages, model, document.text)
        caps = self._caps(to, model, [page.size for page in pages] if load.images else [])
        exact = self._exact(pages, document.text) if load.images else ""
        room = self._room(question, caps, to, exact=exact)
        if self.over != "split":  # smaller PNGs would change the bytes of earlier pages when a document grows
            load = load.fitted(room)
        if problems := load.excess(room):
            if self.over == "downshift" and load.images:
                load = self._downshifted(load, room, model)
            elif self.over != "split":
                raise too_much(problems[0], model, to)
        if load.pictures is not None:
            check_image_bytes([len(load.pictures(page)) for page in load.pages], to)
        return tuple(
            self._page_request(
                group,
                question,
                to,
                model,
                total=len(load.pages),
                exact=exact if group.pages == pages or not load.images else self._exact(group.pages, document.text),
            )
            for group in load.groups(room)
        )

    def request(self, conversation: Conversation) -> Request:
        """Return the one request that sends a whole conversation.

        Each document is sent as pages or as text. Its exact strings are put before the text that follows the document.
        If the conversation has a turn of the system, the packing's instruction is left out.

        Raises:
            DataError: the document or the question is empty.
            VisionModelError: an image is refused, or the conversation is too large; the message says by how much. If
                the conversation is only a document and a question, and `over` is "downshift", smaller type is tried
                first.
            EndpointError: there is no provider of that name.
            TokenizerError, DependencyError: text cannot be counted.
        """
        turns = conversation.turns
        instruction, turns = (turns[0].text, turns[1:]) if turns[0].role == "system" else (self.instruction, turns)
        match turns:
            case (Turn(role="user", parts=(Document() as document, str() as question)),):
                packing = replace(self, instruction=instruction)
                found = packing.requests(document, question)
                if len(found) > 1:
                    raise VisionModelError(
                        f"the document takes {len(found)} requests, and a conversation is one. Use smaller type "
                        "(over='downshift'), or ask about fewer pages."
                    )
                return found[0]
        return self._conversation_request(turns, instruction)

    def _conversation_request(self, turns: Sequence[Turn], instruction: str) -> Request:
        model = vision_model(self.model)
        to = provider(self.provider, model)
        packed = [self._packed_turn(turn, model) for turn in turns]
        system = [PackedTurn("system", (instruction,))] if instruction else []
        content = FORMATS[to.format]([*system, *(each.turn for each in packed)], self._marks(model, to))
        tokens = most_tokens(instruction) + sum(each.tokens for each in packed)
        size = 0 if to.format == "transformers" else len(JsonStream(content))
        images = [part for each in packed for part in each.turn.parts if isinstance(part, PackedImage)]
        caps = self._caps(to, model, [size for each in packed for size in each.image_sizes])
        room = Room(
            images=caps.max_images,
            bytes=caps.max_bytes,
            tokens=None if self.context is None else self.context - self.answer,
        )
        if problems := excess(room, tokens=tokens, images=len(images), size=size):
            raise too_much(problems[0], model, to)
        check_image_bytes([len(image.png) for image in images], to)
        pages = tuple(page for each in packed for page in each.pages)
        return Request(content=content, pages=pages, images=bool(images), tokens=tokens, bytes=size)

    def _packed_turn(self, turn: Turn, model: VisionModel) -> _PackedTurn:
        parts: list[str | PackedImage] = []
        pages: list[Page] = []
        sizes: list[tuple[int, int]] = []
        tokens = 0
        exact: list[str] = []  # exact strings of the documents so far, which go before the next text
        for part in (*turn.parts, None):  # None is the end of the turn
            if isinstance(part, Document):
                load = self._load(tuple(part), model, part.text)
                pages += load.pages
                tokens += load.total
                if load.pictures is not None:
                    sizes += [page.size for page in load.pages]
                    parts += [PackedImage(load.pictures(page), page) for page in load.pages]
                    exact += filter(None, (self._exact(load.pages, part.text),))
                else:
                    parts.append("".join(page.text for page in load.pages))
            elif part is None or isinstance(part, str):
                if text := "\n\n".join([*exact, *([] if part is None else [part])]):
                    parts.append(text)
                    tokens += most_tokens(text)
                exact = []
            else:
                sizes.append(image_size(part))
                tokens += model.image(*sizes[-1]).prompt_tokens
                parts.append(PackedImage(packed_png(part, bits=self.bits), part))
        return _PackedTurn(PackedTurn(turn.role, tuple(parts)), tuple(pages), tuple(sizes), tokens)

    def _caps(self, to: Provider, model: VisionModel, sizes: Sequence[tuple[int, int]]) -> Limits:
        """Return the limits of a request with images of these sizes."""
        caps = to.caps(model)
        caps = replace(caps, max_images=self.max_images or caps.max_images, max_bytes=self.max_bytes or caps.max_bytes)
        if caps.max_side_of_many and sizes and max(map(max, sizes)) > caps.max_side_of_many[1]:
            count = caps.max_side_of_many[0]
            caps = replace(caps, max_images=min(count, caps.max_images or count))
        return caps

    def _load(self, pages: tuple[Page, ...], model: VisionModel, text: str) -> PageLoad:
        """Return pages as images or as text: as `send` says, or whichever costs fewer tokens."""
        images = None if self.send == "text" else image_load(pages, model, bits=self.bits)
        if self.send == "pages" and images is not None:
            return images
        counted = tokenizer(self.tokenizer or tokenizer_of(model.name) or "glm-4")
        # Count the text of all pages together. If each page were counted alone, a word that continues on the next page
        # would count twice.
        whole = counted.count("".join(page.text for page in pages))
        if images is not None and images.total + counted.count(self._exact(pages, text)) < whole:
            return images
        return text_load(pages, counted)

    def _exact(self, pages: Sequence[Page], text: str) -> str:
        """Return the exact strings of pages of the document `text`. One that the pages cut is not among them."""
        if not self.exact:
            return ""
        return sidecar(exact_strings(pages, text=text), budget=self.exact, expandable=self.expandable)

    def _room(self, question: str, caps: Limits, to: Provider, *, exact: str) -> Room:
        """Return the room for pages in a request, after everything else in the request is subtracted.

        For exact strings, the smaller of two bounds is subtracted: the budget, or those of the whole document. No part
        of the document needs more.
        """
        most = min(self.exact, most_tokens(exact) + _NOTE)
        words = self.instruction + question
        beside = len(json.dumps(words)) + _AROUND
        tokens = None
        if self.context is not None:
            tokens = self.context - self.answer - most_tokens(words) - _WHICH - most
            if tokens <= 0:
                raise VisionModelError(
                    f"context={self.context} leaves no tokens for pages beside answer={self.answer}, "
                    f"{most} of exact strings and the question. Lower these, or serve the model with a longer context."
                )
        measured = to.format != "transformers" and caps.max_bytes is not None
        size = caps.max_bytes - beside - most * 4 if measured and caps.max_bytes else None
        return Room(images=caps.max_images, bytes=size, tokens=tokens)

    def _downshifted(self, load: PageLoad, room: Room, model: VisionModel) -> PageLoad:
        """Return the text of `load` in the largest type with which it fits into `room`."""
        text, theta = "".join(page.text for page in load.pages), load.pages[0].theta
        if any(page.theta != theta for page in load.pages):
            raise VisionModelError(
                "the parts of this document have different θ, and one smaller type for all would lose them. Use "
                "glyphrender.ratio.fit_parts, or over='error'."
            )
        parts = dict.fromkeys(part for page in load.pages for part in page.parts)
        for _ in range(6):
            if not load.excess(room):
                return load
            target: dict[str, int] = {}
            if room.tokens is not None and load.total > room.tokens:
                target["visual_tokens"] = room.tokens * (load.total - load.overhead(model)) // load.total
            else:
                most = room.images or len(load.pages)
                if room.bytes is not None and load.size > room.bytes:
                    most = min(most, int(len(load.pages) * room.bytes / load.size * 0.98))
                target["pages"] = max(1, most)
            found = fit(
                text,
                theta=theta,
                model=model,
                tokenizer=len,
                min_font_pixels=self.min_font_pixels,
                **target,  # type: ignore[arg-type]
            )
            if not found.met:
                raise VisionModelError(f"{found.reason}. Split the document (over='split'), or lower min_font_pixels.")
            load = image_load(tuple(Document.read(with_parts(text, [*parts]), found.theta)), model, bits=self.bits)
            theta = found.theta
        raise VisionModelError(
            f"{load.excess(room)[0]} a request takes. Split the document (over='split'), or lower min_font_pixels."
        )

    def _page_request(
        self, load: PageLoad, question: str, to: Provider, model: VisionModel, *, total: int, exact: str
    ) -> Request:
        first, last = load.pages[0].number, load.pages[-1].number
        which = f"Above are pages {first} to {last} of a longer document." if len(load.pages) < total else ""
        tail = "\n\n".join(filter(None, (exact, which, question)))
        parts: list[str | PackedImage]
        if load.pictures is not None:
            parts = [PackedImage(load.pictures(page), page) for page in load.pages]
        else:
            parts = ["".join(page.text for page in load.pages)]
        turns = [PackedTurn("system", (self.instruction,))] if self.instruction else []
        content = FORMATS[to.format]([*turns, PackedTurn("user", (*parts, tail))], self._marks(model, to))
        return Request(
            content=content,
            pages=load.pages,
            images=load.images,
            tokens=load.total + most_tokens(self.instruction) + most_tokens(tail),
            bytes=0 if to.format == "transformers" else len(JsonStream(content)),
        )

    def _marks(self, model: VisionModel, to: Provider) -> Marks:
        return Marks(detail=detail_of(model), cache=self.cache, ids=to.takes_ids)


@checked(document=instance("a Document", Document), question=TEXT)
def to_messages(document: Document, question: str, **options: Any) -> list[dict[str, Any]]:
    """Return the messages that ask `question` about `document`, for the client of its provider.

    >>> from glyphrender import render
    >>> from glyphrender.inference.messages import to_messages
    >>> messages = to_messages(render("In the beginning was the Word."), "What was?", send="pages")
    >>> [part["type"] for part in messages[-1]["content"]]
    ['image_url', 'text']

    Args:
        document: a rendered document.
        question: the question, which stands after the pages.
        options: fields of `Packing`. over="split" is not allowed, because one list of messages is one request.

    Returns:
        The list that the client takes: `messages` for chat completions and Anthropic, `input` for Responses, `contents`
            for Gemini, or the messages for a chat template of transformers. Anthropic, Gemini and Responses take the
            system prompt beside the list: see `Request.body`.

    Raises:
        VisionModelError, DataError, EndpointError, TokenizerError, DependencyError: see `Packing.requests`.
    """
    if options.get("over") == "split":
        raise DataError("over='split' gives several requests. Use Packing(…).requests(document, question).")
    (request,) = Packing(**options).requests(document, question)
    messages: list[dict[str, Any]] = next(request.body[key] for key in TURNS_KEYS if key in request.body)
    return messages


@dataclass(frozen=True, slots=True)
class _PackedTurn:
    """A packed turn, the pages of its documents, the sizes of its images in pixels, and its tokens."""

    turn: PackedTurn
    pages: tuple[Page, ...]
    image_sizes: tuple[tuple[int, int], ...]
    tokens: int
