"""The values that a benchmark is made of: items with turns, a protocol with a name, and a score for each reply.

An item knows neither θ nor a model nor an arm, so every arm is asked the same. The parts of a turn that an arm may draw
on pages, or shorten, are `Drawable`; everything else reaches the model as it is.

A benchmark is a plain value. A module of a benchmark has a function that reads the data and returns a `Benchmark`:

    >>> from glyphrender.tasks.scoring import contains
    >>> from glyphrender.tasks.task import Score
    >>> item = Item(
    ...     key="1",
    ...     task="parcels",
    ...     turns=(ItemTurn("user", (Drawable("The parcel is 8841."), "Which parcel?")),),
    ...     answers=("8841",),
    ...     max_tokens=16,
    ... )
    >>> benchmark = Benchmark(
    ...     name="parcels",
    ...     revision="sha256:0",
    ...     protocol=EvalProtocol(name="official", source="this example"),
    ...     items=(item,),
    ...     score=lambda item, reply: Score(error=1 - contains(reply, item.answers)),
    ... )
    >>> benchmark.score(item, "It is 8841.").value
    1.0
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args, overload

from glyphrender.errors import DataError, shown
from glyphrender.inference.conversation import Role
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.task import Score

__all__ = [
    "Benchmark",
    "Drawable",
    "EvalProtocol",
    "FollowUp",
    "Item",
    "ItemLabel",
    "ItemPart",
    "ItemTurn",
    "MadeItems",
    "ScoredReply",
    "Thoughts",
    "labels_of",
    "mean_of_tasks",
    "no_follow_up",
]

_ROLES: Final[tuple[str, ...]] = get_args(Role)

#: The thoughts of a reply that are cut before it is scored. "kept": none. "closed": everything up to the last
#: `</think>`; thoughts that do not end stay. "all": also thoughts that do not end, which leaves an empty reply.
Thoughts: TypeAlias = Literal["kept", "closed", "all"]


def listed(name: str, value: Any) -> tuple[Any, ...]:
    """Return a list or tuple as a tuple.

    Raises:
        DataError: the value is anything else.
    """
    if not isinstance(value, list | tuple):
        raise DataError(f"{name}={shown(value)} is no list. Give a list or a tuple.")
    return tuple(value)


def check_mapping(name: str, value: Any) -> None:
    """Refuse a value that is no mapping with texts as keys.

    Raises:
        DataError: the value is anything else.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DataError(f"{name}={shown(value)} is no mapping from names. Give a dict whose keys are texts.")


@dataclass(frozen=True, slots=True)
class Drawable:
    """A text that an arm may draw on pages, shorten, or leave as text.

    Attributes:
        text: the text. It may be empty.
    """

    text: str


#: One part of a turn: a text that stays text, a text that may be drawn, the bytes of a PNG, or the path of an image.
ItemPart: TypeAlias = str | Drawable | bytes | Path


@dataclass(frozen=True, slots=True)
class ItemTurn:
    """One turn of an item.

    Attributes:
        role: "system", "user" or "assistant".
        parts: the parts, in order. Texts and drawables of one turn follow each other without a separator: a template
            such as "Read this.\\n{context}\\nAnswer:" is given as a text, a drawable and a text, newlines included.

    Raises:
        DataError: the role is unknown, there are no parts, or a part has another type.
    """

    role: Role
    parts: tuple[ItemPart, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.role, str) or self.role not in _ROLES:
            raise DataError(f"role={shown(self.role)} is not known. Use one of: {', '.join(_ROLES)}.")
        object.__setattr__(self, "parts", listed("parts of a turn", self.parts))
        if not self.parts:
            raise DataError(f"a turn of the {self.role} is empty. Give it a text, a drawable or an image.")
        for part in self.parts:
            if not isinstance(part, str | Drawable | bytes | Path):
                raise DataError(
                    f"a part of a turn is a {type(part).__name__}. Use a str, a Drawable, bytes of a PNG, or a Path."
                )

    @property
    def text(self) -> str:
        """Return the texts of this turn, drawn or not, as the arm of plain text sends them."""
        return "".join(
            part.text if isinstance(part, Drawable) else part for part in self.parts if isinstance(part, str | Drawable)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One question of a benchmark.

    Attributes:
        key: name of the item, unique in the benchmark.
        task: the set or task that the item belongs to, such as "hotpotqa" or "niah_multikey_2".
        turns: the conversation. The last turn is the user's; only the first may be the system's.
        answers: the right answers. The scorer says whether one of them or all are needed.
        max_tokens: most tokens of the reply.
        buckets: groups of items for the tables of a report, such as {"length": "4-8k"}.
        stop: texts that end a reply. The reply is cut before the first one, after thoughts were cut.
        theta: fields of θ that the protocol fixes for this item, such as {"newline_markup": …}.
        meta: other facts that the scorer needs.
        evidence: where the answer stands in the texts that may be drawn; `Evidence.text` counts these.

    Raises:
        DataError: a field has the wrong type or is empty, or a key, task or bucket has a lone surrogate, which no file
            can hold. The message names the item.
    """

    key: str
    task: str
    turns: tuple[ItemTurn, ...]
    answers: tuple[str, ...]
    max_tokens: int
    buckets: Mapping[str, str] = field(default_factory=dict, hash=False)
    stop: tuple[str, ...] = ()
    theta: Mapping[str, Any] = field(default_factory=dict, hash=False)
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        for name in ("key", "task"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise DataError(f"{name}={shown(value)} of an item is no name. Give it a text.")
        for name in ("turns", "answers", "stop", "evidence"):
            object.__setattr__(self, name, listed(f"{name} of item {self.key}", getattr(self, name)))
        for name in ("buckets", "theta", "meta"):
            check_mapping(f"{name} of item {self.key}", getattr(self, name))
        names = (self.key, self.task, *self.buckets, *map(str, self.buckets.values()))
        if lone := [name for name in names if not _is_unicode(name)]:
            raise DataError(f"{shown(lone[0])} among the names of an item has half a character. Write it as UTF-8.")
        if not all(isinstance(turn, ItemTurn) for turn in self.turns):
            raise DataError(f"turns of item {self.key} has a value that is no ItemTurn. Give ItemTurns.")
        if not self.turns or self.turns[-1].role != "user":
            raise DataError(f"item {self.key} does not end with a turn of the user. Add the question.")
        if any(turn.role == "system" for turn in self.turns[1:]):
            raise DataError(f"item {self.key} has a turn of the system after the first. Put the instruction there.")
        for name in ("answers", "stop"):
            for value in getattr(self, name):
                if not isinstance(value, str):
                    raise DataError(f"{name} of item {self.key} has {shown(value)}, which is no text. Give texts.")
        if type(self.max_tokens) is not int or self.max_tokens < 1:
            raise DataError(f"max_tokens={shown(self.max_tokens)} of item {self.key} is no count. Use 1 or more.")
        sizes = [len(text) for text in self.drawables]
        for each in self.evidence:
            if not isinstance(each, Evidence):
                raise DataError(f"evidence of item {self.key} has {shown(each)}, which is none. Give Evidence.")
            if each.text >= len(sizes) or any(end > sizes[each.text] for _, end in each.spans):
                raise DataError(f"evidence of item {self.key} lies outside its texts. Count in characters of a text.")
        for bucket, value in self.buckets.items():
            if not isinstance(value, str):
                raise DataError(f"bucket {shown(bucket)}={shown(value)} of item {self.key} is no text. Give texts.")

    @property
    def drawables(self) -> tuple[str, ...]:
        """Return the texts that an arm may draw, in order."""
        return tuple(part.text for turn in self.turns for part in turn.parts if isinstance(part, Drawable))

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of what decides a reply and its score. A path of an image counts by its name."""
        turns = [[turn.role, [_value(part) for part in turn.parts]] for turn in self.turns]
        fixed = sorted(self.theta.items())
        values = [self.key, self.task, turns, self.answers, self.max_tokens, self.stop, fixed]
        return hashlib.sha256(json.dumps(values, default=repr).encode("ascii")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalProtocol:
    """A named way to ask and score a benchmark. Figures of two protocols cannot be compared.

    Attributes:
        name: the name, such as "official" or "glyph@61afa7f". It stands in reports and in file names.
        source: where the rules come from: repository, file and commit.
        sampling: fields of the request that the protocol fixes, such as {"temperature": 0.0, "top_k": 1}.
            `max_tokens` stands here only if the protocol has one limit for all items in place of `Item.max_tokens`.
        thoughts: the thoughts that are cut before a reply is scored, see `Thoughts`.
        note: known deviations of this implementation, and known faults of the protocol.
    """

    name: str
    source: str
    sampling: Mapping[str, Any] = field(default_factory=dict, hash=False)
    thoughts: Thoughts = "closed"
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise DataError(f"name={shown(self.name)} of a protocol is empty. A run without a protocol does not exist.")
        check_mapping("sampling", self.sampling)
        if not isinstance(self.thoughts, str) or self.thoughts not in get_args(Thoughts):
            raise DataError(
                f"thoughts={shown(self.thoughts)} is not known. Use one of: {', '.join(get_args(Thoughts))}."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """One more request for an item, whose reply is scored in place of the first reply.

    Attributes:
        turns: the whole conversation of the request. The first conversation is not repeated before it.
        max_tokens: most tokens of the reply.
        by: "model" asks the evaluated model again; "judge" asks the judge that the run was given.
    """

    turns: tuple[ItemTurn, ...]
    max_tokens: int
    by: Literal["model", "judge"] = "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredReply:
    """A reply with its score.

    Attributes:
        item: the item, without its turns.
        reply: the text that was scored: without thoughts, cut at `Item.stop`, and of the last follow-up if there was
            one. None if there is no reply: a refusal, a context that is too long, or an error. It counts as wrong.
        score: the score.
    """

    item: Item
    reply: str | None
    score: Score


def no_follow_up(item: Item, reply: str, /) -> FollowUp | None:
    """Return None: the first reply is scored."""
    return None


def mean_of_tasks(scored: Sequence[ScoredReply], /) -> dict[str, float]:
    """Return {"average": the mean over tasks of the mean value of their items}, which weighs every task alike.

    >>> right, wrong = Score(error=0.0), Score(error=1.0)
    >>> def reply(task, score):
    ...     turns = (ItemTurn("user", ("?",)),)
    ...     item = Item(key="k", task=task, turns=turns, answers=(), max_tokens=1)
    ...     return ScoredReply(item=item, reply="", score=score)
    >>> mean_of_tasks([reply("a", right), reply("a", right), reply("b", wrong)])
    {'average': 0.5}
    """
    values: dict[str, list[float]] = {}
    for each in scored:
        values.setdefault(each.item.task, []).append(each.score.value)
    means = [sum(found) / len(found) for found in values.values()]
    return {"average": sum(means) / len(means)} if means else {}


@dataclass(frozen=True, slots=True)
class ItemLabel:
    """The names by which an item is counted and grouped, without its texts.

    Attributes:
        key, task, buckets: those of the item.
    """

    key: str
    task: str
    buckets: Mapping[str, str] = field(default_factory=dict, hash=False)


class MadeItems(Sequence[Item], ABC):
    """Items that are made when they are asked for, so that long texts are not all in memory. Threads may share them."""

    @abstractmethod
    def make(self, index: int) -> Item:
        """Return a new item. The index is from 0 to the number of items, less 1."""

    def label(self, index: int) -> ItemLabel:
        """Return the label of an item. Override it where an item is slow to make."""
        return _label(self.make(index))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        """Return the item of this index, or a list of the items of a slice.

        Raises:
            IndexError: there is no such item.
        """
        found = range(len(self))[index]
        return [self.make(each) for each in found] if isinstance(found, range) else self.make(found)


def labels_of(items: Sequence[Item]) -> Iterator[ItemLabel]:
    """Yield the labels of items, in order."""
    yield from map(items.label, range(len(items))) if isinstance(items, MadeItems) else map(_label, items)


def _label(item: Item) -> ItemLabel:
    return ItemLabel(item.key, item.task, item.buckets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """Items under one protocol, with the functions that score replies.

    Attributes:
        name: name of the benchmark, such as "longbench".
        revision: revision of the data: "sha256:…" of the files, or "hub:name@commit".
        protocol: how items are asked and scored.
        items: the items. `MadeItems` keep long ones out of memory.
        score: (item, reply) → score. The reply is without thoughts and is never missing: a missing reply is wrong.
        follow_up: (item, reply) → one more request, or None.
        judged: whether `follow_up` asks a judge. Without one, a run then ends before its first request.
        summary: scored replies → the figures that the benchmark publishes, by name, each as a share from 0 to 1.

    Raises:
        DataError: there are no items.
    """

    name: str
    revision: str
    protocol: EvalProtocol
    items: Sequence[Item]
    score: Callable[[Item, str], Score]
    follow_up: Callable[[Item, str], FollowUp | None] = no_follow_up
    judged: bool = False
    summary: Callable[[Sequence[ScoredReply]], Mapping[str, float]] = mean_of_tasks

    def __post_init__(self) -> None:
        if not len(self.items):
            raise DataError(f"benchmark {self.name} has no items. Name data that holds some, or fewer limits.")


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _value(part: ItemPart) -> list[str]:
    if isinstance(part, bytes):
        return ["png", hashlib.sha256(part).hexdigest()]
    if isinstance(part, Drawable):
        return ["drawable", part.text]
    return ["path", part.name] if isinstance(part, Path) else ["text", part]
