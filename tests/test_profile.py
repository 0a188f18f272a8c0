"""Reading profiles: questions with known answers, receipts that can be checked, and no guess for siblings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glyphrender import BudgetSpent, DataError, RequestRefused
from glyphrender.cli import COMMANDS
from glyphrender.cli import profile as profile_command
from glyphrender.document.document import Document
from glyphrender.evals.arms import Poser
from glyphrender.evals.item import Drawable, Item, ItemTurn
from glyphrender.evals.profile.battery import ABSTAINED, KINDS, battery, verdict
from glyphrender.evals.profile.ladder import SIZES, ladder
from glyphrender.evals.profile.measure import cells, conditions_of_ladder, estimate, measure
from glyphrender.evals.profile.receipt import Receipt
from glyphrender.evals.profile.registry import USES, ReadingProfile, reading_profile, receipts
from glyphrender.evals.runner import Run
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.replies import RequestBudget
from glyphrender.models.prices import Price
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model

VISION = vision_model("glm-4.1v")
POSER = Poser(vision=VISION, tokenizer=tokenizer("glm-4"))


@dataclass
class Oracle:
    """A model that knows the answers, and reads pages down to a size of type for each kind of question."""

    smallest: dict[str, float]
    name: str = "oracle-1"
    asked: list[str] = field(default_factory=list)

    @property
    def identity(self) -> list[Any]:
        return [self.name]

    def complete(self, conversation: Conversation, **_: Any) -> Reply:
        parts = conversation.turns[-1].parts
        text = "".join(part.text if isinstance(part, Document) else str(part) for part in parts)
        item = next(item for item in battery(questions=12, characters=600).items if item.turns[0].text == text)
        self.asked.append(item.key)
        pages = [part for part in parts if isinstance(part, Document)]
        size = pages[0].theta.font_size if pages else 99.0
        answer = item.answers[0] if size >= self.smallest.get(item.task, 0) else ABSTAINED
        return Reply(text=answer, prompt_tokens=300, completion_tokens=5, finish_reason="stop")


def profiled(oracle: Oracle, folder: Path, sizes: tuple[float, ...] = (14, 8), questions: int = 12) -> Run:
    benchmark = battery(questions=questions, characters=600)
    rungs = ladder(VISION, sizes=sizes)
    return measure(oracle, benchmark, rungs, poser=POSER, replies=folder / "replies.sqlite", concurrency=1)


@pytest.mark.parametrize("kind", KINDS)
def test_questions_are_the_same_each_time_and_their_answer_is_on_the_page(kind: str) -> None:
    items, again = (battery(kinds=[kind], questions=12, seed=4).items for _ in range(2))
    assert [item.digest for item in items] == [item.digest for item in again]
    assert [item.digest for item in battery(kinds=[kind], questions=3, seed=4).items] == [
        item.digest for item in items[:3]
    ]
    assert len({item.drawables for item in items}) == 12
    for item in items:
        page, answer = item.drawables[0], item.answers[0]
        if kind == "never_stated":
            assert answer == ABSTAINED
        elif kind not in ("arithmetic", "state"):
            assert page.count(answer) == 1 or kind in ("gist", "order", "position"), item.key
            assert answer in page
        assert verdict(item, answer) == "right"
        assert verdict(item, f"The answer is {answer}.") == "right"
        assert verdict(item, None) == "missing"
        assert verdict(item, "unknown") == ("right" if kind == "never_stated" else "abstained")
        for decoy in item.meta["decoys"]:
            assert verdict(item, decoy) == "wrong"


def test_arithmetic_is_right() -> None:
    for item in battery(kinds=["arithmetic"], questions=12).items:
        (line,) = [line for line in item.drawables[0].split("\n") if any(c.isdigit() for c in line)]
        numbers = [int(word) for word in "".join(c if c.isdigit() else " " for c in line).split()]
        a, b, c = (*numbers, 0)[:3]
        possible = {a + b + c, a - b + c, a * b + c, a - b}
        assert int(item.answers[0]) in possible


def item_of(task: str, answer: str) -> Item:
    turns = (ItemTurn("user", (Drawable("page"), "?")),)
    return Item(key=f"{task}-0", task=task, turns=turns, answers=(answer,), max_tokens=8, meta={"decoys": ()})


@pytest.mark.parametrize(
    ("task", "answer", "reply", "expected"),
    [
        ("exact", "0a1b2c3d4e5f", "`0a1b2c3d4e5f`", "right"),
        ("exact", "0a1b2c3d4e5f", "0A1B2C3D4E5F", "wrong"),
        ("exact", "0a1b2c3d4e5f", "0a1b2c3d4e5f or 1a1b2c3d4e5f", "wrong"),
        ("exact", "0a1b2c3d4e5f", "The id, transcribing: 0a1b2c3d4e5f.", "right"),
        ("confusable", "O0Il1mrn", "O0Il1mrn.", "right"),
        ("confusable", "O0Il1mrn", "00Il1mrn", "wrong"),
        ("arithmetic", "23120", "It is 9,000 + 14,120 = **23,120**.", "right"),
        ("arithmetic", "23120", "23120 is not it; 23121", "wrong"),
        ("arithmetic", "23120", "<think>23121?</think>23120", "right"),
        ("arithmetic", "23120", "", "missing"),
        ("never_stated", ABSTAINED, "<think>It is not there.", "wrong"),
        ("arithmetic", "23120", "UNKNOWN", "abstained"),
        ("never_stated", ABSTAINED, "120", "wrong"),
        ("never_stated", ABSTAINED, "Unknown.", "right"),
        ("never_stated", ABSTAINED, "x" * 200 + " unknown", "wrong"),
    ],
)
def test_replies_are_judged_by_rules(task: str, answer: str, reply: str, expected: str) -> None:
    assert verdict(item_of(task, answer), reply) == expected


def test_wrong_values_of_the_battery_get_one_line() -> None:
    for given, named in (
        ({"kinds": ["riddle"]}, "riddle"),
        ({"kinds": []}, "kinds"),
        ({"questions": 0}, "questions=0"),
        ({"characters": 5}, "characters=5"),
        ({"questions": "x"}, "questions"),
    ):
        with pytest.raises(DataError, match=named):
            battery(**given)


def test_the_estimate_counts_each_request_and_sends_nothing() -> None:
    benchmark = battery(questions=2, characters=600)
    conditions = conditions_of_ladder(ladder(VISION, sizes=(14, 8)))
    found = estimate(benchmark, conditions, POSER, price=Price.of(1.0, 10.0), concurrency=2)
    assert found.requests == len(KINDS) * 2 * 3
    assert found.output_tokens == found.requests * 96
    assert found.dollars == pytest.approx((found.text_tokens + found.image_tokens) / 1e6 + found.output_tokens / 1e5)
    assert found.minutes == pytest.approx(27 * 6 / 60)
    assert estimate(benchmark, conditions, POSER).dollars is None


def test_smaller_type_has_a_higher_ratio_on_the_ladder() -> None:
    rungs = ladder(VISION)
    assert list(rungs) == [f"{size:g} px" for size in SIZES]
    item = battery(kinds=["gist"], questions=1, characters=6000).items[0]
    costs = [POSER.cost(item, condition).image_tokens for condition in conditions_of_ladder(rungs)[1:]]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.slow
def test_a_profile_is_measured_kept_checked_and_read_by_its_exact_name(tmp_path: Path) -> None:
    oracle = Oracle(smallest={"exact": 10, "confusable": 20, "order": 99.5})
    found = profiled(oracle, tmp_path)
    receipt = Receipt.of(found, questions=12, seed=0, characters=600, date="2026-11-28")
    receipt.check()
    receipt.save(tmp_path / "receipt.json")
    loaded = Receipt.load(tmp_path / "receipt.json")
    loaded.check()
    assert loaded.values == receipt.values
    counts = {(cell.kind, cell.condition): (cell.right, cell.abstained, cell.wrong) for cell in loaded.cells()}
    assert counts["exact", "14 px"] == (12, 0, 0)
    assert counts["exact", "8 px"] == (0, 12, 0)
    profile = reading_profile("oracle-1", more=[tmp_path / "receipt.json"])
    assert profile.rung("prose") == profile.rung("code") == "8 px"
    assert profile.theta("prose").font_size == 8
    assert profile.rung("exact") is None
    assert (profile.blind, profile.weak) == (("confusable",), ("order",))
    with pytest.raises(DataError, match="as text"):
        profile.theta("exact")
    with pytest.raises(DataError, match="prose, code, exact"):
        profile.theta("poetry")
    for sibling in ("oracle-1-mini", "oracle", "ORACLE-1"):
        with pytest.raises(DataError, match=r"was not measured.*oracle-1\)"):
            reading_profile(sibling, more=[tmp_path / "receipt.json"])


def test_a_run_with_its_replies_at_hand_asks_nothing_and_gives_the_same_receipt(tmp_path: Path) -> None:
    first = Receipt.of(profiled(Oracle({}), tmp_path, questions=2), questions=2, seed=0, characters=600, date="d")
    again = Oracle({})
    second = Receipt.of(profiled(again, tmp_path, questions=2), questions=2, seed=0, characters=600, date="d")
    assert again.asked == []
    assert second.values == first.values


def test_a_profile_that_stopped_at_its_budget_goes_on_and_gives_the_same_receipt(tmp_path: Path) -> None:
    benchmark, rungs = battery(kinds=["gist", "exact"], questions=2, characters=600), ladder(VISION, sizes=(14,))
    settings: dict[str, Any] = {"poser": POSER, "concurrency": 1}
    stopped, asked, whole = Oracle({}), Oracle({}), Oracle({})
    with pytest.raises(BudgetSpent, match="5 of 5 requests"):
        measure(stopped, benchmark, rungs, replies=tmp_path / "a", budget=RequestBudget(requests=5), **settings)
    resumed = measure(asked, benchmark, rungs, replies=tmp_path / "a", **settings)
    once = measure(whole, benchmark, rungs, replies=tmp_path / "b", **settings)
    assert (len(stopped.asked), len(asked.asked), len(whole.asked)) == (5, 3, 8)
    given: dict[str, Any] = {"questions": 2, "seed": 0, "characters": 600, "date": "2026-11-28"}
    assert Receipt.of(resumed, **given).values == Receipt.of(once, **given).values


def test_a_receipt_that_was_changed_does_not_hold(tmp_path: Path) -> None:
    found = profiled(Oracle({}), tmp_path, sizes=(14,), questions=1)
    values = json.loads(json.dumps(Receipt.of(found, questions=1, seed=0, characters=600).values))

    def resealed(change: Callable[[dict[str, Any]], object]) -> Receipt:
        from hashlib import sha256

        copy = json.loads(json.dumps(values))
        change(copy)
        rest = {name: value for name, value in copy.items() if name != "sha256"}
        return Receipt({**rest, "sha256": sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()})

    resealed(lambda v: None).check()
    changes: list[tuple[Callable[[dict[str, Any]], object], str]] = [
        (lambda v: v["outcomes"][0].update(scored="wrong 1"), "receipt says"),
        (lambda v: v["outcomes"][0].update(verdict="wrong"), "receipt says"),
        (lambda v: v["outcomes"].pop(), "all questions"),
        (lambda v: v["battery"].update(seed=1), "battery"),
        (lambda v: v["battery"].update(questions="x"), "questions"),
        (lambda v: v["conditions"][1]["theta"].update(font_size=9.0), "digest"),
        (lambda v: v["outcomes"][0].update(item="0" * 64), "another one"),
        (lambda v: v.update(outcomes=None), "another form"),
        (lambda v: v["outcomes"][0].pop("scored"), "another form"),
    ]
    for change, reason in changes:
        with pytest.raises(DataError, match=reason) as caught:
            resealed(change).check()
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="sha256"):
        Receipt({**values, "date": "2020-01-01"}).check()
    Receipt(values).save(tmp_path / "mine.json")
    Receipt(values).save(tmp_path / "mine.json")  # its own file, as it was written
    noted = json.dumps({**values, "note": "on the second server"}, indent=1)
    (tmp_path / "mine.json").write_text(noted, encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.json is there already"):
        Receipt.check_place(tmp_path / "mine.json")
    with pytest.raises(DataError, match=r"mine\.json is there already"):
        Receipt(values).save(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text(encoding="utf-8") == noted
    for text in ("{", "[]", '{"format": "other"}', json.dumps({"format": values["format"]})):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"bad\.json"):
            Receipt.load(tmp_path / "bad.json")


def test_the_receipts_of_the_package_hold() -> None:
    for receipt in receipts().values():
        receipt.check()
        assert ReadingProfile.of(receipt).rung("prose") in (None, *receipt.rungs)
    with pytest.raises(DataError, match="was not measured"):
        reading_profile("no-such-model")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(profile_command.command, [str(each) for each in arguments], catch_exceptions=True)


def test_the_price_comes_first_and_nothing_is_sent_without_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    given = ("--model", "glm-4.1v", "--questions", "1", "--characters", "600", "--size", "14", "-o", tmp_path / "out")
    priced = run(*given, "--estimate", "--price", "1,2")
    assert priced.exit_code == 0
    assert "18 requests" in priced.output
    assert "$" in priced.output
    assert "minutes" in priced.output
    refused = run(*given)
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("reply", "words"), [("", "every reply is empty"), (None, "takes no images")])
def test_a_model_that_answers_nothing_gets_no_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str | None, words: str
) -> None:
    import glyphrender.inference.transformers as local

    class Silent(Oracle):
        def complete(self, *given: Any, **named: Any) -> Reply:
            if reply is None:
                raise RequestRefused("it takes no images")
            return Reply(text=reply, prompt_tokens=9, completion_tokens=0, finish_reason="stop")

    monkeypatch.setattr(local, "LazyModel", lambda *, path_or_id: Silent({}, name=path_or_id))
    given = ("--local", "--model", "silent-1", "--vision", "glm-4.1v", "--questions", "1", "--characters", "600")
    done = run(*given, "--kind", "gist", "--size", "14", "--yes", "-o", tmp_path / "out")
    assert isinstance(done.exception, DataError) or done.exit_code == 2
    assert words in (str(done.exception) + done.output)
    assert not (tmp_path / "out/receipt.json").exists()


def test_a_question_without_a_reply_is_not_counted_as_silently_wrong(tmp_path: Path) -> None:
    class Blind(Oracle):
        def complete(self, conversation: Any, **named: Any) -> Reply:
            if any(not isinstance(part, str) for turn in conversation.turns for part in turn.parts):
                raise RequestRefused("it takes no images")
            return super().complete(conversation, **named)

    receipt = Receipt.of(profiled(Blind({}), tmp_path, sizes=(14,), questions=2), questions=2, seed=0, characters=600)
    receipt.check()
    cells = {cell.condition: cell for cell in receipt.cells() if cell.kind == "gist"}
    assert [(cell.wrong, cell.missing, cell.count) for cell in cells.values()] == [(0, 0, 2), (0, 2, 2)]


@pytest.mark.slow
def test_the_command_writes_a_receipt_and_shows_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import glyphrender.inference.transformers as local

    monkeypatch.setattr(local, "LazyModel", lambda *, path_or_id: Oracle({"exact": 12}, name=path_or_id))
    given = ("--local", "--model", "oracle-2", "--vision", "glm-4.1v", "--questions", "10", "--characters", "600")
    done = run(*given, "--size", "14", "--size", "8", "--yes", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "exact: pages at 14 px" in done.stdout
    assert "10/10" in done.stdout
    receipt = tmp_path / "out/receipt.json"
    assert "holds" in run("--check", receipt).output
    known = run("--known", "oracle-2", "--receipt", receipt, "--json")
    assert json.loads(known.stdout)["uses"] == {"prose": "8 px", "code": "8 px", "exact": "14 px"}
    assert "oracle-2" in run("--known", "all", "--receipt", receipt).stdout
    assert isinstance(run("--known", "oracle-3", "--receipt", receipt).exception, DataError)


def test_the_kinds_of_the_command_and_of_the_uses_are_those_of_the_battery() -> None:
    (option,) = [each for each in profile_command.command.params if each.name == "kinds"]
    assert tuple(option.type.choices) == KINDS  # type: ignore[attr-defined]
    assert {kind for kinds in USES.values() for kind in kinds} <= set(KINDS)
    assert "profile" in COMMANDS
    assert cells([]) == []
