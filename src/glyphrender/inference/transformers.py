"""Questions about a document to a model of transformers, on any device (extra `transformers`).

    reader = load("zai-org/Glyph")
    reader.generate(render(text, Theta().align_to("glm-4.1v")), ["Who is Wickham?", "And Denny?"])

The pages come first in the prompt, and their keys and values are computed once: each further question costs its own
tokens, and the vision tower does not run again. In a cache that began with pages, tokens have other positions than
their number (GLM's and Qwen's count an image by its longer side), so positions are always computed for the whole
prompt, by the model's own code, and given to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from inspect import signature
from os import PathLike, fspath
from typing import Any, overload

from glyphrender.adapters.collator import encode, render_chat
from glyphrender.adapters.pixels import Patchify, fast, page_array
from glyphrender.adapters.processor import Message, as_image, load_processor, missing
from glyphrender.document.page import Page
from glyphrender.errors import DataError, VisionModelError

__all__ = ["Reader", "Reading", "load"]


def load(
    path_or_id: str | PathLike[str],
    device: str | None = None,
    dtype: str | None = None,
    *,
    trust_remote_code: bool = False,
) -> Reader:
    """A vision-language model with its processor.

    Args:
        path_or_id: a directory, or the name of a model on the hub.
        device: of torch, as "cuda:1"; by default the first accelerator there is, or else the CPU.
        dtype: of the weights, as "bfloat16"; by default that of the checkpoint.
        trust_remote_code: whether to run code that lies beside the model.

    Raises:
        DependencyError: torch, transformers, or a package that this processor needs is not installed.
        DataError: there is no model, or no such dtype or device.
        VisionModelError: the model takes no images.
    """
    processor = load_processor(path_or_id, trust_remote_code=trust_remote_code)
    try:
        import torch
        from transformers import AutoModelForImageTextToText
    except ImportError as error:
        raise missing() from error
    if dtype is not None and not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise DataError(f"dtype={dtype!r} is none of torch. Use float32, bfloat16 or float16.")
    if device is None:
        device = str(torch.accelerator.current_accelerator()) if torch.accelerator.is_available() else "cpu"
    try:
        placed = torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise DataError(f"device={device!r} cannot be used ({str(error).splitlines()[0]}). Use cpu.") from error
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            path_or_id, dtype=dtype or "auto", trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(f"{fspath(path_or_id)} has no weights to load ({reason}). Name a whole model.") from error
    return Reader(model=model.to(placed).eval(), processor=processor)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A model that is asked about pages.

    Attributes:
        model: of transformers, on its device.
        processor: its own; one for images only will do.
    """

    model: Any
    processor: Any

    @overload
    def generate(self, document: Sequence[Any], question: str, **options: Any) -> str: ...
    @overload
    def generate(self, document: Sequence[Any], question: Sequence[str], **options: Any) -> list[str]: ...
    def generate(self, document: Sequence[Any], question: str | Sequence[str], **options: Any) -> str | list[str]:
        """The answer to a question, or to each of several about the same pages, which are then read once.

        Arguments and errors are those of `Reading.ask`.
        """
        reading = self.open(document)
        if isinstance(question, str):
            return reading.ask(question, **options)
        return [reading.ask(each, **options) for each in question]

    def open(self, document: Sequence[Any], *, system: str | None = None) -> Reading:
        """A document to ask about; its pages are read when the first question comes.

        Args:
            document: a `Document`, or `Page`, PIL images or uint8 arrays.
            system: what stands before the pages as the system's message.

        Raises:
            DataError: there are no pages, or one is neither grey nor RGB bytes.
            VisionModelError: the model refuses a page of this size, or would shrink it.
        """
        pages = list(document)
        if not pages:
            raise DataError("the document has no pages to read. Give one that has text.")
        processor = self.processor
        try:
            patchify = Patchify.of(processor)
        except VisionModelError:  # not of the families that have a fast way
            pass
        else:
            processor = fast(processor, expand=False)
            most = patchify.model.limits.max_pixels
            for number, page in enumerate(pages, start=1):
                width, height = page.size if hasattr(page, "convert") else _size(page)  # PIL's
                if most is not None and width * height > most:
                    raise VisionModelError(
                        f"page {number} of {width}×{height} px is above the {most} px that the model takes, and would "
                        "be shrunk. Use a smaller page_size or dpi, or theta.align_to(vision)."
                    )
        opening: list[Message] = [_said("system", system)] if system else []
        return Reading(model=self.model, processor=processor, pages=pages, opening=opening)


@dataclass(kw_only=True, slots=True)
class Reading:
    """The pages of one document in a model's memory; made by `Reader.open`.

    Attributes:
        model: of transformers.
        processor: of the model.
        pages: of the document.
        opening: messages before the one that holds the pages.
        turns: what `chat` has asked and been answered, the pages in the first of them.
    """

    model: Any
    processor: Any
    pages: list[Any]
    opening: list[Message] = field(default_factory=list)
    turns: list[Message] = field(default_factory=list)
    _prefix: str = field(default="", repr=False)
    _inputs: dict[str, Any] = field(default_factory=dict, repr=False)
    _cache: Any = field(default=None, repr=False)
    _held: list[int] = field(default_factory=list, repr=False)

    def ask(self, question: str, **options: Any) -> str:
        """The answer to `question`, as if it were the first.

        Args:
            question: stands after the pages.
            options: of transformers' `generate`, as `do_sample=True`, `temperature=0.7` or `streamer=…`. By default the
                likeliest token is taken each time, and at most 512 (`max_new_tokens`).

        Raises:
            DataError: the pages, the question and the answer are longer than the model's context; or `options` ask for
                more than one answer at a time.
        """
        return self._answered([self._first(question)], **options)

    def chat(self, question: str, **options: Any) -> str:
        """The answer to `question` after all that `chat` was asked before. Arguments and errors are those of `ask`."""
        asked = _said("user", question) if self.turns else self._first(question)
        answer = self._answered([*self.turns, asked], **options)
        self.turns += [asked, _said("assistant", answer)]
        return answer

    def _first(self, question: str) -> Message:
        """The message that the pages stand in, which are drawn when they are read."""
        places = [{"type": "image"} for _ in self.pages]
        return {"role": "user", "content": [*places, {"type": "text", "text": question}]}

    def _answered(self, messages: list[Message], *, max_new_tokens: int = 512, **options: Any) -> str:
        if options.get("num_beams", 1) > 1 or options.get("num_return_sequences", 1) > 1:
            raise DataError("num_beams and num_return_sequences are 1 where pages are read once. Leave them out.")
        import torch

        text = render_chat(self.processor, [*self.opening, *messages], answer=True)
        token = self.processor.image_token
        cut = text.rindex(token) + len(token)
        if text[:cut] != self._prefix:
            self._begin(text[:cut])
        inputs = self._whole(text[cut:])
        ids = inputs["input_ids"]
        context = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        if context is not None and ids.shape[1] + max_new_tokens > context:
            raise DataError(
                f"{len(self.pages)} pages and the question are {ids.shape[1]} tokens, which with max_new_tokens="
                f"{max_new_tokens} is above the {context} that the model takes. Ask about fewer pages at a time."
            )
        try:
            with torch.no_grad():
                cache = self._resumed(ids[0].tolist(), inputs["position_ids"])
                options = {"do_sample": False, "max_new_tokens": max_new_tokens, **options}
                options["return_dict_in_generate"] = False
                answer = self.model.generate(**inputs, **{self._cache_name: cache}, **options)
        except BaseException:
            self._prefix = ""  # the cache may hold a part of an answer: begin anew
            raise
        if cache is self._cache:
            self._held = answer[0, : cache.get_seq_length()].tolist()
        return str(self.processor.tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True)).strip()

    @property
    def _cache_name(self) -> str:
        """What the model calls its cache: transformers 5.24 has renamed it."""
        return "cache" if "cache" in signature(self.model.forward).parameters else "past_key_values"

    def _begin(self, prefix: str) -> None:
        """Take up a prompt as far as its last page."""
        inputs = encode(self.processor, [prefix], [[as_image(page) for page in self.pages]])
        device, dtype = self.model.device, self.model.dtype
        inputs = {name: value.to(device) for name, value in inputs.items()}
        pixels = inputs.get("pixel_values")
        if pixels is not None and not pixels.is_floating_point():  # bytes have travelled
            inputs["pixel_values"] = Patchify.of(self.processor).pixel_values(pixels, dtype)
        elif pixels is not None:
            inputs["pixel_values"] = pixels.to(dtype)
        self._prefix, self._inputs, self._cache, self._held = prefix, inputs, None, []

    def _whole(self, rest: str) -> dict[str, Any]:
        """The whole prompt, with positions, and without the pixels that the cache stands for."""
        import torch

        begun = self._inputs
        more = self.processor.tokenizer(rest, add_special_tokens=False, return_tensors="pt")["input_ids"]
        ids = torch.cat([begun["input_ids"], more.to(begun["input_ids"])], dim=1)
        whole = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        for name in ("mm_token_type_ids", "token_type_ids"):
            if name in begun:
                whole[name] = torch.cat([begun[name], torch.zeros_like(more).to(begun[name])], dim=1)
        grids = {name: value for name, value in begun.items() if name.endswith("grid_thw")}
        whole["position_ids"] = self.model._prepare_position_ids_for_generation(ids, whole | grids)
        return whole

    def _resumed(self, ids: list[int], positions: Any) -> Any:
        """A cache that holds a prefix of `ids`, the pages at least."""
        from transformers.cache_utils import DynamicCache, DynamicLayer

        pages = self._inputs["input_ids"].shape[1]
        if self._cache is None:
            self._cache = DynamicCache(config=self.model.config)
            self.model(
                **self._inputs,
                position_ids=positions[..., :pages],
                **{self._cache_name: self._cache},
                use_cache=True,
                logits_to_keep=1,
            )
            self._held = ids[:pages]
            self._inputs = {name: value for name, value in self._inputs.items() if not name.startswith("pixel")}
        # Only layers that keep every token can go back. Of others (sliding windows, linear attention) the state after
        # the pages is kept as it is, and copied for each question.
        if any(type(layer) is not DynamicLayer for layer in self._cache.layers):
            return deepcopy(self._cache)
        same = next((at for at, pair in enumerate(zip(self._held, ids, strict=False)) if len({*pair}) > 1), len(ids))
        keep = max(pages, min(same, len(self._held), len(ids) - 1))
        self._cache.crop(keep - len(self._held))
        self._held = self._held[:keep]
        return self._cache


def _size(page: Any) -> tuple[int, int]:
    if isinstance(page, Page):
        return page.size  # without drawing it
    height, width = page_array(page).shape[:2]
    return width, height


def _said(role: str, text: str) -> Message:
    return {"role": role, "content": [{"type": "text", "text": text}]}
