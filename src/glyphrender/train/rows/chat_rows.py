"""Chats of any of the usual forms → rows of turns, in which long contexts stand as pages (`chat_rows`).

`chat_forms.py` lists the forms of records, and `PagePolicy` decides which parts become pages. Columns that say what is
right ("answer", "answers", "ground_truth", "solution") are kept for scorers and rewards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from glyphrender._system.arguments import ANYTHING, Wanted, all_of, checked, instance, optional
from glyphrender.adapters.corpus.sources import JsonLines
from glyphrender.errors import DataError, shown
from glyphrender.tasks.answers import final_answer
from glyphrender.train.rows.chat_forms import CHAT_FORMS, ChatTurn, chat_turns, listed
from glyphrender.train.rows.page_policy import PagePolicy, PageText

__all__ = ["ChatRow", "Counts", "FaultPolicy", "chat_rows"]

FaultPolicy: TypeAlias = Literal["error", "drop"]
#: Counts of what happened to rows, by name.
Counts: TypeAlias = "Counter[str]"

_MAX_BYTES: Final = 1 << 30
_RIGHT: Final = ("answers", "answer", "ground_truth", "solution")


class _EmptyResponse(DataError):
    """An answer has nothing to learn."""


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

    @property
    def record(self) -> dict[str, Any]:
        """The row as a record, which `chat_rows` reads again: messages whose documents are parts of their own."""
        messages = []
        for turn in self.turns:
            parts = [
                {"type": "document", "text": part.text}
                if isinstance(part, PageText)
                else {"type": "text", "text": part}
                for part in turn.parts
            ]
            messages.append({"role": turn.role, "content": turn.text if turn.role == "assistant" else parts})
        return {"id": self.key, "kind": self.kind, "messages": messages, "answers": list(self.answers)}

    def with_response(self, text: str) -> ChatRow:
        """Return the row with another answer to learn; what is right stays."""
        return replace(self, turns=(*self.prompt, ChatTurn("assistant", (text,))))

    def as_text(self) -> ChatRow:
        """Return the row with text in place of its pages."""
        return replace(self, turns=tuple(ChatTurn(t.role, (t.text,) if t.text else ()) for t in self.turns))


@checked(
    source=Wanted(
        lambda value: isinstance(value, str | PathLike) or all_of("records", ANYTHING).holds(value),
        "a file or a list of records",
    ),
    policy=optional(instance("a PagePolicy", PagePolicy)),
    counts=optional(instance("a Counter", Counter)),
)
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
            turns = chat_turns(record, policy)
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
            yield f"record {number}", str(number), {}, f"{shown(record)} is no object. Give records of {CHAT_FORMS}."


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
    given = next((listed(record[name]) for name in _RIGHT if record.get(name) is not None), [])
    return tuple(str(value) for value in given if isinstance(value, str | int | float) and str(value).strip())
