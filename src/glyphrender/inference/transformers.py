"""A model of transformers on this machine, on any device (extra `transformers`).

    model = load("zai-org/Glyph")
    model.generate(render(text, Theta().align_to("glm-4.1v")), ["Who is Wickham?", "And Denny?"])

A `LocalModel` is a `Model`: `complete` takes any conversation. `generate` and `open` ask several questions about one
document, and read its pages only once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any, overload

from glyphrender.adapters.collator import encode, render_chat
from glyphrender.adapters.pixels import Patchify, fast, page_array
from glyphrender.adapters.processor import Message, load_processor, missing
from glyphrender.document.page import Page
from glyphrender.errors import DataError, RequestRefused, VisionModelError
from glyphrender.inference.conversation import Conversation, pil_image
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.page_cache import MAX_NEW_TOKENS, OpenDocument, generate, text_message

__all__ = ["LazyModel", "LocalModel", "OpenDocument", "load", "torch_device"]


def load(
    path_or_id: str | PathLike[str],
    device: str | None = None,
    dtype: str | None = None,
    *,
    trust_remote_code: bool = False,
) -> LocalModel:
    """Load a vision-language model with its processor.

    Args:
        path_or_id: a directory, or the name of a model on the hub.
        device: device of torch, such as "cuda:1"; by default the first accelerator, or the CPU if there is none.
        dtype: type of the weights, such as "bfloat16"; by default that of the checkpoint.
        trust_remote_code: whether to run code that comes with the model.

    Raises:
        DependencyError: torch, transformers, or a package that this processor needs is not installed.
        DataError: there is no such model, dtype or device.
        VisionModelError: the model takes no images.
    """
    processor = load_processor(path_or_id, trust_remote_code=trust_remote_code)
    try:
        import torch
        from transformers import AutoModelForImageTextToText
    except ImportError as error:
        raise missing(error) from error
    if dtype is not None and not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise DataError(f"dtype={dtype!r} is none of torch. Use float32, bfloat16 or float16.")
    placed = torch_device(device)
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            path_or_id, dtype=dtype or "auto", trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(f"{fspath(path_or_id)} has no weights to load ({reason}). Name a whole model.") from error
    return LocalModel(model=model.to(placed).eval(), processor=processor, name=fspath(path_or_id), dtype=dtype)


def torch_device(device: str | None = None) -> Any:
    """Return a device of torch that can be used; without a name, the first accelerator, or the CPU if there is none.

    Raises:
        DataError: the device cannot be used.
    """
    import torch

    if device is None:
        device = str(torch.accelerator.current_accelerator()) if torch.accelerator.is_available() else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise DataError(f"device={device!r} cannot be used ({str(error).splitlines()[0]}). Use cpu.") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalModel:
    """A `Model` of transformers. It answers one question at a time, from any thread.

    Attributes:
        model: the model of transformers, on its device.
        processor: the model's processor. An image processor alone is enough.
        name: name of the model, for keys of stored replies.
        dtype: type of the weights, if the caller of `load` asked for one.
    """

    model: Any
    processor: Any
    name: str = ""
    dtype: str | None = None
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def identity(self) -> list[Any]:
        """Return name and dtype. They decide the replies, because decoding is greedy."""
        return _identity(self.name or str(getattr(self.model, "name_or_path", "")), self.dtype)

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        """Return the reply to the last turn of `conversation`, by greedy decoding. See `Model.complete`.

        Raises:
            RequestRefused: a page is too large, or the conversation is longer than the model's context.
            DependencyError: torch or transformers is not installed.
        """
        options: dict[str, Any] = {}
        if on_text is not None:
            options["streamer"] = _streamer(self.processor.tokenizer, on_text)
        limit = MAX_NEW_TOKENS if max_tokens is None else max_tokens
        messages: list[Message] = []
        for turn in conversation.turns:
            parts = [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
                     for part in turn.flat()]  # fmt: skip
            messages.append({"role": turn.role, "content": parts})
        pictures = [pil_image(each) if isinstance(each, bytes) else each for each in conversation.pictures]
        with self._lock:
            try:
                if not pictures and not conversation.documents:
                    return self._of_text(messages, limit, options)
                return self.open(pictures).reply(messages, max_new_tokens=limit, **options)
            except (DataError, VisionModelError) as error:  # too many pages, or too large ones
                raise RequestRefused(str(error)) from error

    @overload
    def generate(self, document: Sequence[Any], question: str, **options: Any) -> str: ...
    @overload
    def generate(self, document: Sequence[Any], question: Sequence[str], **options: Any) -> list[str]: ...
    def generate(self, document: Sequence[Any], question: str | Sequence[str], **options: Any) -> str | list[str]:
        """Return the answer to one question, or a list of answers to several. The pages are read once.

        The options and errors are the same as those of `OpenDocument.ask`.
        """
        opened = self.open(document)
        if isinstance(question, str):
            return opened.ask(question, **options)
        return [opened.ask(each, **options) for each in question]

    def open(self, document: Sequence[Any], *, system: str | None = None) -> OpenDocument:
        """Return an open document, which takes questions. The model reads its pages at the first question.

        Args:
            document: a `Document`, or a sequence of `Page`, PIL images or uint8 arrays.
            system: text of the system message, which stands before the pages.

        Raises:
            DataError: there are no pages, or a page is neither grey bytes nor RGB bytes.
            VisionModelError: the model refuses a page of this size, or would shrink it.
        """
        pages = list(document)
        if not pages:
            raise DataError("the document has no pages to read. Give one that has text.")
        processor = self.processor
        try:
            patchify = Patchify.of(processor)
        except VisionModelError:  # `fast` does not support this family
            pass
        else:
            processor = fast(processor, expand=False)
            most = patchify.model.limits.max_pixels
            for number, page in enumerate(pages, start=1):
                width, height = page.size if hasattr(page, "convert") else _size(page)  # of PIL
                if most is not None and width * height > most:
                    raise VisionModelError(
                        f"page {number} of {width}×{height} px is above the {most} px that the model takes, and would "
                        "be shrunk. Use a smaller page_size or dpi, or theta.align_to(model)."
                    )
        opening = [text_message("system", system)] if system else []
        return OpenDocument(model=self.model, processor=processor, pages=pages, opening=opening)

    def _of_text(self, messages: list[Message], limit: int, options: dict[str, Any]) -> Reply:
        """Return the reply to a conversation without images."""
        text = render_chat(self.processor, messages, answer=True)
        inputs = {name: value.to(self.model.device) for name, value in encode(self.processor, [text], [[]]).items()}
        reply, _ = generate(self.model, self.processor, inputs, images=0, limit=limit, **options)
        return reply


@dataclass(frozen=True, kw_only=True, slots=True)
class LazyModel:
    """A `Model` of transformers that is loaded when it is first asked.

    A run whose replies are all stored then loads nothing.

    Attributes:
        path_or_id, device, dtype, trust_remote_code: see `load`.
    """

    path_or_id: str | PathLike[str]
    device: str | None = None
    dtype: str | None = None
    trust_remote_code: bool = False
    _loaded: list[LocalModel] = field(default_factory=list, init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def identity(self) -> list[Any]:
        """Return name and dtype: the same values as those of the loaded model."""
        return _identity(fspath(self.path_or_id), self.dtype)

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        """Return the reply of the model; see `LocalModel.complete`.

        Raises:
            RequestRefused: see `LocalModel.complete`.
            DependencyError, DataError, VisionModelError: the model cannot be loaded; see `load`.
        """
        with self._lock:
            if not self._loaded:
                remote = self.trust_remote_code
                self._loaded.append(load(self.path_or_id, self.device, self.dtype, trust_remote_code=remote))
        return self._loaded[0].complete(conversation, max_tokens=max_tokens, on_text=on_text)


def _identity(name: str, dtype: str | None) -> list[Any]:
    return [name, "transformers", dtype]


def _size(page: Any) -> tuple[int, int]:
    if isinstance(page, Page):
        return page.size  # without drawing it
    height, width = page_array(page).shape[:2]
    return width, height


def _streamer(tokenizer: Any, on_text: Callable[[str], object]) -> Any:
    """Return a streamer of transformers that passes each piece of the answer to `on_text`."""
    from transformers import TextStreamer

    class Streamer(TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                on_text(text)

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
