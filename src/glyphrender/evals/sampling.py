"""The rules of a protocol for one request: sampling, stop texts, and the thoughts that are cut before scoring."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Thoughts
from glyphrender.inference.model import EndpointModel, Model

__all__ = ["GREEDY", "sampled", "spoken"]

#: What decides the replies of a model that cannot be sampled otherwise.
GREEDY: Final[Mapping[str, Any]] = {"decoding": "greedy"}
_NOT_SAMPLING: Final = ("model", "messages", "prompt", "stream", "stream_options", "n", "max_completion_tokens")
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {"temperature": (int, float), "seed": (int,), "max_tokens": (int,)}
_END: Final = re.compile(r"</think(?:ing)?>")
_START: Final = re.compile(r"<think(?:ing)?>")


def sampled(model: Model, sampling: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
    """Return a model that is asked with the sampling of a protocol, and the sampling that holds.

    A model on a server is sent each field: temperature and seed by name, others as further fields of the request. A
    model on this machine decodes greedily, so `GREEDY` holds. `max_tokens` is a limit of each request, and stays.

    Args:
        model: the model.
        sampling: fields of the request.

    Raises:
        DataError: a field decides what is asked and not how it is sampled, such as "messages"; or a value is none that
            a request can hold, or of the wrong type.
    """
    for name, value in sampling.items():
        _check(name, value)
    limit = {name: sampling[name] for name in ("max_tokens",) if name in sampling}
    if not isinstance(model, EndpointModel):
        return model, {**GREEDY, **limit}
    changes = {name: sampling[name] for name in ("temperature", "seed") if name in sampling}
    extra = {name: value for name, value in sampling.items() if name not in changes and name not in limit}
    endpoint = replace(model.endpoint, **changes, extra={**model.endpoint.extra, **extra})
    held = {"temperature": endpoint.temperature, "seed": endpoint.seed, **endpoint.extra, **limit}
    return replace(model, endpoint=endpoint), {name: value for name, value in held.items() if value is not None}


def _check(name: str, value: Any) -> None:
    """Refuse a field of a request that is no sampling."""
    if name in _NOT_SAMPLING:
        raise DataError(f"{name} is no field of sampling: it decides what is asked. Leave it out.")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}={shown(value)} of the sampling is no JSON value ({error}). Use a number.") from error
    kinds, least = _KINDS.get(name), 1 if name == "max_tokens" else 0
    if kinds and value is not None and (type(value) not in kinds or value < least):
        wanted = "number" if float in kinds else "whole number"
        raise DataError(f"{name}={shown(value)} of the sampling is out of range. Use a {wanted} of {least} or more.")


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
