"""One runner for every benchmark: items × conditions, asked of one model, kept in a store, within budgets.

A reply is stored under a key of all that decides it, so nothing is asked twice: a run that was killed goes on where it
was, and ends with the same results. A request without a reply is never dropped. It counts as wrong and is listed. Only
a server that fails several times in a row ends the run, because its zeros would say nothing about the model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.arms import Condition, Poser
from glyphrender.evals.asking import Asking, Health, Locks, Priced, no_judge
from glyphrender.evals.item import Benchmark, Item, labels_of
from glyphrender.evals.outcome import Outcome
from glyphrender.evals.sampling import sampled
from glyphrender.inference.model import Model
from glyphrender.inference.replies import Replies, RequestBudget, Spent
from glyphrender.models.prices import Price
from glyphrender.report.progress import progress_bar

__all__ = ["Run", "check_counts", "run"]

# A server that fails this many times in a row is down.
_FAILURES: Final = 8
_PRICE: Final = "Give it with --price or --prices, or in Python as a Price."


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The results of a run.

    Attributes:
        benchmark: the benchmark.
        model: name of the model.
        judge: name of the judge; empty if there is none.
        conditions: the conditions.
        outcomes: one for each item in each condition, item by item.
        sampling: the sampling that held.
        poser: the vision model and the tokenizer by which tokens are counted.
        settings: other settings that decide the results.
        spent: requests, tokens and dollars of all runs with this store of replies.
    """

    benchmark: Benchmark
    model: str
    judge: str
    conditions: tuple[Condition, ...]
    outcomes: tuple[Outcome, ...]
    sampling: Mapping[str, Any]
    poser: Poser
    settings: Mapping[str, Any] = field(default_factory=dict)
    spent: Spent

    def _repr_html_(self) -> str:
        from glyphrender.evals.arms_table import arms_table
        from glyphrender.evals.plots import rho_plot
        from glyphrender.evals.summary import summary
        from glyphrender.report.notebook import cell, plot_image

        report = summary(self)
        title = f"{report['benchmark']}, protocol {report['protocol']['name']}: {report['model']}"
        plot = plot_image(rho_plot(report), alt="score against ρ")
        return cell(title, *report["departures"], arms_table(report), plot)

    def of(self, condition: Condition) -> list[Outcome]:
        """Return the outcomes of one condition, in the order of the items."""
        return [each for each in self.outcomes if each.condition == condition.name]


def run(
    benchmark: Benchmark,
    model: Model,
    *,
    conditions: Sequence[Condition],
    poser: Poser,
    replies: str | PathLike[str],
    limit: int | None = None,
    budget: RequestBudget | None = None,
    price: Price | None = None,
    judge: Model | None = None,
    judge_price: Price | None = None,
    concurrency: int = 4,
    context: int | None = None,
    thinking_tokens: int = 0,
    sampling: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
    begin: Callable[[Run, Sequence[str]], object] | None = None,
) -> Run:
    """Ask a model all items of a benchmark in all conditions, and score its replies.

    Args:
        benchmark: the benchmark.
        model: the model. The sampling of the protocol is applied to it, see `sampled`.
        conditions: the conditions, see `conditions_of`.
        poser: the vision model and the tokenizer.
        replies: file of the stored replies. Runs with the same file share a budget.
        limit: number of items of each task that are asked, from the first on; all if None.
        budget: limits on requests, tokens and dollars.
        price: price of the model; needed for a limit on dollars.
        judge: model that follow-ups to a judge go to. The report names it if the benchmark is `judged`.
        judge_price: price of the judge; needed for a limit on dollars if there is a judge.
        concurrency: most requests under way at once.
        context: tokens of the model's context. An item whose prompt and reply need more by our count is not sent: it is
            too long, and counts as wrong.
        thinking_tokens: tokens that a reply may have beyond the protocol's limit. More than 0 departs from the
            protocol, and the report says so.
        sampling: fields in place of those of the protocol; a value of None leaves the field out. The report says so.
        progress: called with the numbers of outcomes so far and in all. By default a bar of tqdm is shown in a notebook
            and on a terminal, if tqdm is installed; False shows none.
        begin: called before anything is asked, with the run, which has no outcomes yet, and with the keys of its items.
            What it raises ends the run.

    Raises:
        BudgetSpent: a limit is reached. All replies so far are stored; run again with a higher limit.
        EndpointError: the server of the model or of the judge failed several times in a row, or never replied.
        DataError: an item is malformed, two items have one key, the benchmark needs a judge and there is none, or a
            limit on dollars has no price of the model or of the judge.
        ThetaError, FontError, TokenizerError, DependencyError: see `Poser.pose`.
    """
    check_counts(concurrency=concurrency, limit=limit, context=context)
    if type(thinking_tokens) is not int or thinking_tokens < 0:
        raise DataError(f"thinking_tokens={shown(thinking_tokens)} is no count. Use 0 or more.")
    if not conditions:
        raise DataError("no condition is given. Make some with conditions_of.")
    budget = budget or RequestBudget()
    if benchmark.judged and judge is None:
        raise no_judge(benchmark)
    _check_prices(budget, price, judge_price, judged=benchmark.judged)
    wanted = {**benchmark.protocol.sampling, **(sampling or {})}
    asked, held = sampled(model, {name: value for name, value in wanted.items() if value is not None})
    most = max(_FAILURES, 2 * concurrency)
    asking = Asking(
        benchmark=benchmark,
        model=Priced(asked, price, Health(most)),
        judge=None if judge is None else Priced(judge, judge_price, Health(most)),
        poser=poser,
        replies=Replies(replies),
        budget=budget,
        context=context,
        thinking_tokens=thinking_tokens,
        max_tokens=held.get("max_tokens"),
        locks=Locks(),
    )
    begun = Run(
        benchmark=benchmark,
        model=str(asked.identity[0]),
        judge="" if judge is None or not benchmark.judged else str(judge.identity[0]),
        conditions=tuple(conditions),
        outcomes=(),
        sampling=held,
        poser=poser,
        settings={
            "limit": limit,
            "context": context,
            "thinking_tokens": thinking_tokens,
            "changed_sampling": dict(sampling or {}),
        },
        spent=asking.replies.spent,
    )
    chosen = _chosen(benchmark.items, limit)
    if begin is not None:
        begin(begun, [*chosen.values()])
    outcomes = _outcomes(asking, [*chosen], conditions, concurrency, progress)
    for who in filter(None, (asking.model, asking.judge)):
        who.health.check_any()
    return replace(begun, outcomes=tuple(outcomes), spent=asking.replies.spent)


def _check_prices(budget: RequestBudget, price: Price | None, judge_price: Price | None, *, judged: bool) -> None:
    """Refuse a limit on dollars without the price of each model that is asked."""
    for who, known in (("model", price), *([("judge", judge_price)] if judged else ())):
        if budget.dollars is not None and known is None:
            raise DataError(f"a limit of {budget.dollars:.4g} dollars needs the price of the {who}. {_PRICE}")


def _outcomes(
    asking: Asking,
    chosen: Sequence[int],
    conditions: Sequence[Condition],
    concurrency: int,
    progress: Callable[[int, int], object] | bool | None,
) -> list[Outcome]:
    """Ask the chosen items in all conditions, tell how far this is, and return the outcomes in order."""
    outcomes: list[Outcome] = []
    total = len(chosen) * len(conditions)
    with progress_bar(asking.benchmark.name, unit="outcome", asked=progress) as tell:
        for outcome in _in_order(asking, chosen, conditions, concurrency):
            outcomes.append(outcome)
            if callable(progress):
                progress(len(outcomes), total)
            tell(len(outcomes), total, "")
    return outcomes


def check_counts(**counts: int | None) -> None:
    """Refuse counts that are neither None nor an integer from 1 up.

    Raises:
        DataError: a count is anything else.
    """
    for name, value in counts.items():
        if value is not None and (type(value) is not int or value < 1):
            raise DataError(f"{name}={shown(value)} is no count. Use 1 or more.")


def _chosen(items: Sequence[Item], limit: int | None) -> dict[int, str]:
    """Return number → key of the items to ask: all, or the first `limit` of each task."""
    seen: dict[str, int] = {}
    keys: set[str] = set()
    chosen: dict[int, str] = {}
    for index, label in enumerate(labels_of(items)):
        if label.key in keys:
            raise DataError(f"two items have the key {label.key}. Give each item its own key.")
        keys.add(label.key)
        seen[label.task] = seen.get(label.task, 0) + 1
        if limit is None or seen[label.task] <= limit:
            chosen[index] = label.key
    return chosen


def _in_order(
    asking: Asking, chosen: Sequence[int], conditions: Sequence[Condition], concurrency: int
) -> Iterator[Outcome]:
    """Yield outcomes item by item. Few items are in memory at once: twice as many as requests under way."""
    waiting: deque[Future[Outcome]] = deque()
    items = asking.benchmark.items
    with ThreadPoolExecutor(concurrency, thread_name_prefix="eval") as pool:
        try:
            for index in chosen:
                item = items[index]
                for condition in conditions:
                    waiting.append(pool.submit(asking.outcome, item, condition))
                    if len(waiting) >= 2 * concurrency:
                        yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
