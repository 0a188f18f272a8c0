"""Pages for other harnesses: prompts of lm_eval split exactly, and items in the chat forms of three others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strategies import examples

from glyphrender import DataError, DependencyError, Theta
from glyphrender.document.document import Document
from glyphrender.evals.arms import Poser, conditions_of
from glyphrender.evals.chat_export import FORMS, export_items
from glyphrender.evals.lm_eval import pages_lm, register, split_prompt
from glyphrender.evals.needle import needle
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model

texts = st.text("ab \n", max_size=40)


@given(before=texts, context=st.text("cd\n", min_size=5, max_size=60), after=texts)
@examples(80)
def test_a_prompt_splits_into_parts_that_are_the_prompt(before: str, context: str, after: str) -> None:
    prompt = before + context + after
    parts = split_prompt(prompt, {"context": context}, least=5)
    assert "".join(parts) == prompt
    assert parts.context in ("", context)
    assert parts.context or prompt.count(context) != 1


def test_a_row_of_ruler_keeps_its_first_and_last_line_as_text() -> None:
    prompt = "Some numbers are hidden.\n" + "The grass is green.\n" * 40 + "What are the numbers? The numbers are"
    parts = split_prompt(prompt, {"input": prompt, "outputs": ["7"]})
    assert parts.before == "Some numbers are hidden.\n"
    assert parts.after == "\nWhat are the numbers? The numbers are"
    assert "".join(parts) == prompt
    for row in ({}, {"context": "absent " * 100}, {"context": "a" * 10}, {"input": "one line"}, {"context": None}):
        assert split_prompt("one line", row) == ("one line", "", "")


@dataclass
class Echo:
    """A model that tells what it was sent."""

    seen: list[tuple[Any, ...]] = field(default_factory=list)
    reply: str = "<think>so</think>first\nsecond"

    @property
    def identity(self) -> list[Any]:
        return ["echo"]

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        parts = conversation.turns[-1].parts
        self.seen.append((*(type(part).__name__ for part in parts), max_tokens))
        return Reply(text=self.reply)


@pytest.fixture
def lm_eval_stub(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The two names of lm_eval that are used: the base class of models, and the registry."""
    registered: dict[str, Any] = {}

    class LM:
        def __init__(self) -> None:
            self.cache_hook = SimpleNamespace(add_partial=lambda *given: None)

    model, registry = ModuleType("lm_eval.api.model"), ModuleType("lm_eval.api.registry")
    model.LM = LM  # type: ignore[attr-defined]
    registry.register_model = lambda name: lambda made: registered.setdefault(name, made)  # type: ignore[attr-defined]
    for module in (ModuleType("lm_eval"), ModuleType("lm_eval.api"), model, registry):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return registered


def request(prompt: str, row: dict[str, Any], **settings: Any) -> SimpleNamespace:
    return SimpleNamespace(args=(prompt, settings), doc=row)


def test_contexts_of_lm_eval_become_pages(lm_eval_stub: dict[str, Any]) -> None:
    model, context = Echo(), "The letter was long. " * 40
    lm = pages_lm(model, Theta.preset("dense@glm-4.1v"), concurrency=1)
    asked = [
        request(f"Read this.\n{context}\nWho wrote?", {"context": context}, max_gen_toks=32, until=["\n"]),
        request("Who wrote?", {"context": "short"}, until=None),
    ]
    assert lm.generate_until(asked) == ["first", "first\nsecond"]
    assert model.seen == [("str", "Document", "str", 32), ("str", 256)]
    assert (lm.pages, lm.unsplit) == (1, 1)
    with pytest.raises(DataError, match="generate_until"):
        lm.loglikelihood(asked)


def test_the_command_line_of_lm_eval_knows_the_model_and_its_arguments(lm_eval_stub: dict[str, Any]) -> None:
    register()
    made = lm_eval_stub["glyphrender"](base_url="http://127.0.0.1:1/v1", model="m", preset="code", batch_size=1)
    assert (made.theta, made.model.endpoint.temperature) == (Theta.preset("code"), 0.0)
    with pytest.raises(DataError, match=r"presett.*base_url"):
        lm_eval_stub["glyphrender"](presett="code")
    with pytest.raises(DataError, match="both given"):
        lm_eval_stub["glyphrender"](preset="code", theta="a.json")


def test_without_lm_eval_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.setitem(sys.modules, "lm_eval.api.model", None)
    with pytest.raises(DependencyError, match="extra lm-eval"):
        pages_lm(Echo())


@pytest.mark.parametrize("form", FORMS)
def test_items_are_written_with_their_pages_in_the_form_of_a_harness(form: str, tmp_path: Path) -> None:
    benchmark = needle(kinds=["word", "uuid"], lengths=[1500], depths=[50], repeats=1)
    (condition,) = conditions_of(["pages"], [Theta.preset("dense@glm-4.1v")])
    poser = Poser(vision=vision_model("glm-4.1v"), tokenizer=tokenizer("glm-4"))
    assert export_items(benchmark, condition, poser, tmp_path / "out", form=form) == 2
    rows = [json.loads(line) for line in (tmp_path / "out/items.jsonl").read_text(encoding="utf-8").splitlines()]
    pages = sorted((tmp_path / "out/pages").iterdir())
    document = poser.pose(benchmark.items[0], condition).conversation.documents[0]
    assert isinstance(document, Document)
    for row, item, path in zip(rows, benchmark.items, pages, strict=True):
        (message,) = row["input" if form == "inspect" else "question" if form == "opencompass" else "messages"]
        image, text = message["content"]
        expected = {
            "inspect": {"type": "image", "image": str(path)},
            "evalscope": {"type": "image_url", "image_url": {"url": str(path)}},
            "opencompass": {"type": "image", "image_url": str(path)},
        }
        assert image == expected[form]
        assert text == {"type": "text", "text": item.turns[0].parts[1]}
        target = row["target" if form == "inspect" else "answer"]
        assert target == ([item.answers[0]] if form == "opencompass" else item.answers[0])
    with Image.open(pages[0]) as page:
        assert page.size == document[0].size
    facts = json.loads((tmp_path / "out/protocol.json").read_text(encoding="utf-8"))
    assert (facts["benchmark"], facts["protocol"], facts["form"]) == ("needle", "glyphrender", form)
    with pytest.raises(DataError, match="has files"):
        export_items(benchmark, condition, poser, tmp_path / "out", form=form)
    with pytest.raises(DataError, match=r"'helm'.*inspect, evalscope, opencompass"):
        export_items(benchmark, condition, poser, tmp_path / "new", form="helm")
