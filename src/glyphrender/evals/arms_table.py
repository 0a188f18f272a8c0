"""The arms of a run as a table, for reports, notebooks and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from glyphrender.report.tables import ReportTable

__all__ = ["arms_table", "in_brackets"]

_ARMS: Final = ("arm", "score", "95% interval", "figures", "ρ visual", "ρ prompt", "ρ effective", "pages", "missing",
                "cut", "dollars")  # fmt: skip


def arms_table(report: Mapping[str, Any]) -> ReportTable:
    """Return the table of arms. `report` is the result of `summary`."""
    return ReportTable(columns=_ARMS, rows=_arm_rows(report), left=(0, 2, 3))


def _arm_rows(report: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for each in report["conditions"]:
        figures = ", ".join(f"{name} {value:.2%}" for name, value in each["figures"].items())
        missing = ", ".join(f"{count} {status}" for status, count in each["missing"].items()) or "0"
        rows.append(
            [
                each["name"], f"{each['mean']:.2%}", in_brackets(each), figures, _number(each["rho_visual"]),
                _number(each["rho_prompt"]), _number(each["rho_effective"]), f"{each['pages']:,}", missing,
                str(each["cut"]), "" if each["dollars"] is None else f"{each['dollars']:.4f}",
            ]
        )  # fmt: skip
    return rows


def in_brackets(found: Mapping[str, Any]) -> str:
    """Return an interval as text."""
    return f"[{found['low']:.2%}, {found['high']:.2%}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
