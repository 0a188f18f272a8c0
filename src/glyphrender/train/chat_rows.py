"""Chats of any of the usual forms → rows of turns, in which long contexts stand as pages (`chat_rows`).

A record is one of these; the first form whose columns are there is taken:

    {"messages": [{"role", "content"}, …]}      OpenAI; content is text, or parts of type text or document
    {"conversations": [{"from": "human" | "gpt" | …, "value"}, …]}     ShareGPT
    {"context", "question", "answer" or "answers"}              questions about a text, as LongBench has them
    {"instruction", "input", "output", "system", "history"}     Alpaca
    {"prompt", "completion" or "response"}                      each is text or messages

`PagePolicy` decides which parts become pages. Thoughts stay in the answer: those of a field "reasoning_content" are
written before it, in <think> … </think>. Other columns that say what is right ("answer", "answers", "ground_truth",
"solution") are kept for scorers and rewards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from glyphrender.adapters.corpus.sources import JsonLines
from glyphrender.errors import DataError, shown
from glyphrender.tasks.answers import final_answer
from glyphrender.train.page_policy import ChatPart, PagePolicy, PageText

__all__ = ["ChatRow", "ChatTurn", "Counts", "FaultPolicy", "chat_rows"]

FaultPolicy: TypeAlias = Literal["error", "drop"]
#: Counts of what happened to rows, by name.
Counts: TypeAlias = "Counter[str]"

_MAX_BYTES: Final = 1 << 30
_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "tool": "tool",
    "observation": "tool",
}
_RIGHT: Final = ("answers", "answer", "ground_truth", "solution")
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
_FORMS: Final = "messages; conversations; context and question; instruction; or prompt and completion"


class _EmptyResponse(DataError):
    """An answer has nothing to learn."""


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One turn of a chat.

    Attributes:
        role: "system", "user", "assistant" or "tool".
        parts: texts, and texts that become pages, in order.
    """

    role: str
    parts: tuple[ChatPart, ...]

    @property
    def text(self) -> str:
        """All its characters, whether they become pages or not."""
        return "".join(part.text if isinstance(part, PageText) else part for part in self.parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRow:
    """A chat whose last turn is the answer to learn.

    Attributes:
        turns: the turns; the last one is the assistant's.
        key: names the row in messages, and decides everything that is drawn for it.
        answers: what is right, for scorers and rewards. If the record does not say, the answer without its thoughts.
        kind: a name for the kind of row, such as the record's "kind" or "task".
    """

    turns: tuple[ChatTurn, ...]
    key: str
    answers: tuple[str, ...] = ()
    kind: str = ""

    @property
    def prompt(self) -> tuple[ChatTurn, ...]:
        """The turns before the answer."""
        return self.turns[:-1]

    @property
    def response(self) -> str:
        """The answer to learn, with its thoughts."""
        return self.turns[-1].text

    @property
    def documents(self) -> tuple[str, ...]:
        """The texts that become pages, in order."""
        return tuple(part.text for turn in self.turns for part in turn.parts if isinstance(part, PageText))

    def with_response(self, text: str) -> ChatRow:
        """Return the row with another answer to learn; what is right stays."""
        return replace(self, turns=(*self.prompt, ChatTurn("assistant", (text,))))

    def as_text(self) -> ChatRow:
        """Return the row with text in place of its pages."""
        return replace(self, turns=tuple(ChatTurn(t.role, (t.text,) if t.text else ()) for t in self.turns))


def chat_rows(
    source: str | PathLike[str] | Iterable[Mapping[str, Any]],
    *,
    policy: PagePolicy | None = None,
    answers: Literal["last", "each"] = "last",
    faults: FaultPolicy = "error",
    counts: Counts | None = None,
) -> Iterator[ChatRow]:
    """Yield the chats of a JSONL file, or of records, as rows in which long contexts are pages.

    Args:
        source: a file with a JSON object a line (.gz and .zst too), or records.
        policy: which parts become pages; by default `PagePolicy()`.
        answers: "last": a row for each chat, whose last answer is learned. "each": a row for each answer of a chat,
            with the turns before it.
        faults: what happens to a record that makes no row: "error", or "drop", which counts it.
        counts: counts "records", "rows", "rows with pages", and the dropped records: "empty responses", "faults".

    Raises:
        DataError: the file cannot be read; or with faults="error", a record is of no known form, has an empty answer,
            or holds images or calls of tools. The message names the line.

    >>> record = {"instruction": "Who pays?", "input": "The buyer pays the seller.", "output": "<think>…</think>He."}
    >>> row = next(chat_rows([record], policy=PagePolicy(min_characters=20)))
    >>> row.documents, row.response, row.answers
    (('The buyer pays the seller.',), '<think>…</think>He.', ('He.',))
    """
    if faults not in ("error", "drop"):
        raise DataError(f"faults={shown(faults)} is unknown. Use error or drop.")
    if answers not in ("last", "each"):
        raise DataError(f"answers={shown(answers)} is unknown. Use last or each.")
    policy = policy or PagePolicy()
    counts = Counter() if counts is None else counts
    return _rows(source, policy, answers, faults, counts)


def _rows(source: Any, policy: PagePolicy, answers: str, faults: str, counts: Counts) -> Iterator[ChatRow]:
    for place, key, record, fault in _records(source):
        counts["records"] += 1
        try:
            if fault:
                raise DataError(fault)
            turns = _turns(record, policy)
            found = _split(turns) if answers == "each" else [turns]
            made = [
                _row(record, each, f"{key}#{number}" if answers == "each" else key) for number, each in enumerate(found)
            ]
        except DataError as error:
            if faults == "error":
                raise error.with_context(place) from error
            counts["empty responses" if isinstance(error, _EmptyResponse) else "faults"] += 1
            continue
        for row in made:
            counts["rows"] += 1
            counts["rows with pages"] += bool(row.documents)
            yield row


def _records(source: Any) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    """Yield (place for people, key, record, fault)."""
    if isinstance(source, str | PathLike):
        path = Path(fspath(source))
        file = JsonLines(path=path, name=path.name, max_bytes=_MAX_BYTES)
        for each in file.records(0, 0):
            if each.values is not None or each.fault:
                values = each.values or {}
                yield file.place(each.number), _key(values, f"{path.name}:{each.number + 1}"), values, each.fault
        return
    for number, record in enumerate(source):
        if isinstance(record, Mapping):
            yield f"record {number}", _key(record, str(number)), record, ""
        else:
            yield f"record {number}", str(number), {}, f"{shown(record)} is no object. Give records of {_FORMS}."


def _key(record: Mapping[str, Any], otherwise: str) -> str:
    given = next((record[name] for name in ("id", "unique_id", "_id", "key") if record.get(name) is not None), None)
    return otherwise if given is None else str(given)


def _row(record: Mapping[str, Any], turns: Sequence[ChatTurn], key: str) -> ChatRow:
    if not turns or turns[-1].role != "assistant":
        raise DataError(f"the chat ends with a turn of {turns[-1].role if turns else 'nobody'}. Give it an answer.")
    if not any(turn.role == "user" for turn in turns):
        raise DataError("the chat has no turn of the user. Give it a question.")
    if wrong := next((turn.role for turn in turns[1:] if turn.role == "system"), ""):
        raise DataError(f"a turn of the {wrong} stands within the chat. Put it first.")
    text = turns[-1].text
    # A thought that does not end was cut off.
    cut_off = text.lstrip().startswith("<think>") and "</think>" not in text
    answer = "" if cut_off else final_answer(text)
    if not answer:
        thoughts = "only thoughts" if text.strip() else "nothing"
        raise _EmptyResponse(f"the answer has {thoughts}. Drop such rows, or give them an answer.")
    kind = next((record[name] for name in ("kind", "task") if isinstance(record.get(name), str)), "")
    row = ChatRow(turns=tuple(turns), key=key, answers=_right(record) or (answer,), kind=kind)
    try:
        "".join([key, kind, *row.answers, *(turn.text for turn in turns)]).encode()
    except UnicodeEncodeError as error:
        wrong = f"U+{ord(error.object[error.start]):04X}"
        raise DataError(f"a text has {wrong}, half of a character. Correct it, or drop the row.") from None
    return row


def _split(turns: Sequence[ChatTurn]) -> list[Sequence[ChatTurn]]:
    ends = [number + 1 for number, turn in enumerate(turns) if turn.role == "assistant"]
    return [turns[:end] for end in ends] or [turns]


def _right(record: Mapping[str, Any]) -> tuple[str, ...]:
    given = next((record[name] for name in _RIGHT if record.get(name) is not None), None)
    values = given if isinstance(given, list | tuple) else [given]
    return tuple(str(value) for value in values if isinstance(value, str | int | float) and str(value).strip())


def _turns(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    """Return the turns of a record.

    Raises:
        DataError: it has none of the known forms, or a turn is malformed.
    """
    for columns, form in _BY_COLUMNS:
        if all(record.get(column) is not None for column in columns):
            return form(record, policy)
    raise DataError(f"the columns {', '.join(map(str, record)) or '(none)'} make no chat. Give {_FORMS}.")


def _of_messages(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    return _chat("messages", record["messages"], policy)


def _of_conversations(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    system = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    return system + _chat("conversations", record["conversations"], policy)


def _of_question(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    context, question = _text(record, "context"), _text(record, "question")
    given = next((record[name] for name in ("response", "answer", "answers") if record.get(name) is not None), "")
    answer = given[0] if isinstance(given, list) and given else given
    answer = str(answer) if isinstance(answer, int | float) else answer
    parts = (*policy.context(context), "\n\n" + question if context else question)
    return [ChatTurn("user", _joined(parts)), _answer(answer)]


def _of_instruction(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    turns = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    for pair in record.get("history") or ():
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
            raise DataError(f"history has {shown(pair)}, which is no pair of question and answer. Correct it.")
        turns += [ChatTurn("user", policy.parts("user", pair[0])), _answer(pair[1])]
    instruction = _text(record, "instruction")
    context = _text(record, "input") if record.get("input") is not None else ""
    if context:
        parts = _joined((instruction + "\n" if instruction else "", *policy.context(context)))
    else:
        parts = policy.parts("user", instruction)
    return [*turns, ChatTurn("user", parts), _answer(record.get("output"))]


def _of_prompt(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    name = "completion" if record.get("completion") is not None else "response"
    turns = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    prompt, completion = record["prompt"], record.get(name)
    turns += (
        [ChatTurn("user", policy.parts("user", prompt))] if isinstance(prompt, str) else _chat("prompt", prompt, policy)
    )
    return turns + ([_answer(completion)] if not isinstance(completion, list) else _chat(name, completion, policy))


_Form: TypeAlias = Callable[[Mapping[str, Any], PagePolicy], list[ChatTurn]]
_BY_COLUMNS: Final[tuple[tuple[tuple[str, ...], _Form], ...]] = (
    (("messages",), _of_messages),
    (("conversations",), _of_conversations),
    (("context", "question"), _of_question),
    (("instruction",), _of_instruction),
    (("prompt",), _of_prompt),
)


def _chat(name: str, messages: Any, policy: PagePolicy) -> list[ChatTurn]:
    if not isinstance(messages, list | tuple):
        raise DataError(f"{name} is {shown(messages)}, no list of messages. Correct it.")
    return [_turn(message, f"message {number} of {name}", policy) for number, message in enumerate(messages)]


def _turn(message: Any, where: str, policy: PagePolicy) -> ChatTurn:
    if not isinstance(message, Mapping):
        raise DataError(f"{where} is {shown(message)}, no object. Give it a role and a content.")
    given = message.get("role", message.get("from"))
    role = _ROLES.get(given.lower(), "") if isinstance(given, str) else ""
    if not role:
        raise DataError(f"{where} is of {shown(given)}. Use system, user, assistant or tool (human and gpt, too).")
    if message.get("tool_calls") or message.get("function_call"):
        raise DataError(f"{where} calls tools, which no row here can hold. Write the call as text, or drop the row.")
    content = message.get("content", message.get("value"))
    if role == "assistant":
        reasoning = next((message[name] for name in _REASONING if _filled(message, name)), "")
        return _answer(content, reasoning, where)
    if isinstance(content, str):
        return ChatTurn(role, policy.parts(role, content))
    if not isinstance(content, list | tuple):
        raise DataError(f"{where} has {shown(content)} for content. Give text, or a list of parts.")
    parts = [piece for part in content for piece in _piece(part, role, where, policy)]
    return ChatTurn(role, _joined(parts))


def _piece(part: Any, role: str, where: str, policy: PagePolicy) -> tuple[ChatPart, ...]:
    text = part.get("text") if isinstance(part, Mapping) else None
    kind = part.get("type", "text") if isinstance(part, Mapping) else ""
    if kind == "text" and isinstance(text, str):
        return policy.parts(role, text)
    if kind == "document" and isinstance(text, str):
        return (PageText(text),) if text.strip() else ()
    what = f"a part of type {shown(kind)}" if isinstance(part, Mapping) else shown(part)
    raise DataError(
        f'{where} has {what}. Give parts {{"type": "text" or "document", "text": …}}; images are not taken.'
    )


def _answer(content: Any, reasoning: str = "", where: str = "the answer") -> ChatTurn:
    if isinstance(content, list | tuple):
        content = "".join(_text_of(part, where) for part in content)
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise DataError(f"{where} has {shown(content)} for content. An answer is text.")
    text = f"<think>{reasoning.strip()}</think>\n{content}" if reasoning else content
    return ChatTurn("assistant", (text,) if text else ())


def _text_of(part: Any, where: str) -> str:
    text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") == "text" else None
    if not isinstance(text, str):
        raise DataError(f"{where} has {shown(part)} in its content. An answer is text.")
    return text


def _joined(parts: Iterable[ChatPart]) -> tuple[ChatPart, ...]:
    """Return `parts` without empty texts, and with neighboring texts as one."""
    joined: list[ChatPart] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return tuple(joined)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise DataError(f"{name} is {shown(value)}, not text. Correct it, or drop the row.")
    return value


def _filled(record: Mapping[str, Any], name: str) -> bool:
    return isinstance(record.get(name), str) and bool(record[name].strip())
