"""The arm `expanded` of evaluation, and evidence: which pages a model should have read, and which it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from expansion import NOVEL, Scripted, called

from glyphrender import DataError, Theta
from glyphrender.evals.arms import Arm, Poser, conditions_of
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.evals.needle import needle
from glyphrender.evals.questions import load
from glyphrender.evals.report import report_markdown, report_page
from glyphrender.evals.runner import run
from glyphrender.evals.summary import summary
from glyphrender.inference.conversation import Conversation
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model
from glyphrender.tasks.evidence import Evidence, PageSelection, page_selection
from glyphrender.tasks.generated import GeneratedTask
from glyphrender.tasks.scoring import contains
from glyphrender.tasks.task import Score

POSER = Poser(vision=vision_model("glm-4.1v"), tokenizer=tokenizer("glm-4"))
THETA = Theta.preset("scan-8").replace(page_size=(168.0, 168.0))
FACT = "Note: the parcel of Ada Dorn is 8841-2207."


def item(key: str, *texts: str, at: int = 0) -> Item:
    """An item with a fact in one of its texts."""
    *others, last = texts
    placed = [*others, f"{last[:at]}\n{FACT}\n{last[at:]}"]
    parts = [part for text in placed for part in (Drawable(text), "\n\n")]
    return Item(
        key=key,
        task="parcels",
        turns=(ItemTurn("user", (*parts, "Which parcel?")),),
        answers=("8841-2207",),
        max_tokens=64,
        evidence=(Evidence.of(placed[-1], FACT, text=len(texts) - 1),),
    )


def benchmark(*items: Item) -> Benchmark:
    return Benchmark(
        name="parcels",
        revision="sha256:0",
        protocol=EvalProtocol(name="official", source="this test"),
        items=items,
        score=lambda item, reply: Score(error=1 - contains(reply, item.answers)),
    )


def searches(conversation: Conversation, turn: int) -> str:
    told = conversation.turns[-1].text
    if turn == 0:
        return called("search", text="parcel of Ada")
    return told.partition("Ada Dorn is ")[2].split(".")[0] or "I do not know."


def test_evidence_is_found_in_the_text_and_pages_are_compared_with_it() -> None:
    assert Evidence.of("a b\n c d", "b c").spans == ((2, 6),)
    assert page_selection([], []) == PageSelection(recall=None, precision=None, hit=False, exact=False)
    assert page_selection([2], [1, 2]) == PageSelection(recall=0.5, precision=1.0, hit=True, exact=False)
    assert page_selection([], [1]).recall == 0
    for wrong in (((2, 1),), ((0,),), (("a", "b"),), 3):
        with pytest.raises(DataError, match="is no range"):
            Evidence(wrong)  # type: ignore[arg-type]
    for quote in ("", "z", 3):
        with pytest.raises(DataError, match="is nowhere"):
            Evidence.of("a b", quote)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="lies outside"):
        Item(key="k", task="t", turns=(ItemTurn("user", (Drawable("ab"),)),), answers=(), max_tokens=1,
             evidence=(Evidence(((0, 9),)),))  # fmt: skip


def test_generated_tasks_and_needles_know_their_evidence() -> None:
    task = GeneratedTask(texts=[NOVEL], kinds=["needle", "hops", "quote"], count=6)
    for example in task:
        assert example.evidence is not None
        quotes = [example.context[start:end] for start, end in example.evidence.spans]
        assert any(example.answers[0] in " ".join(quote.split()) for quote in quotes)
    items = needle(kinds=["two_hops"], lengths=[400], depths=[50], repeats=1).items
    (evidence,) = items[0].evidence
    assert len(evidence.spans) == 2


def test_a_model_that_searches_is_scored_and_its_pages_are_compared(tmp_path: Path) -> None:
    several = item("two", NOVEL[20_000:22_000], NOVEL[:3_000], at=900)
    asked = benchmark(item("one", NOVEL[9_000:14_000], at=2_500), several)
    model = Scripted(searches)
    conditions = conditions_of(["expanded", "pages"], [THETA])
    found = run(asked, model, conditions=conditions, poser=POSER, replies=tmp_path / "replies.sqlite", concurrency=1)
    expanded, pages = (found.of(condition) for condition in conditions)
    assert [each.value for each in expanded] == [1.0, 1.0]
    assert [each.value for each in pages] == [0.0, 0.0]
    for each in expanded:
        assert each.trace is not None
        assert each.trace.pages_read == each.evidence != ()
        assert each.requests == 2
        assert each.prompt_tokens == 100
        assert each.all_prompt_tokens == 200
        assert each.to_dict()["expanded"]["page_precision"] == 1
    report = summary(found)
    values = report["conditions"][0]["expanded"]
    assert (values["page_recall"], values["page_precision"], values["page_hit"], values["calls"]) == (1, 1, 1, 1)
    assert values["rho_effective_once"] < report["conditions"][0]["rho_visual"]
    assert "expanded" not in report["conditions"][1]
    assert json.loads(json.dumps(report)) == report
    assert "pages read: recall 100%, precision 100% of 2 items" in report_markdown(report)
    assert "pages read: recall 100%" in report_page(report)


def test_a_run_that_was_killed_goes_on_in_the_middle_of_an_item(tmp_path: Path) -> None:
    asked = benchmark(item("one", NOVEL[9_000:12_000], at=900))
    conditions = conditions_of(["expanded"], [THETA])

    def once(conversation: Conversation, turn: int) -> str:
        if turn == 1 and len(model.asked) == 2:
            raise KeyboardInterrupt
        return searches(conversation, turn)

    model = Scripted(once)
    options: dict[str, Any] = {"conditions": conditions, "poser": POSER, "replies": tmp_path / "replies.sqlite"}
    with pytest.raises(KeyboardInterrupt):
        run(asked, model, **options, concurrency=1)
    found = run(asked, model, **options, concurrency=1)
    assert found.outcomes[0].value == 1
    assert len(model.asked) == 3  # the first reply was stored


def test_the_arm_is_named_and_its_tools_and_budget_decide_what_is_sent() -> None:
    (condition,) = conditions_of(["expanded"], [THETA])
    assert condition.arm is Arm.EXPANDED
    assert condition.identity[2] == ["read_page", "read_lines", "search"]
    posed = POSER.pose(item("one", NOVEL[:3_000], "", NOVEL[3_000:6_000], at=100), condition)
    assert posed.document is not None
    numbers = [page.number for page in posed.conversation.pictures]  # type: ignore[union-attr]
    assert numbers == list(range(1, len(posed.document) + 1))
    at = posed.document.text.index(FACT)
    assert posed.evidence == posed.document.pages_of([(at, at + len(FACT))])


def test_questions_of_a_file_may_quote_their_evidence(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    line = {"context": f"{NOVEL[:500]}\n{FACT}", "question": "Which parcel?", "answer": "8841-2207", "evidence": [FACT]}
    file.write_text(json.dumps(line), encoding="utf-8")
    (only,) = load([str(file)]).items
    assert only.evidence[0].spans == ((501, 501 + len(FACT)),)
    file.write_text(json.dumps({**line, "evidence": ["absent"]}), encoding="utf-8")
    with pytest.raises(DataError, match="1: evidence 'absent' is nowhere"):
        load([str(file)])
    file.write_text(json.dumps({**line, "evidence": 3}), encoding="utf-8")
    with pytest.raises(DataError, match="evidence is no list of texts"):
        load([str(file)])
