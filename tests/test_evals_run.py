"""Arms, the runner and its report: the same items for every arm, nothing asked twice, nothing dropped."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from eval_judge import FILLER, POSER, Parrot, codes
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import Document, Theta
from glyphrender.cli import eval as eval_command
from glyphrender.errors import BudgetSpent, DataError, EndpointError
from glyphrender.evals.arms import Arm, conditions_of
from glyphrender.evals.compare import compare, mcnemar
from glyphrender.evals.dry_run import Speed, dry_run, h100_of_glyph
from glyphrender.evals.item import Drawable, FollowUp, Item, ItemTurn
from glyphrender.evals.report import check_report, write_report, write_times
from glyphrender.evals.rho import rhos
from glyphrender.evals.runner import Run, run
from glyphrender.evals.sampling import sampled, spoken
from glyphrender.evals.shortening import cut_in_the_middle, passages, retrieved
from glyphrender.evals.summary import run_name, summary
from glyphrender.inference.endpoint import Endpoint, Reply
from glyphrender.inference.model import EndpointModel
from glyphrender.inference.replies import Replies, RequestBudget
from glyphrender.models.prices import Price
from glyphrender.models.tokenizers import tokenizer
from glyphrender.tasks.task import Score

ALL = conditions_of(list(Arm), [Theta()])
TWO = conditions_of(["pages", "text"], [Theta()])


def run_of(model: Any, folder: Path, **changes: Any) -> Run:
    given = {"conditions": TWO, "poser": POSER, "replies": folder / "replies.sqlite", "concurrency": 3}
    benchmark = changes.pop("benchmark", None) or codes()
    return run(benchmark, model, **(given | changes))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".sqlite"}


# -- arms --------------------------------------------------------------------------------------------


def test_every_arm_sends_the_same_question_and_its_own_context() -> None:
    item = codes(1).items[0]
    sent = {each.arm: POSER.pose(item, each) for each in ALL}
    for posed in sent.values():
        (turn,) = posed.conversation.turns
        assert turn.parts[0].startswith("Read.\n")
        assert turn.parts[-1].endswith("\nWhich code?")
    assert sent[Arm.TEXT].conversation.turns[0].parts == (item.turns[0].text,)
    (document,) = sent[Arm.PAGES].conversation.documents
    assert document.text == item.drawables[0]
    assert sent[Arm.PAGES].cost.image_tokens == document.ratio(model="glm-4.1v").visual_tokens


def test_shortened_text_keeps_within_what_its_pages_would_cost() -> None:
    item = codes(1).items[0]
    costs = {each.arm: POSER.pose(item, each).cost for each in ALL}
    budget = costs[Arm.PAGES].image_tokens + costs[Arm.PAGES].overhead
    for arm in (Arm.TRUNCATED, Arm.RETRIEVED):
        assert 0.8 * budget < costs[arm].shown_tokens <= budget
    (retrieved_turn,) = POSER.pose(item, ALL[-1]).conversation.turns
    assert "The code is k0." in retrieved_turn.parts[0]


def test_exact_strings_stand_beside_the_pages_before_the_question() -> None:
    text = f"{FILLER * 9}Order 8841-2207 went out. {FILLER * 9}"
    turns = (ItemTurn("user", (Drawable(text), "Which order?")),)
    item = Item(key="a", task="t", turns=turns, answers=("x",), max_tokens=4)
    (turn,) = POSER.pose(item, conditions_of(["pages+exact"], [Theta()])[0]).conversation.turns
    assert isinstance(turn.parts[0], Document)
    assert "8841-2207" in turn.parts[1]
    assert turn.parts[1].endswith("Which order?")


def test_turns_of_the_assistant_are_drawn_with_the_conversation_as_one_document_of_the_user() -> None:
    talk = [ItemTurn("system", ("Be short.",))]
    for number in range(6):
        talk += [ItemTurn("user", (Drawable(f"Tell tale {number}."),)), ItemTurn("assistant", (Drawable(FILLER * 20),))]
    item = Item(key="a", task="t", turns=(*talk, ItemTurn("user", ("Which?",))), answers=("x",), max_tokens=4)
    sent = {each.arm: POSER.pose(item, each) for each in ALL}
    roles = [turn.role for turn in sent[Arm.PAGES].conversation.turns]
    assert roles == ["system", "user"]
    (document,) = sent[Arm.PAGES].conversation.documents
    assert document.text.startswith(f"User: Tell tale 0.\n\nAssistant: {FILLER}")
    assert sent[Arm.PAGES].conversation.turns[-1].parts[-1].endswith("Which?")
    assert [turn.role for turn in sent[Arm.TEXT].conversation.turns] == [turn.role for turn in item.turns]
    budget = sent[Arm.PAGES].cost.image_tokens + sent[Arm.PAGES].cost.overhead
    for arm in (Arm.TRUNCATED, Arm.RETRIEVED):
        assert 0.8 * budget < sent[arm].cost.shown_tokens <= budget
    assert len({each.cost.context_tokens for each in sent.values()}) == 1


def test_a_protocol_may_fix_fields_of_theta_for_an_item() -> None:
    item = replace(codes(1).items[0], theta={"font_size": 12, "line_height": 14})
    (document,) = POSER.pose(item, TWO[0]).conversation.documents
    assert document.theta == Theta(font_size=12, line_height=14)


@given(st.text(max_size=60), st.integers(0, 60))
def test_text_cut_in_the_middle_keeps_both_ends_and_its_budget(text: str, budget: int) -> None:
    left = cut_in_the_middle(text, budget, len)
    assert len(left) == min(len(text), budget)
    assert text.startswith(left[: budget - budget // 2])
    assert text.endswith(left[budget - budget // 2 :])


@given(st.lists(st.text(alphabet="ab .\n。漢", max_size=80), max_size=3), st.integers(1, 30))
def test_passages_are_the_whole_text(texts: list[str], size: int) -> None:
    found = list(passages(texts, size=size))
    assert all(0 < each.end - each.start <= max(size, 1) for each in found)
    for number, text in enumerate(texts):
        assert "".join(text[each.start : each.end] for each in found if each.text == number) == text


def test_retrieval_finds_the_passage_in_any_of_the_texts_and_in_chinese() -> None:
    texts = [FILLER * 60, f"{'春天来了。' * 200}密码是九四七。{'花开了。' * 200}"]
    first, second = retrieved(texts, "密码是什么?", 150, lambda text: len(text.encode()) // 4)
    assert "九四七" in second
    assert len(first) + len(second) < 2_000


def test_a_budget_below_a_passage_gets_the_beginning_of_the_best_one() -> None:
    texts = ["Rain falls. " * 30, "The code is k7. " + "Sun shines. " * 30]
    assert retrieved(texts, "Which code?", 15, len) == ["", "The code is k7."]
    assert retrieved(texts, "Which code?", 0, len) == ["", ""]


def test_unknown_and_doubled_arms_are_refused() -> None:
    for arms in (["page"], ["text", "text"], []):
        with pytest.raises(DataError, match="arm"):
            conditions_of(arms, [Theta()])
    names = [each.name for each in conditions_of(["pages", "text"], [Theta(), Theta.preset("dense")])]
    assert len(set(names)) == 3
    assert names[-1] == "text"


# -- replies that are scored -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thoughts", "reply", "scored"),
    [
        ("closed", "<think>7</think>8", "8"),
        ("closed", "<think>7", "<think>7"),
        ("all", "<think>7", ""),
        ("all", "a<think>b</think>c</think>d", "d"),
        ("kept", "<think>7</think>8", "<think>7</think>8"),
    ],
)
def test_thoughts_are_cut_as_the_protocol_says(thoughts: Any, reply: str, scored: str) -> None:
    assert spoken(reply, thoughts=thoughts) == scored


def test_sampling_of_a_protocol_goes_into_the_request_and_the_identity() -> None:
    model = EndpointModel(endpoint=Endpoint(model="m", extra={"top_p": 1}))
    asked, held = sampled(model, {"temperature": 0.1, "top_k": 1, "max_tokens": 5})
    assert held == {"temperature": 0.1, "top_k": 1, "top_p": 1, "max_tokens": 5}
    assert asked.identity == ["m", 0.1, None, {"top_p": 1, "top_k": 1}]
    assert sampled(Parrot(), {"temperature": 0.1})[1] == {"decoding": "greedy"}


# -- the runner --------------------------------------------------------------------------------------


def test_a_run_scores_every_item_in_every_arm_and_compares_them(tmp_path: Path) -> None:
    found = run_of(Parrot(), tmp_path)
    pages, text = (found.of(each) for each in TWO)
    assert [each.item.key for each in pages] == [each.item.key for each in text] == [f"item {n}" for n in range(6)]
    assert [each.value for each in pages] == [1, 0, 1, 0, 1, 0]
    assert all(each.value == 1 and each.scored == each.item.answers[0] for each in text)
    comparison = compare(pages, text)
    assert comparison.difference.mean == pytest.approx(-0.5)
    assert (comparison.better, comparison.worse, comparison.p) == (0, 3, 0.25)
    report = summary(found)
    assert report["conditions"][0]["tasks"]["odd"]["mean"] == 0
    assert list(report["conditions"][0]["buckets"]["length"]) == ["1-2k", "2-3k"]
    assert report["departures"] == []


def test_nothing_is_asked_twice_and_a_new_arm_asks_only_its_own(tmp_path: Path) -> None:
    first = Parrot()
    run_of(first, tmp_path)
    assert len(first.asked) == 12
    second = Parrot()
    run_of(second, tmp_path, conditions=ALL)
    assert len(second.asked) == 24
    changed = conditions_of(["pages"], [Theta(font_size=10)])
    third = Parrot()
    run_of(third, tmp_path, conditions=changed)
    assert len(third.asked) == 6


def test_requests_without_a_reply_count_as_wrong_and_are_listed(tmp_path: Path) -> None:
    model = Parrot(fails=("k0",), refuses=("k2",))
    report = summary(run_of(model, tmp_path, conditions=TWO[1:], context=5_000))
    (text,) = report["conditions"]
    assert (text["count"], text["missing"]) == (6, {"failed": 1, "refused": 1})
    assert text["mean"] == pytest.approx(4 / 6)
    assert [each["key"] for each in report["missing"]] == ["item 0", "item 2"]
    long = summary(run_of(model, tmp_path, conditions=TWO[1:], context=2_000))
    assert long["conditions"][0]["missing"] == {"failed": 1, "refused": 1, "too long": 3}
    assert long["conditions"][0]["mean"] == pytest.approx(1 / 6)


def test_a_reply_that_the_server_ends_for_its_own_reason_counts_as_wrong(tmp_path: Path) -> None:
    class Filtered(Parrot):
        def complete(self, *args: Any, **options: Any) -> Reply:
            return replace(super().complete(*args, **options), finish_reason="content_filter")

    (text,) = summary(run_of(Filtered(), tmp_path, conditions=TWO[1:]))["conditions"]
    assert (text["mean"], text["missing"]) == (0, {"unfinished": 6})


def test_thoughts_that_the_server_gives_apart_are_kept_and_not_scored(tmp_path: Path) -> None:
    class Thinker(Parrot):
        def complete(self, *args: Any, **options: Any) -> Reply:
            answer = super().complete(*args, **options)
            return replace(answer, text="I do not know.", reasoning=f"It may be {answer.text}.")

    run = run_of(Thinker(), tmp_path, conditions=TWO[1:])
    assert summary(run)["conditions"][0]["mean"] == 0
    assert all(outcome.reasoning.startswith("It may be ") for outcome in run.outcomes)


def test_a_server_that_is_down_ends_the_run_and_scores_nothing(tmp_path: Path) -> None:
    down = Parrot(fails=tuple(f"k{number}" for number in range(40)))
    with pytest.raises(EndpointError, match="in a row"):
        run_of(down, tmp_path, benchmark=codes(40, repeats=4))
    with pytest.raises(EndpointError, match="down"):
        run_of(down, tmp_path, benchmark=codes(2, repeats=4))


def test_a_spent_budget_stops_the_run_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    first, second = Parrot(), Parrot()
    with pytest.raises(BudgetSpent, match="5 of 5 requests"):
        run_of(first, tmp_path, budget=RequestBudget(requests=5))
    assert len(first.asked) == 5
    run_of(second, tmp_path, budget=RequestBudget(requests=12))
    assert len(second.asked) == 7


def test_dollars_are_reserved_before_they_are_spent(tmp_path: Path) -> None:
    price = Price.of(100, 100)
    whole = run_of(Parrot(), tmp_path / "a", price=price) if (tmp_path / "a").mkdir() is None else None
    assert whole is not None
    paid = sum(each.dollars or 0 for each in whole.outcomes)
    assert whole.spent.dollars == pytest.approx(paid)
    (tmp_path / "b").mkdir()
    limit = paid / 2
    for _ in range(2):  # the second run starts where the first has stopped, and may spend no more
        with pytest.raises(BudgetSpent, match="dollars"):
            run_of(Parrot(), tmp_path / "b", price=price, budget=RequestBudget(dollars=limit))
    spent = run_of(Parrot(), tmp_path / "b", price=price, budget=RequestBudget(dollars=10 * paid)).spent.dollars
    assert spent == pytest.approx(paid)
    with pytest.raises(DataError, match="price"):
        run_of(Parrot(), tmp_path, budget=RequestBudget(dollars=1.0))


def test_a_killed_request_keeps_what_was_reserved_and_an_old_store_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    with sqlite3.connect(path) as db:  # a store from before dollars were kept
        db.execute("CREATE TABLE reply (key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, reply TEXT, about TEXT)")
        db.execute("INSERT INTO reply VALUES ('old', 7, NULL, NULL)")
    store, budget = Replies(path), RequestBudget(dollars=1.0)
    store.reserve("a", budget, dollars=0.4)  # its process is killed
    store = Replies(path)
    store.reserve("a", budget, dollars=0.4)
    assert store.spent.dollars == pytest.approx(0.8)
    with pytest.raises(BudgetSpent, match=r"0.8 of 1 dollars are spent, and the next request may cost 0.4"):
        store.reserve("b", budget, dollars=0.4)
    store.put("a", Reply(text="x", prompt_tokens=5), {}, dollars=0.1, reserved=0.4)
    assert (store.spent.dollars, store.spent.tokens) == (pytest.approx(0.5), 12)
    store.reserve("b", budget, dollars=0.4)
    store.release("b", reserved=0.4)
    assert store.spent.dollars == pytest.approx(0.5)


def test_an_item_without_drawables_is_asked_once_for_all_arms(tmp_path: Path) -> None:
    benchmark = codes(2)
    items = [replace(each, turns=(ItemTurn("user", (each.turns[0].text,)),)) for each in benchmark.items]
    model = Parrot()
    found = run_of(model, tmp_path, benchmark=replace(benchmark, items=items), conditions=ALL, concurrency=8)
    assert len(model.asked) == 2
    assert len(found.outcomes) == 12


@pytest.mark.parametrize(
    "changes", [{"limit": 0}, {"concurrency": 0}, {"context": "x"}, {"thinking_tokens": -1}, {"conditions": []}]
)
def test_a_count_that_is_none_is_one_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"Use|conditions_of"):
        run_of(Parrot(), tmp_path, **changes)


@pytest.mark.parametrize("by", ["model", "judge"])
def test_a_follow_up_replaces_the_reply_and_is_paid(tmp_path: Path, by: Any) -> None:
    def again(item: Item, reply: str) -> FollowUp:
        return FollowUp(turns=(ItemTurn("user", (f"The code is {reply}x.",)),), max_tokens=8, by=by)

    def score(item: Item, reply: str) -> Score:
        return Score(error=float(reply != f"{item.answers[0]}x\nor not"))

    benchmark = replace(codes(2), follow_up=again, score=score, judged=by == "judge")
    model, judge = Parrot(), Parrot()
    found = run_of(model, tmp_path, benchmark=benchmark, conditions=TWO[1:], judge=judge if by == "judge" else None)
    assert [each.value for each in found.outcomes] == [1, 1]
    assert (len(model.asked), len(judge.asked)) == ((4, 0) if by == "model" else (2, 2))
    # The judge is no part of what the model costs.
    tokens = 18 if by == "model" else 9
    assert all(each.requests == 2 and each.completion_tokens == tokens for each in found.outcomes)
    if by == "judge":
        with pytest.raises(DataError, match="judge"):
            run_of(Parrot(), tmp_path, benchmark=benchmark, conditions=TWO[1:])


def test_departures_from_the_protocol_are_reported(tmp_path: Path) -> None:
    report = summary(
        run_of(Parrot(), tmp_path, limit=1, thinking_tokens=9, sampling={"temperature": 0.7, "seed": None})
    )
    assert [each.split(";")[0] for each in report["departures"]] == [
        "decoding is greedy",
        "a reply may have 9 tokens more than the protocol allows",
        "only the first 1 items of each task were asked",
    ]
    assert (report["items"], report["of_items"]) == (2, 6)


def test_the_three_definitions_of_rho_count_what_they_say(tmp_path: Path) -> None:
    found = run_of(Parrot(), tmp_path)
    pages = found.of(TWO[0])
    ratios = rhos(pages)
    context = sum(each.cost.context_tokens for each in pages)
    plain = sum(each.cost.plain_tokens for each in pages)
    prompts = sum(each.prompt_tokens or 0 for each in pages)
    assert ratios.visual == pytest.approx(context / sum(each.cost.image_tokens for each in pages))
    assert ratios.prompt == pytest.approx(plain / prompts)
    assert ratios.effective == pytest.approx((plain + 9 * 6) / (prompts + 9 * 6))


@pytest.mark.parametrize(("better", "worse", "p"), [(0, 0, 1.0), (0, 6, 0.03125), (5, 5, 1.0), (2, 8, 0.109375)])
def test_mcnemar_is_the_exact_binomial_test(better: int, worse: int, p: float) -> None:
    # scipy 1.16, scipy.stats.binomtest(better, better + worse).pvalue
    assert mcnemar(better, worse) == pytest.approx(p)


# -- the report --------------------------------------------------------------------------------------


def test_the_report_is_the_same_however_often_the_run_was_stopped(tmp_path: Path) -> None:
    given = {"conditions": ALL, "benchmark": codes(4)}
    write_report(tmp_path / "whole", run_of(Parrot(), tmp_path, concurrency=1, **given))
    (tmp_path / "b").mkdir()
    for requests in (3, 11):
        with pytest.raises(BudgetSpent):
            run_of(Parrot(), tmp_path / "b", budget=RequestBudget(requests=requests), **given)
    write_report(tmp_path / "stopped", run_of(Parrot(), tmp_path / "b", **given))
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "stopped")
    assert len(files_of(tmp_path / "whole")) == 6


def test_names_and_contents_say_benchmark_revision_protocol_theta_model_and_sampling(tmp_path: Path) -> None:
    paths = write_report(tmp_path / "out", run_of(Parrot(), tmp_path))
    said = ("codes", "sha256", "official", Theta().digest[:10], "parrot", "greedy")
    for path in paths.values():
        assert all(word in path.name for word in said)
    report = json.loads(paths["json"].read_text("utf-8"))
    assert report["protocol"]["name"] == "official"
    page = paths["html"].read_text("utf-8")
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    lines = [json.loads(line) for line in paths["items"].read_text("utf-8").splitlines()]
    assert len(lines) == 1 + 12
    assert {line["condition"] for line in lines[1:]} == {"pages", "text"}


def test_a_report_that_someone_has_changed_is_not_replaced(tmp_path: Path) -> None:
    found = run_of(Parrot(), tmp_path)
    paths = write_report(tmp_path / "out", found)
    write_report(tmp_path / "out", found)
    for kind in ("json", "items", "markdown"):
        kept = paths[kind].read_bytes()
        paths[kind].write_bytes(kept.replace(b"codes", b"mine!", 1))
        with pytest.raises(DataError, match="did not write it as it is now"):
            write_report(tmp_path / "out", found)
        paths[kind].write_bytes(kept)


@pytest.mark.parametrize("suffix", [".json", ".md", ".html", ".items.jsonl", ".rho.svg", ".times.json"])
def test_a_report_that_cannot_be_replaced_ends_the_run_before_anything_is_asked(tmp_path: Path, suffix: str) -> None:
    found = run_of(Parrot(), tmp_path)
    report = write_report(tmp_path / "out", found)["json"]
    write_times(report, {"seconds": 1.5, "requests": 12})
    for folder in ("new", "fresh"):
        (tmp_path / folder).mkdir()

    def begin(begun: Run, keys: Sequence[str]) -> None:
        assert run_name(begun, keys) == report.stem
        check_report(tmp_path / "out", run_name(begun, keys))

    run_of(Parrot(), tmp_path / "new", begin=begin)
    changed = report.with_suffix(suffix)
    changed.write_bytes(changed.read_bytes() + b"my note")
    model = Parrot()
    with pytest.raises(DataError, match="did not write it as it is now"):
        run_of(model, tmp_path / "fresh", begin=begin)
    assert model.asked == []


# -- before a run ------------------------------------------------------------------------------------


def test_a_dry_run_counts_what_a_run_sends(tmp_path: Path) -> None:
    price = Price.of(1, 2)
    planned = dry_run(codes(), conditions=ALL, poser=POSER, price=price, speed=Speed(prompt=1e3, output=10))
    found = run_of(Parrot(), tmp_path, conditions=ALL)
    for each, condition in zip(planned, ALL, strict=True):
        costs = [outcome.cost for outcome in found.of(condition)]
        prompt = sum(cost.prompt_tokens for cost in costs)
        assert each.prompt_tokens == prompt
        assert each.pages == sum(cost.pages for cost in costs)
        assert each.output_tokens == 6 * 16
        assert each.dollars == pytest.approx((prompt + 2 * 6 * 16) / 1e6)
        assert each.hours == pytest.approx((prompt / 1e3 + 6 * 16 / 10) / 3600)


def test_a_sample_of_equal_items_gives_the_same_as_all() -> None:
    benchmark = codes(12, repeats=60)
    items = [replace(each, buckets={}, turns=benchmark.items[0].turns) for each in benchmark.items]
    benchmark = replace(benchmark, items=items)
    machine = h100_of_glyph()
    (every,) = dry_run(benchmark, conditions=TWO[:1], poser=POSER, speed=machine)
    (some,) = dry_run(benchmark, conditions=TWO[:1], poser=POSER, speed=machine, sample=1)
    assert (every.measured, some.measured) == (12, 2)
    assert some.prompt_tokens == pytest.approx(every.prompt_tokens)
    assert some.hours == pytest.approx(every.hours)


# -- the command -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_that_is_killed_and_resumed_ends_with_the_same_report(
    tmp_path: Path, tiny_server: str, tiny_path: Path
) -> None:
    questions = tmp_path / "q.jsonl"
    rows = [
        {"context": FILLER * (4 + n), "question": "What was it?", "answer": "the best", "task": "ab"[n % 2]}
        for n in range(5)
    ]
    questions.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command = [
        sys.executable, "-m", "glyphrender", "eval", "questions", str(questions), "--base-url", tiny_server,
        "--model", str(tiny_path), "--vision", "glm-4.1v", "--arm", "pages", "--arm", "text",
        "--set", "font_size=6", "--set", "line_height=7", "--set", "page_size=[168,168]", "--concurrency", "1",
        "--sampling", "max_tokens=4", "-o",
    ]  # fmt: skip
    whole = subprocess.run([*command, str(tmp_path / "whole")], capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    killed = subprocess.Popen(
        [*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    store = tmp_path / "killed" / "replies.sqlite"
    until = time.monotonic() + 600
    while _replies(store) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert 2 <= _replies(store) < 10
    resumed = subprocess.run([*command, str(tmp_path / "killed")], capture_output=True, text=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == whole.stdout
    names = [
        path.name
        for path in (tmp_path / "whole").iterdir()
        if path.name.startswith("questions_") and ".times." not in path.name
    ]
    assert len(names) == 6
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()


def _replies(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        with sqlite3.connect(store, timeout=5) as db:
            return int(db.execute("SELECT count(*) FROM reply WHERE reply IS NOT NULL").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


# -- found by a second reader ------------------------------------------------------------------------


@pytest.mark.parametrize("priced", [{}, {"judge": Parrot(), "price": Price.of(1, 1)}])
def test_a_benchmark_that_needs_a_judge_ends_before_its_first_request_without_one(
    tmp_path: Path, priced: dict[str, Any]
) -> None:
    model = Parrot()
    budget = RequestBudget(dollars=1.0) if priced else None
    with pytest.raises(DataError, match=r"price of the judge" if priced else r"--judge"):
        run_of(model, tmp_path, benchmark=replace(codes(2), judged=True), budget=budget, **priced)
    assert not model.asked


def test_the_command_refuses_a_judge_that_nobody_asks_and_names_the_option_for_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"context": "c", "question": "q", "answer": "a"}\n', encoding="utf-8")
    given = [str(path), "--base-url", "http://127.0.0.1:1/v1"]
    done = CliRunner().invoke(eval_command.command, ["questions", *given, "--judge", "j"])
    assert (done.exit_code, "asks no judge. Omit --judge." in done.output) == (2, True)
    (tmp_path / "judged.py").write_text(
        "from dataclasses import replace\nfrom glyphrender.evals.questions import load as of\n"
        "def load(data):\n    return replace(of(data), judged=True)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        done = CliRunner().invoke(eval_command.command, ["judged:load", *given])
    assert "needs a model that judges replies. Name one with --judge" in str(done.exception)


def test_a_report_says_that_arms_are_alike_where_nothing_can_be_drawn(tmp_path: Path) -> None:
    drawn, *_ = codes(1).items
    plain = replace(drawn, key="plain", turns=(ItemTurn("user", ("The code is k2. Which code?",)),))
    empty = replace(drawn, key="empty", turns=(ItemTurn("user", (Drawable(""), "The code is k4. Which code?")),))
    for items, said in (
        ([drawn, plain, empty], "2 of 3 items have no text that may be drawn"),
        ([plain, empty], "No item has a text that may be drawn"),
        ([drawn], None),
    ):
        model = Parrot()
        found = run_of(
            model, tmp_path, replies=tmp_path / f"{len(items)}.sqlite", benchmark=replace(codes(1), items=items)
        )
        paths = write_report(tmp_path / str(len(items)), found)
        texts = [paths[kind].read_text("utf-8") for kind in ("markdown", "html")]
        assert all((said or "may be drawn") in text for text in texts) is (said is not None)
        assert len(model.asked) == 2 * len(items) - sum(item is not drawn for item in items)


@pytest.mark.parametrize("counts", [(9, 0), (0, 0), (0, 7), (9, None), (None, 0)])
def test_a_resumed_run_counts_the_tokens_of_empty_replies_as_the_first_run_did(tmp_path: Path, counts: Any) -> None:
    class Silent(Parrot):
        def complete(self, *given: Any, **named: Any) -> Reply:
            return Reply(text="", prompt_tokens=counts[0], completion_tokens=counts[1], finish_reason="stop")

    first = run_of(Silent(), tmp_path, benchmark=codes(2))
    again = run_of(Silent(), tmp_path, benchmark=codes(2))
    assert first.outcomes == again.outcomes
    if counts == (9, 0):
        assert first.outcomes[0].completion_tokens == 0


def test_empty_replies_are_named_in_the_report(tmp_path: Path) -> None:
    class Silent(Parrot):
        def complete(self, *given: Any, **named: Any) -> Reply:
            return Reply(text="<think>Is it 3?</think>", prompt_tokens=9, completion_tokens=7, finish_reason="stop")

    said = "Replies with nothing to score: 2 in pages, 2 in text."
    for model, found in ((Silent(), True), (Parrot(), False)):
        folder = tmp_path / str(found)
        paths = write_report(folder, run_of(model, tmp_path, benchmark=codes(2), replies=tmp_path / f"{found}.sqlite"))
        assert (said in paths["markdown"].read_text("utf-8")) is found


def test_a_row_of_a_table_is_one_line_whatever_the_name_of_an_item(tmp_path: Path) -> None:
    benchmark = replace(codes(1), items=[replace(codes(1).items[0], key="a | b\nc", task="d\n\ne")])
    paths = write_report(tmp_path, run_of(Parrot(refuses=("k0",)), tmp_path, benchmark=benchmark, conditions=TWO[1:]))
    assert "| a \\| b c | d e | text | refused |" in paths["markdown"].read_text("utf-8")


@pytest.mark.parametrize(
    "field",
    [("messages", 1), ("model", "other"), ("max_tokens", -3), ("temperature", "hot"), ("top_p", float("nan")),
     ("seed", 1.5), ("n", 2)],
)  # fmt: skip
def test_a_field_that_is_no_sampling_is_one_line_before_a_request(tmp_path: Path, field: tuple[str, Any]) -> None:
    model = EndpointModel(endpoint=Endpoint(model="m", base_url="http://127.0.0.1:1/v1"))
    for asked in (model, Parrot()):
        with pytest.raises(DataError, match=rf"^{field[0]}.*\. (Use|Leave)"):
            run_of(asked, tmp_path, sampling=dict([field]))


@pytest.mark.parametrize(
    ("count", "words"), [(2, "^the judge is down"), (9, r"^\d requests in a row failed: the judge")]
)
def test_a_judge_that_is_down_ends_the_run_without_a_report(tmp_path: Path, count: int, words: str) -> None:
    class Down(Parrot):
        def complete(self, *given: Any, **named: Any) -> Reply:
            raise EndpointError("the judge is down")

    def asks(item: Item, reply: str) -> FollowUp:
        return FollowUp(turns=(ItemTurn("user", (f"{item.key}: {reply}",)),), max_tokens=8, by="judge")

    benchmark, model = replace(codes(count), follow_up=asks, judged=True), Parrot()
    with pytest.raises(EndpointError, match=words):
        run_of(model, tmp_path, benchmark=benchmark, judge=Down(), conditions=TWO[1:])
    asked = len(model.asked)
    run_of(model, tmp_path, benchmark=benchmark, judge=Parrot(), conditions=TWO[1:])
    assert len(model.asked) == count >= asked  # what was replied is not asked again


def test_a_dry_run_takes_a_changed_limit_of_replies_and_names_requests_that_it_does_not_count(tmp_path: Path) -> None:
    benchmark = codes(2)
    planned = [dry_run(benchmark, conditions=TWO, poser=POSER, sampling=each) for each in (None, {"max_tokens": 5})]
    assert [first.output_tokens for first, _ in planned] == [32, 10]
    row = {"_id": "1", "domain": "Single-Document QA", "sub_domain": "s", "difficulty": "easy", "length": "short"}
    row |= {"question": "Who?", "context": "A man.", "answer": "A", **{f"choice_{letter}": letter for letter in "ABCD"}}
    (tmp_path / "v2.json").write_text(json.dumps([row]), encoding="utf-8")
    for mode, said in (("chain-of-thought", True), ("direct", False)):
        given = ["longbench-v2", str(tmp_path / "v2.json"), "--option", f"mode={mode}", "--dry-run"]
        done = CliRunner().invoke(eval_command.command, [*given, "--vision", "glm-4.1v"])
        assert done.exit_code == 0, done.output
        assert ("second request of an item, to the model," in done.output) is said


def test_runs_with_different_reports_never_share_a_name(tmp_path: Path) -> None:
    benchmark = codes(4)
    odd = replace(benchmark, items=[each for each in benchmark.items if each.task == "odd"])
    runs: list[tuple[Any, dict[str, Any]]] = [
        (odd, {}), (replace(benchmark, items=[each for each in benchmark.items if each.task == "even"]), {}),
        (odd, {"thinking_tokens": 9}), (odd, {"context": 9}),
        (odd, {"poser": replace(POSER, tokenizer=tokenizer("o200k"))}),
    ]  # fmt: skip
    names = [summary(run_of(Parrot(), tmp_path, benchmark=each, **changes))["name"] for each, changes in runs]
    assert len(set(names)) == len(runs)
    assert summary(run_of(Parrot(), tmp_path, benchmark=odd))["name"] == names[0]
