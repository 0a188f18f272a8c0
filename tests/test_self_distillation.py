"""A model's own answers to texts become targets; a run that was interrupted asks nothing twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, EndpointError
from glyphrender.errors import BudgetSpent, RequestRefused
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.replies import Replies, RequestBudget
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.page_policy import PagePolicy
from glyphrender.train.rows.self_distillation import distilled

LONG = "The buyer pays the seller on the first day of the month.\n" * 4


class Scripted:
    """A model that answers by a function of the question, and remembers what it was asked."""

    identity = ["scripted", 1]  # noqa: RUF012

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.asked: list[Conversation] = []

    def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
        with self._lock:
            self.asked.append(conversation)
        answer = self._answer(conversation.turns[-1].text)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(text=answer, finish_reason="stop", completion_tokens=3)


def rows(count: int = 4) -> list[ChatRow]:
    records = [
        {"id": str(number), "context": LONG, "question": f"Which code has {number}?", "answer": f"code-{number}"}
        for number in range(count)
    ]
    return list(chat_rows(records, policy=PagePolicy(min_characters=100)))


def right(question: str) -> str:
    number = question.rsplit(" ", 1)[1].rstrip("?")
    return f"<think>It is {number}.</think>The code is code-{number}."


def test_the_model_is_asked_in_text_and_its_right_trace_is_the_target_of_the_pages(tmp_path: Path) -> None:
    model = Scripted(right)
    counts: Counter[str] = Counter()
    kept = list(distilled(rows(), model, replies=tmp_path / "replies", counts=counts))
    assert [row.response for row in kept] == [right(f" {number}?") for number in range(4)]
    assert [row.documents for row in kept] == [(LONG,)] * 4
    assert [row.answers for row in kept] == [(f"code-{number}",) for number in range(4)]
    assert all(LONG in conversation.turns[0].text and not conversation.pictures for conversation in model.asked)
    assert counts == Counter(rows=4, kept=4)


LEFT_OUT: dict[str, Any] = {
    "wrong": "<think>It is 1.</think>The code is code-9.",
    "cut off": Reply(text="<think>It is", finish_reason="length"),
    "empty": "<think>It is code-1.</think>\n",
    "hidden thoughts": Reply(text="code-1", finish_reason="stop", completion_tokens=900),
    "refused": RequestRefused("too long"),
    "no reply": EndpointError("the server is busy"),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_a_trace_that_is_no_target_is_left_out_and_counted(reason: str, tmp_path: Path) -> None:
    model = Scripted(lambda question: LEFT_OUT[reason] if question.endswith("1?") else right(question))
    counts: Counter[str] = Counter()
    kept = list(distilled(rows(), model, replies=tmp_path / "replies", counts=counts))
    assert [row.key for row in kept] == ["0", "2", "3"]
    assert counts == Counter({"rows": 4, "kept": 3, reason: 1})


def test_a_run_that_was_interrupted_asks_nothing_twice(tmp_path: Path) -> None:
    first = Scripted(right)
    interrupted = distilled(rows(), first, replies=tmp_path / "replies", concurrency=1)
    next(interrupted)
    interrupted.close()
    second = Scripted(right)
    kept = list(distilled(rows(), second, replies=tmp_path / "replies"))
    assert [row.key for row in kept] == ["0", "1", "2", "3"]
    assert len(first.asked) + len(second.asked) == 4
    third = Scripted(lambda question: AssertionError("asked again"))
    assert list(distilled(rows(), third, replies=tmp_path / "replies")) == kept


def test_what_got_no_reply_is_asked_again_and_what_was_wrong_is_not(tmp_path: Path) -> None:
    broken = Scripted(lambda question: EndpointError("busy") if question.endswith("1?") else "code-9")
    assert list(distilled(rows(2), broken, replies=tmp_path / "replies")) == []
    model = Scripted(right)
    (row,) = distilled(rows(2), model, replies=tmp_path / "replies")
    assert (row.key, len(model.asked)) == ("1", 1)


def test_a_row_is_asked_until_a_reply_is_right(tmp_path: Path) -> None:
    given: Counter[str] = Counter()

    def third_time(question: str) -> str:
        given[question] += 1
        return right(question) if given[question] == 3 else "no idea"

    few = list(distilled(rows(2), Scripted(third_time), replies=tmp_path / "few", attempts=2))
    given.clear()
    many = list(distilled(rows(2), Scripted(third_time), replies=tmp_path / "many", attempts=4))
    assert (len(few), len(many), set(given.values())) == (0, 2, {3})


def test_a_server_that_is_down_ends_the_run(tmp_path: Path) -> None:
    down = Scripted(lambda question: EndpointError("connection refused"))
    counts: Counter[str] = Counter()
    with pytest.raises(EndpointError, match="20 rows in turn got no reply: connection refused"):
        list(distilled(rows(100), down, replies=tmp_path / "replies", counts=counts))
    assert counts["no reply"] == 20
    assert len(down.asked) < 40


def test_a_budget_holds_over_runs(tmp_path: Path) -> None:
    budget = RequestBudget(requests=3)
    for _ in range(2):
        with pytest.raises(BudgetSpent, match="3 of 3 requests are spent"):
            list(distilled(rows(), Scripted(right), replies=tmp_path / "r", budget=budget))
    assert Replies(tmp_path / "r").spent.requests == 3


def test_a_scorer_of_ones_own_decides(tmp_path: Path) -> None:
    def length(row: ChatRow, reply: str) -> float:
        return min(1.0, len(reply) / 100)

    model = Scripted(lambda question: "word " * (12 if question.endswith("1?") else 4))
    (row,) = distilled(rows(2), model, replies=tmp_path / "r", score=length, threshold=0.5)
    assert row.key == "1"


def test_wrong_settings_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    model = Scripted(right)
    for options, message in (({"attempts": 0}, "attempts=0"), ({"concurrency": 0}, "concurrency=0"),
                             ({"threshold": 2}, "threshold=2 is no score")):  # fmt: skip
        with pytest.raises(DataError, match=message):
            distilled(rows(), model, replies=tmp_path / "r", **options)
    tool = chat_rows(
        [
            {
                "id": "t",
                "messages": [
                    {"role": "user", "content": "Look."},
                    {"role": "tool", "content": "42"},
                    {"role": "user", "content": "So?"},
                    {"role": "assistant", "content": "42"},
                ],
            }
        ]
    )
    with pytest.raises(DataError, match="row 't' has a turn of a tool"):
        list(distilled(tool, model, replies=tmp_path / "r"))
    assert model.asked == []
