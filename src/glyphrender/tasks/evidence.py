"""Where the answer to a question stands in its text, and whether the pages that a model asked for are those.

The measures are those of retrieval, with pages as what is retrieved. LensVLM's evaluation counts two of them: whether
any page of the evidence was read (`hit`), and whether exactly those were (`exact`) (apple-aiml-research/ml-lensvlm,
lensvlm/evaluate.py, cd8df32).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from glyphrender.errors import DataError, shown

__all__ = ["Evidence", "PageSelection", "page_selection"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The parts of a text that a question can be answered from.

    Attributes:
        spans: (start, end) of each part, in characters of the text.
        text: which text of the question is meant, if it has several; the first is 0.

    Raises:
        DataError: a span is no range.
    """

    spans: tuple[tuple[int, int], ...]
    text: int = 0

    def __post_init__(self) -> None:
        for span in self.spans if isinstance(self.spans, list | tuple) else [self.spans]:
            whole = isinstance(span, list | tuple) and len(span) == 2 and all(type(at) is int for at in span)
            if not whole or not 0 <= span[0] <= span[1]:
                raise DataError(f"span {shown(span)} of evidence is no range. Give (start, end) in characters.")
        if type(self.text) is not int or self.text < 0:
            raise DataError(f"text={shown(self.text)} of evidence is no number of a text. Use 0 for the first.")
        object.__setattr__(self, "spans", tuple((int(start), int(end)) for start, end in self.spans))

    @classmethod
    def of(cls, context: str, *quotes: str, text: int = 0) -> Self:
        """Return the first place of each quote in `context`. White space may differ.

        >>> Evidence.of("The parcel\\nwent to Dover.", "parcel went").spans
        ((4, 15),)

        Raises:
            DataError: a quote is nowhere, or blank.
        """
        spans = []
        for quote in quotes:
            words = quote.split() if isinstance(quote, str) else []
            start = context.find(quote) if words else -1
            found = (start, start + len(quote)) if start >= 0 else None
            if found is None and words:
                match = re.search(r"\s++".join(map(re.escape, words)), context)
                found = match.span() if match else None
            if found is None:
                raise DataError(f"evidence {shown(quote)} is nowhere in the text. Quote the text as it stands there.")
            spans.append(found)
        return cls(tuple(spans), text)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSelection:
    """How well pages were chosen.

    Attributes:
        recall: share of the pages of the evidence that were asked for; None if there is no evidence.
        precision: share of the pages asked for that hold evidence; None if none was asked for.
        hit: whether any page of the evidence was asked for.
        exact: whether the pages of the evidence and no others were asked for.
    """

    recall: float | None
    precision: float | None
    hit: bool
    exact: bool


def page_selection(asked: Iterable[int], evidence: Iterable[int]) -> PageSelection:
    """Return how well the pages that a model asked for are those of the evidence.

    >>> page_selection(asked=[3, 4], evidence=[4])
    PageSelection(recall=1.0, precision=0.5, hit=True, exact=False)

    Args:
        asked: numbers of the pages that the model asked for, such as `ExpandTrace.pages_read`.
        evidence: numbers of the pages that hold evidence, such as `Document.pages_of(evidence.spans)`.
    """
    chosen, right = set(asked), set(evidence)
    both = len(chosen & right)
    return PageSelection(
        recall=both / len(right) if right else None,
        precision=both / len(chosen) if chosen else None,
        hit=both > 0,
        exact=bool(right) and chosen == right,
    )
