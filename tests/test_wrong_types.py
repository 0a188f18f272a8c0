"""Every parameter of the public functions, given values of every wrong kind: it works, or one line says what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glyphrender
from glyphrender import (
    BlockStyle,
    Document,
    GlyphRenderError,
    Page,
    Part,
    RichText,
    Style,
    Theta,
    ThetaError,
    Typesetter,
    align,
    compression_ratio,
    fit,
    from_code,
    from_diff,
    from_markdown,
    from_messages,
    from_terminal,
    layout,
    layout_each,
    propose,
    render,
    render_file,
    worth_it,
)
from glyphrender.evals import longbench, longbench2, ruler
from glyphrender.evals.arms import conditions_of
from glyphrender.evals.benchmarks import load_benchmark
from glyphrender.evals.compare import compare
from glyphrender.evals.efficiency.expected import expected
from glyphrender.evals.item import EvalProtocol, Item, ItemTurn
from glyphrender.evals.rows import read_rows
from glyphrender.inference.condensed import condensed
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_schema import tool_names
from glyphrender.inference.lensvlm import lens_theta
from glyphrender.inference.messages import to_messages
from glyphrender.inference.preflight.probes import PreflightPlan
from glyphrender.inference.replies import Replies
from glyphrender.inference.sidecar import exact_strings, sidecar
from glyphrender.models.calibration import calibrated
from glyphrender.models.enlarged import enlarged_warning
from glyphrender.models.preprocessor import vision_from_config
from glyphrender.models.prices import prices
from glyphrender.models.vision import vision_model
from glyphrender.ratio.bench import bench
from glyphrender.ratio.fit_parts import fit_parts
from glyphrender.ratio.look import look
from glyphrender.ratio.propose import better_flow
from glyphrender.rich import Table, compressed, decompressed
from glyphrender.tasks import scoring
from glyphrender.tasks.evidence import Evidence
from glyphrender.tasks.generated import GeneratedTask
from glyphrender.train.rewards.functions import reward_functions
from glyphrender.train.rows.page_policy import PagePolicy

TEXT = "It is a truth universally acknowledged. " * 4
BASIC: dict[str, Any] = {"text": TEXT, "theta": None, "max_pages": 9, "typesetter": None}
BASIC: dict[str, Any] = {"text": TEXT, "theta": None, "max_pages": 9, "typesetter": None}
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "render": (
        lambda **given: list(render(**given)),
        BASIC,
    ),
    "layout": (
        lambda **given: list(layout(**given)),
        BASIC,
    ),
    "layout_each": (layout_each, {"texts": [TEXT], "theta": None, "max_pages": None}),
    "Document": (Document, BASIC),
    "Document.read": (Document.read, BASIC),
    "Part": (Part, {"name": "a.txt", "heading": ""}),
    "Style": (Style, dict.fromkeys(Style.__dataclass_fields__)),
    "Table": (Table, {"start": 0, "end": 1, "cells": (), "alignments": (), "head": 0}),
    "BlockStyle": (
        BlockStyle,
        {name: field.default for name, field in BlockStyle.__dataclass_fields__.items()},
    ),
    "RichText": (RichText, {"source": TEXT, "spans": (), "blocks": (), "consumed": (), "replaced": (), "tables": ()}),
    "RichText.styled": (RichText(TEXT).styled, {"style": Style(), "start": 0, "end": None}),
    "RichText.joined": (RichText.joined, {"parts": [TEXT], "separator": ""}),
    "from_markdown": (from_markdown, {"source": TEXT, "theta": None}),
    "from_code": (from_code, {"source": TEXT, "language": "python", "theta": None, "name": "a.py"}),
    "from_diff": (from_diff, {"source": TEXT, "theta": None}),
    "from_terminal": (from_terminal, {"source": TEXT, "theta": None}),
    "from_messages": (from_messages, {"messages": [{"role": "user", "content": TEXT}], "theta": None}),
    "compressed": (compressed, {"text": TEXT}),
    "decompressed": (decompressed, {"text": TEXT}),
    "render_file": (render_file, {"path": __file__, "theta": None, "encoding": None, "errors": "strict"}),
    "compression_ratio": (compression_ratio, {"text": TEXT, "theta": None, "model": "qwen3-vl", "tokenizer": None}),
    "propose": (propose, {"text": TEXT, "model": "qwen3-vl", "tokenizer": None, "min_font_pixels": 6.0}),
    "bench": (bench, {"texts": TEXT, "thetas": ["dense"], "models": ["qwen3-vl"], "tokenizer": None}),
    "worth_it": (worth_it, {"text": TEXT, "model": "qwen3-vl"}),
    "fit": (fit, {"text": TEXT, "theta": None, "rho": 2, "over": "font_size", "min_font_pixels": 0.0}),
    "align": (align, {"theta": None, "model": "qwen3-vl"}),
    "expected": (
        expected,
        {"model": "qwen3-vl-8b", "device": "l40s", "rho": 3.0, "lengths": [64], "page_tokens": 9, "marks": 0},
    ),
    "PreflightPlan": (
        PreflightPlan,
        {"model": vision_model("qwen3-vl"), "theta": Theta(), "images": 2, "most": 512, "answer": 9},
    ),
    "longbench.load": (
        lambda **given: longbench.load(["absent.jsonl"], **given),
        {"tasks": (), "protocol": "official", "extended": "no", "prompts": "", "revision": ""},
    ),
    "longbench2.load": (
        lambda **given: longbench2.load(["absent.json"], **given),
        {"tasks": (), "protocol": "official", "mode": "direct", "revision": ""},
    ),
    "ruler.load": (
        ruler.load,
        {"data": [], "tasks": ["fwe"], "protocol": "official", "lengths": "512", "samples": "1", "seed": "1"},
    ),
    "Document.joined": (lambda **given: list(Document.joined(**given)), {"texts": [(TEXT, None)], "max_pages": 9}),
    "Document.pages_of": (lambda **given: render(TEXT).pages_of(**given), {"spans": [(0, 3)]}),
    "fit_parts": (fit_parts, {"parts": [(TEXT, None, 1.0)], "visual_tokens": 50, "model": "qwen3-vl"}),
    "enlarged_warning": (enlarged_warning, {"sizes": [(56, 56)], "model": "qwen3-vl"}),
    "lens_theta": (lens_theta, {"name": "5x", "model": "qwen3.5"}),
    "ExpandBudget": (ExpandBudget, {"tokens": 9, "calls": 9, "seconds": 9.0}),
    "tool_names": (tool_names, {"expand": "text"}),
    "Evidence": (Evidence, {"spans": ((0, 3),), "text": 0}),
    "condensed": (
        condensed,
        {"messages": [{"role": "user", "content": "a"}], "as_text": 1, "readable": 2, "readable_theta": None}
        | {"dense_theta": None},
    ),
    "extend_text": (lambda **given: render(TEXT).extend_text(**given), {"text": "more"}),
    "Document.ratio": (lambda **given: render(TEXT).ratio(**given), {"model": "qwen3-vl", "tokenizer": None}),
    "Document.save": (
        lambda **given: render(TEXT).save(**given),
        {"path": "pages", "bits": None, "progress": None, "format": "png"},
    ),
    "Page.save": (lambda **given: page().save(**given), {"path": "page.png", "bits": None}),
    "Page.find": (lambda **given: page().find(**given), {"text": "truth"}),
    "Page.png": (lambda **given: page().png(**given), {"bits": None}),
    "Theta.of": (Theta.of, {"value": None}),
    "Theta.load": (Theta.load, {"source": {}}),
    "Theta.from_dict": (Theta.from_dict, {"values": {}}),
    "Theta.preset": (Theta.preset, {"name": "code"}),
    "Theta.diff": (Theta().diff, {"other": None}),
    "Theta.align_to": (Theta().align_to, {"model": "qwen3-vl"}),
    "Theta.save": (Theta().save, {"path": "theta.json"}),
    "Theta.sample": (Theta.sample, {"rng": np.random.default_rng(0)}),
    "Typesetter": (Typesetter, {"max_bytes": 1_000_000}),
    "load_benchmark": (
        load_benchmark,
        {"name": "questions", "data": ["absent"], "tasks": (), "protocol": "", "options": None},
    ),
    "conditions_of": (conditions_of, {"arms": ["text"], "thetas": [Theta()]}),
    "read_rows": (lambda path: list(read_rows(path)), {"path": "absent.jsonl"}),
    "ItemTurn": (ItemTurn, {"role": "user", "parts": ("x",)}),
    "Item": (
        Item,
        {"key": "k", "task": "t", "turns": (ItemTurn("user", ("x",)),), "answers": ("x",), "max_tokens": 3}
        | {"buckets": {}, "stop": (), "theta": {}, "meta": {}},
    ),
    "to_messages": (to_messages, {"document": render(TEXT), "question": "Who?"}),
    "Conversation": (Conversation, {"turns": ()}),
    "exact_strings": (exact_strings, {"pages": list(layout(TEXT)), "text": TEXT}),
    "sidecar": (sidecar, {"strings": (), "budget": 100}),
    "Replies": (Replies, {"path": "replies.db"}),
    "vision_from_config": (vision_from_config, {"path": "."}),
    "calibrated": (partial(calibrated, count=lambda *_: 5), {"model": vision_model("qwen3-vl"), "sizes": [(56, 56)]}),
    "prices": (prices, {"file": None}),
    "compare": (compare, {"first": [], "second": []}),
    "look": (look, {"text": TEXT}),
    "better_flow": (better_flow, {"theta": Theta(), "text": TEXT}),
    "GeneratedTask": (GeneratedTask, {"texts": [TEXT * 90], "kinds": ("needle",), "count": 1, "seed": 0}),
    "reward_functions": (reward_functions, {"weights": {"exact": 1.0}, "others": (), "settings": None}),
    "PagePolicy": (PagePolicy, {"min_characters": 9, "roles": ("user",), "edge_characters": 9, "tags": ("text",)}),
    "scoring.exact": (scoring.exact, {"reply": "x", "answers": ["x"]}),
    "scoring.token_f1": (scoring.token_f1, {"reply": "x", "answers": ["x"]}),
    "scoring.commits_to": (scoring.commits_to, {"reply": "x", "answers": ["x"], "decoys": ["y"]}),
    "scoring.number_match": (scoring.number_match, {"reply": "1", "answers": ["1"], "tolerance": 0.0}),
    "EvalProtocol": (EvalProtocol, {"name": "p", "source": "s", "sampling": {}, "thoughts": "kept"}),
}
WRONG: list[Any] = [None, 0, -1, 3, 1.5, float("nan"), float("inf"), 10**400, True, "x", "", "\0", "\ud800", "a\nb"]
WRONG += [b"x", bytearray(b"x"), [], ["a"], [1], (), {}, {"a": 1}, {1: 2}, {"dpi": {}}, object(), Path("absent/x")]
WRONG += [np.float32(2), np.int64(1), np.zeros(2), int, range(3), Exception("x"), "x" * 100_000]


def page() -> Page:
    return render(TEXT)[0]


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name, (_, given) in CALLS.items() for parameter in given]
)
def test_a_value_of_a_wrong_type_works_or_gets_one_line(
    name: str, parameter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, given = CALLS[name]
    for value in WRONG:
        try:
            call(**{**given, parameter: value})
        except GlyphRenderError as error:
            message = str(error)
            assert message, value
            assert "\n" not in message, (value, message)
            assert len(message) < 1_500, (value, message[:200])


def test_every_public_function_is_tried() -> None:
    functions = {name for name in glyphrender.__all__ if callable(getattr(glyphrender, name))}
    values = {"Extended", "Fit", "Page", "PageStream", "PartSpan", "Ratio", "Span", "Theta", "Worth"}
    values |= {"Proposal", "Transcript", "default_typesetter"}
    errors = {name for name in functions if name.endswith(("Error", "Refused", "Spent"))}
    assert functions - values - errors <= CALLS.keys()


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(ThetaError, match=r"fontsize.*font_size.*dpi=-1.*columns=0") as caught:
        Theta(fontsize=9, columns=0, dpi=-1)  # type: ignore[call-arg]
    assert caught.value.fields == ("fontsize", "dpi", "columns")
    with pytest.raises(ThetaError, match=r"margin_x=.*margin_y=") as caught:
        Theta(page_size=(10, 10))
    assert caught.value.fields == ("margin_x", "margin_y")


def test_completion_offers_the_public_names_alone() -> None:
    shown = {name for name in dir(glyphrender) if not name.startswith("__")}
    assert shown == set(glyphrender.__all__) - {"__version__"}
