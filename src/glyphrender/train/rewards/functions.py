"""Rewards for completions, as functions that TRL's `GRPOTrainer` calls.

A reward function is called with all completions of a batch, and with the columns of their rows by name. It returns one
number for each completion, or None where it cannot say: the right answer is missing, or the judge is down. Measures of
`glyphrender.tasks.scoring` give the numbers, so a reward and an evaluation never disagree.

    rewards = {"exact": 1.0, "ocr": 0.5, "format": 0.1}        # name → weight
    functions, weights = reward_functions(rewards)
    GRPOTrainer(reward_funcs=functions, args=GRPOConfig(reward_weights=weights, …))

The weighted sum is the reward of a completion. A None is not a zero: see `dapo.py` for what it does.
Nothing here needs torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from glyphrender._system.arguments import MAPPING, Wanted, all_of, checked, optional
from glyphrender.errors import DataError, shown
from glyphrender.tasks import scoring
from glyphrender.tasks.answers import copied_text, final_answer
from glyphrender.tasks.task import Example, score_reply

__all__ = [
    "REWARDS",
    "THINKING",
    "CompressionReward",
    "FormatReward",
    "MeasuredReward",
    "RewardFunction",
    "TaskReward",
    "column_of",
    "completion_text",
    "reward_functions",
]

#: A function of completions and columns, all by keyword: one number for each completion, or None.
RewardFunction: TypeAlias = Callable[..., list[float | None]]
Measure: TypeAlias = Callable[[str, scoring.Answers], float]

#: The form of a reply of GLM-4.1V-Thinking: thoughts, then an answer.
THINKING: Final = r"\s*<think>.*?\S.*?</think>\s*\S.*"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredReward:
    """A reward that compares a completion with the right answers in a column of its row.

    Attributes:
        name: the name, in curves.
        measure: a function of a reply and the right answers, such as those of `glyphrender.tasks.scoring`.
        column: the column with the right answer, or with a list of right answers. A row with None there gets no reward.
        part: a function that returns the part of a completion that counts; by default its final answer, without
            thoughts.

    >>> exact = MeasuredReward(name="exact", measure=scoring.exact)
    >>> exact(completions=["<think>2 + 2</think>4", "5"], answer=["4", ["4", "four"]])
    [1.0, 0.0]
    """

    name: str
    measure: Measure
    column: str = "answer"
    part: Callable[[str], str] = final_answer

    @property
    def __name__(self) -> str:
        """The name under which TRL keeps the curve."""
        return self.name

    def __call__(self, *, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return the measure of each completion.

        Raises:
            DataError: the rows have no such column, or its value is neither text nor a list of texts.
        """
        answers = column_of(columns, self.column, self.name)
        return [
            None if answer is None else float(self.measure(self.part(completion_text(completion)), answer))
            for completion, answer in zip(completions, map(self._right, answers), strict=True)
        ]

    def _right(self, value: Any) -> tuple[str, ...] | None:
        return _texts(value, self.column)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskReward:
    """The score of a task as a reward: 1 − error, as evaluation and search count it (`glyphrender.tasks.score_reply`).

    Rows hold the columns "answer", "kind" and "decoys", as `grpo_rows.task_prompts` writes them. Copies are graded,
    other replies are right or wrong, and a reply that names a decoy is wrong.

    >>> TaskReward()(completions=["Bergen, or Dover"], answer=["Dover"], kind=["hops"], decoys=[["Bergen"]])
    [0.0]
    """

    name: str = "task"

    @property
    def __name__(self) -> str:
        """The name under which TRL keeps the curve."""
        return self.name

    def __call__(self, *, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return the score of each completion.

        Raises:
            DataError: the rows have no such columns, or an answer is neither text nor a list of texts.
        """
        answers, kinds, decoys = (column_of(columns, name, self.name) for name in ("answer", "kind", "decoys"))
        scores: list[float | None] = []
        for completion, answer, kind, other in zip(completions, answers, kinds, decoys, strict=True):
            right = _texts(answer, "answer")
            if right is None:
                scores.append(None)
                continue
            example = Example(
                context="", question="", answers=right, kind=kind or "", decoys=_texts(other or None, "decoys") or ()
            )
            scores.append(score_reply(example, completion_text(completion)).value)
        return scores


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatReward:
    """A reward of 1 for a completion that has the wanted form, else 0.

    Attributes:
        pattern: a regular expression that must match the whole completion; "." matches line ends too. By default
            thoughts in <think>…</think>, then an answer.
        name: the name, in curves.

    >>> FormatReward()(completions=["<think>2 + 2</think>4", "4", "<think></think>4"])
    [1.0, 0.0, 0.0]

    Raises:
        DataError: the pattern is no regular expression.
    """

    pattern: str = THINKING
    name: str = "format"
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_compiled", re.compile(self.pattern, re.DOTALL))
        except re.error as error:
            raise DataError(f"pattern={shown(self.pattern)} is no regular expression ({error}). Correct it.") from error

    @property
    def __name__(self) -> str:
        """The name under which TRL keeps the curve."""
        return self.name

    def __call__(self, *, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """Return 1.0 or 0.0 for each completion."""
        return [float(bool(self._compiled.fullmatch(completion_text(completion)))) for completion in completions]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressionReward:
    """A reward for saving tokens, paid for right answers only: ln ρ if the answer is right, else −`failure` · ln ρ.

    With weight c beside a success reward of weight 1, a right answer is worth 1 + c · ln ρ, where ρ is text tokens over
    visual tokens. AgentOCR trains with this term (arXiv 2601.04786; c = 0.01, `failure` = 0 and `every` = 1 by default
    in its `episode_with_compression.py`, commit 25736f7).

    The term can teach only a choice. Completions of a group share a prompt, so if ρ is that of the prompt, all right
    answers of the group get the same. The division by the group's deviation then removes c, unless other rewards
    differ. Use it where a completion decides ρ: `ratio` names a column that an environment of TRL fills, one value a
    completion.

    Attributes:
        measure: what success is: a function of a reply and the right answers that returns 1 for success.
        answer: the column with the right answers.
        ratio: the column with ρ; None there gives no reward.
        failure: price of ρ for a wrong answer.
        every: the term is paid at every `every`th step only, and is 0 at others.
        part: see `MeasuredReward`.
        name: the name, in curves.

    >>> reward = CompressionReward(failure=0.5)
    >>> [round(value, 3) for value in reward(completions=["4", "5"], answer=["4", "4"], ratio=[3.0, 3.0])]
    [1.099, -0.549]
    """

    measure: Measure = scoring.exact
    answer: str = "answer"
    ratio: str = "ratio"
    failure: float = 0.0
    every: int = 1
    part: Callable[[str], str] = final_answer
    name: str = "compression"

    def __post_init__(self) -> None:
        if self.every < 1 or self.failure < 0:
            raise DataError(f"every={self.every}, failure={self.failure}: use every ≥ 1 and failure ≥ 0.")

    @property
    def __name__(self) -> str:
        """The name under which TRL keeps the curve."""
        return self.name

    def __call__(self, *, completions: Sequence[Any], trainer_state: Any = None, **columns: Any) -> list[float | None]:
        """Return the term of each completion.

        Raises:
            DataError: a column is missing, or a ρ is not above 0.
        """
        success = MeasuredReward(name=self.name, measure=self.measure, column=self.answer, part=self.part)
        right = success(completions=completions, **columns)
        step = int(getattr(trainer_state, "global_step", 0)) + 1
        paid = float(step % self.every == 0)
        return [
            None if value is None or ratio is None else paid * self._term(value >= 1.0, ratio)
            for value, ratio in zip(right, column_of(columns, self.ratio, self.name), strict=True)
        ]

    def _term(self, right: bool, ratio: Any) -> float:
        if not isinstance(ratio, int | float) or not 0 < ratio < math.inf:
            raise DataError(f"{self.ratio} is {shown(ratio)}, which is no ρ. Give text tokens / visual tokens.")
        return math.log(ratio) if right else -self.failure * math.log(ratio)


#: The rewards that a recipe names. Each takes the right answers from the column "answer", unless told otherwise.
#: "verbatim" counts case and punctuation, which "exact" leaves out; "ocr" is for copies of a page.
REWARDS: Final[Mapping[str, Callable[..., RewardFunction]]] = {
    "exact": partial(MeasuredReward, name="exact", measure=scoring.exact),
    "verbatim": partial(MeasuredReward, name="verbatim", measure=scoring.verbatim),
    "token_f1": partial(MeasuredReward, name="token_f1", measure=scoring.token_f1),
    "contains": partial(MeasuredReward, name="contains", measure=scoring.contains),
    "number": partial(MeasuredReward, name="number", measure=scoring.number_match),
    "task": TaskReward,
    "ocr": partial(MeasuredReward, name="ocr", measure=scoring.copy_similarity, part=copied_text),
    "format": FormatReward,
    "compression": CompressionReward,
}


@checked(
    weights=MAPPING,
    others=all_of("a list of functions", Wanted(callable, "a function")),
    settings=optional(MAPPING),
)
def reward_functions(
    weights: Mapping[str, float], *, others: Sequence[RewardFunction] = (), settings: Mapping[str, Any] | None = None
) -> tuple[list[RewardFunction], list[float]]:
    """Return reward functions and their weights, in one order, for `reward_funcs` and `reward_weights` of TRL.

    Args:
        weights: name → weight. A name is one of `REWARDS`, or the `__name__` of one of `others`.
        others: reward functions of your own, or a `Judge`. Each must have a weight.
        settings: name → arguments of the reward, such as {"exact": {"column": "label"}}.

    Raises:
        DataError: a name or an argument is unknown, a weight is no number, there are no weights above 0, or one of
            `others` has no weight.

    >>> functions, weights = reward_functions({"exact": 1.0, "ocr": 0.5})
    >>> [function.__name__ for function in functions], weights
    (['exact', 'ocr'], [1.0, 0.5])
    """
    given = {str(getattr(other, "__name__", type(other).__name__)): other for other in others}
    if unweighted := [name for name in given if name not in weights]:
        raise DataError(f"reward {unweighted[0]!r} has no weight. Name it among the weights.")
    if unused := [name for name in settings or {} if name not in weights]:
        raise DataError(f"reward {unused[0]!r} has settings and no weight. Name it among the weights.")
    functions = []
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
            raise DataError(f"the weight of reward {name!r} is {shown(weight)}. Use a number.")
        if name not in given and name not in REWARDS:
            raise DataError(f"reward {name!r} is unknown. Use {', '.join([*REWARDS, *given])}.")
        functions.append(given[name] if name in given else _made(name, (settings or {}).get(name, {})))
    if not any(weight > 0 for weight in weights.values()):
        raise DataError("no reward has a weight above 0, so nothing can be learned. Name one, such as exact = 1.0.")
    return functions, [float(weight) for weight in weights.values()]


def _made(name: str, arguments: Mapping[str, Any]) -> RewardFunction:
    try:
        return REWARDS[name](**arguments)
    except TypeError as error:
        raise DataError(f"reward {name!r} does not take {shown(dict(arguments))} ({error}). Correct it.") from error


def completion_text(completion: Any) -> str:
    """Return the text of a completion: a str, or messages, of which the assistant's are joined.

    >>> completion_text([{"role": "assistant", "content": "four"}])
    'four'
    """
    if isinstance(completion, str):
        return completion
    said = [message.get("content") or "" for message in completion if message.get("role") == "assistant"]
    return "".join(each if isinstance(each, str) else "".join(part.get("text") or "" for part in each) for each in said)


def _texts(value: Any, column: str) -> tuple[str, ...] | None:
    """Return a text, or a list of texts, as a tuple; None stays None.

    Raises:
        DataError: it is neither, or an empty list.
    """
    listed = [value] if isinstance(value, str) else value
    if listed is None:
        return None
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(each, str) for each in listed):
        raise DataError(f"{column} is {shown(value)}. Give a text, or a list of texts.")
    return tuple(listed)


def column_of(columns: Mapping[str, Any], name: str, reward: str) -> Sequence[Any]:
    """Return the values of a column, one for each completion.

    Raises:
        DataError: the rows have no such column.
    """
    try:
        values: Sequence[Any] = columns[name]
    except KeyError:
        raise DataError(
            f"reward {reward!r} needs the column {name!r}, which the rows do not have. Name it in `keep`."
        ) from None
    return values
