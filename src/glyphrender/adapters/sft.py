"""Rows → conversations with pages in them, as TRL's `SFTTrainer` takes them.

A conversation here is a list of messages whose content is a list of parts. A part of type "document" has a text that
the model sees as pages. `Prompts` makes conversations from plain columns by templates; `Conversations` takes them from
the dataset. Both replace each document by as many image parts as it has pages, and put the pages into the column
`images`, in order. The loss falls on completions alone: TRL masks the prompt of prompt/completion rows, which is why
that kind is the default here. In rows with `messages`, TRL masks the text outside assistant turns only if
`assistant_only_loss=True` and the chat template has generation marks.

All other columns are dropped, because TRL takes a row that still has a column "text" for another kind of row. For
TRL's `GRPOTrainer`, `kind="prompt"` leaves the answer out, and `keep` names the columns that reward functions need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from glyphrender.adapters.data import PagesTransform, train_extra
from glyphrender.adapters.processor import Message
from glyphrender.adapters.rows import Row, by_row, cell, document_of, text_of
from glyphrender.errors import DataError, shown
from glyphrender.rich.rich_text import RichText, drawn_of

__all__ = ["Conversations", "Prompts", "epoch_callback"]

_IMAGES = "images"
# The columns of each kind of row.
_COLUMNS = {"prompt-completion": ("prompt", "completion"), "messages": ("messages",), "prompt": ("prompt",)}
# Columns that TRL reads as part of the conversation, and arguments that its GRPOTrainer gives to reward functions.
_READ = frozenset({_IMAGES, "image", "prompt", "completion", "messages"})
_ARGUMENTS = frozenset({"prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompts:
    """A function from plain columns to a question about pages and its answer.

    Attributes:
        pages: how texts become pages; its `text` columns are the documents. Its `format` must be "image" or "png".
        prompt: the message of the user. {column} stands for that column, as pages if it is a document, else as text.
            Documents stand where they are named, with text before, between and after. "{{" is a brace.
        completion: the answer of the assistant, as text only; "{text}" makes the model read out the pages.
        system: the system message, as text; "" for none.
        kind: "prompt-completion", where the loss is only on the completion; "messages"; or "prompt", without an answer,
            for trainers that let the model answer.
        keep: columns that stay in the row as they are, such as the right answers for a reward function.

    Raises:
        DataError: a template is malformed, the prompt leaves a document out, `kind` is unknown, or `keep` names a
            column that is written here, or that TRL takes for its own.
    """

    pages: PagesTransform
    prompt: str = "{text}"
    completion: str = "{completion}"
    system: str = ""
    kind: Literal["prompt-completion", "messages", "prompt"] = "prompt-completion"
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = {column for _, column in _pieces("prompt", self.prompt)}
        if left_out := [column for column in self.pages.columns if column not in named]:
            raise DataError(f"the prompt leaves out the document {left_out[0]!r}. Put {{{left_out[0]}}} into it.")
        list(_pieces("completion", self.completion))
        list(_pieces("system", self.system))
        if self.kind not in _COLUMNS:
            raise DataError(f"kind={self.kind!r} is unknown. Use {', '.join(_COLUMNS)}.")
        # SFTTrainer takes a row with a column "text" for a row of plain text; GRPOTrainer does not look.
        reserved = _READ | _ARGUMENTS if self.kind == "prompt" else _READ | {"text"}
        if taken := [name for name in self.keep if name in reserved]:
            raise DataError(f"keep names {taken[0]!r}, which TRL takes for something of its own. Rename the column.")

    def __call__(self, rows: Row) -> dict[str, Any]:
        """Return the row, or batch of rows, that TRL takes: `images`, the conversation, and the columns of `keep`.

        Raises:
            DataError: a column that a template names is missing, or is not str; or a column of `keep` is missing.
            ThetaError: θ of a row is not valid. All errors name the row.
        """
        names = (_IMAGES, *_COLUMNS[self.kind], *self.keep)
        batched = any(isinstance(rows.get(column), list) for column in self.pages.columns)
        return by_row(self._row, rows, batched, names=names, key=self.pages.key)

    def _row(self, row: Row) -> dict[str, Any]:
        prompt = [_message("user", self._parts(row, "prompt", self.prompt, self.pages.columns))]
        if self.system:
            prompt.insert(0, _message("system", self._parts(row, "system", self.system)))
        kept = {name: cell(row, name) for name in self.keep}
        if self.kind == "prompt":
            return {**_paged({"prompt": prompt}, row, self.pages), **kept}
        completion = [_message("assistant", self._parts(row, "completion", self.completion))]
        if self.kind == "messages":
            return {**_paged({"messages": prompt + completion}, row, self.pages), **kept}
        return {**_paged({"prompt": prompt, "completion": completion}, row, self.pages), **kept}

    def _text(self, row: Row, column: str) -> str:
        """Return the text of a column that the model reads or says: of a document, what its pages show."""
        return drawn_of(document_of(row, column)) if column in self.pages.columns else text_of(row, column)

    def _parts(self, row: Row, name: str, template: str, documents: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the parts of a message. Neighboring texts become one part."""
        parts: list[dict[str, Any]] = []
        for literal, column in _pieces(name, template):
            text = literal + (self._text(row, column) if column and column not in documents else "")
            if text and parts and parts[-1]["type"] == "text":
                parts[-1]["text"] += text
            elif text:
                parts.append({"type": "text", "text": text})
            if column in documents:
                parts.append({"type": "document", "text": document_of(row, column)})
        return parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversations:
    """A function from conversations with documents to conversations with pages.

    Rows have a column `messages`, or `prompt` and `completion`, of any number of turns. Content is a str or a list of
    parts {"type": "text" or "document", "text": …}, a structure that Arrow keeps as it is.

    Attributes:
        pages: how texts become pages; its `text` is not used. Its `format` must be "image" or "png".
    """

    pages: PagesTransform

    def __call__(self, rows: Row) -> dict[str, Any]:
        """Return the row, or batch of rows, that TRL takes: `images`, and the conversation.

        Raises:
            DataError: the conversation is missing or malformed, or has a document in a completion.
            ThetaError: θ of a row is not valid. All errors name the row.
        """
        names = ("messages",) if "messages" in rows else ("prompt", "completion")
        first = rows.get(names[0])
        batched = isinstance(first, list) and (not first or isinstance(first[0], list))
        return by_row(self._row, rows, batched, names=(_IMAGES, *names), key=self.pages.key)

    def _row(self, row: Row) -> dict[str, Any]:
        names = ("messages",) if "messages" in row else ("prompt", "completion")
        return _paged({name: _checked(row, name) for name in names}, row, self.pages)


def _paged(conversation: dict[str, list[Message]], row: Row, pages: PagesTransform) -> dict[str, Any]:
    """Return `conversation` with image parts for its documents, and the pages under `images`."""
    documents = [part["text"] for part in _parts_of(conversation) if part["type"] == "document"]
    theta = pages.theta_of(row, [text.source if isinstance(text, RichText) else text for text in documents])
    images: list[Any] = []

    def replaced(part: dict[str, Any]) -> list[dict[str, Any]]:
        if part["type"] != "document":
            return [part]
        drawn = pages.drawn(part["text"], theta)
        images.extend(drawn)
        return [{"type": "image"} for _ in drawn]

    done = {
        name: [
            message
            if isinstance(message["content"], str)
            else {**message, "content": [new for part in message["content"] for new in replaced(part)]}
            for message in messages
        ]
        for name, messages in conversation.items()
    }
    return {_IMAGES: images, **done}


def _parts_of(conversation: dict[str, list[Message]]) -> Iterable[dict[str, Any]]:
    for messages in conversation.values():
        for message in messages:
            if not isinstance(message["content"], str):
                yield from message["content"]


def _message(role: str, parts: list[dict[str, Any]]) -> Message:
    return {"role": role, "content": parts}


def _pieces(name: str, template: str) -> Iterable[tuple[str, str]]:
    """Yield the pieces of a template: (text, the column that follows it, or "").

    Raises:
        DataError: the template is malformed, or has braces that name no column.
    """
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise DataError(f"{name}={shown(template)} is malformed ({error}). Write {{{{ for a brace.") from None
    for literal, column, specification, conversion in pieces:
        if column == "" or specification or conversion:
            raise DataError(f"{name}={shown(template)} has braces that name no column. Write {{{{ for a brace.")
        yield literal, column or ""


def _checked(row: Row, name: str) -> list[Message]:
    """Return the messages in a column of the dataset.

    Raises:
        DataError: they are missing or malformed.
    """

    def wrong(value: object, wanted: str) -> DataError:
        return DataError(f"{name} has {shown(value)} where {wanted} should be. See docs/training-data.md.")

    messages = row.get(name)
    if not isinstance(messages, list):
        raise wrong(messages, "a list of messages")
    checked: list[Message] = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise wrong(message, 'a message {"role", "content"}')
        content = message.get("content")
        if not isinstance(content, (str, list)):
            raise wrong(content, "text or a list of parts")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict) or part.get("type") not in ("text", "document"):
                raise wrong(part, 'a part {"type": "text" or "document", "text"}')
            if not isinstance(part.get("text"), (str, RichText) if part["type"] == "document" else str):
                raise wrong(part.get("text"), "the text of a part")
            if part["type"] == "document" and (name == "completion" or message["role"] == "assistant"):
                raise wrong(part, "text (a model answers in text)")
        checked.append(message)
    return checked


def epoch_callback(pages: PagesTransform) -> Any:
    """Return a `transformers.TrainerCallback` that gives `pages` the number of each epoch, so that θ is drawn anew.

    Epochs count from the epoch that training resumes in.

    Raises:
        DependencyError: transformers is not installed.
    """
    callback: Any = train_extra("transformers").TrainerCallback

    class EpochCallback(callback):  # type: ignore[misc]
        """A callback that counts epochs as they begin."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Take the number of the first epoch."""
            self._next = int(state.epoch or 0)

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Pass on the number, and go to the next."""
            pages.set_epoch(self._next)
            self._next += 1

    return EpochCallback()
