"""Rewards are the measures of tasks, named and weighted; a judge that is down gives no reward, and counts it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import pytest

from glyphrender import DataError, EndpointError
from glyphrender.errors import RequestRefused
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.model import EndpointModel
from glyphrender.tasks.generated import GeneratedTask
from glyphrender.train.rewards import REWARDS, CompressionReward, FormatReward, TaskReward, reward_functions
from glyphrender.train.rewards.judge import Judge

PROMPT = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is 2 + 2?"}]}]
THOUGHT = [{"role": "assistant", "content": "<think>2 and 2</think>Four"}]


@dataclass(frozen=True)
class Says:
    """A model that answers by a function of the question."""

    answer: Callable[[str], str]
    identity: tuple[str, ...] = ("says",)

    def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
        return Reply(text=self.answer(conversation.turns[-1].text))


def judged(answer: Callable[[str], str], replies: list[str], **settings: Any) -> tuple[list[float | None], Judge]:
    judge = Judge(model=Says(answer), jobs=1, **settings)
    return judge(completions=replies, prompts=[PROMPT] * len(replies), answer=["4"] * len(replies)), judge


@pytest.mark.parametrize(
    "name, worth",
    [("exact", 1.0), ("verbatim", 0.0), ("token_f1", 1.0), ("contains", 1.0), ("number", 0.0), ("ocr", 0.75)],
)
def test_a_reward_has_the_value_of_its_measure_for_the_final_answer(name: str, worth: float) -> None:
    assert REWARDS[name]()(completions=[THOUGHT], answer=["four"]) == [worth]


def test_a_row_without_a_right_answer_gets_no_reward() -> None:
    assert REWARDS["exact"]()(completions=["4", "4"], answer=[None, ["5", "4"]]) == [None, 1.0]


def test_the_reward_of_a_copy_counts_case_and_spaces_but_not_where_lines_end() -> None:
    copies = ["The red\nhouse.", "the red house.", "Theredhouse.", ""]
    rewards = REWARDS["ocr"]()(completions=copies, answer=["The red house."] * 4)
    assert rewards == pytest.approx([1.0, 13 / 14, 12 / 14, 0.0])


def test_a_task_rewards_as_it_scores() -> None:
    task = GeneratedTask(
        texts=["All work and no play makes Jack a dull boy. " * 100], kinds=["transcribe", "needle", "hops"], count=4
    )
    examples = list(task)
    replies = [example.answers[0] for example in examples]
    replies[1] = "none of it"
    columns = {"answer": [list(e.answers) for e in examples], "kind": [e.kind for e in examples]}
    rewards = TaskReward()(completions=replies, decoys=[list(e.decoys) for e in examples], **columns)
    assert rewards == [task.score(example, reply).value for example, reply in zip(examples, replies, strict=True)]
    assert rewards == [1.0, 0.0, 1.0, 1.0]


def test_the_format_is_that_of_the_whole_completion() -> None:
    wanted = FormatReward(pattern=r"Answer: \d+")
    assert wanted(completions=["Answer: 4", "Answer: 4.", "So: Answer: 4"]) == [1.0, 0.0, 0.0]
    with pytest.raises(DataError, match="regular expression"):
        FormatReward(pattern="(")


def test_saved_tokens_are_paid_for_right_answers_only() -> None:
    functions, weights = reward_functions({"exact": 1.0, "compression": 0.01})
    rewards = [f(completions=["4", "5"], answer=["4", "4"], ratio=[3.0, 3.0]) for f in functions]
    totals = [sum(w * r for w, r in zip(weights, row, strict=True)) for row in zip(*rewards, strict=True)]
    assert totals == [1 + 0.01 * log(3.0), 0.0]


def test_saved_tokens_are_paid_at_every_nth_step() -> None:
    class State:
        global_step = 0

    reward = CompressionReward(every=2)
    arguments = {"completions": ["4"], "answer": ["4"], "ratio": [2.0]}
    assert reward(**arguments, trainer_state=State()) == [0.0]
    State.global_step = 1
    assert reward(**arguments, trainer_state=State()) == [log(2.0)]
    with pytest.raises(DataError, match="ratio is 0"):
        reward(completions=["4"], answer=["4"], ratio=[0])


@pytest.mark.parametrize(
    "arguments, word",
    [
        ({"weights": {"exact": 1.0, "bleu": 1.0}}, "'bleu' is unknown. Use exact"),
        ({"weights": {"exact": 0.0}}, "nothing can be learned"),
        ({"weights": {"exact": float("nan")}}, "weight of reward 'exact' is nan"),
        ({"weights": {"exact": 1.0}, "settings": {"ocr": {}}}, "'ocr' has settings and no weight"),
        ({"weights": {"exact": 1.0}, "settings": {"exact": {"colunm": "x"}}}, "does not take"),
        ({"weights": {"exact": 1.0}, "others": [FormatReward()]}, "'format' has no weight"),
    ],
)
def test_rewards_that_make_no_sense_are_refused(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        reward_functions(**arguments)


def test_a_column_that_a_reward_needs_and_rows_lack_is_named() -> None:
    with pytest.raises(DataError, match="reward 'exact' needs the column 'answer'"):
        REWARDS["exact"]()(completions=["4"])
    with pytest.raises(DataError, match="answer is 4"):
        REWARDS["exact"]()(completions=["4"], answer=[4])


def test_a_judge_sees_question_answer_and_reply_and_grades_in_tenths() -> None:
    asked: list[str] = []

    def grade(question: str) -> str:
        asked.append(question)
        return "Score: 7/10" if "five" in question else "<think>8?</think>10"

    rewards, judge = judged(grade, ["four", "five", "four"])
    assert rewards == [1.0, 0.7, 1.0]
    assert len(asked) == 2  # equal questions are asked once
    assert all(part in asked[0] for part in ("What is 2 + 2?", "\n4\n", "four"))
    assert judge.counts == {"graded": 3, "skipped": 0, "failed": 0, "unreadable": 0}


def test_a_judge_is_asked_again_and_what_it_never_grades_is_skipped_and_counted() -> None:
    answers = iter(["hm", "9", "I cannot say", "11"])
    rewards, judge = judged(lambda question: next(answers), ["a", "b"])
    assert rewards == [0.9, None]
    assert (judge.counts["unreadable"], judge.counts["skipped"]) == (3, 1)


def test_a_judge_that_is_down_is_left_alone_until_the_next_batch() -> None:
    calls: list[str] = []

    def down(question: str) -> str:
        calls.append(question)
        raise EndpointError("the server is down.", url="http://127.0.0.1:9")

    rewards, judge = judged(down, [f"reply {number}" for number in range(50)], patience=3)
    assert rewards == [None] * 50
    assert (len(calls), judge.counts["failed"], judge.counts["skipped"]) == (3, 3, 50)
    assert judge(completions=["one"], prompts=[PROMPT], answer=["4"]) == [None]
    assert len(calls) == 5


def test_a_judge_on_a_server_that_is_not_there_is_skipped() -> None:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="judge", retries=0, timeout=5)
    judge = Judge(model=EndpointModel(endpoint=endpoint), attempts=1)
    told: dict[str, float] = {}
    rewards = judge(completions=["four"], prompts=[PROMPT], answer=["4"], log_metric=told.__setitem__)
    assert rewards == [None]
    assert told == {"judge/skipped": 1.0}


def test_a_judge_that_refuses_stops_the_run() -> None:
    def refuses(question: str) -> str:
        raise RequestRefused("the model does not exist.")

    with pytest.raises(RequestRefused):
        judged(refuses, ["four"])


def test_several_questions_are_asked_at_once() -> None:
    together = threading.Barrier(4, timeout=300)

    def waits(question: str) -> str:
        together.wait()
        return "5"

    judge = Judge(model=Says(waits), jobs=4)
    assert judge(completions=list("abcd"), prompts=[PROMPT] * 4, answer=["4"] * 4) == [0.5] * 4


@pytest.mark.parametrize("prompt", ["{", "{reply} {reply.x}", "{}", "Grade {answer}"])
def test_a_prompt_of_a_judge_names_the_reply(prompt: str) -> None:
    with pytest.raises(DataError, match="prompt="):
        Judge(model=Says(str), prompt=prompt)


def test_rewards_load_neither_torch_nor_trl() -> None:
    program = (
        "import sys, glyphrender.train.rewards.judge\n"
        "print([n for n in ('torch', 'trl', 'transformers') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]
