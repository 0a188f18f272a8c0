"""What pages save, measured: tiny models on the CPU, whose caches and positions are known exactly."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner
from loopback import QuietHandler, listening
from small_configs import small, small_qwen

from glyphrender import cli
from glyphrender.errors import DataError
from glyphrender.evals.efficiency.clock import Clock, Timing
from glyphrender.evals.efficiency.expected import expected
from glyphrender.evals.efficiency.measure import cut
from glyphrender.evals.efficiency.plot import expected_plot
from glyphrender.evals.efficiency.report import MeasuredRatio
from glyphrender.evals.efficiency.server import ServerPlan, measure_server
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.models.tokenizers import tokenizer
from glyphrender.theta import Theta

TEXT = "It is a truth universally acknowledged, that a single man must be in want of a wife. " * 12
ONCE = Clock(device="cpu", repeats=1)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    def made(config: dict[str, Any]) -> str:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return str(tmp_path)

    return made


def tiny_qwen() -> dict[str, Any]:
    config = small_qwen()
    config["vision_config"]["patch_size"] = 16  # the grid of Qwen3-VL's pages
    return config


# ---- without a model ---------------------------------------------------------------------------------------------


def test_a_text_is_cut_to_the_tokens_asked_for_and_repeated_if_it_is_short() -> None:
    counter = tokenizer("glm-4")
    for tokens in (1, 40, 5000):
        part, count = cut(TEXT, tokens, counter)
        assert count == counter.count(part)
        assert 0.95 * tokens <= count <= tokens
        assert part.startswith(TEXT[: len(part)] or "I")
    with pytest.raises(DataError, match="the text is empty"):
        cut(" \n", 5, counter)


def test_a_timing_has_a_median_and_a_spread() -> None:
    timing = Timing(seconds=(3.0, 1.0, 2.0))
    assert (timing.median, timing.spread) == (2.0, 1.0)
    calls: list[str] = []
    found = Clock(repeats=4).timing(lambda: calls.append("run"), before=lambda: calls.append("before"))
    assert len(found.seconds) == 4
    assert calls == ["before", "run"] * 4


def test_a_measured_ratio_far_from_the_arithmetic_is_marked() -> None:
    assert MeasuredRatio(measured=2.0, expected=2.2).text == "2.00 (2.20)"
    assert MeasuredRatio(measured=2.0, expected=2.6).text == "2.00* (2.60)"
    assert MeasuredRatio(measured=None, expected=2.6).text == "– (2.60)"


def test_the_plot_of_the_arithmetic_is_svg_with_a_line_for_each_stage() -> None:
    plot = expected_plot(expected("glm-4.1v-9b", "rtx-4090", 3.3))
    root = ET.fromstring(plot)
    dashed = [each for each in root.iter("{http://www.w3.org/2000/svg}path") if "stroke-dasharray" in each.attrib]
    assert len(dashed) == 2 * 4  # a line and a sample in the legend
    assert "nan" not in plot


class FakeServer:
    """A model that streams its reply in two pieces, counts tokens, and keeps what it was asked."""

    identity = ("fake",)

    def __init__(self) -> None:
        self.asked: list[Conversation] = []

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        self.asked.append(conversation)
        if on_text is not None:
            on_text("It ")
            on_text("is.")
        return Reply(text="It is.", prompt_tokens=9, completion_tokens=5, finish_reason="stop")


def test_requests_to_a_server_share_no_prefix_and_both_arms_are_counted() -> None:
    server = FakeServer()
    plan = ServerPlan(lengths=(60, 120), repeats=2, concurrency=2, requests=3)
    theta = Theta().align_to("glm-4.1v")
    rows = list(measure_server(server, TEXT, theta=theta, counter=tokenizer("glm-4"), plan=plan))  # type: ignore[arg-type]
    assert len(server.asked) == 2 + 2 * 2 * (2 + 3)  # and a text and a page to warm up
    openings = [next(each.turns[0].flat()) for each in server.asked]
    assert len(set(openings)) == len(openings)
    assert sum(bool(each.documents) for each in server.asked) == 1 + 2 * (2 + 3)
    for row in rows:
        assert row.pages == 1
        assert row.text.reply_tokens == row.drawn.reply_tokens == 15
        assert len(row.text.first.seconds) == 2
        json.dumps(row.to_dict(), allow_nan=False)


# ---- the command -------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.command, ["eval", "efficiency", *arguments], standalone_mode=False)


def test_the_command_computes_without_torch_and_writes_a_report(tmp_path: Path) -> None:
    result = run("glm-4.1v-9b", "--on", "h100-sxm", "--rho", "3.3", "--length", "131072", "-o", str(tmp_path / "out"))
    assert result.exception is None
    line = result.output.splitlines()[1].split()
    assert line[:4] == ["131,072", "5.33", "1.20", "3.34"]
    report = json.loads((tmp_path / "out" / "efficiency.json").read_text(encoding="utf-8"))
    assert report["rows"][0]["pages"]["visual_tokens"] == 39_719
    assert report["device"]["source"].startswith("NVIDIA H100")
    ET.fromstring((tmp_path / "out" / "efficiency.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["glm-4.1v-9b"], "--text is missing"),
        (["glm-4.1v-9b", "--on", "l40s"], "--on computes from a ratio"),
        (["glm-4.1v-9b", "--on", "l40s", "--base-url", "http://127.0.0.1:1/v1"], "Choose one"),
        (["glm-9", "--on", "l40s", "--rho", "3"], "model='glm-9' is no model"),
        (["glm-4.1v-9b", "--on", "l41s", "--rho", "3"], "device='l41s' is not known"),
        (["glm-4.1v-9b", "--text", __file__, "--rho", "3"], "--rho is for --on"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], message: str) -> None:
    assert message in str(run(*arguments).exception)


def test_other_words_after_eval_are_benchmarks() -> None:
    result = CliRunner().invoke(cli.command, ["eval", "--list"], standalone_mode=False)
    assert result.exception is None
    assert "longbench" in result.output


class Streaming(QuietHandler):
    """A server that streams two pieces of text and then the counts, and keeps the bodies that it was sent."""

    bodies: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        pieces: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": each}}]} for each in ("It ", "is.")
        ]
        pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}
        if body.get("stream"):
            pieces.append({"choices": [], "usage": usage})
            data = "".join(f"data: {json.dumps(each)}\n\n" for each in pieces) + "data: [DONE]\n\n"
        else:
            message = {"role": "assistant", "content": "It is."}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            data = json.dumps({"id": "1", "object": "chat.completion", "choices": choices, "usage": usage})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data.encode())


@pytest.mark.slow
def test_a_running_server_is_measured_with_both_arms(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    with listening(Streaming) as url:
        result = run(
            *("glm-4.1v", "--base-url", url, "--text", str(tmp_path / "book.txt")),
            *("--length", "60", "--repeats", "1", "--requests", "2", "--concurrency", "2", "-o", str(tmp_path / "out")),
        )
    assert result.exception is None
    row = json.loads((tmp_path / "out" / "efficiency.json").read_text(encoding="utf-8"))["rows"][0]
    assert row["text"]["prompt_tokens"] == row["drawn"]["prompt_tokens"] == 50
    assert row["text"]["reply_tokens"] == row["drawn"]["reply_tokens"] == 14
    assert sum("image_url" in json.dumps(each) for each in Streaming.bodies) == 1 + 1 + 2


# ---- tiny models -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("config", [small(), tiny_qwen()], ids=["glm4v", "qwen3_vl"])
def test_caches_are_as_large_as_the_arithmetic_says_and_every_figure_is_there(
    config: dict[str, Any], folder: Callable[[dict[str, Any]], str]
) -> None:
    from glyphrender.evals.efficiency.arm import Plan
    from glyphrender.evals.efficiency.backbone import backbone
    from glyphrender.evals.efficiency.measure import measure
    from glyphrender.evals.efficiency.plot import report_plot

    plan = Plan(lengths=(200,), steps=2, answer=4, cache_memory=3e6)
    report = measure(backbone(folder(config)), TEXT, plan=plan, clock=ONCE)
    row = report.rows[0]
    for arm in (row.text, row.pages):
        assert arm.kv_bytes == arm.expected.kv_bytes
        assert arm.prefill_peak is not None
        assert arm.prefill_peak >= arm.kv_bytes
        each = arm.expected.kv_bytes // arm.tokens
        assert arm.batch == 3_000_000 // (each * (arm.tokens + 4))
        assert not arm.left_out
        for name in ("prefill", "decode", "batch_step", "train", "train_peak"):
            assert getattr(arm, name) is not None
    assert row.text.visual_tokens == 0
    assert row.pages.train_frozen is not None
    assert row.kv_saved.measured == pytest.approx(1 - row.pages.tokens / row.text.tokens)
    assert row.kv_saved.measured == row.kv_saved.expected
    assert all(cell.measured is not None for cell in row.cells().values())
    json.dumps(report.to_dict(), allow_nan=False)
    marks = re.findall(r"tokens: \d", report_plot(report))
    assert len(marks) == 4
    assert len(list(report.tables())) == 3
    assert report.random
    assert report.environment["dtype"] == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("config", [small(), tiny_qwen()], ids=["glm4v", "qwen3_vl"])
def test_tokens_after_pages_are_decoded_at_the_positions_that_generate_gives_them(
    config: dict[str, Any], folder: Callable[[dict[str, Any]], str]
) -> None:
    import numpy as np

    from glyphrender.evals.efficiency.arm import decoded, prefilled
    from glyphrender.evals.efficiency.backbone import backbone

    loaded = backbone(folder(config))
    cell = loaded.vision.cell
    pages = [np.full((9 * cell, 8 * cell), 255, np.uint8), np.zeros((8 * cell, 11 * cell), np.uint8)]
    prompt = loaded.page_prompt(*loaded.patchify.patches(pages))
    assert prompt.pages == (72, 88)
    assert prompt.tokens == 160 + 4

    positions: list[list[int]] = []

    def watch(_: Any, arguments: Any, given: dict[str, Any]) -> None:
        if given["inputs_embeds"].shape[1] == 1:
            positions.append(given["position_ids"].flatten()[-3:].tolist())

    hook = loaded.model.model.language_model.register_forward_pre_hook(watch, with_kwargs=True)
    try:
        decoded(loaded, prefilled(loaded, prompt), prompt, 2, ONCE)
        ours = positions.copy()
        positions.clear()
        loaded.model.model.rope_deltas = None
        inputs = {**prompt.inputs}
        loaded.model.generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)
    finally:
        hook.remove()
    assert len(ours) == 3
    assert ours == positions[:3]
    assert ours[0][0] < prompt.tokens


@pytest.mark.slow
def test_a_batch_that_does_not_fit_after_all_shrinks(folder: Callable[[dict[str, Any]], str]) -> None:
    import torch

    from glyphrender.evals.efficiency.arm import Plan
    from glyphrender.evals.efficiency.backbone import backbone
    from glyphrender.evals.efficiency.measure import measure

    loaded = backbone(folder(small()))

    def full(_: Any, arguments: Any, given: dict[str, Any]) -> None:
        if given["inputs_embeds"].shape[0] > 8:
            raise torch.OutOfMemoryError("no memory is left")

    hook = loaded.model.model.language_model.register_forward_pre_hook(full, with_kwargs=True)
    plan = Plan(lengths=(100,), steps=1, answer=4, cache_memory=2e6, train_up_to=0)
    try:
        row = measure(loaded, TEXT, plan=plan, clock=ONCE).rows[0]
    finally:
        hook.remove()
    for arm in (row.text, row.pages):
        assert arm.batch is not None
        assert 7 <= arm.batch <= 8
        assert arm.train is None


@pytest.mark.slow
def test_training_leaves_the_model_as_it_was(folder: Callable[[dict[str, Any]], str]) -> None:
    from glyphrender.evals.efficiency.arm import Plan
    from glyphrender.evals.efficiency.backbone import backbone
    from glyphrender.evals.efficiency.measure import measure

    loaded = backbone(folder(small()))
    before = {name: each.clone() for name, each in loaded.model.named_parameters()}
    plan = Plan(lengths=(100,), steps=1, answer=4, batches=False, recompute=True)
    row = measure(loaded, TEXT, plan=plan, clock=ONCE).rows[0]
    assert row.pages.train is not None
    assert not loaded.model.training
    for name, each in loaded.model.named_parameters():
        assert each.requires_grad
        assert each.grad is None
        assert bool((each == before[name]).all())


@pytest.mark.slow
def test_passes_that_would_take_too_long_are_left_out_and_listed(folder: Callable[[dict[str, Any]], str]) -> None:
    from glyphrender.evals.efficiency.arm import Plan
    from glyphrender.evals.efficiency.backbone import backbone
    from glyphrender.evals.efficiency.measure import measure

    report = measure(backbone(folder(small())), TEXT, plan=Plan(lengths=(100,), longest=1e-9), clock=ONCE)
    row = report.rows[0]
    assert row.text.left_out[0].startswith("prefill: ")
    assert row.prefill.measured is None
    assert row.prefill.expected is not None
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_the_command_measures_a_folder_and_names_device_and_versions(
    folder: Callable[[dict[str, Any]], str], tmp_path: Path
) -> None:
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    out = tmp_path / "out"
    result = run(
        *(folder(small()), "--text", str(tmp_path / "book.txt"), "--length", "100", "--repeats", "1"),
        *("--device", "cpu", "--no-batches", "--train-up-to", "0", "-o", str(out)),
    )
    assert result.exception is None
    assert "text against pages" in result.output
    report = json.loads((out / "efficiency.json").read_text(encoding="utf-8"))
    assert report["environment"]["torch"]
    assert report["rows"][0]["host"]["draw"]["repeats"] == 1
    refused = run(folder(small()), "--text", str(tmp_path / "book.txt"), "--dtype", "int8")
    assert "dtype='int8' is no type of weights" in str(refused.exception)
