"""LoCoMo: questions about ten conversations of two people over many sessions, 9,000 tokens and more each.

Data: `data/locomo10.json` of snap-research/locomo (CC BY-NC 4.0), 1,986 questions in five categories. The conversation
may be drawn; the question stays text. The adversarial questions ask about what was never said, and offer a choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.loading import (
    DataSource,
    RowKeys,
    files_of,
    known_protocol,
    mean_of_items,
    refuse_unknown,
)
from glyphrender.evals.rows import Row, read_rows, revision_of
from glyphrender.evals.spool import SpooledItems
from glyphrender.evals.stemmed import stemmed_f1, stemmed_f1_of_parts
from glyphrender.tasks.task import Score

__all__ = ["LOCOMO_PROTOCOLS", "LOCOMO_TASKS", "load_locomo", "score_locomo"]

#: The categories of questions, by their numbers in the data, which begin with 1.
LOCOMO_TASKS: Final = ("multi-hop", "temporal", "open-domain", "single-hop", "adversarial")
_ADVERSARIAL: Final = 5

LOCOMO_PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    "official": EvalProtocol(
        name="official",
        source="snap-research/locomo @ 3eb6f2c, task_eval/gpt_utils.py (one question a request), evaluation.py",
        sampling={"temperature": 0.0, "max_tokens": 32},
        thoughts="kept",
        note="Sessions stand newest first, as the script joins them. Speakers are named in the order in which they "
        "speak, and the order of the two choices depends on the question; the script draws both at random. The script "
        "reads `answer` of adversarial questions, which 444 of 446 lack; here it is `adversarial_answer`. Nothing is "
        "cut to a model's context.",
    ),
    "evalscope": EvalProtocol(
        name="evalscope",
        source="evalscope 1.14.1, benchmarks/locomo/utils.py (full context)",
        thoughts="kept",
        note="Sessions stand oldest first. An adversarial question offers no choice: the right reply is 'No "
        "information available'. Texts are brought to NFD. The limit is 256 tokens here.",
    ),
}

_OPENING: Final = (
    "Below is a conversation between two people: {} and {}. The conversation takes place over multiple days and the "
    "date of each conversation is wriiten at the beginning of the conversation.\n\n"
)
_PHRASE: Final = (
    "Based on the above context, write an answer in the form of a short phrase for the following question. Answer with "
    "exact words from the context whenever possible.\n\nQuestion: {} Short answer:"
)
_PLAIN: Final = "Based on the above context, answer the following question.\n\nQuestion: {} Short answer:"
_DATE: Final = " Use DATE of CONVERSATION to answer with an approximate date."
_UNSAID: Final = "Not mentioned in the conversation"


def score_locomo(reply: str, answer: str, category: int, *, protocol: str = "official") -> float:
    """Return the score of a reply, from 0 to 1, by the category of its question.

    Categories 2, 3 and 4 have the F1 of stemmed words; of an answer of category 3 only the part before ";" counts.
    Category 1 has the mean over the parts of the answer between commas. A reply of category 5 is right if it says "not
    mentioned" or "no information available".

    >>> score_locomo("the 7th of May", "7 May 2023", 2), score_locomo("It is not mentioned.", "a cat", 5)
    (0.3333333333333333, 1.0)

    Raises:
        DependencyError: nltk or regex is not installed.
        DataError: there is no such category.
    """
    if category not in range(1, 6):
        raise DataError(f"category={shown(category)} is not known. LoCoMo has 1 to 5.")
    if category == _ADVERSARIAL:
        lowered = reply.lower()
        return float("no information available" in lowered or "not mentioned" in lowered)
    decomposed = protocol == "evalscope"
    if category == 1:
        return stemmed_f1_of_parts(reply, answer, decomposed=decomposed)
    return stemmed_f1(reply, answer.split(";")[0].strip() if category == 3 else answer, decomposed=decomposed)


def load_locomo(source: DataSource, *, tasks: Sequence[str] = (), protocol: str = "official") -> Benchmark:
    """Load LoCoMo from its file locomo10.json.

    Args:
        source: the file, or several files of the same form.
        tasks: names from `LOCOMO_TASKS`; all if empty.
        protocol: a name from `LOCOMO_PROTOCOLS`.

    Raises:
        DataError: a task or protocol is not known; a file cannot be read; or a conversation or question is malformed,
            and the message names its place.
    """
    chosen = known_protocol(protocol, LOCOMO_PROTOCOLS)
    refuse_unknown("task", tasks, LOCOMO_TASKS)
    paths = files_of(source)
    if paths is None:
        raise DataError(f"{source} is no file. Name the file locomo10.json of LoCoMo.")
    contexts: list[tuple[str, str]] = []
    values, keys = [], RowKeys()
    for row in (row for path in paths for row in read_rows(path)):
        contexts.append(_conversation(row, protocol))
        for value in _questions(row, len(contexts) - 1, protocol, keys):
            if not tasks or LOCOMO_TASKS[value.category - 1] in tasks:
                values.append(value)
    return Benchmark(
        name="locomo",
        revision=revision_of(paths),
        protocol=chosen,
        items=SpooledItems(values, partial(_item, contexts, protocol)),
        score=partial(_score, protocol),
        summary=mean_of_items,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """The checked fields of a question. `choices` are (a) and (b) of an adversarial question."""

    key: str
    conversation: int
    category: int
    question: str
    answer: str
    choices: tuple[str, str] | None = None


def _conversation(row: Row, protocol: str) -> tuple[str, str]:
    """Return the opening, which stays text, and the conversation."""
    given = row.values.get("conversation")
    if not isinstance(given, dict):
        raise row.fault("conversation is no object")
    numbers = sorted(int(name[8:]) for name in given if name.startswith("session_") and name[8:].isdigit())
    if not numbers:
        raise row.fault("conversation holds no session_1")
    speakers: dict[str, None] = {}
    sessions = []
    for number in numbers:
        turns, date = given[f"session_{number}"], given.get(f"session_{number}_date_time")
        if not isinstance(turns, list) or not isinstance(date, str):
            raise row.fault(f"session_{number} of the conversation is no list of turns with a date")
        said = []
        for turn in turns:
            named = (
                isinstance(turn, dict) and isinstance(turn.get("speaker"), str) and isinstance(turn.get("text"), str)
            )
            if not named:
                raise row.fault(f"session_{number} has a turn without speaker and text")
            speakers.setdefault(turn["speaker"])
            said.append(_turn(turn, protocol))
        sessions.append((f"DATE: {date}\nCONVERSATION:\n", "".join(said)))
    names = [*speakers, "", ""][:2]
    if protocol == "evalscope":
        names = [str(given.get("speaker_a") or names[0]), str(given.get("speaker_b") or names[1])]
        return _OPENING.format(*names), "".join(f"{head}{said}\n" for head, said in sessions)
    # The script puts each session before the ones that it has, and an empty line after all of them.
    return _OPENING.format(*names), "".join(head + said for head, said in reversed(sessions)) + "\n\n" * len(sessions)


def _turn(turn: Mapping[str, Any], protocol: str) -> str:
    said, caption = f'{turn["speaker"]} said, "{turn["text"]}"', turn.get("blip_caption")
    if protocol == "evalscope":
        return said + (f" and shared {caption}." if caption else "") + "\n\n"
    return said + "\n" + (f" and shared {caption}." if caption is not None else "") + "\n"


def _questions(row: Row, conversation: int, protocol: str, keys: RowKeys) -> list[_Value]:
    listed, name = row.values.get("qa"), row.values.get("sample_id")
    if not isinstance(listed, list):
        raise row.fault("qa is no list of questions")
    found = []
    for number, each in enumerate(listed, 1):
        place = Row(f"{row.place}, question {number}", each if isinstance(each, dict) else {})
        question, category = place.text("question"), place.integer("category")
        if category not in range(1, 6):
            raise place.fault(f"category is {category} and not 1 to 5")
        answer = place.values.get("answer", place.values.get("adversarial_answer"))
        if type(answer) not in (str, int, float):
            raise place.fault(f"answer is {shown(answer)} and no text")
        key, choices = keys.key(str(name), question), None
        if category == _ADVERSARIAL and protocol != "evalscope":
            options = (_UNSAID, str(answer))
            choices = options if hashlib.sha256(key.encode()).digest()[0] % 2 else options[::-1]
        right = str(answer)
        if category == _ADVERSARIAL and protocol != "evalscope":
            right = _UNSAID
        elif category == _ADVERSARIAL and "answer" not in place.values:
            right = "No information available"
        found.append(
            _Value(
                key=key,
                conversation=conversation,
                category=category,
                question=question,
                answer=right,
                choices=choices,
            )
        )
    return found


def _item(contexts: Sequence[tuple[str, str]], protocol: str, value: _Value) -> Item:
    question, prompt = value.question, _PHRASE
    if value.category == 2:
        question += _DATE
    if value.category == _ADVERSARIAL:
        prompt = _PLAIN
        if value.choices is None:
            question += " If the answer is not mentioned in the conversation, answer 'No information available'."
        else:
            question += f" Select the correct answer: (a) {value.choices[0]} (b) {value.choices[1]}. "
    opening, conversation = contexts[value.conversation]
    before, after = ("\n", "") if protocol == "evalscope" else ("\n\n\n", "\n")
    asked = before + prompt.replace("{}", question) + after
    return Item(
        key=value.key,
        task=LOCOMO_TASKS[value.category - 1],
        turns=(ItemTurn("user", (opening, Drawable(conversation), asked)),),
        answers=(value.answer,),
        max_tokens=256 if protocol == "evalscope" else 32,
        meta={"category": value.category, "choices": value.choices},
    )


def _score(protocol: str, item: Item, reply: str) -> Score:
    given, choices = reply.strip(), item.meta["choices"]
    if choices is not None:
        given = chosen_answer(given, choices)
    return Score(error=1 - score_locomo(given, item.answers[0], item.meta["category"], protocol=protocol), graded=True)


def chosen_answer(reply: str, choices: Sequence[str]) -> str:
    """Return the choice that a reply to an adversarial question names (`get_cat_5_answer` of task_eval/gpt_utils.py).

    A reply of one character is "a", or else (b); a reply of three is "(a)", or else (b); any other is its own answer.

    >>> chosen_answer("(b)", ("red", "blue")), chosen_answer("Green", ("red", "blue"))
    ('blue', 'green')
    """
    given = reply.strip().lower()
    if len(given) == 1:
        return choices[0] if given == "a" else choices[1]
    if len(given) == 3:
        return choices[0] if given == "(a)" else choices[1]
    return given
