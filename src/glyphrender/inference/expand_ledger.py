"""Answers to calls within a budget: what was asked before, what does not fit, and what would.

`PageTools` answers one call alone. A `Ledger` answers the calls of one question, one after the other. It does not give
the same text twice, because the model has it already, and it never cuts a text: a text that does not fit is not given,
and the model is told which part of it fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from glyphrender.errors import DataError, shown
from glyphrender.inference.expand_results import ToolResult, pages_said
from glyphrender.inference.expand_tools import PageTools
from glyphrender.inference.expand_trace import Ended, TraceCall, TracePicture
from glyphrender.inference.tool_calls import ToolCall
from glyphrender.models.model import VisionModel

__all__ = ["ExpandBudget", "Ledger"]

# Tools that give whole lines of the source.
_READS = ("read_page", "read_lines")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpandBudget:
    """Limits on what a model may ask for while it answers one question. None means no limit.

    Attributes:
        tokens: most tokens of text and pictures that calls bring, by our count.
        calls: most calls that are answered. A request has one call or more, so a question takes at most two requests
            more than calls: one that is not answered any more, and one for the answer.
        seconds: seconds after which no call is answered. The model is then asked for its answer.

    Raises:
        DataError: a limit is no number of 0 or more.
    """

    tokens: int | None = 8_192
    calls: int = 16
    seconds: float | None = 600.0

    def __post_init__(self) -> None:
        for name in ("tokens", "calls", "seconds"):
            value = getattr(self, name)
            if value is None and name != "calls":
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
            if not number or (name != "seconds" and not isinstance(value, int)):
                raise DataError(f"{name}={shown(value)} of a budget is no number of 0 or more. Leave it out.")

    @property
    def identity(self) -> list[Any]:
        """Return the limits as JSON values. They go into keys of stored replies."""
        return [self.tokens, self.calls, self.seconds]


class Ledger:
    """The calls of one question so far, and the budget that is left.

    Args:
        tools: the tools.
        budget: the budget.
        count: counts the tokens of a text.
        vision: counts the tokens of pictures.
        listed: exact strings that the prompt lists, and the pages that have each.
        clock: seconds since any moment.

    Attributes:
        tokens: tokens that calls have brought.
        overhead: tokens of answers that brought nothing.
        calls: number of calls answered.
    """

    def __init__(
        self,
        tools: PageTools,
        budget: ExpandBudget,
        *,
        count: Callable[[str], int],
        vision: VisionModel,
        listed: Mapping[str, Sequence[int]],
        clock: Callable[[], float],
    ) -> None:
        self.tools, self.budget = tools, budget
        self._count, self._vision, self._listed = count, vision, listed
        self._clock, self._begin = clock, clock()
        self.tokens = self.overhead = self.calls = 0
        self._given: dict[str, int] = {}  # normal form of a call → number of the call that was served
        self._read: list[tuple[int, int, int]] = []  # ranges of the source that were given, and by which call
        self._nothing_fits = False

    @property
    def spent(self) -> Ended | None:
        """Return which limit is reached; None if calls are still answered."""
        if self.calls >= self.budget.calls:
            return "calls"
        if self._nothing_fits or self._left() == 0:
            return "tokens"
        if self.budget.seconds is not None and self._clock() - self._begin >= self.budget.seconds:
            return "seconds"
        return None

    def answer(self, call: ToolCall) -> ToolResult:
        """Return the answer to the next call, and count it."""
        if (spent := self.spent) is not None:
            return self._refused(spent, _OVER[spent])
        self.calls += 1
        if (listed := self._of_the_list(call)) is not None:
            return listed
        result = self.tools.answer(call)
        if result.problem:
            return self._refused(result.problem, result.text)
        if (before := self._before(result)) is not None:
            return self._refused(
                "repeated", f"You have this already: it is the answer to call {before}.{self._unread()}"
            )
        if not self._fits(result):
            fitting = self._fitting(call, result)
            if isinstance(fitting, str):
                return self._refused("tokens", fitting)
            result = fitting
        return self._counted(result)

    def traced(self, call: ToolCall, result: ToolResult) -> TraceCall:
        """Return a call and its answer for the trace."""
        pictures = tuple(
            TracePicture(
                size=page.size, theta=page.theta.digest, text=page.text, tokens=self._vision.image(*page.size).tokens
            )
            for page in result.pictures
        )
        return TraceCall(
            call=call,
            normal=result.call,
            text=result.text,
            quotes=result.quotes,
            pages=result.pages,
            pictures=pictures,
            problem=result.problem,
            tokens=self._cost(result),
        )

    def _left(self) -> int | None:
        return None if self.budget.tokens is None else max(0, self.budget.tokens - self.tokens)

    def _cost(self, result: ToolResult) -> int:
        pictures = (self._vision.image(*page.size).prompt_tokens for page in result.pictures)
        return self._count(result.text) + sum(pictures)

    def _fits(self, result: ToolResult) -> bool:
        left = self._left()
        return left is None or self._cost(result) <= left

    def _counted(self, result: ToolResult) -> ToolResult:
        self.tokens += self._cost(result)
        self._given.setdefault(result.call, self.calls)
        if result.call.startswith(_READS):
            self._read += [(quote.start, quote.end, self.calls) for quote in result.quotes]
        return result

    def _refused(self, problem: str, text: str) -> ToolResult:
        result = ToolResult(call="", text=text, problem=problem)
        self.overhead += self._cost(result)
        return result

    def _of_the_list(self, call: ToolCall) -> ToolResult | None:
        """Return the answer to a search for an exact string that the prompt lists: it need not be read."""
        wanted = call.arguments.get("text")
        pages = self._listed.get(wanted.strip()) if call.name == "search" and isinstance(wanted, str) else None
        if pages is None or "search" not in self.tools.names:
            return None
        text = f"This string is in the list of exact strings. It is on {pages_said(pages)}: copy it from the list."
        result = ToolResult(call=f"listed {str(wanted).strip()}", text=text, pages=tuple(pages))
        if (before := self._given.get(result.call)) is not None:
            return self._refused("repeated", f"You have this already: it is the answer to call {before}.")
        return self._counted(result) if self._fits(result) else self._refused("tokens", _OVER["tokens"])

    def _before(self, result: ToolResult) -> int | None:
        """Return the number of the call that gave all of this; None if there is none."""
        if (before := self._given.get(result.call)) is not None:
            return before
        if not result.call.startswith(_READS):
            return None
        ((start, end),) = [(quote.start, quote.end) for quote in result.quotes]
        last = None
        for first, behind, number in sorted(self._read):
            if first > start:
                break
            if behind > start:
                start, last = behind, number
        return last if start >= end else None

    def _unread(self) -> str:
        """Return, as a sentence, which pages were not read."""
        rest = [
            number
            for number, page in self.tools.pages.items()
            if not any(first < page.span[1] and page.span[0] < behind for first, behind, _ in self._read)
        ]
        if not self._read or not rest:
            return ""
        return f" Not read yet: {pages_said(rest)}."

    def _fitting(self, call: ToolCall, result: ToolResult) -> ToolResult | str:
        """Return a smaller answer that fits, or what to call for a part that fits."""
        left = self._left()
        needs = f"This has {self._cost(result)} tokens, and {left} are left"
        if call.name == "search":
            for most in (3, 1):
                smaller = self.tools.answer(call, places=most)
                if self._fits(smaller):
                    return smaller
        elif call.name in _READS:
            (quote,) = result.quotes
            page = self.tools.pages[result.pages[0]]
            start = 1 + sum(line.end <= quote.start for line in page.lines)

            def works(text: str) -> bool:
                heading = f"Lines {start} to {len(page.lines)}, of {len(page.lines)}, of page {page.number}:\n"
                return left is None or self._count(heading + text) + 4 <= left

            if last := self.tools.lines_that_fit(page.number, start, works):
                return f"{needs}: read_lines(page={page.number}, first={start}, last={last}) works."
        elif call.name == "read_paragraphs":
            first, last = map(int, re.findall(r"\d+", result.call))
            while last > first:
                last = (first + last) // 2
                smaller = self.tools.answer(replace(call, arguments={"first": first, "last": last}))
                if self._fits(smaller):
                    return f"{needs}: {smaller.call} works."
        elif call.name == "enlarge":
            phrases = call.arguments.get("phrases")
            for phrase in phrases if isinstance(phrases, list) and len(phrases) > 1 else []:
                smaller = self.tools.answer(replace(call, arguments={"phrases": [phrase]}))
                if not smaller.problem and self._fits(smaller):
                    return f"{needs}: {smaller.call} works."
        elif call.name == "zoom":
            for share in (500, 250, 125):
                region = f"0, 0, 1000, {share}"
                smaller = self.tools.answer(replace(call, arguments={"page": result.pages[0], "region": region}))
                if not smaller.problem and self._fits(smaller):
                    return f'{needs}: zoom(page={result.pages[0]}, region="{region}") works.'
        self._nothing_fits = True
        return f"{needs}, which no part of it fits. {_OVER['tokens']}"


_OVER: dict[str, str] = {
    "calls": "No calls are left. Answer now.",
    "tokens": "No tokens are left to read more. Answer now.",
    "seconds": "No time is left to read more. Answer now.",
}
