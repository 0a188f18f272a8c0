"""Prompts for GRPO keep the columns that rewards need, and are rendered once, however often TRL reads them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, Theta, compression_ratio, render
from glyphrender.adapters.data import PagesTransform, Sampled
from glyphrender.adapters.sft import Prompts
from glyphrender.tasks.generated import GeneratedTask
from glyphrender.train.rewards import TaskReward
from glyphrender.train.rows.grpo_rows import PromptRows, prompt_dataset, read_prompts, task_prompts, without_held_out

pytest.importorskip("datasets")

THETA = Theta(page_size=(196, 84), auto_crop_width=False, auto_crop_last_page=False)
ROWS: list[dict[str, Any]] = [
    {"context": "The buyer pays.\n" * 12, "question": "Who pays?", "answer": ["he", "the buyer"], "level": 1},
    {"context": "Nobody pays.", "question": "Who?", "answer": ["nobody"]},
]


def test_a_row_has_pages_a_question_and_what_rewards_need_and_no_answer_in_its_prompt() -> None:
    dataset, _, counts = prompt_dataset(ROWS, theta=THETA, system="Read.")
    row = dataset[0]
    pages = [page.image for page in render(ROWS[0]["context"], THETA)]
    assert len(pages) == 2
    assert row == {
        "images": pages,
        "prompt": [
            {"role": "system", "content": [{"type": "text", "text": "Read."}]},
            {"role": "user", "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Who pays?"}]},
        ],
        "kind": "",
        "decoys": [],
        "answer": ["he", "the buyer"],
        "level": 1,
    }
    assert dataset[1]["level"] is None  # as in the row that has no such column
    assert counts == {"prompts": 2, "dropped": 0, "visual": 0}


def test_rows_that_trl_repeats_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    original = PagesTransform.drawn

    def counted(self: PagesTransform, text: str, theta: Theta) -> list[Any]:
        drawn.append(text)
        return original(self, text, theta)

    monkeypatch.setattr(PagesTransform, "drawn", counted)
    dataset, _, _ = prompt_dataset(ROWS, theta=THETA)
    repeated = dataset[[0, 0, 0, 1, 1, 1]]
    assert drawn == [row["context"] for row in ROWS]
    assert [len(images) for images in repeated["images"]] == [2, 2, 2, 1, 1, 1]
    assert repeated["answer"] == [ROWS[0]["answer"]] * 3 + [ROWS[1]["answer"]] * 3
    assert dataset[[0, 0, 0, 1, 1, 1]]["prompt"] == repeated["prompt"]  # once for each micro-batch
    assert len(drawn) == 2
    assert dataset[[1, 0]]["images"] == [repeated["images"][3], repeated["images"][0]]


def test_pages_are_drawn_anew_in_another_epoch() -> None:
    dataset, rows, _ = prompt_dataset(ROWS, theta=Sampled(), seed=3)
    first = dataset[[0, 0]]["images"]
    rows.pages.set_epoch(1)
    second = dataset[[0, 0]]["images"]
    assert first[0] == first[1]
    assert first[0] != second[0]
    rows.pages.set_epoch(0)
    assert dataset[[0, 0]]["images"] == first


def test_a_transform_goes_to_other_processes_without_its_pages() -> None:
    dataset, rows, _ = prompt_dataset(ROWS, theta=THETA)
    assert len(dataset[[0, 0]]["images"]) == 2
    size = len(pickle.dumps(rows))
    assert pickle.loads(pickle.dumps(rows)) == rows
    assert size < 4000


def test_the_ratio_of_a_row_is_that_of_its_pages() -> None:
    dataset, _, _ = prompt_dataset(ROWS, theta=THETA, ratio="glm-4.1v")
    wanted = [compression_ratio(row["context"], theta=THETA, model="glm-4.1v").rho for row in ROWS]
    assert dataset[[0, 1]]["ratio"] == wanted


def test_prompts_over_the_budget_are_dropped_and_counted_or_an_error() -> None:
    budget = {"theta": THETA, "vision": "glm-4.1v", "max_visual_tokens": 30}
    dataset, _, counts = prompt_dataset(ROWS, **budget)
    assert dataset["answer"] == [["nobody"]]
    assert counts == {"prompts": 1, "dropped": 1, "visual": 21}
    with pytest.raises(DataError, match="row 0 costs 42 visual tokens and 0 of text"):
        prompt_dataset(ROWS, over="error", **budget)
    dataset, _, counts = prompt_dataset(ROWS, theta=THETA, max_text_tokens=5)
    assert (dataset["answer"], counts["dropped"]) == ([["nobody"]], 1)
    with pytest.raises(DataError, match="no prompt is left: 1 cost"):
        prompt_dataset(ROWS[:1], **budget)
    with pytest.raises(DataError, match="Prompts are not split"):
        prompt_dataset(ROWS, over="split", **budget)


def test_a_task_is_asked_and_rewarded_as_it_is_evaluated() -> None:
    task = GeneratedTask(texts=["All work and no play makes Jack a dull boy.\n" * 100], kinds=["needle"], count=2)
    rows = task_prompts(task, instruction=" Reply with the code.")
    dataset, _, _ = prompt_dataset(rows, theta="dense")
    batch = dataset[[0, 1]]
    assert batch["prompt"][0][-1]["content"][-1]["text"] == task[0].question + " Reply with the code."
    columns = {name: batch[name] for name in ("answer", "kind", "decoys")}
    assert TaskReward()(completions=[task[0].answers[0], "none"], **columns) == [1.0, 0.0]


def test_prompts_are_read_from_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    lines = [
        {"context": "a", "question": "?", "answer": 7, "level": 1},
        {"context": "b", "question": "", "answer": ["x", 2.5]},
        {"context": "c", "question": "?", "answer": None},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    assert [row["answer"] for row in read_prompts([path])] == [["7"], ["x", "2.5"], None]


@pytest.mark.parametrize(
    "line, word",
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"context": "", "question": "?", "answer": "x"}', "context is ''"),
        ('{"context": "a", "question": 1, "answer": "x"}', "question is 1"),
        ('{"context": "a", "question": "?"}', "no answer"),
        ('{"context": "a", "question": "?", "answer": ["x", null]}', "answer is"),
        ('{"context": "a", "question": "?", "answer": " "}', "answer is"),
        ("", "there are no prompts"),
    ],
)
def test_a_line_that_is_no_prompt_is_named(tmp_path: Path, line: str, word: str) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=word) as caught:
        read_prompts([path])
    assert not line or f"{path}:2" in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        read_prompts([tmp_path / "none.jsonl"])


def test_no_context_is_both_trained_on_and_held_out() -> None:
    rows = [{"context": f"text {number // 3}", "question": str(number)} for number in range(600)]
    training, held = without_held_out(rows, 0.2)
    assert len(training) + len(held) == 600
    assert 80 < len(held) < 160
    assert not {row["context"] for row in training} & {row["context"] for row in held}
    assert without_held_out(rows[::-1], 0.2)[1] == held[::-1]
    assert without_held_out(rows, 0.0) == (rows, [])


def test_rows_without_a_context_and_no_rows_at_all_are_errors_of_one_line() -> None:
    with pytest.raises(DataError, match="context"):
        without_held_out([{"question": "Who?", "answer": "he"}], 0.2)
    with pytest.raises(DataError, match="there are no prompts"):
        prompt_dataset([])


def test_the_example_of_the_page_about_grpo_runs() -> None:
    page = (Path(__file__).parents[1] / "docs/grpo.md").read_text(encoding="utf-8")
    first = page.split("```python\n", 1)[1].split("```", 1)[0]
    assert "prompt_dataset" in first
    exec(first, {})


def test_columns_that_trl_would_misread_are_refused() -> None:
    for name in ("images", "completions", "trainer_state"):
        with pytest.raises(DataError, match=f"keep names '{name}'"):
            prompt_dataset([{**ROWS[1], name: "x"}], theta=THETA)
    with pytest.raises(DataError, match="keep names 'text'"):
        Prompts(pages=PagesTransform(), keep=("text",))
    assert Prompts(pages=PagesTransform(), keep=("text",), kind="prompt")({"text": "a"})["text"] == "a"
    with pytest.raises(DataError, match="several columns"):
        PromptRows(pages=PagesTransform(text=("a", "b")))
    with pytest.raises(DataError, match="there is no column 'answer'"):
        PromptRows()({"context": "a", "question": "?", "kind": "", "decoys": []})
