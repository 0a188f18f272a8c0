"""A plan as people read it: rows of a name and a value, and one plain sentence about the cost."""

from __future__ import annotations

from glyphrender.errors import counted
from glyphrender.train.recipe import GrpoRecipe
from glyphrender.train.recipe.plan import RunPlan, span

__all__ = ["cost_sentence", "plan_rows"]

_DAY = 86_400.0


def plan_rows(plan: RunPlan) -> list[tuple[str, str]]:
    """Return the plan as rows of a name and a value."""
    return [*_model_rows(plan), *_size_rows(plan), *_work_rows(plan), *_memory_rows(plan), *_time_rows(plan)]


def _unit(plan: RunPlan) -> str:
    """Return the word for one sequence that is trained on."""
    return "completion" if isinstance(plan.recipe, GrpoRecipe) else "sample"


def _model_rows(plan: RunPlan) -> list[tuple[str, str]]:
    trained = "all" if plan.trained == plan.parameters else f"{plan.trained:,} of {plan.parameters:,}"
    return [
        ("recipe", f"{plan.recipe.name}, digest {plan.recipe.digest}"),
        ("parameters", f"{plan.parameters:,}"),
        ("trained", trained),
    ]


def _size_rows(plan: RunPlan) -> list[tuple[str, str]]:
    """Return the tokens of a sequence and of a step."""
    unit = _unit(plan)
    return [
        (
            f"a full {unit}",
            f"{plan.visual_tokens:,} visual tokens ({counted(plan.pages, 'page')} of {plan.page_tokens}), "
            f"{plan.text_tokens:,} text tokens",
        ),
        ("positions", f"{plan.positions_used:,} of {plan.positions:,}: a page advances them by {max(plan.page)}"),
        (
            "a step",
            f"{plan.sequences:,} {unit}s, {plan.sequences * plan.visual_tokens:,} visual tokens, "
            f"{plan.sequences * plan.text_tokens:,} text tokens",
        ),
    ]


def _work_rows(plan: RunPlan) -> list[tuple[str, str]]:
    """Return the operations of a forward pass, of a sequence and of a step."""
    unit = _unit(plan)
    flops = [plan.sample_flops(recompute=again) for again in (False, True)]
    forward = plan.forward_parts()
    return [
        (f"forward pass of a {unit}", ", ".join(f"{name} {_flops(each)}" for name, each in forward.items())),
        (
            f"FLOPs of a {unit}",
            f"{_flops(flops[0])}, {_flops(flops[1])} with recomputation; its pages alone "
            f"{_flops(plan.sample_flops(recompute=False, text=False))} and "
            f"{_flops(plan.sample_flops(recompute=True, text=False))}",
        ),
        (
            "FLOPs of a step",
            f"{_flops(plan.step_flops(recompute=False))}, {_flops(plan.step_flops(recompute=True))} with recomputation",
        ),
    ]


def _memory_rows(plan: RunPlan) -> list[tuple[str, str]]:
    """Return what the memory of a GPU holds, and whether the plan fits."""
    recipe, machine, memory = plan.recipe, plan.recipe.machine, plan.memory
    checkpoints = (
        "of which checkpoints of the language model",
        f"{_bytes(plan.decoder_checkpoints)} for the pages of one sample",
    )
    return [
        (
            "weights, gradients, moments",
            f"{_bytes(plan.state_bytes)} in all, {_bytes(memory.states)} a GPU "
            f"({counted(machine.gpus, 'GPU')}, sharding {machine.sharding})",
        ),
        ("weights gathered", _bytes(memory.gathered)),
        (
            "activations kept",
            f"{_bytes(memory.activations.held)} for {counted(recipe.batch.per_device, _unit(plan))} at once"
            + (", on the host" if memory.offloaded else ""),
        ),
        *([checkpoints] if machine.checkpoint_layers else ()),
        ("activations of one layer", _bytes(memory.activations.peak)),
        (
            "peak of a GPU",
            f"{_bytes(memory.peak)} of {machine.memory:g} GB: " + ("fits" if plan.fits else "does not fit"),
        ),
    ]


def _time_rows(plan: RunPlan) -> list[tuple[str, str]]:
    """Return how long a step and the run take."""
    recipe, machine = plan.recipe, plan.recipe.machine
    seconds = [plan.seconds(recompute=again) for again in (False, True)]
    return [
        ("rate", f"{machine.tflops:g} TFLOP/s a GPU, {counted(machine.gpus, 'GPU')}"),
        ("a step takes", f"{span(*seconds)} s"),
        ("steps a day", span(*(_DAY / each for each in reversed(seconds)))),
        (f"all {recipe.optim.steps:,} steps", f"{_time(plan, text=True)}; the pages alone {_time(plan, text=False)}"),
    ]


def _time(plan: RunPlan, *, text: bool) -> str:
    days = [plan.days(recompute=again, text=text) for again in (False, True)]
    if days[1] < 1:
        return f"{span(*(day * 24 * 60 for day in days))} minutes"
    return f"{span(*days)} days"


def cost_sentence(plan: RunPlan) -> str:
    """Return the plain sentence about what the whole run costs."""
    recipe, machine = plan.recipe, plan.recipe.machine
    size = f"{plan.visual_tokens:,} visual tokens × {plan.sequences:,} × {recipe.optim.steps:,} steps"
    return (
        f"This run costs about {_time(plan, text=False)} of {counted(machine.gpus, 'GPU')} at {machine.tflops:g} "
        f"TFLOP/s each for its pages alone ({size}; the higher figure with recomputation), and "
        f"{_time(plan, text=True)} with its text, if every sample is full."
    )


def _flops(count: float) -> str:
    for unit, size in (("EF", 1e18), ("PF", 1e15), ("TF", 1e12)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e9:.3g} GF"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
