"""`glyphrender export` and `glyphrender lint`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glyphrender.cli import command

LONG = "The buyer pays the seller on the first day of the month.\n" * 80


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    records = [
        {"context": LONG, "question": "Who pays?", "answer": "the buyer"},
        {"instruction": "Say ho.", "output": "Ho"},
        {"instruction": "Say nothing.", "output": ""},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.slow
def test_an_export_and_its_lint(chats: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ("--to", "llama-factory", "--model", "glm-4.1v", "-o", out)
    done = run("export", chats, *common, "--faults", "drop")
    assert done.exit_code == 0, done.stderr
    assert "1 empty responses of 3 records dropped" in done.stderr
    assert "llama-factory (llamafactory 0.9.5): 2 rows, " in done.stdout
    assert "no findings" in done.stdout
    assert run("lint", out).stdout == done.stdout
    settings = tmp_path / "run.yaml"
    settings.write_text("image_max_pixels: 100000\n")
    linted = run("lint", out, "--settings", settings)
    assert linted.exit_code == 1
    assert "9 px type at" in linted.stdout
    refused = run("export", chats, *common[:-1], tmp_path / "other", "--faults", "drop", "--settings", settings)
    assert "is not written" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_a_bad_record_is_named_and_options_reach_the_policy(chats: Path, tmp_path: Path) -> None:
    common = ("--to", "ms-swift", "--model", "qwen2.5-vl", "-o", tmp_path / "out", "--tokenizer", "qwen3")
    assert "chats.jsonl, line 3: the answer has nothing" in run("export", chats, *common).stderr
    done = run("export", chats, *common, "--faults", "drop", "--min-characters", 100_000)
    assert "2 rows, 0 pages" in done.stdout
    done = run("export", chats, *common, "--faults", "drop", "--only-pages", "--sample", 3, "--set", "dpi=72")
    assert "1 row, " in done.stdout
    assert "no findings" in done.stdout
    assert run("export", chats, *common, "--to", "axolotl").exit_code == 2


@pytest.mark.slow
def test_a_model_on_a_server_is_distilled_once_and_its_rows_are_exported(chats: Path, tmp_path: Path) -> None:
    from test_inference_chat import answer_json, failing

    def answer(to: Any, body: Any, count: int) -> None:
        (message,) = body["messages"]
        said = "<think>Line 1.</think>The buyer." if "Who pays?" in json.dumps(message) else "No idea."
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        answer_json(to, 200, {"choices": [choice]})

    rows, replies = tmp_path / "rows.jsonl", tmp_path / "replies"
    with failing(answer) as (url, got):
        server = ("--base-url", url, "--model", "m", "--replies", replies, "--faults", "drop")
        done = run("distill", chats, "-o", rows, *server)
        assert (done.exit_code, done.stdout) == (0, "1 of 2 rows kept, 1 wrong\n"), done.stderr
        assert len(got) == 2
        assert all("image_url" not in json.dumps(request) for request in got)
        again = run("distill", chats, "-o", tmp_path / "again.jsonl", *server)
        assert (again.stdout, len(got)) == (done.stdout, 2)
        assert (tmp_path / "again.jsonl").read_bytes() == rows.read_bytes()
        refused = run("distill", chats, "-o", rows, *server)
        assert refused.exit_code == 2
        assert "is there already" in refused.stderr
    out = tmp_path / "out"
    done = run("export", rows, "--to", "llama-factory", "--model", "glm-4.1v", "-o", out)
    assert "1 row, " in done.stdout
    (row,) = json.loads((out / "data.json").read_text())
    assert row["conversations"][-1]["value"] == "<think>Line 1.</think>The buyer."
    assert row["images"]
