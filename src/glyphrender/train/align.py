"""Stage 0 of reading: each visual token learns which characters stand in its cell.

A page knows where it put each character, so the targets cost nothing, whatever the font, its kerning and the shape of
the page. The tower is trained alone, on `Alignment`, a head without weights of its own that is not saved with the
model. It scores a visual token v with the model's own embeddings E:

    logits of slot i = scale · (v · R_i) · Eᵀ      R_0 = 1, R_i = a fixed random rotation

So a visual token becomes the sum of the embeddings of its characters, each turned by the rotation of its place in the
cell. The language model ties E to its output, and copying a visual token is then already reading its first character.
With a linear layer of its own in place of Eᵀ, that map remains to be learned, which costs three times as many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.document.page import Page
from glyphrender.errors import DataError

__all__ = ["Alignment", "cell_labels"]

# The rotations are the same in every run, so that a run can be continued from the weights alone.
_SEED: Final = 7


def cell_labels(
    page: Page, tokens_of: Callable[[str], Sequence[int]], *, cell: int = 28, slots: int = 4, blank: int
) -> NDArray[np.int64]:
    """Return the tokens of the characters in each cell of a page, in reading order: stage 0's targets.

    A character belongs to the cell that the middle of its box is in. A cell that is as high as several lines has as
    many bands, and each band has an equal share of the slots. Spaces between characters count. Characters of a band
    beyond its slots are left out.

    Args:
        page: a page whose sides are multiples of `cell`.
        tokens_of: function from a character, or characters that share a glyph, to its tokens.
        cell: side of a visual token in pixels.
        slots: characters of a cell.
        blank: the token of a slot without a character.

    Returns:
        int64 (cells, slots), the cells row by row.

    Raises:
        DataError: the sides of the page are not multiples of `cell`, or there are fewer slots than bands.

    >>> from glyphrender import render
    >>> page = render("To be", {"page_size": (56, 28), "margin_x": 0, "margin_y": 0, "auto_crop_width": False,
    ...     "auto_crop_last_page": False, "font_size": 20, "line_height": 28})[0]
    >>> cell_labels(page, lambda text: list(text.encode()), blank=0, slots=3).tolist()
    [[84, 111, 32], [98, 101, 0]]
    """
    width, height = page.size
    if width % cell or height % cell:
        raise DataError(
            f"a page of {width}×{height} px is not made of whole cells of {cell} px. Set page_grid={cell} in θ."
        )
    columns, rows = width // cell, height // cell
    # A line of 14 px has half a cell of 28 px.
    bands = max(1, round(cell / (page.theta.line_height * page.theta.scale)))
    each = slots // bands
    if not each:
        raise DataError(f"slots={slots} are fewer than the {bands} lines in a cell. Use {bands} slots or more.")
    labels = np.full((rows * columns, slots), blank, np.int64)
    tokens, x, y = _tokens(page, tokens_of)
    if not len(tokens):
        return labels
    column = np.clip(x // cell, 0, columns - 1).astype(np.int64)
    row = np.clip(y // cell, 0, rows - 1).astype(np.int64)
    band = np.clip((y - row * cell) * bands // cell, 0, bands - 1).astype(np.int64)
    place = (row * columns + column) * bands + band
    order = np.argsort(place, kind="stable")
    place = place[order]
    begins = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    rank = np.arange(len(place)) - np.repeat(begins, np.diff(np.append(begins, len(place))))
    kept = rank < each
    flat = place[kept] // bands * slots + place[kept] % bands * each + rank[kept]
    labels.reshape(-1)[flat] = tokens[order][kept]
    return labels


def _tokens(
    page: Page, tokens_of: Callable[[str], Sequence[int]]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the tokens of a page in reading order, and the middle of the box of each.

    Spaces stand evenly between the characters around them, if these are on one line.
    """
    start, end, left, top, right, bottom = page.characters
    if not len(start):
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    x, y = (left + right) / 2, (top + bottom) / 2
    apart = np.flatnonzero((start[1:] > end[:-1]) & (top[1:] == top[:-1]))
    if len(apart):
        count = start[apart + 1] - end[apart]
        gap = np.repeat(apart, count)
        nth = np.arange(len(gap)) - np.repeat(np.cumsum(count) - count, count)
        step = ((left[apart + 1] - right[apart]) / count).repeat(count)
        space = end[gap] + nth
        order = np.argsort(np.append(start, space), kind="stable")
        x = np.append(x, right[gap] + (nth + 0.5) * step)[order]
        y = np.append(y, y[gap])[order]
        start, end = np.append(start, space)[order], np.append(end, space + 1)[order]
    text, first = page.text, page.span[0]
    known: dict[str, Sequence[int]] = {}
    written = [text[lo:hi] for lo, hi in zip((start - first).tolist(), (end - first).tolist(), strict=True)]
    tokens = [known[each] if each in known else known.setdefault(each, tokens_of(each)) for each in written]
    counts = np.fromiter(map(len, tokens), np.int64, len(tokens))
    return np.fromiter(chain.from_iterable(tokens), np.int64), x.repeat(counts), y.repeat(counts)


class Alignment:
    """The head of stage 0: visual tokens scored with the model's own embeddings. It has no weights to save.

    Attributes:
        slots: characters of a cell.
        scale: factor of the logits. A visual token of the length of an embedding then scores its character 8 above
            the others.
    """

    def __init__(self, hidden_size: int, slots: int, *, scale: float = 8.0) -> None:
        import torch

        self.slots, self.scale = slots, scale
        generator = torch.Generator().manual_seed(_SEED)
        turns = [torch.eye(hidden_size)]
        for _ in range(slots - 1):
            turns.append(torch.linalg.qr(torch.randn(hidden_size, hidden_size, generator=generator))[0])
        self._turns: Any = torch.stack(turns)

    def logits(self, visual: Any, embeddings: Any) -> Any:
        """Return [cells, slots, vocabulary] of [cells, hidden] visual tokens and [vocabulary, hidden] embeddings."""
        turns = self._turns.to(visual)
        return self.scale * (visual @ turns).transpose(0, 1) @ embeddings.T

    def __call__(self, visual: Any, embeddings: Any, labels: Any) -> tuple[Any, Any]:
        """Return the mean cross entropy of [cells, slots] labels, and the share of them that has the best score."""
        import torch

        logits = self.logits(visual, embeddings)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return loss, (logits.detach().argmax(-1) == labels).float().mean()
