"""Accelerators by their peak rate, memory and bandwidth: a table in `devices.toml`, or the user's own numbers.

The figures are the vendors', from data sheets. No program reaches the peaks: what uses them multiplies by a share that
the user states.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from glyphrender.errors import DataError, shown

__all__ = ["Device", "device", "devices"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """An accelerator.

    Attributes:
        name: the name that `device` finds it by.
        flops: peak FLOP/s of matrix products in bfloat16, without sparsity.
        memory: bytes.
        bandwidth: bytes a second between its memory and its units.
        fp8: peak FLOP/s in FP8, without sparsity; None if it has none, or if it is not stated.
        title: its full name.
        source: the source of the figures.
    """

    name: str
    flops: float
    memory: float
    bandwidth: float
    fp8: float | None = None
    title: str = ""
    source: str = "stated by the user"

    def __post_init__(self) -> None:
        """Refuse figures that are no positive numbers."""
        for field in ("flops", "memory", "bandwidth"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise DataError(f"device {field}={shown(value)} is no positive number. State FLOP/s, bytes, bytes/s.")


@lru_cache(maxsize=1)
def devices() -> tuple[Device, ...]:
    """Return the accelerators of `devices.toml`.

    >>> [each.name for each in devices()][:3]
    ['h100-sxm', 'h100-nvl', 'h100-pcie']
    """
    rows = tomllib.loads((files("glyphrender.models") / "devices.toml").read_text(encoding="utf-8"))["device"]
    return tuple(
        Device(
            name=row["name"],
            flops=row["bf16"] * 1e12,
            memory=row["memory"] * 1e9,
            bandwidth=row["bandwidth"] * 1e12,
            fp8=row["fp8"] * 1e12 if "fp8" in row else None,
            title=row["title"],
            source=row["source"],
        )
        for row in rows
    )


def device(name: str) -> Device:
    """Return the accelerator of a name, or one that is stated by numbers.

    Args:
        name: a name of the table; or "TFLOPS,GB,TB/s", as "989,80,3.35": peak in bfloat16, memory and bandwidth.

    Raises:
        DataError: the table has no such name, or the numbers are no three positive ones.

    >>> device("h100-sxm").memory, device("125,24,0.6").flops
    (80000000000.0, 125000000000000.0)
    """
    for each in devices():
        if isinstance(name, str) and each.name == name:
            return each
    try:
        tflops, memory, bandwidth = (float(part) for part in name.split(","))
    except (ValueError, AttributeError, TypeError):
        known = ", ".join(each.name for each in devices())
        raise DataError(
            f"device={shown(name)} is not known. Use one of {known}, or numbers as TFLOPS,GB,TB/s: 989,80,3.35."
        ) from None
    return Device(name=name, flops=tflops * 1e12, memory=memory * 1e9, bandwidth=bandwidth * 1e12)
