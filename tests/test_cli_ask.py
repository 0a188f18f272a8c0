"""`glyphrender ask`: the answer on stdout, the figures on stderr, and one line for each failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_cli import environment, refused, run
from test_expand import completion
from test_inference_chat import KEY, answer_events, answer_json, chunk, failing

pytestmark = pytest.mark.slow

NOVEL = (Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(NOVEL[:6000], encoding="utf-8")
    return path


def test_a_file_is_read_by_a_real_model(book: Path, tiny_server: str, tiny_path: Path) -> None:
    result = run(
        "ask", book, "Who?", "--base-url", tiny_server, "--model", tiny_path, "--max-tokens", "5", "--price", "1,2",
        "--send", "pages", cwd=book.parent,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr  # five tokens are no whole answer
    assert result.stdout.endswith("\n")
    assert "2 pages, 1 request, " in result.stderr
    assert " → 5, by our count " in result.stderr
    assert ", cost $0.00" in result.stderr
    assert ", as text $0.00" in result.stderr
    assert result.stderr.endswith("glyphrender: the answer was cut off: raise --max-tokens.\n")


def test_json_holds_the_answer_and_the_figures(book: Path) -> None:
    events = (chunk("It is "), chunk("Jane.", "stop"), "[DONE]")
    with failing(lambda to, body, count: answer_events(to, *events)) as (url, got):
        arguments = ("ask", book, "-", "Who?", "--base-url", url, "--model", "m", "--json")
        result = run(*arguments, cwd=book.parent, input="More.", env=environment(OPENAI_API_KEY=KEY))
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["answer"] == "It is Jane."
    assert (figures["sent"], figures["requests"], figures["prompt_tokens"]) == ("pages", 1, None)
    assert figures["rho"] > 1
    assert KEY not in result.stdout + result.stderr
    *pages, text = got[0]["messages"][-1]["content"]
    assert len(pages) == figures["pages"]
    assert text["text"] == "Who?"


def test_the_price_of_the_model_is_in_the_table_and_both_forms_are_counted(book: Path) -> None:
    usage = {"prompt_tokens": 900, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 450}}
    events = (chunk("It is Jane.", "stop", usage=usage), "[DONE]")
    with failing(lambda to, body, count: answer_events(to, *events)) as (url, _):
        server = ("--base-url", url, "--model", "claude-opus-5-20260724")
        figures = json.loads(run("ask", book, "Who?", *server, "--json", cwd=book.parent).stdout)
        told = run("ask", book, "Who?", *server, "--vision", "claude", cwd=book.parent).stderr
        dear = run("ask", book, "Who?", "--base-url", url, "--model", "gpt-4o-mini", "--send", "pages", cwd=book.parent)
        unknown = run("ask", book, "Who?", "--base-url", url, "--model", "my-model", cwd=book.parent)
        hosted = run("ask", book, "Who?", "--base-url", url, "--model", "m", "--vision", "claude", cwd=book.parent)
    assert figures["sent"] == "pages"
    assert figures["cost"] == figures["cost_as_pages"] == pytest.approx((450 * 5 + 450 * 0.5 + 50 * 25) / 1e6)
    prompt = 900 - figures["visual_tokens"] + figures["text_tokens"]
    assert figures["cost_as_text"] == pytest.approx((prompt * (5 + 0.5) / 2 + 50 * 25) / 1e6)
    assert "cost $0.003725, as text $0.00" in told
    assert dear.stderr.startswith(
        "glyphrender: not worth it: pages cost no less than text: the document for gpt-4o-mini ("
    )
    assert unknown.stderr.startswith(
        "glyphrender: the vision model of my-model is not known: pages are sized and counted"
    )
    assert "no price is known for claude." in hosted.stderr


def test_a_failure_after_the_answer_began_ends_its_line(book: Path) -> None:
    events = (chunk("It is "), '{"error": {"message": "worker died"}}')
    with failing(lambda to, body, count: answer_events(to, *events)) as (url, _):
        result = run("ask", book, "Who?", "--base-url", url, "--model", "m", "--vision", "glm-4.1v", cwd=book.parent)
    assert result.returncode == 1
    assert result.stdout == "It is \n"
    assert result.stderr.startswith("glyphrender: ")
    assert "worker died" in result.stderr


def test_mistakes_and_failures_are_one_line(book: Path) -> None:
    def refuse(*arguments: str, status: int = 2) -> str:
        return refused("ask", book, "Who?", *arguments, cwd=book.parent, status=status)

    assert "cannot be reached" in refuse(
        "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--vision", "glm-4.1v", "--retries", "0", status=1
    )
    assert "--price 3 is not two numbers" in refuse("--price", "3", "--base-url", "http://127.0.0.1:9/v1")
    with failing(lambda to, body, count: answer_json(to, 400, {"error": {"message": "no images here"}})) as (url, _):
        server = ("--base-url", url, "--model", "m", "--vision", "glm-4.1v")
        assert "status 400 (no images here)" in refuse(*server, status=1)
        message = refuse(*server, "--send", "pages", "--max-images", "1")
        assert "2 images are 1 more than the 1" in message
        assert "--over map" in message
        assert "qwen9" in refuse(*server[:4], "--vision", "qwen9")


def test_with_expand_the_model_reads_a_page_and_the_trace_says_so(book: Path) -> None:
    def handle(to: Any, body: dict[str, Any], count: int) -> None:
        calls = [{"name": "read_page", "arguments": {"page": 1}}]
        answer_json(to, 200, completion("", calls) if count % 2 else completion("It is Jane."))

    with failing(handle) as (url, got):
        server = ("--base-url", url, "--model", "m", "--expand", "text", "--expand-calls", "3")
        told = run("ask", book, "Who?", *server, "--trace", cwd=book.parent)
        figures = json.loads(run("ask", book, "Who?", *server, "--json", cwd=book.parent).stdout)
    assert told.returncode == 0, told.stderr
    assert told.stdout == "It is Jane.\n"
    assert "read_page(page=1)" in told.stderr
    assert ", 1 call read " in told.stderr
    assert ": effective ρ " in told.stderr
    assert figures["trace"]["pages_read"] == [1]
    assert figures["rho"] > 7  # the preset scan-8
    assert figures["trace"]["effective_rho"] < figures["rho"]
    assert len(got) == 4
