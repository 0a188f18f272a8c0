"""The rules of a protocol for one request: sampling, stop texts, and the thoughts that are cut before scoring."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from glyphrender.evals.item import Thoughts
from glyphrender.inference.model import EndpointModel, Model

__all__ = ["GREEDY", "sampled", "spoken"]

#: What decides the replies of a model that cannot be sampled otherwise.
GREEDY: Final[Mapping[str, Any]] = {"decoding": "greedy"}
_END: Final = re.compile(r"</think(?:ing)?>")
_START: Final = re.compile(r"<think(?:ing)?>")


def sampled(model: Model, sampling: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
    """Return a model that is asked with the sampling of a protocol, and the sampling that holds.

    A model on a server is sent each field: temperature and seed by name, others as further fields of the request. A
    model on this machine decodes greedily, so `GREEDY` holds. `max_tokens` is a limit of each request, and stays.

    Args:
        model: the model.
        sampling: fields of the request.
    """
    limit = {name: sampling[name] for name in ("max_tokens",) if name in sampling}
    if not isinstance(model, EndpointModel):
        return model, {**GREEDY, **limit}
    changes = {name: sampling[name] for name in ("temperature", "seed") if name in sampling}
    extra = {name: value for name, value in sampling.items() if name not in changes and name not in limit}
    endpoint = replace(model.endpoint, **changes, extra={**model.endpoint.extra, **extra})
    held = {"temperature": endpoint.temperature, "seed": endpoint.seed, **endpoint.extra, **limit}
    return replace(model, endpoint=endpoint), {name: value for name, value in held.items() if value is not None}


def spoken(reply: str, *, thoughts: Thoughts, stop: Sequence[str] = ()) -> str:
    """Return the part of a reply that is scored.

    >>> spoken("<think>7?</think>8.\\nMore", thoughts="closed", stop=["\\n"])
    '8.'
    >>> spoken("<think>7 and 8", thoughts="closed"), spoken("<think>7 and 8", thoughts="all")
    ('<think>7 and 8', '')

    Args:
        reply: the whole text of the reply.
        thoughts: the thoughts that are cut, see `Thoughts`.
        stop: texts that end a reply. The text before the first of them is kept. It is applied here and not by the
            server, which would stop in the middle of thoughts too.
    """
    text = reply
    if thoughts != "kept":
        text = _END.split(text)[-1]
        if thoughts == "all":
            text = _START.split(text)[0]
    ends = [at for word in stop if word and (at := text.find(word)) >= 0]
    return text[: min(ends)] if ends else text
