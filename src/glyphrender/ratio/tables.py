"""Tables of ratios, fits, proposals and comparisons, for notebooks and for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from glyphrender.report.tables import ReportTable

if TYPE_CHECKING:
    from glyphrender.ratio.costs import Ratio
    from glyphrender.ratio.fit import Fit
    from glyphrender.ratio.propose import Proposal

__all__ = ["RATIO_COLUMNS", "changed_fields", "page_table", "proposal_table", "ratio_cells", "ratio_table"]

#: Headings of the figures of a ratio; see `ratio_cells`.
RATIO_COLUMNS: Final = ("model", "ρ", "font px", "pages", "chars/token", "text tokens", "visual", "resampled")


def ratio_cells(ratio: Ratio) -> list[str]:
    """Return the figures of a ratio as text, below `RATIO_COLUMNS`."""
    return [
        ratio.model,
        f"{ratio.rho:.2f}",
        f"{ratio.font_pixels:.2f}",
        f"{len(ratio.pages):,}",
        f"{ratio.characters_per_token:.2f}",
        f"{ratio.text_tokens:,}",
        f"{ratio.visual_tokens:,}",
        f"{ratio.resampled:,}",
    ]


def ratio_table(ratios: Sequence[Ratio]) -> ReportTable:
    """Return a row for each ratio, such as those of one text under several θ or models.

    >>> from glyphrender import compression_ratio
    >>> text = "It was the best of times. " * 400
    >>> print(ratio_table([compression_ratio(text, model=name) for name in ("qwen3-vl", "glm-4.1v")]).text())
    model        ρ  font px  pages  chars/token  text tokens  visual  resampled
    qwen3-vl  5.99     9.13      1        22.22        2,801     468          1
    glm-4.1v  4.60     8.91      1        17.08        2,801     609          1
    """
    return ReportTable(columns=RATIO_COLUMNS, rows=[ratio_cells(each) for each in ratios])


def page_table(ratio: Ratio) -> ReportTable:
    """Return a row for each page of a ratio: its size, the size that the model sees, and what it costs."""
    return ReportTable(
        columns=("page", "drawn px", "seen px", "characters", "tokens", "overhead", "font px"),
        rows=[
            [
                f"{page.number:,}",
                " × ".join(map(str, page.size)),
                " × ".join(map(str, page.seen)),
                f"{page.characters:,}",
                f"{page.tokens:,}",
                f"{page.overhead:,}",
                f"{page.font_pixels:.2f}",
            ]
            for page in ratio.pages
        ],
    )


def changed_fields(found: Fit) -> ReportTable:
    """Return the fields of the θ of a fit that differ from the defaults."""
    values = found.theta.to_dict()
    return ReportTable(
        columns=("field", "value"), rows=[(name, str(values[name])) for name in found.theta.diff()], left=2
    )


def proposal_table(proposal: Proposal) -> ReportTable:
    """Return a row for each θ that was compared; the one that is proposed has a star."""
    return ReportTable(
        columns=("parameters", "ρ", "font px", ""),
        rows=[
            [each.name, f"{each.rho:.2f}", f"{each.font_pixels:.2f}", "" if each.legible else "too small"]
            for each in proposal.alternatives
        ],
        left=(0, 3),
        kinds=["chosen" if each.theta == proposal.theta else "" for each in proposal.alternatives],
    )
