"""A run → the values of its report, as JSON: figures of each condition, comparisons, and the list of what is missing.

Times, and what other runs with the same store of replies have spent, are not among them. So a run that was killed and
resumed has the same report, to the byte, as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from glyphrender._system.version import __version__
from glyphrender.evals.arms import Arm, Condition
from glyphrender.evals.compare import comparisons
from glyphrender.evals.outcome import Outcome
from glyphrender.evals.rho import rhos
from glyphrender.tasks.statistics import mean_interval

if TYPE_CHECKING:
    from glyphrender.evals.runner import Run

__all__ = ["bucket_order", "departures", "run_name", "summary"]

#: Buckets that are words, in the order of their lengths or difficulty.
_WORDS: Final = ("short", "medium", "long", "easy", "hard")
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmM]?)")
_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_LONGEST_NAME: Final = 180


def run_name(run: Run, keys: Sequence[str] | None = None) -> str:
    """Return the name of a run's files: benchmark, revision, protocol, θ, model, sampling, arms and number of items.

    Six hex digits at the end stand for all else that decides a report: which items, the counters of tokens, the judge
    and the settings. So two runs with different reports never have one name.

    Args:
        run: the run.
        keys: keys of the items, for a run that has no outcomes yet. By default, those of the outcomes.
    """
    if keys is None:
        keys = list(dict.fromkeys(each.item.key for each in run.outcomes))
    digests = list(dict.fromkeys(each.theta.digest for each in run.conditions if each.theta is not None))
    theta = digests[0][:10] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()[:10]
    name = "_".join(
        _slug(part)
        for part in (
            run.benchmark.name,
            run.benchmark.revision,
            run.benchmark.protocol.name,
            f"{'theta' if len(digests) == 1 else f'{len(digests)}thetas'}-{theta}" if digests else "no-theta",
            run.model.rstrip("/").rpartition("/")[2],
            _sampling_name(run),
            "-".join(dict.fromkeys(each.arm.value for each in run.conditions)),
            f"{len(keys)}items-{_rest(run, keys)}",
        )
    )
    return (
        name
        if len(name) <= _LONGEST_NAME
        else f"{name[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    )


def summary(run: Run) -> dict[str, Any]:
    """Return the values of the report of a run."""
    benchmark, protocol = run.benchmark, run.benchmark.protocol
    by_condition = [run.of(each) for each in run.conditions]
    thetas = {each.theta.digest: each.theta for each in run.conditions if each.theta is not None}
    return {
        "name": run_name(run),
        "glyphrender": __version__,
        "benchmark": benchmark.name,
        "revision": benchmark.revision,
        "protocol": {
            "name": protocol.name,
            "source": protocol.source,
            "sampling": dict(protocol.sampling),
            "thoughts": protocol.thoughts,
            "note": protocol.note,
        },
        "model": run.model,
        "judge": run.judge,
        "sampling": dict(run.sampling),
        "departures": departures(run),
        "vision": run.poser.vision.name,
        "tokenizer": run.poser.tokenizer.name,
        "items": _items(run),
        "of_items": len(benchmark.items),
        "alike": sum(each.alike for each in by_condition[0]),
        "thetas": {digest: theta.to_dict() for digest, theta in thetas.items()},
        "conditions": [
            _condition(run, condition, outcomes)
            for condition, outcomes in zip(run.conditions, by_condition, strict=True)
        ],
        "comparisons": [asdict(each) for each in comparisons(by_condition)],
        "missing": [
            {"key": each.item.key, "task": each.item.task, "condition": each.condition, "status": each.status,
             "problem": each.problem}
            for each in run.outcomes if each.status != "answered"
        ],
    }  # fmt: skip


def departures(run: Run) -> list[str]:
    """Return, in words, where a run departs from its protocol."""
    found = []
    settings, protocol = run.settings, run.benchmark.protocol
    changed = settings.get("changed_sampling") or {}
    wanted = {**protocol.sampling, **changed}
    if run.sampling.get("decoding") == "greedy":
        if wanted.get("temperature"):
            found.append(f"decoding is greedy; a temperature of {wanted['temperature']} is not applied")
    else:
        for name, value in sorted(changed.items()):
            given = protocol.sampling.get(name)
            if value != given:
                is_now = "left out" if value is None else value
                found.append(f"{name} is {is_now}; the protocol's is {'not set' if given is None else given}")
    if settings.get("thinking_tokens"):
        found.append(f"a reply may have {settings['thinking_tokens']} tokens more than the protocol allows")
    if settings.get("limit") is not None:
        found.append(f"only the first {settings['limit']} items of each task were asked")
    return found


def bucket_order(names: Iterable[str]) -> list[str]:
    """Return names of buckets by the numbers in them, or by known words; else in their own order.

    >>> bucket_order(["8k+", "4-8k", "<4k", "64K-128K", "512K-1M"])
    ['<4k', '4-8k', '8k+', '64K-128K', '512K-1M']
    """
    different = list(dict.fromkeys(names))
    if all(name in _WORDS for name in different):
        return sorted(different, key=_WORDS.index)
    if all(_NUMBER.search(name) for name in different):
        return sorted(different, key=_size)
    return different


def _condition(run: Run, condition: Condition, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    ratios = rhos(outcomes)
    missing = Counter(each.status for each in outcomes if each.status != "answered")
    figures = run.benchmark.summary([each.reply_scored for each in outcomes])
    costs = [each.cost for each in outcomes]
    return {
        "name": condition.name,
        "arm": condition.arm.value,
        "theta": None if condition.theta is None else condition.theta.digest,
        **_mean(outcomes),
        "figures": {name: float(value) for name, value in figures.items()},
        "rho_visual": ratios.visual,
        "rho_prompt": ratios.prompt,
        "rho_effective": ratios.effective,
        "server_counted": ratios.counted,
        "pages": sum(cost.pages for cost in costs),
        "context_tokens": sum(cost.context_tokens for cost in costs),
        "shown_tokens": sum(cost.shown_tokens for cost in costs),
        "prompt_tokens": _known_sum(each.all_prompt_tokens for each in outcomes),
        "completion_tokens": _known_sum(each.completion_tokens for each in outcomes),
        "dollars": _known_sum(each.dollars for each in outcomes),
        **({} if condition.arm is not Arm.EXPANDED else {"expanded": _expanded(outcomes)}),
        "missing": dict(sorted(missing.items())),
        "cut": sum(each.cut for each in outcomes),
        "empty": sum(each.status == "answered" and not (each.scored or "").strip() for each in outcomes),
        "tasks": _groups(outcomes, lambda each: each.item.task),
        "buckets": {
            bucket: _ordered(_groups([each for each in outcomes if bucket in each.item.buckets], _value_of(bucket)))
            for bucket in sorted({bucket for each in outcomes for bucket in each.item.buckets})
        },
    }


def _expanded(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what models asked for: per item, and how well the pages were chosen where evidence is known."""
    traces = [each.trace for each in outcomes if each.trace is not None]
    chosen = [each.selection for each in outcomes if each.selection is not None]
    paid = sum(trace.paid_tokens for trace in traces)
    return {
        "items": len(traces),
        "calls": _average([len(trace.calls) for trace in traces]),
        "served": _average([len(trace.served) for trace in traces]),
        "tokens": _average([trace.expansion_tokens for trace in traces]),
        "ended": dict(sorted(Counter(trace.ended for trace in traces).items())),
        "rho_effective_once": sum(trace.text_tokens for trace in traces) / paid if paid else None,
        "with_evidence": len(chosen),
        "page_recall": _average([each.recall for each in chosen]),
        "page_precision": _average([each.precision for each in chosen]),
        "page_hit": _average([float(each.hit) for each in chosen]),
        "page_exact": _average([float(each.exact) for each in chosen]),
    }


def _average(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mean(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    values = [each.value for each in outcomes]
    graded = any(0 < value < 1 for value in values)
    found = mean_interval(values, graded=graded)
    return {"count": len(values), "mean": found.mean, "low": found.low, "high": found.high, "graded": graded}


def _groups(outcomes: Sequence[Outcome], group: Callable[[Outcome], str]) -> dict[str, dict[str, Any]]:
    found: dict[str, list[Outcome]] = {}
    for each in outcomes:
        found.setdefault(group(each), []).append(each)
    return {
        name: {**_mean(members), "rho_visual": rhos(members).visual, "rho_prompt": rhos(members).prompt}
        for name, members in found.items()
    }


def _value_of(bucket: str) -> Callable[[Outcome], str]:
    return lambda each: each.item.buckets[bucket]


def _ordered(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {name: groups[name] for name in bucket_order(groups)}


def _known_sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _rest(run: Run, keys: Sequence[str]) -> str:
    """Return six hex digits for what decides a report and is no other part of its name."""
    values = [[*keys], run.model, run.judge, run.poser.identity, run.settings]
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=repr).encode("ascii")).hexdigest()[:6]


def _items(run: Run) -> int:
    return len(run.outcomes) // max(1, len(run.conditions))


def _sampling_name(run: Run) -> str:
    text = "-".join(f"{name}{value}" for name, value in sorted(run.sampling.items()))
    if len(text) > 48 or not re.fullmatch(r"[\w.-]*", text):
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"temperature{run.sampling.get('temperature', '-default')}-{digest}"
    return text or "default-sampling"


def _slug(text: str) -> str:
    return re.sub(r"[^\w.+@-]+", "-", text).strip("-")


def _size(name: str) -> tuple[float, ...]:
    found = _NUMBER.findall(name)
    units = [unit.lower() for _, unit in found]
    last = next((unit for unit in reversed(units) if unit), "")
    sizes = [float(number) * _UNITS[unit or last] for (number, _), unit in zip(found, units, strict=True)]
    return (0.0, *sizes) if name.lstrip().startswith(("<", "≤")) else tuple(sizes)
