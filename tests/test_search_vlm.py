"""A vision-language model as the judge of θ: tasks, what asking costs, what a failing server does."""

from __future__ import annotations

import json
import pickle
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import QuietHandler, listening

from glyphrender import DataError, EndpointError, LayoutError, Theta, render
from glyphrender.errors import BudgetSpent, RequestRefused
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.model import EndpointModel
from glyphrender.inference.replies import Replies, RequestBudget, Spent
from glyphrender.inference.transformers import LazyModel
from glyphrender.search.vlm import VLMEvaluator, evaluator
from glyphrender.tasks.answers import final_answer
from glyphrender.tasks.generated import KINDS, GeneratedTask
from glyphrender.tasks.jsonl import read_task
from glyphrender.tasks.task import Example, score_reply

NOVEL = (Path(__file__).parent.parent / "benchmarks/texts/pride-and-prejudice.txt").read_text("utf-8")
CHINESE = (Path(__file__).parent / "data/udhr-zho.txt").read_text("utf-8")
THETA = Theta(font_size=12, line_height=14).align_to("glm-4.1v")


# -- tasks -------------------------------------------------------------------------------------------


def generated(texts: list[str], kinds: tuple[str, ...], **options: int) -> list[Example]:
    return list(GeneratedTask(texts=texts, kinds=kinds, **options))


def error(example: Example, reply: str) -> float:
    return score_reply(example, reply).error


@given(st.integers(0, 10**6), st.sampled_from(["en", "zh"]))
def test_what_is_asked_stands_in_the_text_and_is_right(seed: int, language: str) -> None:
    text = NOVEL if language == "en" else CHINESE
    for task in generated([text], KINDS, count=4, seed=seed, characters=1500):
        assert error(task, task.answers[0]) == 0
        assert error(task, "I cannot tell.") > 0.5
        if task.kind == "needle":
            assert f"is {task.answers[0]}." in task.context
        if task.kind == "quote":
            asked = task.question.partition("«")[2].partition("»")[0]
            joint = " " if language == "en" else ""
            assert asked + joint + task.answers[0] in joint.join(task.context.split())
        assert 100 < len(task.context) < 3500


@pytest.mark.slow
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 8))
def test_a_larger_sample_begins_with_the_smaller_one(seed: int, few: int, more: int) -> None:
    whole = generated([NOVEL, CHINESE], KINDS, count=few + more, seed=seed, characters=800)
    assert generated([NOVEL, CHINESE], KINDS, count=few, seed=seed, characters=800) == whole[:few]


@given(st.integers(0, 10**6))
def test_the_chain_of_facts_leads_to_the_answer_and_to_no_other(seed: int) -> None:
    (task,) = generated([NOVEL], ("hops",), count=1, seed=seed, characters=1000)
    notes = [line.removeprefix("Note: ").rstrip(".") for line in task.context.splitlines() if line.startswith("Note: ")]
    owner = task.question.partition("parcel of ")[2].partition(" is?")[0]
    (locker,) = [note.split(" is in locker ")[1] for note in notes if note.startswith(f"the parcel of {owner} is in")]
    (town,) = [note.split(" stands in ")[1] for note in notes if note.startswith(f"locker {locker} stands in")]
    assert [note.split(" kept by ")[1] for note in notes if note.startswith(f"the keys in {town} are")] == [
        task.answers[0]
    ]
    assert len(notes) == 12


@pytest.mark.slow
@given(st.integers(0, 10**6), st.data())
def test_naming_more_than_one_keeper_is_no_answer(seed: int, data: st.DataObject) -> None:
    (task,) = generated([NOVEL], ("hops",), count=1, seed=seed, characters=400)
    right, owner = task.answers[0], task.question.partition("parcel of ")[2].partition(" is?")[0]
    notes = "".join(line for line in task.context.splitlines(keepends=True) if line.startswith("Note: "))
    others = [name for name in re.findall(r"(?:parcel of|kept by) (\w+ \w+)", notes) if name not in (right, owner)]
    assert len(set(others)) == 6
    for said in (
        right,
        f"**{right}**.",
        f"{right} keeps them, where {owner}'s parcel is.",
        f"{owner}: no.\nAnswer: {right}",
    ):
        assert error(task, said) == 0
    some = data.draw(st.lists(st.sampled_from(others), min_size=1, unique=True))
    words = [data.draw(st.sampled_from([name, *name.split()])) for name in some]
    listed = data.draw(st.permutations([right, *words]))
    assert error(task, ", ".join(listed)) == 1
    assert error(task, f"Answer: {' or '.join(listed)}") == 1
    assert error(task, f"{others[0]}? No, wait.\nAnswer: {right}") == 0  # what it commits to


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("7GX2", True),
        ("**7gx2**.", True),
        ("The code is 7GX2, as the note says.", True),
        ("<think>It might be 1111.</think>\n7GX2", True),
        ("<|begin_of_box|>7GX2<|end_of_box|>", True),
        ("First I look at 9999.\nAnswer: 7GX2", True),
        ("7GX2O", False),
        ("7GXZ", False),
        ("", False),
        ("Codes: " + " ".join(f"A{n:03}" for n in range(60)) + " 7GX2", False),
        ("Answer: 9999, though the note says 7GX2" + " and so on" * 20, False),
    ],
)
def test_a_reply_is_right_if_it_commits_to_the_answer(reply: str, right: bool) -> None:
    task = Example(kind="needle", context="", question="", answers=("7GX2",))
    assert error(task, reply) == (0 if right else 1)


def test_ideographs_need_no_spaces_around_an_answer() -> None:
    task = Example(kind="jsonl", context="", question="", answers=("北京", "1949"))
    assert error(task, "答案是北京。") == 0
    assert error(task, "在1949年") == 0
    assert error(task, "在11949年") == 1


def test_a_transcription_is_scored_by_its_edits_and_says_what_was_confused() -> None:
    task = Example(kind="transcribe", context="", question="", answers=("a b c d\ne f g h",))
    assert error(task, "```text\na b c d e f g h\n```") == 0
    assert error(task, "a b c d e f g i") == 1 / 8
    assert [(edit.true, edit.read) for edit in score_reply(task, "a b c d e f g i").edits] == [("h", "i")]
    assert error(task, "x" * 1000) == 1


def test_a_line_of_the_text_that_says_answer_cuts_no_copy() -> None:
    text = "Question: who reads this?\nAnswer: nobody at all.\nQuestion: why?"
    task = Example(kind="transcribe", context=text, question="", answers=(text,))
    assert error(task, text) == 0
    assert error(task, f"<think>Answer: no</think>```\n{text}\n```") == 0
    assert score_reply(task, text).edits == ()
    assert error(Example(kind="transcribe", context="", question="", answers=("a b c",)), "Answer: a b c") == 0


@given(st.text())
def test_any_reply_is_scored(reply: str) -> None:
    for task in generated([NOVEL], KINDS, count=4, seed=0, characters=400):
        assert 0 <= error(task, reply) <= 1
        assert score_reply(task, reply).value <= 1
    final_answer(reply)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "2 is not JSON"),
        ("[1]", "2 is no object"),
        ('{"context": "a", "answer": "b"}', "2 has no question"),
        ('{"context": "a", "question": "b", "answer": null}', "2 has no answer"),
        ('{"context": "a", "question": "b", "answer": []}', "2 has no answer"),
        ('{"context": 1, "question": "b", "answer": "c"}', "2 has no context"),
    ],
)
def test_a_bad_line_of_tasks_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"context": "a", "question": "b?", "answer": ["c", 4]}\n' + line, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        read_task(path)


def test_tasks_are_read_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"context": "a", "question": "b?", "answer": ["c", 4]}\n\n', encoding="utf-8")
    (task,) = read_task(path)
    assert (task.kind, task.context, task.answers) == ("jsonl", "a", ("c", "4"))


# -- replies and budget ------------------------------------------------------------------------------


def test_a_budget_is_kept_to_the_request_by_many_threads(tmp_path: Path) -> None:
    replies, budget, refused = Replies(tmp_path / "r.sqlite"), RequestBudget(requests=20), []

    def ask(first: int) -> None:
        for number in range(first, first + 10):
            try:
                replies.reserve(str(number), budget)
            except BudgetSpent as error:
                refused.append(str(error))
                continue
            replies.put(str(number), Reply(text="yes", prompt_tokens=5, completion_tokens=2), {})

    threads = [threading.Thread(target=ask, args=[10 * index]) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies.spent == Spent(requests=20, tokens=140)
    assert len(refused) == 20
    assert "20 of 20 requests" in refused[0]


def test_what_was_sent_and_never_answered_stays_in_the_account_until_it_is_sent_again(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "r.sqlite")
    replies.reserve("a", RequestBudget())  # and here the process is killed
    again = Replies(tmp_path / "r.sqlite")
    assert again.spent.requests == 1
    assert again.get("a") is None
    again.reserve("a", RequestBudget(requests=2))
    again.put("a", Reply(text="x", prompt_tokens=3), {})
    assert again.spent == Spent(requests=1, tokens=3)
    with pytest.raises(BudgetSpent, match="3 of 3 tokens"):
        again.reserve("b", RequestBudget(tokens=3))


def test_two_searches_that_ask_the_same_at_once_lose_no_reply(tmp_path: Path) -> None:
    one, other, budget = Replies(tmp_path / "r.sqlite"), Replies(tmp_path / "r.sqlite"), RequestBudget()
    one.reserve("a", budget)
    one.put("a", Reply(text="x", prompt_tokens=3), {})
    other.reserve("a", budget)  # it looked for the reply before that
    other.release("a")  # and failed
    assert one.get("a") == Reply(text="x", prompt_tokens=3)
    assert one.spent == Spent(requests=1, tokens=3)
    one.reserve("b", budget)
    other.reserve("b", budget)
    other.release("b")
    one.put("b", Reply(text="y", prompt_tokens=4), {})
    assert other.get("b") == Reply(text="y", prompt_tokens=4)
    other.put("b", Reply(text="y", prompt_tokens=4), {})  # both were paid for
    assert one.spent == Spent(requests=2, tokens=11)


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database" * 100)
    with pytest.raises(DataError, match="Name another file"):
        Replies(path)


# -- a model that reads ------------------------------------------------------------------------------


class ReadingModel:
    """Tesseract as a `Model`: it copies pages, and answers no question."""

    def __init__(self) -> None:
        from glyphrender.ocr.tesseract import Tesseract

        pytest.importorskip("tesserocr")
        self.reader, self.asked = Tesseract(), 0

    @property
    def identity(self) -> list[Any]:
        return ["tesseract"]

    def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
        self.asked += 1
        (document,) = conversation.documents
        return Reply(text="\n".join(self.reader(page.image) for page in document))


@pytest.mark.slow
def test_small_type_is_read_worse_than_large_and_each_page_once(tmp_path: Path) -> None:
    model = ReadingModel()
    judge = VLMEvaluator([NOVEL], model, replies=tmp_path / "r", tasks=["transcribe"], characters=1600)
    large, small = (judge(Theta(font_size=size, line_height=1.2 * size), samples=2, seed=0) for size in (14, 5))
    assert large.low <= large.error <= large.high
    assert large.error < 0.03 < 0.3 < small.error
    assert small.details["confusions"]
    assert model.asked == 4
    judge(Theta(font_size=14, line_height=16.8), samples=3, seed=0)
    assert model.asked == 5


@pytest.mark.parametrize(("reason", "stored"), [("stop", 1), ("length", 1), ("content_filter", 0), ("broken off", 0)])
def test_a_reply_that_broke_off_is_neither_scored_nor_stored(tmp_path: Path, reason: str, stored: int) -> None:
    class Cut:
        identity: ClassVar = ["m"]

        def complete(self, conversation: Conversation, *, max_tokens: int | None = None, on_text: Any = None) -> Reply:
            return Reply(text="It is", finish_reason=reason)

    judge = VLMEvaluator([NOVEL], Cut(), replies=tmp_path / "r", tasks=["needle"], characters=400)
    if stored:
        assert judge(THETA, samples=1, seed=0).error == 1
    else:
        with pytest.raises(EndpointError, match=f"did not finish its answer .finish_reason='{reason}'"):
            judge(THETA, samples=1, seed=0)
    assert judge.replies.answered("m") == bool(stored)


# -- a real server -----------------------------------------------------------------------------------


def judge_of(url: str, model: str, folder: Path, **options: Any) -> VLMEvaluator:
    endpoint = Endpoint(model=model, base_url=url, timeout=900, retries=0, temperature=0.0)
    options = {"characters": 400, "concurrency": 2} | options
    return VLMEvaluator([NOVEL], EndpointModel(endpoint=endpoint), replies=folder / "replies.sqlite", **options)


@pytest.mark.slow
def test_a_served_model_is_asked_once_and_never_again(tiny_server: str, tiny_path: Path, tmp_path: Path) -> None:
    judge = judge_of(tiny_server, str(tiny_path), tmp_path)
    found = judge(THETA, samples=4, seed=0)
    assert found.error == 1.0  # the weights are random
    assert found.samples == 4
    assert set(found.details["tasks"]) == set(KINDS)
    assert found.details["prompt_tokens"] > 100
    assert judge.replies.spent.requests == 4
    # A search that is repeated, with the server gone:
    again = judge_of("http://127.0.0.1:9/v1", str(tiny_path), tmp_path)
    assert again.name == judge.name
    assert again(THETA, samples=4, seed=0) == found
    assert again.replies.spent == judge.replies.spent


def test_a_budget_stops_the_questions_and_loses_no_answer(tiny_server: str, tiny_path: Path, tmp_path: Path) -> None:
    judge = judge_of(tiny_server, str(tiny_path), tmp_path, budget=RequestBudget(requests=3), tasks=["needle"])
    with pytest.raises(BudgetSpent, match="3 of 3 requests"):
        judge(THETA, samples=4, seed=0)
    assert judge.replies.spent.requests == 3
    richer = judge_of(tiny_server, str(tiny_path), tmp_path, budget=RequestBudget(requests=4), tasks=["needle"])
    assert richer(THETA, samples=4, seed=0).samples == 4
    assert richer.replies.spent.requests == 4


# -- a server that fails: the chat completions schema, and what goes wrong with it ---------------------

Answer = Callable[[int], tuple[int, str]]
ASKED = [{"role": "user", "content": "?"}]


def completion(text: str) -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


@contextmanager
def failing(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server whose n-th answer is `answer(n)`: its URL, and the requests that it got."""
    requests: list[dict[str, Any]] = []

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = answer(len(requests))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body.encode())

    with listening(Handler) as url:
        yield url, requests


def said(message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "e"}})


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, said("bad key"), EndpointError, "Set OPENAI_API_KEY"),
        (404, said("no such model"), EndpointError, "Correct model='m', or base_url"),
        (400, said("too many images"), RequestRefused, "too many images"),
        (413, said("too large"), RequestRefused, "too large"),
        (429, said("slow down"), EndpointError, "slow down.*Wait, or raise retries"),
        (500, said("out of memory"), EndpointError, "out of memory"),
        (200, "{", EndpointError, "cannot be read"),
        (200, "{}", EndpointError, "without any choice"),
        (200, '{"choices": []}', EndpointError, "without any choice"),
        (200, '"text"', EndpointError, "without any choice"),
    ],
)
def test_what_a_server_does_wrong_is_one_error_with_a_way_out(
    status: int, body: str, kind: type[EndpointError], message: str
) -> None:
    with failing(lambda _: (status, body)) as (url, _), pytest.raises(EndpointError, match=message) as raised:
        Endpoint(model="m", base_url=url, retries=0).complete(ASKED, max_tokens=5, stream=False)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)


def test_no_message_holds_a_key_or_a_password(monkeypatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-of-mine\r\n")  # as a file leaves it
    with failing(lambda _: (401, said("Incorrect key sk-of-mine: none like it"))) as (url, _):
        endpoint = Endpoint(
            model="m", base_url=url.replace("//", "//me:secret@"), key_variable="A_KEY", timeout=9, retries=0
        )
        with pytest.raises(EndpointError, match="Set A_KEY") as raised:
            endpoint.complete(ASKED, max_tokens=5, stream=False)
    assert "sk-of-mine" not in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "none like it" in str(raised.value)


def test_a_server_that_is_not_there_is_said_to_be_unreachable() -> None:
    endpoint = Endpoint(model="m", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(EndpointError, match=r"cannot be reached.*Start the server"):
        endpoint.complete(ASKED, max_tokens=5, stream=False)


def test_a_key_is_asked_for_where_there_is_no_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(EndpointError, match=r"own server\. Set NO_SUCH_KEY"):
        Endpoint(model="m", key_variable="NO_SUCH_KEY").complete([], max_tokens=1)


@pytest.mark.slow
def test_a_failure_that_passes_is_tried_again() -> None:
    with failing(lambda n: (503, said("busy")) if n < 3 else (200, completion("yes"))) as (url, requests):
        reply = Endpoint(model="m", base_url=url, retries=2).complete(ASKED, max_tokens=5, stream=False)
    assert (reply.text, reply.tokens, len(requests)) == ("yes", 12, 3)


def test_a_request_gives_up_what_a_server_does_not_take() -> None:
    def answer(number: int) -> tuple[int, str]:
        complaints = ["use max_completion_tokens", "temperature must be 1", "unknown field seed"]
        complaints += ["no response_format", "no response_format"]
        return (400, said(complaints[number - 1])) if number <= len(complaints) else (200, completion("yes"))

    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    with failing(answer) as (url, requests):
        endpoint = Endpoint(model="m", base_url=url, retries=0, temperature=0.0, seed=7)
        endpoint.complete(ASKED, max_tokens=5, stream=False, response_format=form)
    assert requests[4]["response_format"] == {"type": "json_object", "schema": {"type": "object"}}
    assert requests[0]["seed"] == 7
    assert {"temperature", "max_tokens", "seed", "response_format"}.isdisjoint(requests[-1])
    assert requests[-1]["max_completion_tokens"] == 5


def test_what_is_not_served_is_left_out_and_not_scored(tmp_path: Path) -> None:
    tasks = [Example(kind="jsonl", context=f"text {n}", question="?", answers=("yes",)) for n in range(10)]
    with failing(lambda n: (500, said("no")) if n == 4 else (200, completion("yes"))) as (url, requests):
        judge = judge_of(url, "m", tmp_path, tasks=tasks)
        found = judge(THETA, samples=10, seed=0)
        assert (found.error, found.samples, found.details["answered"]) == (0.0, 10, 9)
        assert found.high < 0.35
        # What failed was not paid for, and is asked again when it is wanted again.
        assert judge.replies.spent.requests == 9
        assert judge(THETA, samples=10, seed=0).details["answered"] == 10
    assert len(requests) == 11


def test_too_many_failures_are_an_error(tmp_path: Path) -> None:
    with failing(lambda n: (500, said("no")) if n % 3 == 0 else (200, completion("yes"))) as (url, _):
        judge = judge_of(url, "m", tmp_path, tasks=["needle"], concurrency=1)
        with pytest.raises(EndpointError, match="3 of 9 questions were not answered"):
            judge(THETA, samples=9, seed=0)
        assert judge.replies.spent.requests == 6


def test_pages_that_a_model_refuses_are_the_fault_of_their_theta(tmp_path: Path) -> None:
    refusing = [False]
    with failing(lambda _: (400, said("too many images")) if refusing[0] else (200, completion("yes"))) as (url, _):
        judge = judge_of(url, "m", tmp_path, tasks=["needle"])
        refusing[0] = True
        with pytest.raises(EndpointError, match="2 of 2"):  # so far it may be the server
            judge(THETA, samples=2, seed=0)
        refusing[0] = False
        judge(THETA, samples=2, seed=0)
        refusing[0] = True
        with pytest.raises(LayoutError, match=r"2 of 2 questions were not answered.*too many images"):
            judge(THETA.replace(font_size=11), samples=2, seed=0)


def test_a_model_that_refuses_from_the_start_is_an_error_whatever_others_do(tmp_path: Path) -> None:
    with failing(lambda _: (200, completion("yes"))) as (url, _):
        judge_of(url, "reads", tmp_path, tasks=["needle"])(THETA, samples=2, seed=0)
    with failing(lambda _: (400, said("no images"))) as (url, _):
        judge = judge_of(url, "blind", tmp_path, tasks=["needle"])
        judge.replies.reserve("under way", RequestBudget())  # of this model, in another thread
        with pytest.raises(EndpointError, match="2 of 2"):
            judge(THETA, samples=2, seed=0)


def test_a_model_of_transformers_is_asked_as_a_served_one(tiny_server: str, tiny_path: Path) -> None:
    document = render("Some text. " * 20, THETA)
    asked = Conversation.ask(document, "What?")
    here = LazyModel(path_or_id=tiny_path, trust_remote_code=True).complete(asked, max_tokens=8)
    endpoint = Endpoint(model=str(tiny_path), base_url=tiny_server, retries=0, temperature=0.0)
    there = EndpointModel(endpoint=endpoint).complete(asked, max_tokens=8)
    assert here.text == there.text.strip()
    assert here.finish_reason == there.finish_reason == "length"
    assert (here.prompt_tokens, here.completion_tokens) == (there.prompt_tokens, there.completion_tokens)


def test_options_of_a_command_line_make_an_evaluator(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"context": "a", "question": "b?", "answer": "yes"}', encoding="utf-8")
    with failing(lambda _: (200, completion("yes"))) as (url, _):
        judge = evaluator([NOVEL], model="m", base_url=url, tasks=str(path), replies=tmp_path / "r", max_requests=1)
        assert judge(THETA, samples=1, seed=0).error == 0
        with pytest.raises(BudgetSpent):
            judge(THETA.replace(font_size=11), samples=1, seed=0)
    assert evaluator([NOVEL], model="m", tasks="needle, hops", replies=tmp_path / "r").rungs == (2, 6, 18)


def test_pages_go_out_in_order_before_the_question(tmp_path: Path) -> None:
    import base64
    import io

    from PIL import Image

    task = Example(kind="jsonl", context="line\n" * 200, question="How many?", answers=("200",))
    with failing(lambda _: (200, completion("200"))) as (url, requests):
        judge_of(url, "m", tmp_path, tasks=[task])(THETA, samples=1, seed=0)
    *images, question = requests[0]["messages"][0]["content"]
    assert question == {"type": "text", "text": "How many?"}
    sent = [Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2]))) for part in images]
    pages = render(task.context, THETA)
    assert len(sent) == len(pages) > 1
    assert all(one.tobytes() == page.image.tobytes() for one, page in zip(sent, pages, strict=True))


def test_each_task_of_a_file_is_asked_once_and_the_interval_is_of_as_many(tmp_path: Path) -> None:
    tasks = [Example(kind="jsonl", context=f"{n} is here", question=f"{n}?", answers=("yes",)) for n in range(5)]
    with failing(lambda number: (200, completion("yes" if number > 1 else "no"))) as (url, requests):
        judge = judge_of(url, "m", tmp_path, tasks=[*tasks, tasks[2], tasks[2]], concurrency=1)
        assert (judge.available, judge.rungs) == (5, (1, 5))
        few, more = judge(THETA, samples=5, seed=0), judge(THETA, samples=15, seed=1)
        asked = {request["messages"][0]["content"][-1]["text"] for request in requests}
    assert len(requests) == len(asked) == 5
    assert more.samples == more.details["answered"] == 5
    assert (more.error, more.low, more.high) == (few.error, few.low, few.high)
    assert more.error == pytest.approx(1 / 5)
    # Wilson's interval of 1 in 5; of 3 in 15 it would be [0.07, 0.45].
    assert (more.low, more.high) == (pytest.approx(0.036, abs=1e-3), pytest.approx(0.624, abs=1e-3))
    assert VLMEvaluator([NOVEL], ReadingModel(), replies=tmp_path / "s").available is None


def test_an_endpoint_travels_to_other_processes() -> None:
    endpoint = Endpoint(model="m", base_url="http://127.0.0.1:9/v1", extra={"top_k": 1})
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint


def test_nothing_to_ask_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    model = ReadingModel()
    with pytest.raises(DataError, match="nothing to read"):
        VLMEvaluator([" \n"], model, replies=tmp_path / "r")
    with pytest.raises(DataError, match=r"task 'poem' is not known. Use some of transcribe"):
        VLMEvaluator([NOVEL], model, replies=tmp_path / "r", tasks=["poem"])
    with pytest.raises(DataError, match="concurrency=0"):
        VLMEvaluator([NOVEL], model, replies=tmp_path / "r", concurrency=0)


# -- the whole search --------------------------------------------------------------------------------


def reading_by_size(request: dict[str, Any]) -> str:
    """A reply that is right of large type alone, told by the bytes of the pages: something for a search to find."""
    return "yes" if sum(len(part.get("image_url", {}).get("url", "")) for part in request) > 12_000 else "no"


@pytest.mark.slow
def test_a_search_with_a_model_stops_at_its_budget_and_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from glyphrender import cli

    text = tmp_path / "text.txt"
    text.write_text(NOVEL[3000:23_000], encoding="utf-8")
    tasks = tmp_path / "tasks.jsonl"
    lines = [{"context": NOVEL[n * 900 : n * 900 + 900], "question": f"{n}?", "answer": "yes"} for n in range(5, 14)]
    tasks.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    requests: list[dict[str, Any]] = []

    def answer(number: int) -> tuple[int, str]:
        return 200, completion(reading_by_size(requests[number - 1]["messages"][0]["content"]))

    def search(*options: str) -> tuple[int, str]:
        command = ["search", str(text), "--evaluator", "vlm", "--model", "m", "--base-url", url, "--tasks", str(tasks)]
        command += ["--rounds", "2", "--steps", "12", "--concurrency", "1", "-j", "1", "--proposer", "expert", *options]
        done = CliRunner().invoke(cli.command, command)
        return done.exit_code, done.output

    with failing(answer) as (url, seen):
        requests = seen
        status, _ = search("-o", str(tmp_path / "a"), "--max-requests", "20", "--json")
        assert len(requests) == 20
        status, said = search("-o", str(tmp_path / "a"), "--max-requests", "2000", "--resume")
        assert status == 0, said
        paid = len(requests)
        # Undisturbed, it comes to the same and has cost as much; repeated, it costs nothing.
        search("-o", str(tmp_path / "b"))
        assert len(requests) == 2 * paid
        journals = [(tmp_path / folder / "journal.jsonl").read_text() for folder in "ab"]
        one, two = (list(map(json.loads, journal.splitlines())) for journal in journals)
        candidates = [[line["digest"] for line in lines if line["kind"] == "candidate"] for lines in (one, two)]
        assert candidates[0] == candidates[1]
        assert any(line["kind"] == "proposals" for line in one)
        # There are nine tasks, and the final sample says that it has no more.
        assert {line["samples"] for line in one if line["kind"] == "evaluation" and line["seed"] == 1} == {9}
        (tmp_path / "a/journal.jsonl").unlink()
        assert search("-o", str(tmp_path / "a"))[0] == 0
        assert len(requests) == 2 * paid
    assert (tmp_path / "a/theta.json").read_text() == (tmp_path / "b/theta.json").read_text()


def test_a_model_that_judges_needs_a_name(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from glyphrender import cli

    text = tmp_path / "text.txt"
    text.write_text("Some text.", encoding="utf-8")
    done = CliRunner().invoke(cli.command, ["search", str(text), "--evaluator", "vlm", "-o", str(tmp_path / "o")])
    assert done.exit_code == 2
    assert "--evaluator vlm needs --model" in done.output
    assert not (tmp_path / "o").exists()
