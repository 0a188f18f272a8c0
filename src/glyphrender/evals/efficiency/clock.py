"""Seconds and bytes of what a device does: medians with their spread, after the device has finished.

On the CPU, seconds are those of the process, so that other programs on the machine hardly change them. They grow with
the number of threads. On an accelerator, seconds are those of the wall, and the clock waits for the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeVar

__all__ = ["Clock", "Timing"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long something took.

    Attributes:
        seconds: seconds of each repetition, warm-up left out.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Longest less shortest, as a share of the median; 0 for one repetition."""
        return (max(self.seconds) - min(self.seconds)) / self.median if self.median else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return median, shortest, longest and number of repetitions."""
        return {
            "median": self.median,
            "low": min(self.seconds),
            "high": max(self.seconds),
            "repeats": len(self.seconds),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """A clock for one device of torch.

    Attributes:
        device: the device, such as "cpu" or "cuda:0".
        repeats: most repetitions.
        seconds: repetitions end after so many seconds.
    """

    device: str = "cpu"
    repeats: int = 3
    seconds: float = 20.0
    _kind: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Note the kind of device."""
        object.__setattr__(self, "_kind", self.device.partition(":")[0])

    @property
    def name(self) -> str:
        """Name of the seconds that are counted: of the process, or of the wall."""
        return "CPU seconds of the process" if self._kind == "cpu" else "wall seconds"

    def once(self, function: Callable[[], _Result]) -> tuple[float, _Result]:
        """Return the seconds that a call takes, until the device has finished, and its result."""
        read = time.process_time if self._kind == "cpu" else time.perf_counter
        self._wait()
        start = read()
        result = function()
        self._wait()
        return read() - start, result

    def timing(self, function: Callable[[], _Result], *, before: Callable[[], Any] | None = None) -> Timing:
        """Return the timing of repeated calls. `before` runs before each, and does not count."""
        found: list[float] = []
        while len(found) < self.repeats and sum(found) < self.seconds:
            if before is not None:
                before()
            found.append(self.once(function)[0])
        return Timing(seconds=tuple(found))

    def _wait(self) -> None:
        if self._kind != "cpu":
            import torch

            torch.accelerator.synchronize()

    def peak(self, function: Callable[[], object]) -> int | None:
        """Return the bytes of tensors in use at most during a call, above those in use before it.

        None on devices whose memory torch cannot watch. On the CPU, torch's profiler follows each tensor, so the call
        takes longer.
        """
        import torch

        if self._kind == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
            function()
            self._wait()
            return int(torch.cuda.max_memory_allocated(self.device) - before)
        if self._kind != "cpu":
            return None
        from torch.profiler import ProfilerActivity, profile

        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            function()
        held = most = 0
        found: Any = profiled.profiler
        for event in sorted(found.kineto_results.events(), key=lambda event: event.start_ns()):
            if event.name() == "[memory]":
                held += event.nbytes()
                most = max(most, held)
        return most
