"""Ask a model one question about one document, and report the cost of the answer and of the same text without pages.

A document that does not fit one request is sent in several requests. The model answers each request from its own pages.
One more request combines these answers.

With `expand`, the pages are dense, and the model asks for the text of those that matter; see the module `expand`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from glyphrender._system.arguments import TEXT, Wanted, checked, instance, optional
from glyphrender.document.document import Document
from glyphrender.document.render import render
from glyphrender.errors import DependencyError, EndpointError, TokenizerError, VisionModelError
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.expand import expand as ask_and_expand
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_protocol import ToolProtocol
from glyphrender.inference.expand_schema import ExpandKind
from glyphrender.inference.expand_trace import ExpandTrace
from glyphrender.inference.messages import Packing, Request
from glyphrender.inference.model import Model
from glyphrender.inference.reply import total_tokens
from glyphrender.models.names import family_name
from glyphrender.models.prices import Price
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.ratio.costs import PromptCost, Ratio
from glyphrender.ratio.ratio import document_ratio
from glyphrender.theta import Theta

__all__ = ["UNKNOWN_VISION", "Answer", "Endpoint", "ExpandBudget", "Packing", "Reply", "ask", "vision_of"]

#: The vision model that is assumed if the name of the served model says nothing.
UNKNOWN_VISION: Final = "glm-4.1v"
NOTHING: Final = "NOT IN THESE PAGES"
_SHARE: Final = (
    "{question}\n\nAnswer from these pages alone, and name the page of what you find: other readers have the other "
    f"pages. If these do not help to answer, reply {NOTHING}."
)
_COMBINE: Final = (
    "A long document was read in {count} parts, each by a reader who saw that part alone. These are their answers to "
    "the question, in the order of the document.\n\n{answers}\n\nMake one answer of them. Copy identifiers and numbers "
    "as they stand. If none of the parts answers the question, say so.\n\nQuestion: {question}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A model's answer, with the requests and replies behind it.

    Attributes:
        text: the answer.
        replies: the replies to all requests. A document in one part has one reply. A document in several parts has one
            reply for each part, and a last reply that combines them.
        requests: the requests that contained the document.
        ratio: ρ of the document, by our own count; None without a tokenizer (extra `ratio`).
        trace: every call of the model and its answer, with the effective ρ; None if it was offered no tools.
    """

    text: str
    replies: tuple[Reply, ...]
    requests: tuple[Request, ...]
    ratio: Ratio | None
    trace: ExpandTrace | None = None

    @property
    def as_pages(self) -> bool:
        """Return whether the document was sent as images of pages, and not as text."""
        return self.requests[0].images

    @property
    def prompt_tokens(self) -> int | None:
        """Return the tokens of all prompts, by the server's count; None if it gave none."""
        return total_tokens([reply.prompt_tokens for reply in self.replies])

    @property
    def completion_tokens(self) -> int | None:
        """Return the tokens of all answers, by the server's count; None if it gave none."""
        return total_tokens([reply.completion_tokens for reply in self.replies])

    @property
    def cached_tokens(self) -> int | None:
        """Return the tokens of the prompts that the server had in its cache; None if it does not say."""
        return total_tokens([reply.cached_tokens for reply in self.replies])

    @property
    def cut(self) -> bool:
        """Return whether any of the replies is not whole; see `Reply.cut`."""
        return any(reply.cut for reply in self.replies)

    def costs(self, price: Price) -> PromptCost | None:
        """Return the dollars of the question and its answer, with the document as pages and as text.

        The tokens of the form that was sent are the server's counts. For the other form, our count of the document
        replaces the document in the prompt; it is one request, with the same share of tokens in the cache. The result
        is None if the server gave no counts, or if there is no tokenizer.

        Args:
            price: the price of the model.
        """
        prompt, output, ratio = self.prompt_tokens, self.completion_tokens, self.ratio
        if prompt is None or output is None or ratio is None:
            return None
        pages = sum(len(request.pages) for request in self.requests) if self.as_pages else 0
        sent = 0.0
        for number, reply in enumerate(self.replies):
            part = len(self.requests[number].pages) if number < len(self.requests) else 0
            images = min(ratio.visual_tokens * part / pages, reply.prompt_tokens or 0) if pages else 0
            sent += price.cost(
                text_tokens=(reply.prompt_tokens or 0) - images,
                image_tokens=images,
                cached_tokens=reply.cached_tokens or 0,
                output_tokens=reply.completion_tokens or 0,
            )
        share = min(1.0, (self.cached_tokens or 0) / prompt) if prompt else 0.0
        document, images = (ratio.text_tokens, 0) if self.as_pages else (ratio.overhead, ratio.visual_tokens)
        rest = max(0, prompt - (ratio.prompt_tokens if self.as_pages else ratio.text_tokens)) + document
        other = price.cost(
            text_tokens=rest, image_tokens=images, cached_tokens=share * (rest + images), output_tokens=output
        )
        return PromptCost(as_pages=sent, as_text=other) if self.as_pages else PromptCost(as_pages=other, as_text=sent)

    def cost(self, prompt: float, completion: float) -> float | None:
        """Return the cost, at prices for a million tokens of prompt and answer; None if the server gave no count."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return (self.prompt_tokens * prompt + self.completion_tokens * completion) / 1e6


@checked(
    document=instance("a Document or a text", Document, str),
    question=TEXT,
    endpoint=Wanted(lambda value: hasattr(value, "identity"), "an Endpoint or a Model"),
    packing=optional(instance("a Packing", Packing)),
)
def ask(
    document: Document | str,
    question: str,
    endpoint: Endpoint | Model,
    packing: Packing | None = None,
    *,
    on_text: Callable[[str], object] | None = None,
    expand: ExpandKind | Sequence[str] | None = None,
    budget: ExpandBudget | None = None,
    protocol: ToolProtocol = "auto",
) -> Answer:
    """Ask a model on an OpenAI-compatible server, or any `Model`, about a document.

    Args:
        document: a rendered document; a str is rendered under the default θ, aligned to the model's grid, or under the
            preset `scan-8` if `expand` is given.
        question: the question.
        endpoint: the server and the model; or a `Model`, such as one on this machine.
        packing: the way to send the document. By default, `packing.model` follows from the name of the served model. If
            `packing.context` is None, the server is asked for the context.
        on_text: called with each piece of the answer as it comes. With `expand`, the answer comes in one piece.
        expand: let the model ask for more of the pages: "text", "zoom", "enlarge", or names of tools; see
            `glyphrender.inference.expand.expand`. The pages then go in one request.
        budget: limits on what it may ask for.
        protocol: how a server is told of tools; see `ToolProtocol`.

    Raises:
        EndpointError: the server is down, refuses the request, fails or stalls; its answer cannot be read; or the
            provider of `packing` takes no chat completions.
        VisionModelError: the document is too large for a request; the message says by how much.
        DataError: the document or the question is empty, or there is no such way to expand.
        DependencyError: the extra `chat` is not installed.
    """
    if expand is not None or not isinstance(endpoint, Endpoint):
        limits = budget if expand is not None else ExpandBudget(calls=0)
        return _expanded(document, question, endpoint, packing, on_text, expand or "text", limits, protocol)
    endpoint, packing = _known(endpoint, packing)
    if isinstance(document, str):
        document = render(document, Theta().align_to(packing.model))
    requests = packing.requests(document, question)
    if len(requests) > 1:
        requests = packing.requests(document, _SHARE.format(question=question))
    replies: list[Reply] = []
    for request in requests:
        pieces_to = on_text if len(requests) == 1 else None
        replies.append(endpoint.complete(request.content["messages"], on_text=pieces_to))
    if len(requests) > 1:
        replies.append(_combined(question, requests, replies, endpoint, on_text))
    return Answer(
        text=replies[-1].text,
        replies=tuple(replies),
        requests=requests,
        ratio=_ratio(requests, document, packing),
    )


def _expanded(
    document: Document | str,
    question: str,
    model: Endpoint | Model,
    packing: Packing | None,
    on_text: Callable[[str], object] | None,
    expand: ExpandKind | Sequence[str],
    budget: ExpandBudget | None,
    protocol: ToolProtocol,
) -> Answer:
    if isinstance(model, Endpoint):
        model, packing = _known(model, packing)
    elif packing is None:
        packing = Packing(model=vision_of(str(model.identity[0])))
    if isinstance(document, str):
        dense = budget is None or budget.calls > 0
        document = render(document, (Theta.preset("scan-8") if dense else Theta()).align_to(packing.model))
    found = ask_and_expand(document, question, model, tools=expand, budget=budget, packing=packing, protocol=protocol)
    if on_text is not None and found.text:
        on_text(found.text)
    return Answer(
        text=found.text,
        replies=found.replies,
        requests=(found.request,),
        ratio=_ratio((found.request,), document, packing),
        trace=None if budget is not None and budget.calls == 0 else found.trace,
    )


def _known(endpoint: Endpoint, packing: Packing | None) -> tuple[Endpoint, Packing]:
    """Return an endpoint that names its model, and a packing that knows the model and its context."""
    model, context = endpoint.model, packing.context if packing else None
    if not model or context is None:
        listed = _listed(endpoint)
        model = model or (next(iter(listed)) if len(listed) == 1 else endpoint.only_model())
        context = context or listed.get(model)
    packing = (packing or Packing(model=vision_of(model))).for_chat_completions(endpoint.url)
    answer = packing.answer or (endpoint.max_tokens if context else 0)
    return replace(endpoint, model=model), replace(packing, context=context, answer=answer)


def vision_of(model: str) -> str:
    """Return the name of the vision model that a served model's name stands for; see `vision_model`.

    If the name stands for none that we know, a warning says so, and the result is "glm-4.1v": pages are then sized and
    counted as for that model.

    >>> vision_of("Qwen/Qwen3-VL-8B-Instruct"), vision_of("zai-org/Glyph")
    ('qwen3-vl', 'glm-4.1v')
    """
    found = family_name(model, VISION_MODELS)
    if found is None:
        warnings.warn(
            f"the vision model of {model!r} is not known: pages are sized and counted as for {UNKNOWN_VISION}. Name "
            "one (packing.model, or --vision).",
            stacklevel=2,
        )
    return found or UNKNOWN_VISION


def _listed(endpoint: Endpoint) -> dict[str, int | None]:
    """Return the models that the server lists. Some servers list none; the result is then empty."""
    try:
        return replace(endpoint, retries=0, timeout=min(endpoint.timeout, 10.0)).models()
    except EndpointError:
        return {}


def _combined(
    question: str,
    requests: tuple[Request, ...],
    replies: list[Reply],
    endpoint: Endpoint,
    on_text: Callable[[str], object] | None,
) -> Reply:
    """Ask the model to combine the replies about the parts. Replies that found nothing are left out."""
    answers = [
        f"[pages {request.pages[0].number} to {request.pages[-1].number}] {reply.text.strip()}"
        for request, reply in zip(requests, replies, strict=True)
        if NOTHING not in reply.text
    ]
    prompt = _COMBINE.format(count=len(requests), answers="\n\n".join(answers) or NOTHING, question=question)
    return endpoint.complete([{"role": "user", "content": prompt}], on_text=on_text)


def _ratio(requests: tuple[Request, ...], document: Document, packing: Packing) -> Ratio | None:
    sent = requests[0].pages[0].theta
    if sent != document.theta:  # the document was set in smaller type
        document = render("".join(page.text for request in requests for page in request.pages), sent)
    try:
        return document_ratio(
            document,
            text=document.text,
            theta=document.theta,
            model=vision_model(packing.model),
            tokenizer=packing.tokenizer,
            over_limit="ignore",
        )
    except (DependencyError, TokenizerError, VisionModelError):
        return None
