"""Which misconfigurations of a server `glyphrender doctor` finds, and whether it is quiet where nothing is wrong.

    python benchmarks/doctor_faults.py                  # a scripted server: every fault, every family without a fault
    python benchmarks/doctor_faults.py --generated 60   # faults drawn at random besides
    python benchmarks/doctor_faults.py --constants      # other constants of models that are not of the grid, no server
    python benchmarks/doctor_faults.py --served         # `transformers serve` with small models and changed processors

A line has a fault, what it should be found as, and what was found. The exit status is 1 if one was not found, or if a
server without a fault was called faulty.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from scripted_server import Script, ScriptedServer, serving

from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.preflight.counting import explanations
from glyphrender.inference.preflight.probes import CODES, PreflightPlan
from glyphrender.inference.preflight.run import PreflightReport, preflight
from glyphrender.models.families.grid import GridModel
from glyphrender.models.tokenizers import Tokenizer, tokenizer, tokenizer_of
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.theta import Theta

GLM = vision_model("glm-4.1v")
QWEN = vision_model("qwen3-vl")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault: its name, how the script differs, and the kinds of finding that stand for it."""

    name: str
    kinds: tuple[str, ...]
    change: dict[str, Any]
    on: str = "glm-4.1v"


def _areas(model: Any, least: int | None = None, most: int | None = None) -> dict[str, Any]:
    """A change of `min_pixels` and `max_pixels`, in pixels of one image."""
    areas = {"min_area": least, "max_area": most}
    return {"model": replace(model, **{name: value * model.frames for name, value in areas.items() if value})}


FAULTS = (
    Fault(name="min_pixels raised to 256 × 28 × 28", kinds=("min-pixels",), change=_areas(GLM, 200_704)),
    Fault(name="min_pixels lowered to 28 × 28", kinds=("min-pixels",), change=_areas(GLM, 784)),
    Fault(name="max_pixels lowered to 1280 × 28 × 28", kinds=("max-pixels",), change=_areas(GLM, None, 1_003_520)),
    Fault(name="max_pixels below a page", kinds=("max-pixels",), change=_areas(GLM, None, 301_056)),
    Fault(name="both limits of Qwen3-VL", kinds=("both-limits",), on="qwen3-vl",
          change=_areas(QWEN, 262_144, 1_003_520)),
    Fault(name="Qwen2.5-VL behind the name of a GLM", kinds=("other-model",),
          change={"model": vision_model("qwen2.5-vl")}),
    Fault(name="Gemma 3 behind the name of a GLM", kinds=("other-model",), change={"model": vision_model("gemma-3")}),
    Fault(name="another vocabulary, the same processor", kinds=("other-vocabulary",), change={"vocabulary": "qwen3"}),
    Fault(name="answers name another model", kinds=("named-otherwise",), change={"answers_as": "Qwen/Qwen2-VL-7B"}),
    Fault(name="tiles of 448 px, at most 6 of them", kinds=("other-constant",), on="internvl3",
          change={"model": replace(vision_model("internvl3"), most=6)}),  # type: ignore[call-arg]
    Fault(name="a gateway shrinks images to 1024 px", kinds=("longest-side",), change={"longest": 1024}, on="qwen2-vl"),
    Fault(name="a gateway halves images", kinds=("scaled",), change={"scale": 0.5}),
    Fault(name="a proxy crops margins", kinds=("content-decides",), change={"crops": 0.1}),
    Fault(name="images counted twice", kinds=("counted-again",), change={"times": 2}),
    Fault(name="images dropped by the template", kinds=("images-not-counted",), change={"keeps": "none"}),
    Fault(name="only the first image is kept", kinds=("pages-lost",), change={"keeps": "first"}),
    Fault(name="only the last image is kept", kinds=("pages-lost",), change={"keeps": "last"}),
    Fault(name="images moved before all text", kinds=("pages-moved",), change={"images_first": True}),
    Fault(name="a model without eyes", kinds=("images-refused",), change={"takes_images": False}),
    Fault(name="at most one image", kinds=("too-many-images",), change={"most_images": 1}),
    Fault(name="at most five images", kinds=("too-many-images",), change={"most_images": 5}),
    Fault(name="encoder cache of 3,721 tokens", kinds=("encoder-cache",), change={"encoder_cache": 3721}),
    Fault(name="grey PNGs refused", kinds=("grey-refused",), change={"takes_grey": False}),
    Fault(name="thoughts in the answer", kinds=("thoughts-in-answer",), change={"thoughts": "inline"}),
    Fault(name="thoughts without their first mark", kinds=("thoughts-in-answer",), change={"thoughts": "half"}),
    Fault(name="the answer taken for thoughts", kinds=("answer-in-thoughts",), change={"thoughts": "swallowed"}),
    Fault(name="max_tokens ignored", kinds=("limit-ignored",), change={"limit": "ignored"}),
    Fault(name="a limit of 32 tokens at the server", kinds=("limit-lowered",), change={"limit": 32}),
    Fault(name="finish_reason is always stop", kinds=("wrong-finish-reason",), change={"finish": "stop"}),
    Fault(name="no finish_reason", kinds=("no-finish-reason",), change={"finish": "none"}),
    Fault(name="no usage", kinds=("no-usage",), change={"usage": "none"}),
    Fault(name="no completion_tokens", kinds=("no-usage",), change={"usage": "no answer"}),
    Fault(name="streams without usage", kinds=("no-stream-usage",), change={"stream": "no usage"}),
    Fault(name="streams without finish_reason", kinds=("no-finish-reason",), change={"stream": "no finish"}),
    Fault(name="streams that come whole", kinds=("no-stream",), change={"stream": "whole"}),
    Fault(name="streams refused", kinds=("no-stream",), change={"stream": "refused"}),
    Fault(name="streams count otherwise", kinds=("stream-counts",), change={"stream": "other counts"}),
    Fault(name="streams of text/plain", kinds=("content-type",), change={"stream": "plain"}),
    Fault(name="answers of text/html", kinds=("content-type",), change={"content_type": "text/html"}),
    Fault(name="content as a list of parts", kinds=("odd-answer",), change={"content": "parts"}),
    Fault(name="stop tokens in answers", kinds=("special-tokens",), change={"suffix": "<|im_end|>"}),
    Fault(name="no prefix cache", kinds=("no-prefix-cache",), change={"cache": "none"}),
    Fault(name="only text is cached", kinds=("pages-not-cached",), change={"cache": "text", "hidden": 64}),
    Fault(name="a cache takes one page for another", kinds=("wrong-page",), change={"confuses": True}),
    Fault(name="instructions dropped", kinds=("no-system",), change={"takes_system": False}),
    Fault(name="a prompt of 400 tokens put before", kinds=("hidden-prompt",), change={"hidden": 400}),
    Fault(name="prompts cut at 2,048 tokens", kinds=("truncated",), change={"context": 2048}),
    Fault(name="prompts above 2,048 tokens refused", kinds=("prompt-refused",), change={"refuses_above": 2048}),
)  # fmt: skip


@cache
def plan_of(name: str, **options: Any) -> PreflightPlan:
    """The plan for a vision model, with its own tokenizer, or one of bytes where that is not known."""
    model = vision_model(name)
    own = tokenizer_of(name)
    counter = tokenizer(own) if own else Tokenizer("bytes", lambda text: len(text.encode()))
    theta = Theta().align_to(model) if model.grid is not None else Theta()
    return PreflightPlan(model=model, theta=theta, counter=counter, **options)


def script_of(plan: PreflightPlan, **change: Any) -> Script:
    """A server that serves the plan's model rightly, but for `change`."""
    counter = tokenizer(change.pop("vocabulary")) if "vocabulary" in change else plan.counter
    assert counter is not None
    reads = {b64encode(picture.data).decode("ascii"): code for picture, code in zip(plan.pages, CODES, strict=True)}
    return Script(**{"model": plan.model, "tokenizer": counter, "reads": reads, **change})


def report_of(plan: PreflightPlan, script: Script, server: ScriptedServer) -> PreflightReport:
    """What the preflight finds at a scripted server."""
    server.script = script
    return preflight(Endpoint(base_url=server.url, model=script.name, timeout=30.0, retries=0), plan)


def kinds(report: PreflightReport) -> list[str]:
    """The kinds of the faults."""
    return [finding.kind for finding in report.faults]


def generated(count: int, seed: int) -> Iterator[Fault]:
    """Faults whose numbers are drawn: other limits, other models, other places in the way."""
    draw = random.Random(seed)
    grids = [name for name in VISION_MODELS if isinstance(vision_model(name), GridModel)]
    limits = ("min-pixels", "max-pixels", "both-limits", "other-model", "other-counts")
    rules = (*limits, "other-constant", "longest-side", "scaled", "one-size")
    for number in range(count):
        on = draw.choice(grids)
        model: Any = vision_model(on)
        page = 588 * 840
        match number % 8:
            case 0:
                least = draw.randrange(2 * (model.limits.min_pixels or 1), page)
                yield Fault(name=f"{on}: min_pixels {least:,}", kinds=limits, change=_areas(model, least), on=on)
            case 1:
                most = draw.randrange(50_000, 1_900_000)
                yield Fault(name=f"{on}: max_pixels {most:,}", kinds=limits, change=_areas(model, None, most), on=on)
            case 2:
                least, most = draw.randrange(100_000, 250_000), draw.randrange(260_000, 1_500_000)
                change = _areas(model, least, most)
                yield Fault(name=f"{on}: {least:,} … {most:,} px", kinds=limits, change=change, on=on)
            case 3:
                other = draw.choice([name for name in VISION_MODELS if _differs(name, on)])
                change = {"model": vision_model(other)}
                yield Fault(name=f"{other} behind the name of {on}", kinds=rules, change=change, on=on)
            case 4:
                longest = draw.randrange(300, 1700)
                yield Fault(name=f"{on}: shrunk to {longest} px", kinds=rules, change={"longest": longest}, on=on)
            case 5:
                scale = draw.choice([0.3, 0.4, 0.6, 0.8, 0.9, 1.2, 1.4])
                yield Fault(name=f"{on}: scaled by {scale}", kinds=rules, change={"scale": scale}, on=on)
            case 6:
                most = draw.randrange(2, 16)
                change = {"most_images": most}
                yield Fault(name=f"{on}: at most {most} images", kinds=("too-many-images",), change=change, on=on)
            case _:
                context = draw.randrange(1_000, 4_000)
                change = {"context": context}
                yield Fault(name=f"{on}: prompts cut at {context:,}", kinds=("truncated",), change=change, on=on)


def _differs(name: str, on: str) -> bool:
    """Whether two open models differ in what they count: some have one processor."""
    if vision_model(name).hosted or name.endswith("-several"):
        return False
    sizes = plan_of(on).sizes.values()
    there, here = vision_model(name), vision_model(on)
    gaps = {there.image(*size).tokens - here.image(*size).tokens for size in sizes}
    return len(gaps) > 1 or abs(max(gaps)) > 8


def scripted(faults: tuple[Fault, ...]) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """(fault, kinds that stand for it, kinds that were found), for the scripted server."""
    with serving() as server:
        for fault in faults:
            plan = plan_of(fault.on)
            yield fault.name, fault.kinds, kinds(report_of(plan, script_of(plan, **fault.change), server))


def quiet() -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    """(server without a fault, (), kinds that were found), for every open vision model."""
    with serving() as server:
        for name in VISION_MODELS:
            if vision_model(name).hosted or name.endswith("-several"):
                continue
            plan = plan_of(name)
            for thoughts, cached in (("apart", "right"), ("none", "unreported")):
                found = report_of(plan, script_of(plan, thoughts=thoughts, cache=cached), server)
                yield f"{name}, thoughts {thoughts}, cache {cached}", (), kinds(found)


# Constants of models that are not of the grid, and values that a processor's file might have.
CONSTANTS: dict[str, tuple[str, Sequence[int]]] = {
    "internvl3": ("most", range(1, 12)),
    "deepseek-ocr": ("most", range(2, 9)),
    "llama-4": ("most", range(1, 16)),
    "phi-4-multimodal": ("most", range(4, 36)),
    "llava-onevision": ("most", range(1, 9)),
    "idefics3": ("longest", range(364, 3000, 364)),
    "smolvlm": ("longest", range(384, 3000, 384)),
    "pixtral": ("longest", range(256, 2048, 64)),
    "mistral-small-3.1": ("longest", range(280, 2900, 140)),
    "gemma-4": ("budget", (70, 140, 560, 1120)),
}


def constants(seed: int) -> bool:
    """Print how many other constants are found, of those that change a page, and of those that change any size."""
    draw = random.Random(seed)
    all_found = True
    for name, (field, values) in CONSTANTS.items():
        plan = plan_of(name)
        model: Any = plan.model
        page = plan.sizes["page"]
        near = [(round(page[0] * draw.uniform(0.3, 1.6)), round(page[1] * draw.uniform(0.3, 1.6))) for _ in range(40)]
        of_page, of_any = [0, 0], [0, 0]
        for value in values:
            changed = replace(model, **{field: value})
            costs = {size: (_cost(model, size), _cost(changed, size)) for size in (page, *near)}
            found = bool(explanations(model, [(size, _cost(changed, size)) for size in plan.sizes.values()]))
            for counts, counted in ((of_page, [costs[page]]), (of_any, [*costs.values()])):
                if any(here != there for here, there in counted):
                    counts[0] += found
                    counts[1] += 1
        print(f"| {name} | {field} | {of_page[0]} of {of_page[1]} | {of_any[0]} of {of_any[1]} |", flush=True)
        all_found = all_found and of_page[0] == of_page[1]
    return all_found


def _cost(model: Any, size: tuple[int, int]) -> int:
    cost = model.image(*size)
    return int(cost.tokens + cost.overhead)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=int, default=0, help="faults that are drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--constants", action="store_true", help="other constants of models that are not of the grid")
    parser.add_argument("--served", action="store_true", help="run `transformers serve`")
    given = parser.parse_args()
    if given.constants:
        return 0 if constants(given.seed) else 1
    rows: list[tuple[str, tuple[str, ...], list[str]]] = []
    if given.served:
        from doctor_served import served

        with tempfile.TemporaryDirectory() as room:
            rows = _printed(served(Path(room)))
    elif given.generated:
        rows = _printed(scripted(tuple(generated(given.generated, given.seed))))
    else:
        rows = [*_printed(scripted(FAULTS)), *_printed(quiet())]
    missed = [
        name for name, wanted, found in rows if (wanted and not set(wanted) & set(found)) or (not wanted and found)
    ]
    faulty = sum(1 for _, wanted, _ in rows if wanted)
    wrong = sum(1 for name, wanted, _ in rows if wanted and name in missed)
    print(f"\n{faulty - wrong} of {faulty} faults found.")
    print(f"{len(missed) - wrong} false alarms over {len(rows) - faulty} servers without a fault.")
    return 1 if missed else 0


def _printed(rows: Iterator[tuple[str, tuple[str, ...], list[str]]]) -> list[tuple[str, tuple[str, ...], list[str]]]:
    kept = []
    for name, wanted, found in rows:
        good = bool(set(wanted) & set(found)) if wanted else not found
        cells = [name, wanted[0] if wanted else "nothing", ", ".join(found) or "nothing", "" if good else "MISSED"]
        print(f"| {' | '.join(cells)} |")
        sys.stdout.flush()
        kept.append((name, wanted, found))
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
