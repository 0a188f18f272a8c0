"""A document and a question → requests to a model: pages as images, exact strings as text, within the limits.

Pages come first and in order, and the question last, so that what is sent of unchanged pages is the same, byte for
byte, when the question is another or the document has grown (`Document.append`): prompt caches hold. What would break
a limit is known before anything is sent, and split, set smaller, or refused, as asked.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final, Literal, TypeAlias

from glyphrender.document.document import Document, render
from glyphrender.document.page import Page
from glyphrender.errors import DataError, VisionModelError
from glyphrender.inference.providers import Form, Provider, provider
from glyphrender.inference.sidecar import exact_strings, most_tokens, sidecar
from glyphrender.models.model import Limits, VisionModel
from glyphrender.models.tokenizers import TokenizerLike, tokenizer, tokenizer_of
from glyphrender.models.vision import vision_model
from glyphrender.ratio.fit import fit

__all__ = ["INSTRUCTION", "Over", "Packing", "Request", "Send", "to_messages"]

#: What is done with a document that does not fit one request.
Over: TypeAlias = Literal["error", "split", "downshift"]
#: What is sent: whichever costs fewer tokens, pages, or text.
Send: TypeAlias = Literal["auto", "pages", "text"]

INSTRUCTION: Final = (
    "The user's document comes first, as images of its pages in reading order or as text. Answer from the document "
    "alone. If it does not say, or if you are not certain of a character that matters, say so instead of guessing."
)

# Beside its data an image takes some 120 bytes of JSON, in every form.
_ENVELOPE: Final = 128
# JSON around instruction, pages and question, and the sentence that says which pages they are: bytes, and tokens.
_AROUND: Final = 512
_WHICH: Final = 128
# What a part of a document may need beyond that for its exact strings: heading and page number of one that starts late.
_NOTE: Final = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request, ready for the provider's client.

    Attributes:
        body: keyword arguments of the client's method, as {"messages": […]}; model and sampling are the caller's.
        pages: the pages that it shows.
        images: whether as images, or as text.
        tokens: of its prompt, by our count; instruction and question are estimated from above.
        bytes: of the body as JSON; 0 for transformers, which gets no JSON.
    """

    body: dict[str, Any]
    pages: tuple[Page, ...]
    images: bool
    tokens: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Packing:
    """How documents become requests.

    Attributes:
        vision: the model that is asked, which gives its own limits and what its images cost.
        provider: a name in `PROVIDERS` or a `Provider`; by default the one whose model it is, else "openai".
        send: pages, text, or whichever costs fewer tokens (which needs the model's tokenizer, extra `ratio`).
        over: what is done with a document that does not fit one request: an error that says by how much, several
            requests, or pages of smaller type.
        min_font_pixels: type gets no smaller than this, as the model sees it, where `over` is "downshift".
        context: tokens of prompt and answer that the model takes; None for no limit.
        answer: of these, tokens that are kept for the answer.
        max_images: images a request, where the server takes fewer than the provider's and model's own limits say.
        exact: most tokens of exact strings sent beside pages; 0 for none.
        bits: of a grey pixel, see `Page.png`; by default 4, which are 30% fewer bytes than 8, or 1 where θ turns
            antialiasing off.
        cache: mark the last two pages for Anthropic's prompt cache: of a document that grows, the last but one stays.
        instruction: the system prompt.
        tokenizer: counts text; by default the model's own.
    """

    vision: str | VisionModel = "glm-4.1v"
    provider: str | Provider | None = None
    send: Send = "auto"
    over: Over = "error"
    min_font_pixels: float = 7.0
    context: int | None = None
    answer: int = 0
    max_images: int | None = None
    exact: int = 2048
    bits: int | None = None
    cache: bool = False
    instruction: str = INSTRUCTION
    tokenizer: TokenizerLike | None = None

    def requests(self, document: Document, question: str) -> tuple[Request, ...]:
        """The requests that ask `question` about `document`: one, or several where `over` is "split".

        Raises:
            DataError: the document or the question is empty.
            VisionModelError: a page is refused, or the document is too large; the message says by how much.
            EndpointError: no provider of that name.
            TokenizerError, DependencyError: text cannot be counted.
        """
        model = vision_model(self.vision)
        to = provider(self.provider, model)
        pages = tuple(document)
        if not any(page.span[0] < page.span[1] for page in pages):
            raise DataError("the document is empty. Ask about one that has text.")
        if not question.strip():
            raise DataError("the question is empty. Ask something.")
        load = self._load(pages, model)
        caps = to.caps(model)
        caps = replace(caps, max_images=self.max_images or caps.max_images)
        if load.images and caps.max_side_of_many and self._longest(pages) > caps.max_side_of_many[1]:
            caps = replace(caps, max_images=min(caps.max_side_of_many[0], caps.max_images or caps.max_side_of_many[0]))
        room = self._room(question, caps, to, exact=self._exact(pages) if load.images else "")
        if excess := load.excess(room):
            if self.over == "downshift" and load.images:
                load = self._downshifted(load, room, model)
            elif self.over != "split":
                raise VisionModelError(
                    f"{excess[0]} {model.name} takes in a request to {to.name}. Ask in parts (over='split'; --over "
                    "map), use smaller type (downshift), or raise the limit."
                )
        self._check_images(load, to)
        return tuple(self._request(group, question, to, model, whole=load) for group in load.groups(room))

    def _longest(self, pages: Sequence[Page]) -> int:
        return max(max(page.size) for page in pages)

    def _load(self, pages: tuple[Page, ...], model: VisionModel) -> _Load:
        """Pages as images, or as text, whichever is asked for or costs less."""
        images = None if self.send == "text" else self._as_images(pages, model)
        if self.send == "pages":
            assert images is not None
            return images
        counted = tokenizer(self.tokenizer or tokenizer_of(model.name) or "glm-4")
        # Counted as one: page by page, words that a page's end cuts would count twice.
        whole = counted.count("".join(page.text for page in pages))
        if images is not None and images.total + counted.count(self._exact(pages)) < whole:
            return images
        return _Load(
            pages=pages,
            images=False,
            tokens=tuple(counted.count(page.text) for page in pages),
            sizes=tuple(len(json.dumps(page.text)) for page in pages),
            data=lambda page: page.text,
        )

    def _as_images(self, pages: tuple[Page, ...], model: VisionModel) -> _Load:
        drawn: dict[int, str] = {}

        def data(page: Page) -> str:
            if page.number not in drawn:
                bits = self.bits if self.bits is not None else 4 if page.theta.antialias else None
                drawn[page.number] = base64.b64encode(page.png(bits=bits)).decode("ascii")
            return drawn[page.number]

        def tokens(page: Page) -> int:
            try:
                cost = model.image(*page.size)
            except VisionModelError as error:
                raise VisionModelError(f"page {page.number}: {error}") from error
            return cost.tokens + cost.overhead

        return _Load(pages=pages, images=True, tokens=tuple(map(tokens, pages)), sizes=None, data=data)

    def _exact(self, pages: Sequence[Page]) -> str:
        return sidecar(exact_strings(pages), budget=self.exact) if self.exact else ""

    def _room(self, question: str, caps: Limits, to: Provider, *, exact: str) -> _Room:
        """What is left for pages in a request, beside all that goes with them.

        No part of the document has more exact strings beside it than the whole, or than the budget.
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
        measured = to.form != "transformers" and caps.max_bytes is not None
        size = caps.max_bytes - beside - most * 4 if measured and caps.max_bytes else None
        return _Room(images=caps.max_images, bytes=size, tokens=tokens)

    def _downshifted(self, load: _Load, room: _Room, model: VisionModel) -> _Load:
        """The text of `load` in the largest type with which it fits."""
        text, theta = "".join(page.text for page in load.pages), load.pages[0].theta
        for _ in range(6):
            excess = load.excess(room)
            if not excess:
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
            load = self._as_images(tuple(render(text, found.theta)), model)
            theta = found.theta
        raise VisionModelError(f"{load.excess(room)[0]} are taken in a request. Split the document (over='split').")

    def _check_images(self, load: _Load, to: Provider) -> None:
        if load.images and to.max_image_bytes is not None and to.form != "transformers":
            for page in load.pages:
                if (size := len(load.data(page))) > to.max_image_bytes:
                    raise VisionModelError(
                        f"page {page.number} has {size:,} bytes, {size - to.max_image_bytes:,} more than an image to "
                        f"{to.name} may have. Use a smaller page_size or dpi, or fewer bits."
                    )

    def _request(self, load: _Load, question: str, to: Provider, model: VisionModel, *, whole: _Load) -> Request:
        exact = self._exact(load.pages) if load.images else ""
        first, last = load.pages[0].number, load.pages[-1].number
        which = f"Above are pages {first} to {last} of a longer document." if len(load.pages) < len(whole.pages) else ""
        tail = "\n\n".join(filter(None, (exact, which, question)))
        parts: list[_Part] = [_Part(page=page, data=load.data(page)) for page in load.pages if load.images]
        texts = [] if load.images else ["".join(map(load.data, load.pages))]
        body = _FORMS[to.form](self.instruction, parts, [*texts, tail], _detail(model), self.cache)
        return Request(
            body=body,
            pages=load.pages,
            images=load.images,
            tokens=load.total + most_tokens(self.instruction) + most_tokens(tail),
            bytes=0 if to.form == "transformers" else len(json.dumps(body).encode()),
        )


def to_messages(document: Document, question: str, **options: Any) -> list[dict[str, Any]]:
    """The messages that ask `question` about `document`, for the client of its provider.

    >>> from glyphrender import render
    >>> from glyphrender.inference.messages import to_messages
    >>> messages = to_messages(render("In the beginning was the Word."), "What was?", send="pages")
    >>> [part["type"] for part in messages[-1]["content"]]
    ['image_url', 'text']

    Args:
        document: what `render` gives.
        question: is asked after the pages.
        options: fields of `Packing`. Only "split" is no policy here: one list of messages is one request.

    Returns:
        chat completions' or Anthropic's `messages`, Responses' `input`, Gemini's `contents`, or what a chat template of
        transformers takes. Anthropic, Gemini and Responses take the system prompt beside them: see `Request.body`.

    Raises:
        VisionModelError, DataError, EndpointError, TokenizerError, DependencyError: see `Packing.requests`.
    """
    if options.get("over") == "split":
        raise DataError("over='split' gives several requests. Use Packing(…).requests(document, question).")
    (request,) = Packing(**options).requests(document, question)
    messages: list[dict[str, Any]] = next(request.body[key] for key in _MESSAGES if key in request.body)
    return messages


_MESSAGES: Final = ("messages", "input", "contents")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Room:
    """What pages may take of a request; None for no limit."""

    images: int | None
    bytes: int | None
    tokens: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Load:
    """Pages as they will be sent: what each takes, and its data, drawn when asked for."""

    pages: tuple[Page, ...]
    images: bool
    tokens: tuple[int, ...]
    sizes: tuple[int, ...] | None  # of texts; images are drawn to know theirs
    data: Callable[[Page], str]

    @property
    def total(self) -> int:
        return sum(self.tokens)

    @property
    def size(self) -> int:
        return sum(self.bytes())

    def bytes(self) -> tuple[int, ...]:
        if self.sizes is not None:
            return self.sizes
        return tuple(len(self.data(page)) + _ENVELOPE for page in self.pages)

    def overhead(self, model: VisionModel) -> int:
        return sum(model.image(*page.size).overhead for page in self.pages)

    def excess(self, room: _Room) -> list[str]:
        """What is too much, in words."""
        taken = [(self.total, room.tokens, "tokens")]
        if self.images:
            taken.append((len(self.pages), room.images, "images"))
        if room.bytes is not None:
            taken.append((self.size, room.bytes, "bytes"))
        return [
            f"the document's {has:,} {what} are {has - most:,} more than the {most:,} that"
            for has, most, what in taken
            if most is not None and has > most
        ]

    def groups(self, room: _Room) -> Iterator[_Load]:
        """Runs of pages that fit, each as long as it can be; from the front, so that those of old pages stay."""
        begin, count = 0, len(self.pages)
        sizes = self.bytes() if room.bytes is not None else (0,) * count
        sums = {name: [0, *accumulate(of)] for name, of in (("tokens", self.tokens), ("bytes", sizes))}
        limits = {"tokens": room.tokens, "bytes": room.bytes}
        most = room.images if self.images and room.images else count
        while begin < count:
            end = min(begin + most, count)
            while any(
                limit is not None and sums[name][end] - sums[name][begin] > limit for name, limit in limits.items()
            ):
                end -= 1
            if end == begin:
                raise VisionModelError(
                    f"page {self.pages[begin].number} alone takes {self.tokens[begin]:,} tokens and {sizes[begin]:,} "
                    f"bytes, of {room.tokens} and {room.bytes} that a request has room for. Use smaller pages."
                )
            share = slice(begin, end)
            yield replace(
                self,
                pages=self.pages[share],
                tokens=self.tokens[share],
                sizes=self.sizes and self.sizes[share],
            )
            begin = end


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    page: Page
    data: str


def _detail(model: VisionModel) -> str | None:
    """OpenAI's `detail`, of which a model's cost is told; other servers know no such field."""
    if not model.family.startswith("openai"):
        return None
    return "high" if "detail high" in model.source else "auto"


def _url(part: _Part) -> str:
    return f"data:image/png;base64,{part.data}"


def _text_parts(texts: list[str]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text} for text in texts]


def _openai(instruction: str, parts: list[_Part], texts: list[str], detail: str | None, cache: bool) -> dict[str, Any]:
    more = {"detail": detail} if detail else {}
    images = [{"type": "image_url", "image_url": {"url": _url(part), **more}} for part in parts]
    # One str where there is no image: chat templates of models that only read text take nothing else.
    content = [*images, *_text_parts(texts)] if images else "\n\n".join(texts)
    return {"messages": [{"role": "system", "content": instruction}, {"role": "user", "content": content}]}


def _responses(
    instruction: str, parts: list[_Part], texts: list[str], detail: str | None, cache: bool
) -> dict[str, Any]:
    images = [{"type": "input_image", "image_url": _url(part), "detail": detail or "auto"} for part in parts]
    content = [*images, *({"type": "input_text", "text": text} for text in texts)]
    return {"instructions": instruction, "input": [{"role": "user", "content": content}]}


def _anthropic(
    instruction: str, parts: list[_Part], texts: list[str], detail: str | None, cache: bool
) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png"}
    content: list[dict[str, Any]] = [{"type": "image", "source": {**source, "data": part.data}} for part in parts]
    content += _text_parts(texts)
    if cache:
        # At the end of the pages (of the text, where that is sent), for the next question; and before the last page,
        # for the document that has grown.
        last = max(len(parts), 1)
        for part in content[max(0, last - 2) : last]:
            part["cache_control"] = {"type": "ephemeral"}
    return {"system": instruction, "messages": [{"role": "user", "content": content}]}


def _gemini(instruction: str, parts: list[_Part], texts: list[str], detail: str | None, cache: bool) -> dict[str, Any]:
    images = [{"inlineData": {"mimeType": "image/png", "data": part.data}} for part in parts]
    content = [*images, *({"text": text} for text in texts)]
    return {
        "systemInstruction": {"parts": [{"text": instruction}]},
        "contents": [{"role": "user", "parts": content}],
    }


def _transformers(
    instruction: str, parts: list[_Part], texts: list[str], detail: str | None, cache: bool
) -> dict[str, Any]:
    images = [{"type": "image", "image": part.page.image} for part in parts]
    content = [*images, *_text_parts(texts)]
    system = {"role": "system", "content": _text_parts([instruction])}
    return {"messages": [system, {"role": "user", "content": content}]}


_FORMS: Final[dict[Form, Callable[..., dict[str, Any]]]] = {
    "openai": _openai,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "transformers": _transformers,
}
