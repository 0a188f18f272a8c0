"""OpenAI's MRCR: a long conversation asks for 2, 4 or 8 texts of the same kind, and the model must repeat the i-th one.

Data: openai/mrcr on the hub (MIT), files `2needle/*.parquet`, `4needle/*.parquet`, `8needle/*.parquet`. They were
corrected on 2025-12-05: about a tenth of the older rows has too many needles, and a twentieth has a wrong answer.
Corrected rows have the field `date_added`; the revision of older files ends in "-uncorrected".

Grading is that of the data card: a reply must begin with the random string, and is compared with `difflib`, whose
"autojunk" ignores frequent characters of answers of 200 characters or more. This is part of the published figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import partial
from typing import Any, Final, TypeAlias, get_args

from glyphrender.errors import shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.loading import DataSource, RowKeys, known_protocol, mean_of_items, refuse_unknown, rows_of
from glyphrender.evals.rows import Row
from glyphrender.evals.spool import SpooledItems
from glyphrender.inference.conversation import Role
from glyphrender.models.tokenizers import tokenizer
from glyphrender.tasks.task import Score

__all__ = ["MRCR_BINS", "MRCR_PROTOCOLS", "MRCR_TASKS", "grade_mrcr", "load_mrcr", "mrcr_bin", "mrcr_reply"]

#: The sets, by the number of equal requests in a conversation.
MRCR_TASKS: Final = ("2needle", "4needle", "8needle")

#: The edges of the published bins, in o200k tokens of all messages and the answer.
MRCR_BINS: Final = tuple(4096 << step for step in range(9))

MRCR_PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    "official": EvalProtocol(
        name="official",
        source="the data card of openai/mrcr: the conversation in turns, its grade and its bins",
        thoughts="kept",
        note="The card sets no limit on a reply; here the limit is 8,192 tokens. Thoughts in a reply are not removed, "
        "so a reply that begins with them is wrong. Pages stand in turns of the assistant, which some servers refuse: "
        "glyph@61afa7f sends one turn.",
    ),
    "glyph@61afa7f": EvalProtocol(
        name="glyph@61afa7f",
        source="thu-coai/Glyph @ 61afa7f, evaluation/mrcr: scripts/post_api_mrcr.py and input_example.png",
        sampling={
            "temperature": 0.0001,
            "top_p": 1.0,
            "top_k": 50,
            "repetition_penalty": 1.1,
            "skip_special_tokens": False,
            "stop_token_ids": [151329, 151348, 151336],
        },
        note="One turn: the dialogue as 'User: …' and 'Assistant: …', newlines of a message drawn as \\n, without the "
        "worked examples; then the question. The data they processed was not at hand, so the examples are cut by "
        "their marks. Their script leaves failed requests out of the mean; here they are wrong.",
    ),
    "evalscope": EvalProtocol(
        name="evalscope",
        source="evalscope 1.14.1, benchmarks/openai_mrcr/openai_mrcr_adapter.py and utils.py",
        thoughts="kept",
        note="White space before the random string is removed. A bin holds its lower end and not its upper one, but "
        "for the first and the last; what is outside of all bins counts in the first.",
    ),
}

# For each turn its role and its parts, each with whether it may be drawn.
_Turns: TypeAlias = tuple[tuple[Role, tuple[tuple[bool, str], ...]], ...]
_MAX_TOKENS: Final = 8192
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
# A line such as "======EXAMPLE======" around the worked examples of the first message.
_MARK: Final = re.compile(r"^={3,}[^=\n]*={3,}[ \t]*\n?", re.MULTILINE)


def grade_mrcr(reply: str, answer: str, prefix: str) -> float:
    """Return the official grade of a reply, from 0 to 1 (`grade` of the data card of openai/mrcr).

    A reply that does not begin with `prefix` has 0. Otherwise the prefix is removed from both texts, and the grade is
    `difflib.SequenceMatcher(None, reply, answer).ratio()`.

    The time is at worst the product of the reply's length, the answer's length and the longest list of places of a
    character that is not frequent, which is at most 1% of the answer. Measured times are in docs/mrcr-vtcbench.md.

    >>> grade_mrcr("x7Rain falls.", "x7Rain fell.", "x7"), grade_mrcr("Rain fell.", "x7Rain fell.", "x7")
    (0.8571428571428571, 0.0)
    """
    if not reply.startswith(prefix):
        return 0.0
    given, wanted = reply.removeprefix(prefix), answer.removeprefix(prefix)
    if given == wanted:
        return 1.0
    return SequenceMatcher(None, given, wanted).ratio()


def mrcr_reply(reply: str, prefix: str, protocol: str) -> str:
    """Return the text of a reply that `grade_mrcr` gets under a protocol. Thoughts were cut before, if they are at all.

    >>> mrcr_reply(" x7Rain.<|user|>", "x7", "glyph@61afa7f"), mrcr_reply("\\nx7Rain.", "x7", "evalscope")
    ('x7Rain.', 'x7Rain.')
    """
    if protocol == "evalscope":
        return reply.lstrip()
    if protocol != "glyph@61afa7f":
        return reply
    given = reply.strip()
    return prefix + given.removeprefix(prefix).replace("<|user|>", "") if given.startswith(prefix) else given


def mrcr_bin(tokens: int, *, protocol: str = "official") -> str:
    """Return the name of the bin for a number of o200k tokens of all messages and the answer, such as "8k-16k".

    An official bin holds its upper end, and the first one its lower end too. A count that is in none is "below 4k" or
    "above 1m". Under "evalscope" a bin holds its lower end, the first and the last one their upper end too, and a count
    that is in none is in the first bin.

    >>> mrcr_bin(16384), mrcr_bin(16384, protocol="evalscope"), mrcr_bin(4095)
    ('8k-16k', '16k-32k', 'below 4k')
    """
    names = [f"{_short(low)}-{_short(high)}" for low, high in zip(MRCR_BINS, MRCR_BINS[1:], strict=False)]
    if protocol == "evalscope":
        if tokens <= MRCR_BINS[1] or tokens > MRCR_BINS[-1]:
            return names[0]
        return names[min(len(names), sum(tokens >= edge for edge in MRCR_BINS)) - 1]
    if tokens < MRCR_BINS[0]:
        return f"below {_short(MRCR_BINS[0])}"
    if tokens > MRCR_BINS[-1]:
        return f"above {_short(MRCR_BINS[-1])}"
    return names[max(0, sum(tokens > edge for edge in MRCR_BINS) - 1)]


def load_mrcr(
    source: DataSource,
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    bins: str | Sequence[str] = (),
    revision: str | None = None,
) -> Benchmark:
    """Load MRCR from files of rows, or from the hub.

    A row has `prompt` (a JSON list of messages), `answer`, `random_string_to_prepend` and `n_needles`. Under
    "glyph@61afa7f" a row may have Glyph's own fields in place of `prompt`: `context`, `question` and `unique_id`.
    Counting the tokens of a row takes most of the time: 0.1 s for a million characters.

    Args:
        source: files (.parquet, .jsonl or .json), or one name of a data set on the hub, such as "openai/mrcr".
        tasks: names from `MRCR_TASKS`; all if empty.
        protocol: a name from `MRCR_PROTOCOLS`.
        bins: names of bins to keep, as `mrcr_bin` gives them, in a list or between commas; all if empty.
        revision: commit of the hub's data set; None for the newest.

    Raises:
        DataError: a task, bin or protocol is not known; a file cannot be read; or a row is malformed, and the message
            names its place.
        DependencyError: splintr-rs, pyarrow or datasets is not installed.
    """
    if isinstance(bins, str):
        bins = [name.strip() for name in bins.split(",") if name.strip()]
    chosen = known_protocol(protocol, MRCR_PROTOCOLS)
    refuse_unknown("task", tasks, MRCR_TASKS)
    refuse_unknown("bin", bins, list(dict.fromkeys(mrcr_bin(edge + side) for edge in MRCR_BINS for side in (-1, 1))))
    rows, version = rows_of(source, split="train", revision=revision)
    seen = _Seen()
    values = (
        value
        for row in rows
        for value in [_value(row, protocol, seen)]
        if value.task in (tasks or MRCR_TASKS) and value.bin in (bins or (value.bin,))
    )
    items = SpooledItems(values, _item)
    if seen.uncorrected:
        version += "-uncorrected"
    return Benchmark(
        name="mrcr",
        revision=version,
        protocol=chosen,
        items=items,
        score=partial(_score, protocol),
        summary=mean_of_items,
    )


@dataclass(slots=True)
class _Seen:
    """Facts about the rows so far: their keys, and whether an official row is older than the correction."""

    keys: RowKeys = field(default_factory=RowKeys)
    uncorrected: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """The checked fields of a row, from which an item is made."""

    key: str
    task: str
    bin: str
    turns: _Turns
    answer: str
    prefix: str
    meta: dict[str, Any]


def _value(row: Row, protocol: str, seen: _Seen) -> _Value:
    answer, prefix = row.text("answer"), row.text("random_string_to_prepend")
    if protocol == "glyph@61afa7f" and "prompt" not in row.values:
        context, question, name = row.text("context"), row.text("question"), row.text("unique_id")
        found = re.search(r"([248]needle)_(\d+k)_(\d+k)", name)
        if found is None:
            raise row.fault(f"unique_id={shown(name)} names no set, such as 2needle_8k_16k")
        turns: _Turns = (("user", ((True, context), (False, "\n" + question))),)
        key = seen.keys.key(found[1], context, question)
        return _Value(
            key=key, task=found[1], bin=f"{found[2]}-{found[3]}", turns=turns, answer=answer, prefix=prefix, meta={}
        )
    messages = _messages(row)
    task = f"{row.integer('n_needles')}needle"
    if task not in MRCR_TASKS:
        raise row.fault(f"n_needles is {row.values['n_needles']} and not 2, 4 or 8")
    seen.uncorrected |= "date_added" not in row.values
    count = tokenizer("o200k").count
    tokens = sum(count(content) for _, content in messages) + count(answer)
    return _Value(
        key=seen.keys.key(task, row.text("prompt"), answer),
        task=task,
        bin=mrcr_bin(tokens, protocol=protocol),
        turns=_one_turn(messages) if protocol == "glyph@61afa7f" else _turns(messages),
        answer=answer,
        prefix=prefix,
        meta={"tokens": tokens, **{name: row.values.get(name) for name in ("desired_msg_index", "total_messages")}},
    )


def _messages(row: Row) -> list[tuple[Role, str]]:
    try:
        listed = json.loads(row.text("prompt"))
    except (ValueError, RecursionError) as error:
        raise row.fault(f"prompt is not JSON ({error})") from error
    if not isinstance(listed, list) or not listed:
        raise row.fault("prompt is no list of messages")
    messages = []
    for number, message in enumerate(listed, 1):
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str):
            raise row.fault(f"message {number} of prompt has no role and content that are texts")
        if role == "system" and number > 1:
            raise row.fault(f"message {number} of prompt is the system's, and not the first")
        messages.append((role, content))
    if messages[-1][0] != "user":
        raise row.fault("the last message of prompt is not the user's")
    return messages


def _turns(messages: list[tuple[Role, str]]) -> _Turns:
    """Return the messages as turns. The last one is the question, which stays text; all others may be drawn."""
    last = len(messages) - 1
    return tuple((role, ((at < last, content),)) for at, (role, content) in enumerate(messages))


def _one_turn(messages: list[tuple[Role, str]]) -> _Turns:
    """Return the dialogue as one text that may be drawn, and the question after it."""
    names = {"system": "System", "user": "User", "assistant": "Assistant"}
    lines = []
    for at, (role, content) in enumerate(messages[:-1]):
        marks = [] if at else list(_MARK.finditer(content))
        content = content[marks[-1].end() :].lstrip("\n") if marks else content
        lines.append(f"{names[role]}: " + content.replace("\n", "\\n"))
    return (("user", ((True, "\n".join(lines)), (False, "\n" + messages[-1][1]))),)


def _item(value: _Value) -> Item:
    turns = tuple(
        ItemTurn(role, tuple(Drawable(text) if drawn else text for drawn, text in parts)) for role, parts in value.turns
    )
    return Item(
        key=value.key,
        task=value.task,
        turns=turns,
        answers=(value.answer,),
        max_tokens=_MAX_TOKENS,
        buckets={"length": value.bin},
        meta={"prefix": value.prefix, **value.meta},
    )


def _score(protocol: str, item: Item, reply: str) -> Score:
    prefix: str = item.meta["prefix"]
    return Score(error=1 - grade_mrcr(mrcr_reply(reply, prefix, protocol), item.answers[0], prefix), graded=True)


def _short(edge: int) -> str:
    return f"{edge >> 20}m" if edge >> 20 else f"{edge >> 10}k"
