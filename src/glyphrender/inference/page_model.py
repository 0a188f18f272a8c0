"""What answers a question about pages: a model behind an endpoint, or one of transformers on this machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any, Protocol

from glyphrender.document.document import Document
from glyphrender.errors import DataError, RequestRefused, VisionModelError
from glyphrender.inference.judge_endpoint import Endpoint, Reply, image_parts

__all__ = ["EndpointModel", "LocalModel", "PageModel"]


class PageModel(Protocol):
    """What answers a question about pages."""

    @property
    def identity(self) -> list[Any]:
        """JSON values that decide a reply besides the pages and the question; the first is the model's name."""

    def ask(self, document: Document, question: str, max_tokens: int) -> Reply:
        """The reply to `question` about the pages of `document`.

        Raises:
            RequestRefused: the model does not take these pages.
            EndpointError: there is no reply.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointModel:
    """A `PageModel` behind an endpoint: the pages as PNG in order, then the question."""

    endpoint: Endpoint

    @property
    def identity(self) -> list[Any]:
        """That of the endpoint."""
        return self.endpoint.identity

    def ask(self, document: Document, question: str, max_tokens: int) -> Reply:
        """The reply of the endpoint."""
        content = [*image_parts(document), {"type": "text", "text": question}]
        return self.endpoint.complete([{"role": "user", "content": content}], max_tokens=max_tokens)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalModel:
    """A `PageModel` of transformers, loaded when it is first asked; one question at a time (extra `transformers`).

    Attributes:
        path_or_id, device, dtype, trust_remote_code: see `glyphrender.inference.transformers.load`.
    """

    path_or_id: str | PathLike[str]
    device: str | None = None
    dtype: str | None = None
    trust_remote_code: bool = False
    _loaded: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    _turn: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def identity(self) -> list[Any]:
        """Name and dtype: greedy decoding follows from them."""
        return [fspath(self.path_or_id), "transformers", self.dtype]

    def ask(self, document: Document, question: str, max_tokens: int) -> Reply:
        """The reply by greedy decoding; its tokens are what its text comes to when it is read again.

        Raises:
            DependencyError, DataError, VisionModelError: the model cannot be loaded.
        """
        with self._turn:
            if not self._loaded:
                from glyphrender.inference.transformers import load

                remote = self.trust_remote_code
                self._loaded.append(load(self.path_or_id, self.device, self.dtype, trust_remote_code=remote))
            reader = self._loaded[0]
            try:
                text = reader.generate(document, question, max_new_tokens=max_tokens)
            except (DataError, VisionModelError) as error:  # too many pages, or too large ones
                raise RequestRefused(str(error)) from error
            written = len(reader.processor.tokenizer(text)["input_ids"]) if text else 0
        finish = "length" if written >= max_tokens else "stop"
        return Reply(text=text, completion_tokens=written, finish=finish)
