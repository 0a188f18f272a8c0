"""Rows of pages and text → a batch that a model of transformers trains on (extra `transformers`).

The model's processor does the work. This module adds the places of the pages, and chooses the tokens that are learned:
those of the answers. It finds the answers by their places in the rendered chat. Image placeholders grow when the chat
is encoded, and transformers says where each one has moved. So no image is processed twice, and every template that only
appends turns can be learned from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass
from typing import Any

from glyphrender.adapters.device import for_device
from glyphrender.adapters.processor import Message, images_of, missing, with_pages
from glyphrender.adapters.rows import Row
from glyphrender.errors import DataError

__all__ = ["IGNORED", "Collator"]

#: The label of tokens that are not learned, in torch's cross entropy and so in all models.
IGNORED = -100


@dataclass(frozen=True, kw_only=True, slots=True)
class Collator:
    """A function from rows to a batch, for `collate_fn` of a DataLoader or `data_collator` of a Trainer.

    A row has "messages", in which all answers are learned; or it has "prompt" and "completion", and only the completion
    is learned. Each is a str or a list of messages. Its pages are in "pages", "document" or "images"; `with_pages` says
    where they go.

    Attributes:
        processor: a processor of transformers. `load_processor` loads it without torchvision.
        max_length: rows of more tokens are refused; None means no limit. A row is never cut, because a cut could tear
            an image.
        pad_to_multiple_of: the length of a batch is rounded up to a multiple of this.
        model: the model that is trained, if it is of the GLM-4V or Qwen-VL family. It is not kept. Pages then go to its
            device as bytes, and become floats there (`for_device`). Without it, the processor makes floats here;
            `fast(processor)` makes them faster.

    Raises:
        VisionModelError: the model or the processor is of another family.
    """

    processor: Any
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    model: InitVar[Any] = None

    def __post_init__(self, model: Any) -> None:
        if model is not None:
            object.__setattr__(self, "processor", for_device(model, self.processor))

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the keyword arguments of the model: `input_ids`, `attention_mask`, `labels`, `pixel_values` and
        others.

        `labels` are the `input_ids` of answers, including the token that ends an answer, and -100 elsewhere.

        Raises:
            DataError: a row lacks text or pages, is too long, or its chat template cannot be split into turns; the
                message names its place in the batch.
            VisionModelError: the model refuses the size of a page.
            DependencyError: torch or transformers is not installed.
        """
        try:
            import torch
        except ImportError as error:
            raise missing(error) from error
        if not rows:
            raise DataError("a batch of no rows. Give at least one.")
        chats = [_messages(row, f"row {number}") for number, row in enumerate(rows)]
        texts, spans = zip(*(self._rendered(chat, f"row {number}") for number, chat in enumerate(chats)), strict=True)
        batch = encode(
            self.processor,
            list(texts),
            [images_of(chat) for chat in chats],
            padding=True,
            pad_to_multiple_of=self.pad_to_multiple_of,
            return_offsets_mapping=True,
            return_text_replacement_offsets=True,
        )
        offsets, grown = batch.pop("offset_mapping"), batch.pop("text_replacement_offsets", None) or [[]] * len(rows)
        learned = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
        for number, answers in enumerate(spans):
            for start, end in _moved(answers, grown[number]):
                # A token that begins before the answer, as "\n\n" may, belongs to the prompt.
                left, right = offsets[number, :, 0], offsets[number, :, 1]
                learned[number] |= (left >= start) & (right <= end) & (right > left)
        self._check_lengths(batch["attention_mask"].sum(1).tolist())
        labels = torch.where(learned & batch["attention_mask"].bool(), batch["input_ids"], IGNORED)
        return {**batch, "labels": labels}

    def _check_lengths(self, lengths: Sequence[int]) -> None:
        for number, length in enumerate(lengths):
            if self.max_length is not None and length > self.max_length:
                raise DataError(
                    f"row {number} has {length} tokens, above max_length={self.max_length}. Give it fewer pages, or "
                    "raise max_length: a row is not cut, which would tear an image."
                )

    def _rendered(self, chat: list[Message], where: str) -> tuple[str, list[tuple[int, int]]]:
        """Return the chat as text, with the places of its answers."""
        text = render_chat(self.processor, chat)
        answers = [index for index, message in enumerate(chat) if message["role"] == "assistant"]
        spans = []
        for index in answers:
            before = render_chat(self.processor, chat[:index], answer=True)
            after = render_chat(self.processor, chat[: index + 1])
            if not text.startswith(before) or not text.startswith(after):
                raise DataError(
                    f"{where}: the chat template renders turn {index} otherwise than at the end of a chat, so its "
                    "answers cannot be found. Give one answer a row, or a chat_template that only appends."
                )
            spans.append((len(before), len(after)))
        end = self.processor.tokenizer.eos_token
        if answers and answers[-1] == len(chat) - 1 and end and not text.rstrip().endswith(end):
            # Some templates, such as GLM's, end an answer with the next turn; the last answer would never learn to end.
            text += end
            spans[-1] = (spans[-1][0], len(text))
        return text, spans


def _moved(spans: Sequence[tuple[int, int]], grown: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield where `spans` of the rendered chat are in the text whose image placeholders have grown.

    Args:
        spans: (start, end) of answers.
        grown: for each placeholder its "span" in the rendered chat, and its "new_span".
    """
    ends = [each["span"][1] for each in grown]
    gained = [0, *(each["new_span"][1] - each["span"][1] for each in grown)]
    for start, end in spans:
        yield start + gained[bisect_right(ends, start)], end + gained[bisect_right(ends, end)]


def render_chat(processor: Any, messages: Sequence[Message], *, answer: bool = False) -> str:
    """Return messages in the chat template of the processor: text with one placeholder per image.

    Args:
        processor: a processor of transformers.
        messages: messages as `with_pages` returns them.
        answer: whether the text continues up to the place where the answer begins.

    Raises:
        DataError: the processor has no chat template, or the text of a message contains the placeholder of an image.
    """
    token = getattr(processor, "image_token", None)
    for message in messages:
        for part in message["content"]:
            if token and token in part.get("text", ""):
                raise DataError(f"a text has {token!r} in it, which stands for an image. Write it in another way.")
    try:
        text = processor.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=answer)
    except ValueError as error:
        raise DataError(f"{type(processor).__name__} has no use for this chat: {error}") from error
    return str(text)


def encode(processor: Any, texts: list[str], images: list[list[Any]], **options: Any) -> dict[str, Any]:
    """Return rendered chats as tensors, with special tokens only where the template has not written them."""
    start = processor.tokenizer.bos_token
    if start is not None and texts[0].startswith(start):
        options["add_special_tokens"] = False
    pictures = images if any(images) else None
    options = {name: value for name, value in options.items() if value is not None}
    return dict(processor(text=texts, images=pictures, return_tensors="pt", **options))


def _messages(row: Row, where: str) -> list[Message]:
    """Return the chat of a row, with its pages in their places."""
    pages = next((row[name] for name in ("pages", "document", "images") if row.get(name) is not None), ())
    if row.get("messages") is not None:
        messages = list(row["messages"])
    elif row.get("prompt") is not None and row.get("completion") is not None:
        messages = [*_turn(row["prompt"], "user"), *_turn(row["completion"], "assistant")]
    else:
        raise DataError(f'{where} has neither "messages" nor "prompt" and "completion"; it has {sorted(row)}.')
    if not any(isinstance(message, Mapping) and message.get("role") == "assistant" for message in messages):
        raise DataError(f"{where} has no answer to learn. Give a completion, or a message of the assistant.")
    return with_pages(messages, list(pages), where=where)


def _turn(value: Any, role: str) -> list[Message]:
    return [{"role": role, "content": value}] if isinstance(value, str) else list(value)
