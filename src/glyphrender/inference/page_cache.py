"""Answer several prompts that begin with the same images, and compute those images once (extra `transformers`).

The keys and values of the images are kept. A further question about the pages costs its own tokens, and the vision
tower does not run again. After an image, the position of a token is not its index in the prompt, because GLM and Qwen
count an image by its longer side. So the model's own code always computes the positions of the whole prompt, and the
positions are passed to the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from glyphrender.adapters.collator import encode, render_chat
from glyphrender.adapters.pixels import Patchify
from glyphrender.adapters.processor import Message, as_image
from glyphrender.errors import DataError
from glyphrender.inference.endpoint import Reply

__all__ = ["MAX_NEW_TOKENS", "OpenDocument", "generate", "text_message"]

#: Most tokens of an answer if the caller sets no limit.
MAX_NEW_TOKENS = 512


@dataclass(kw_only=True, slots=True)
class OpenDocument:
    """The images of a document in a model's memory. `LocalModel.open` makes an object of this class.

    Attributes:
        model: the model of transformers.
        processor: the processor of the model.
        pages: the images: `Page`, PIL images, or uint8 arrays.
        opening: messages before the message that has the pages.
        turns: questions and answers of `chat` so far. The pages are in the first question.
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
        """Return the answer to `question`, as if no question had been asked before.

        Args:
            question: the question, which stands after the pages.
            options: options of transformers' `generate`, such as `do_sample=True`, `temperature=0.7` or `streamer=…`.
                By default, each step takes the likeliest token, and an answer has at most 512 tokens
                (`max_new_tokens`).

        Raises:
            DataError: the pages, the question and the answer are longer than the model's context; or `options` ask for
                more than one answer at a time.
        """
        return self.reply([*self.opening, self._first(question)], **options).text

    def chat(self, question: str, **options: Any) -> str:
        """Return the answer to `question`, which follows the earlier questions and answers of `chat`.

        The arguments and errors are the same as those of `ask`.
        """
        asked = text_message("user", question) if self.turns else self._first(question)
        answer = self.reply([*self.opening, *self.turns, asked], **options).text
        self.turns += [asked, text_message("assistant", answer)]
        return answer

    def reply(self, messages: list[Message], *, max_new_tokens: int = MAX_NEW_TOKENS, **options: Any) -> Reply:
        """Return the reply to `messages`. In them, {"type": "image"} marks the place of each image of `pages`.

        Raises:
            DataError: see `ask`.
        """
        text = render_chat(self.processor, messages, answer=True)
        token = self.processor.image_token
        cut = text.rindex(token) + len(token)
        if text[:cut] != self._prefix:
            self._begin(text[:cut])
        inputs = self._whole(text[cut:])
        tokens = inputs["input_ids"][0].tolist()

        def resume() -> dict[str, Any]:
            return {self._cache_name: self._resumed(tokens, inputs["position_ids"])}

        try:
            reply, answer = generate(
                self.model, self.processor, inputs, resume, images=len(self.pages), limit=max_new_tokens, **options
            )
        except DataError:
            raise
        except BaseException:
            self._prefix = ""  # the cache may hold a part of an answer: next time, start with a new cache
            raise
        if self._can_crop:
            self._held = answer[: self._cache.get_seq_length()]
        return reply

    def _first(self, question: str) -> Message:
        """Return the message that holds the pages. A page is drawn only when the model reads it."""
        places = [{"type": "image"} for _ in self.pages]
        return {"role": "user", "content": [*places, {"type": "text", "text": question}]}

    @property
    def _cache_name(self) -> str:
        """Return the name of the model's argument for the cache. transformers 5.24 has renamed it."""
        return "cache" if "cache" in signature(self.model.forward).parameters else "past_key_values"

    @property
    def _can_crop(self) -> bool:
        """Return whether the cache can drop its last tokens. Only layers that keep every token can do so."""
        from transformers.cache_utils import DynamicLayer

        return self._cache is not None and all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def _begin(self, prefix: str) -> None:
        """Start a prompt: encode everything up to its last image."""
        inputs = encode(self.processor, [prefix], [[as_image(page) for page in self.pages]])
        device, dtype = self.model.device, self.model.dtype
        inputs = {name: value.to(device) for name, value in inputs.items()}
        pixels = inputs.get("pixel_values")
        if pixels is not None and not pixels.is_floating_point():  # `fast` sent bytes
            inputs["pixel_values"] = Patchify.of(self.processor).pixel_values(pixels, dtype)
        elif pixels is not None:
            inputs["pixel_values"] = pixels.to(dtype)
        self._prefix, self._inputs, self._cache, self._held = prefix, inputs, None, []

    def _whole(self, rest: str) -> dict[str, Any]:
        """Return the whole prompt with its positions. The pixels are left out, because the cache replaces them."""
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
        """Return a cache that holds a prefix of `ids`, with at least the images in it."""
        from transformers.cache_utils import DynamicCache

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
        # With sliding windows or linear attention, a cache cannot go back to the end of the images. So the cache after
        # the images is kept unchanged, and copied for each question.
        if not self._can_crop:
            return deepcopy(self._cache)
        same = next((at for at, pair in enumerate(zip(self._held, ids, strict=False)) if len({*pair}) > 1), len(ids))
        keep = max(pages, min(same, len(self._held), len(ids) - 1))
        self._cache.crop(keep - len(self._held))
        self._held = self._held[:keep]
        return self._cache


def generate(
    model: Any,
    processor: Any,
    inputs: Mapping[str, Any],
    more: Callable[[], Mapping[str, Any]] = dict,
    *,
    images: int,
    limit: int,
    **options: Any,
) -> tuple[Reply, list[int]]:
    """Generate the answer to one tokenized prompt. Return the reply, and the token ids of prompt and answer.

    Args:
        model: the model of transformers.
        processor: its processor.
        inputs: tensors of the prompt.
        more: a function that returns further arguments of `generate`. It is called with gradients turned off.
        images: number of images in the prompt, for error messages.
        limit: most tokens of the answer.
        options: options of transformers' `generate`.

    Raises:
        DataError: prompt and answer are longer than the model's context, or `options` ask for several answers.
    """
    if options.get("num_beams", 1) > 1 or options.get("num_return_sequences", 1) > 1:
        raise DataError("num_beams and num_return_sequences are 1 where pages are read once. Leave them out.")
    import torch

    length = inputs["input_ids"].shape[1]
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and length + limit > context:
        raise DataError(
            f"{images} pages and the question are {length} tokens, which with max_new_tokens={limit} is above the "
            f"{context} that the model takes. Ask about fewer pages at a time."
        )
    options = {"do_sample": False, "max_new_tokens": limit, **options, "return_dict_in_generate": False}
    with torch.no_grad():
        answer = model.generate(**inputs, **more(), **options)[0].tolist()
    written = answer[length:]
    ends = model.generation_config.eos_token_id
    ended = bool(written) and written[-1] in (ends if isinstance(ends, list) else [ends])
    reply = Reply(
        text=str(processor.tokenizer.decode(written, skip_special_tokens=True)).strip(),
        prompt_tokens=length,
        completion_tokens=len(written),
        finish_reason="length" if len(written) >= limit and not ended else "stop",
    )
    return reply, answer


def text_message(role: str, text: str) -> Message:
    """Return a message with one text, in the form that chat templates take."""
    return {"role": role, "content": [{"type": "text", "text": text}]}
