"""`glyphrender doctor`: every seeded fault of a server is found, and a server without a fault is called clean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from click.testing import CliRunner
from doctor_faults import FAULTS, Fault, generated, kinds, plan_of, report_of, script_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import ScriptedServer, serving

from glyphrender import DataError, DependencyError, EndpointError, Theta
from glyphrender.cli import command
from glyphrender.cli.installation import parts
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.lensvlm import LENS_PRESETS
from glyphrender.inference.preflight.counting import explanations
from glyphrender.inference.preflight.findings import PROGRAMS, REMEDIES, settings_of
from glyphrender.inference.preflight.probes import CODES, PreflightPlan
from glyphrender.inference.preflight.run import preflight
from glyphrender.models.families.grid import GridModel
from glyphrender.models.vision import VISION_MODELS, vision_model


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with serving() as state:
        yield state


SIZES = ((48, 33), (1596, 206), (588, 840), (2357, 3363))
# One of each family, and both of a family where they differ.
FAMILIES = (
    "glm-4.1v", "qwen3-vl", "internvl3", "deepseek-ocr", "idefics3", "llava-onevision", "pixtral", "gemma-3",
    "gemma-4", "llama-4", "phi-4-multimodal",
)  # fmt: skip


def counts(model: Any, constant: int = 0) -> list[tuple[tuple[int, int], int]]:
    return [(size, model.image(*size).tokens + model.image(*size).overhead + constant) for size in SIZES]


# -- the rule behind counts ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in VISION_MODELS if not vision_model(name).hosted])
@pytest.mark.parametrize("constant", [-2, 0, 5])
def test_a_models_own_counts_need_no_explanation(name: str, constant: int) -> None:
    assert explanations(vision_model(name), counts(vision_model(name), constant)) == []


@given(st.sampled_from(["glm-4.1v", "qwen2-vl", "qwen3-vl"]), st.integers(100_000, 400_000), st.integers(0, 4))
@settings(max_examples=8, deadline=None)
def test_a_raised_limit_is_found_within_an_interval_that_has_it(name: str, least: int, constant: int) -> None:
    model = vision_model(name)
    assert isinstance(model, GridModel)
    changed = replace(model, min_area=least * model.frames)
    (first, *_) = explanations(model, counts(changed, constant))
    assert first.kind == "min-pixels"
    assert isinstance(first.model, GridModel)
    # A value of the interval gives the same counts as the one that is set.
    assert counts(first.model) == counts(changed)


def test_counts_of_another_model_are_named() -> None:
    (first, *_) = explanations(vision_model("glm-4.1v"), counts(vision_model("pixtral"), 1))
    assert first.kind == "other-model"
    assert "pixtral" in first.words


def test_counts_that_no_rule_gives_are_told_as_such() -> None:
    odd = [(size, 97 + 31 * number) for number, size in enumerate(SIZES)]
    assert [each.kind for each in explanations(vision_model("qwen3-vl"), odd)] == ["other-counts"]


# -- a whole preflight ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_a_server_that_is_configured_well_is_clean(name: str, server: ScriptedServer) -> None:
    plan = plan_of(name)
    assert kinds(report_of(plan, script_of(plan, cache="unreported"), server)) == []


def test_a_model_that_does_not_think_on_a_server_with_a_cache_is_clean(server: ScriptedServer) -> None:
    plan = plan_of("qwen3-vl")
    report = report_of(plan, script_of(plan, thoughts="none"), server)
    assert report.findings == ()
    assert [seen.probe for seen in report.observations] == [probe.name for probe in plan.probes]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_is_found(fault: Fault, server: ScriptedServer) -> None:
    plan = plan_of(fault.on)
    found = report_of(plan, script_of(plan, **fault.change), server)
    assert set(fault.kinds) & set(kinds(found))
    assert not {"other-counts", "other-vocabulary"} & set(kinds(found)) - set(fault.kinds)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*generated(8, seed=7)], ids=lambda fault: fault.name)
def test_a_fault_that_was_drawn_is_found(fault: Fault, server: ScriptedServer) -> None:
    plan = plan_of(fault.on)
    assert set(fault.kinds) & set(kinds(report_of(plan, script_of(plan, **fault.change), server)))


def test_the_finding_says_what_was_seen_what_was_predicted_and_what_to_set(server: ScriptedServer) -> None:
    plan = plan_of("glm-4.1v")
    limits = next(fault for fault in FAULTS if fault.name == "max_pixels below a page")
    (finding,) = report_of(plan, script_of(plan, program="vllm", **limits.change), server).faults
    assert "max_pixels is between" in finding.seen
    assert "630" in finding.advice  # what a page of θ takes with the model's own limits
    assert [program for program, _ in finding.settings] == ["vllm"]
    assert '"longest_edge": 9633792' in finding.settings[0][1]


def test_the_largest_number_of_images_that_is_taken_is_found(server: ScriptedServer) -> None:
    plan = plan_of("glm-4.1v")
    (finding,) = report_of(plan, script_of(plan, most_images=11), server).faults
    assert "11 are taken" in finding.seen


def test_a_page_that_is_not_read_is_a_note(server: ScriptedServer) -> None:
    plan = plan_of("glm-4.1v")
    report = report_of(plan, replace(script_of(plan), reads={}), server)
    assert report.faults == ()
    assert [finding.kind for finding in report.findings] == ["not-read"]


@pytest.mark.parametrize("images", [1, 4])
def test_pages_carry_their_codes_and_have_one_size(images: int) -> None:
    plan = plan_of("qwen3-vl", images=images)
    first, second = plan.pages
    assert first.size == second.size == plan.sizes["page"]
    assert first.data != second.data
    assert len(set(CODES)) == 2
    assert plan.many == max(2, images)


def test_prompts_stay_within_the_stated_tokens() -> None:
    for name in FAMILIES:
        plan = plan_of(name, most=2048)
        # A page of the user's has the size that it has; the other probes are held within the limit.
        longest = max(probe.tokens for probe in plan.probes if probe.name in ("long text", "many"))
        assert longest <= max(2048 + 200, 2 * plan.tokens(plan.probes[10]))


def test_a_server_that_is_down_and_one_that_fails_at_once_are_errors(server: ScriptedServer) -> None:
    plan = plan_of("glm-4.1v")
    with pytest.raises(EndpointError, match="cannot be reached"):
        preflight(Endpoint(base_url="http://127.0.0.1:9/v1", model="m", timeout=5.0), plan)
    with pytest.raises(EndpointError, match="a question of one line"):
        report_of(plan, script_of(plan, refuses_above=1), server)


@pytest.mark.parametrize("name", ["images", "most", "answer"])
def test_a_number_that_is_too_small_or_too_large_is_refused(name: str) -> None:
    with pytest.raises(DataError, match=f"{name}=0 is too small"):
        PreflightPlan(model=vision_model("glm-4.1v"), theta=Theta(), **{name: 0})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"{name}=.* is too large"):
        PreflightPlan(model=vision_model("glm-4.1v"), theta=Theta(), **{name: 10**14})  # type: ignore[arg-type]


def test_remedies_name_known_servers_and_have_their_values() -> None:
    values = {"images": 9, "parser": "p", "limits": "l", "tokens": "t", "tokens_most": 7}
    for kind, rows in REMEDIES.items():
        assert set(rows) <= set(PROGRAMS)
        for program in rows:
            ((found, words),) = settings_of(kind, program, values)
            assert found == program
            assert "{{" not in words


# -- the command ---------------------------------------------------------------------------------------


def test_the_command_prints_findings_and_its_status_says_whether_there_are_faults(server: ScriptedServer) -> None:
    server.script = script_of(plan_of("glm-4.1v"), name="zai-org/GLM-4.1V-9B-Thinking", limit="ignored")
    run = CliRunner().invoke(command, ["doctor", "--base-url", server.url])
    assert run.exit_code == 1
    assert "limit-ignored (fault" in run.stdout
    assert "1 fault" in run.stdout
    assert "tokens of prompts" in run.stderr
    as_json = CliRunner().invoke(command, ["doctor", "--base-url", server.url, "--json"])
    assert as_json.exit_code == 1
    found = json.loads(as_json.stdout)
    assert found["clean"] is False
    assert found["vision"] == "glm-4.1v"
    assert [row["probe"] for row in found["probes"]][:3] == ["text", "stream", "system"]


def test_a_dry_run_sends_nothing() -> None:
    given = ["doctor", "--vision", "qwen3-vl", "--dry-run", "--model", "m", "--price", "1,2"]
    run = CliRunner().invoke(command, given)
    assert run.exit_code == 0
    assert "many" in run.stdout
    assert "at most $" in run.stderr


# -- the installation ----------------------------------------------------------------------------------


def test_a_part_that_is_missing_is_no_fault_and_one_that_fails_is_broken() -> None:
    def fails(error: Exception) -> Callable[[], str]:
        def check() -> str:
            raise error

        return check

    wrapped = DependencyError.of(ImportError("no libfoo.so"), "reading needs the package foo", extra="reader")
    found = parts(
        [
            ("drawing", "", lambda: "a page"),
            ("client", "chat", fails(ModuleNotFoundError("openai"))),
            ("reader", "reader", fails(DependencyError.of(ModuleNotFoundError(), "it needs foo", extra="reader"))),
            ("library", "reader", fails(wrapped)),
            ("loader", "train", fails(ImportError("undefined symbol"))),
            ("wrong", "ratio", fails(ValueError("read nothing"))),
        ]
    )
    assert [part.state for part in found] == ["works", "missing", "missing", "broken", "broken", "broken"]


def test_the_core_of_this_installation_works() -> None:
    found = list(islice(parts(), 4))
    assert [part.state for part in found] == ["works"] * 4
    assert "skia-python" in found[0].detail


def test_styles_are_tried_with_markdown_and_highlighted_code() -> None:
    (found,) = [part for part in islice(parts(), 4) if part.extra == "markup"]
    assert found.state == "works"
    assert "markdown-it-py" in found.detail
    assert "Pygments" in found.detail


# -- pages of a dense θ --------------------------------------------------------------------------------


def dense_plan(model: str = "qwen3.5") -> PreflightPlan:
    """A plan for pages of the size of LensVLM's preset 10x."""
    width, height = LENS_PRESETS["10x"].size
    return replace(plan_of(model, images=8), theta=Theta(page_size=(width, height)))


def test_pages_that_the_default_least_area_enlarges_are_a_note_with_both_counts(server: ScriptedServer) -> None:
    plan, preset = dense_plan(), LENS_PRESETS["10x"]
    report = report_of(plan, script_of(plan), server)
    (finding,) = [each for each in report.findings if each.kind == "page-resized"]
    assert report.faults == ()
    cost = plan.model.image(*preset.size).tokens
    found = re.search(r"8 of 8 pages .* px: ([\d,]+) tokens in place of ([\d,]+), so ρ falls by .* ([\d.]+)\. Serve",
                      finding.advice)  # fmt: skip
    assert found
    tokens, without = (int(each.replace(",", "")) for each in found.groups()[:2])
    assert tokens == 8 * cost
    assert [round(8 * preset.tokens / each, 1) for each in (without, tokens)] == [11.2, 7.7]
    assert float(found[3]) == pytest.approx(preset.intended_ratio() / preset.ratio(), abs=0.01)


def test_a_server_that_was_told_to_enlarge_nothing_is_a_note_and_no_fault(server: ScriptedServer) -> None:
    plan = dense_plan()
    assert isinstance(plan.model, GridModel)
    told = report_of(plan, script_of(plan, model=replace(plan.model, min_area=plan.model.frames)), server)
    assert told.faults == ()
    (finding,) = [each for each in told.findings if each.probe == "blank"]
    assert finding.kind == "min-pixels"  # and nothing is said of pages that would be enlarged
    assert "48 visual tokens instead of 70" in finding.advice
    # Where pages are large enough for the model's own limit, a lower limit changes nothing that was meant: a fault.
    plain = plan_of("qwen3.5")
    assert kinds(report_of(plain, script_of(plain, model=replace(plan.model, min_area=plan.model.frames)), server))


def test_the_limit_that_a_server_has_decides_what_is_said_of_pages(server: ScriptedServer) -> None:
    plan = dense_plan()
    assert isinstance(plan.model, GridModel)
    raised = replace(plan.model, min_area=4 * plan.model.min_area)
    found = report_of(plan, script_of(plan, model=raised), server).findings
    (finding,) = [each for each in found if each.kind == "page-resized"]
    assert f"{8 * raised.image(*plan.sizes['page']).tokens:,} tokens in place of 384" in finding.advice
