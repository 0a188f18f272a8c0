"""Stage 0 of reading: each visual token learns which characters stand in its cell.

A page knows where it put each character, so the targets cost nothing, whatever the font, its kerning and the shape of
the page. The tower is trained alone, on `AlignmentHead`, a head without weights of its own that is not saved with the
model. It scores a visual token v with the model's own embeddings E:

    logits of slot i = scale · (v · R_i) · Eᵀ      R_0 = 1, R_i = a fixed random rotation

So a visual token becomes the sum of the embeddings of its characters, each turned by the rotation of its place in the
cell. The language model ties E to its output, and copying a visual token is then already reading its first character.
With a linear layer of its own in place of Eᵀ, that map remains to be learned, which costs three times as many steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.document.page import Page
from glyphrender.errors import DataError
from glyphrender.text.runs import ranges

__all__ = ["AlignmentHead", "cell_labels"]

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
    cells = _cells(page, cell)
    # A line of 14 px has half a cell of 28 px.
    bands = max(1, round(cell / (page.theta.line_height * page.theta.scale)))
    each = slots // bands
    if not each:
        raise DataError(f"slots={slots} are fewer than the {bands} lines in a cell. Use {bands} slots or more.")
    labels = np.full((cells, slots), blank, np.int64)
    start, end, x, y = _places(page)
    if not len(start):
        return labels
    text, first = page.text, page.span[0]
    known: dict[str, Sequence[int]] = {}
    written = [text[lo:hi] for lo, hi in zip((start - first).tolist(), (end - first).tolist(), strict=True)]
    tokens = [known[of] if of in known else known.setdefault(of, tokens_of(of)) for of in written]
    counts = np.fromiter(map(len, tokens), np.int64, len(tokens))
    flat = np.fromiter(chain.from_iterable(tokens), np.int64)
    where, down = _cell_of(page, x, y, cell)
    band = np.clip(down * bands // cell, 0, bands - 1).astype(np.int64)
    place = (where * bands + band).repeat(counts)
    order = np.argsort(place, kind="stable")
    place = place[order]
    begins = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    rank = ranges(0, np.diff(np.append(begins, len(place))))
    kept = rank < each
    slot = place[kept] // bands * slots + place[kept] % bands * each + rank[kept]
    labels.reshape(-1)[slot] = flat[order][kept]
    return labels


def cells_of_text(page: Page, *, cell: int = 28) -> NDArray[np.int64]:
    """Return the cell of each character of the text of a page, the cells numbered row by row: where to look for it.

    Characters that stand nowhere, such as line ends, have -1.

    Raises:
        DataError: the sides of the page are not multiples of `cell`.

    >>> from glyphrender import render
    >>> page = render("To be\\n!", {"page_size": (56, 56), "margin_x": 0, "margin_y": 0, "auto_crop_width": False,
    ...     "auto_crop_last_page": False, "font_size": 20, "line_height": 28})[0]
    >>> cells_of_text(page).tolist()
    [0, 0, 0, 1, 1, -1, 2]
    """
    _cells(page, cell)
    start, end, x, y = _places(page)
    first, last = page.span
    cells = np.full(last - first, -1, np.int64)
    length = end - start
    where = _cell_of(page, x, y, cell)[0].repeat(length)
    cells[ranges(start - first, length)] = where
    return cells


def _cells(page: Page, cell: int) -> int:
    """Return the number of cells of a page.

    Raises:
        DataError: the sides of the page are not multiples of `cell`.
    """
    width, height = page.size
    if width % cell or height % cell:
        raise DataError(
            f"a page of {width}×{height} px is not made of whole cells of {cell} px. Set page_grid={cell} in θ."
        )
    return (width // cell) * (height // cell)


def _cell_of(
    page: Page, x: NDArray[np.float64], y: NDArray[np.float64], cell: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cells of points on a page, and how far below the top of its cell each point is."""
    columns, rows = page.size[0] // cell, page.size[1] // cell
    column = np.clip(x // cell, 0, columns - 1).astype(np.int64)
    row = np.clip(y // cell, 0, rows - 1).astype(np.int64)
    return row * columns + column, y - row * cell


def _places(
    page: Page,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return start and end of the characters of a page, spaces included, and the middle of the box of each.

    Spaces stand evenly between the characters around them, if these are on one line.
    """
    start, end, left, top, right, bottom = page.characters
    x, y = (left + right) / 2, (top + bottom) / 2
    apart = np.flatnonzero((start[1:] > end[:-1]) & (top[1:] == top[:-1]))
    if len(apart):
        count = start[apart + 1] - end[apart]
        gap = np.repeat(apart, count)
        nth = ranges(0, count)
        step = ((left[apart + 1] - right[apart]) / count).repeat(count)
        space = end[gap] + nth
        order = np.argsort(np.append(start, space), kind="stable")
        x = np.append(x, right[gap] + (nth + 0.5) * step)[order]
        y = np.append(y, y[gap])[order]
        start, end = np.append(start, space)[order], np.append(end, space + 1)[order]
    return start, end, x, y


class AlignmentHead:
    """The head of stage 0: visual tokens scored with the model's own embeddings. It has no weights to save.

    Attributes:
        slots: characters of a cell.
        scale: factor of the logits. A visual token of the length of an embedding then scores its character 8 above
            the others.
        sums: weight of a second loss: the squared distance of a visual token from the sum of its turned embeddings,
            relative to the squared length of the sum. Logits leave the length of a visual token free, and what it holds
            besides its characters: after stage 0 it is ten times as long as an embedding. What attention adds to such a
            token is a tenth of it, so it cannot learn what stands beside it. Look-ups need that, so they need `sums`.
    """

    def __init__(self, hidden_size: int, slots: int, *, scale: float = 8.0, sums: float = 0.0) -> None:
        import torch

        self.slots, self.scale, self.sums = slots, scale, sums
        generator = torch.Generator().manual_seed(_SEED)
        turns = [torch.eye(hidden_size)]
        for _ in range(slots - 1):
            turns.append(torch.linalg.qr(torch.randn(hidden_size, hidden_size, generator=generator))[0])
        self._turns: Any = torch.stack(turns)

    def logits(self, visual: Any, embeddings: Any) -> Any:
        """Return [cells, slots, vocabulary] of [cells, hidden] visual tokens and [vocabulary, hidden] embeddings."""
        turns = self._turns.to(visual)
        return self.scale * (visual @ turns).transpose(0, 1) @ embeddings.T

    def sum_of(self, embeddings: Any, labels: Any) -> Any:
        """Return the sums [cells, hidden] of the turned embeddings of the characters of [cells, slots] labels."""
        turns = self._turns.to(embeddings)
        return sum(embeddings[labels[:, slot]] @ turns[slot].T for slot in range(self.slots))

    def __call__(self, visual: Any, embeddings: Any, labels: Any) -> tuple[Any, Any]:
        """Return the loss of [cells, slots] labels, and the share of them that has the best score."""
        import torch

        logits = self.logits(visual, embeddings)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        if self.sums:
            wanted = self.sum_of(embeddings.detach(), labels)
            loss = loss + self.sums * (visual - wanted).square().sum() / wanted.square().sum()
        return loss, (logits.detach().argmax(-1) == labels).float().mean()


class Pointing:
    """A loss that says where to look: attention of one layer, from each character that is written to its cell.

    The loss of transcription alone rewards only a look at the right cell. This one is the cross entropy of each head's
    attention over the cells of the page, so looking near the right cell is better than looking far away, and rows and
    columns are found one after the other. Nothing of it is saved.

    Attributes:
        layers: the layers of the language model whose heads are told; those before find the place, those after take
            the character out of the cell.
    """

    def __init__(self, model: Any, layers: Sequence[int]) -> None:
        self.layers = tuple(layers)
        self._seen: dict[int, Any] = {}
        self._hooks = [
            model.model.language_model.layers[layer].self_attn.register_forward_pre_hook(
                partial(self._keep, layer), with_kwargs=True
            )
            for layer in self.layers
        ]

    def _keep(self, layer: int, attention: Any, args: Any, kwargs: dict[str, Any]) -> None:
        self._seen[layer] = (attention, kwargs["hidden_states"], kwargs["position_embeddings"])

    def remove(self) -> None:
        """Take the hooks off the model."""
        for hook in self._hooks:
            hook.remove()

    def __call__(self, targets: Any, image: Any) -> tuple[Any, Any]:
        """Return the mean cross entropy of the last forward pass, and the share of looks at the right cell.

        Args:
            targets: int64 [samples, tokens], the cell of the character that follows each token, or -1.
            image: bool [samples, tokens], which tokens are visual; as many in every sample.
        """
        import torch

        losses, rights = zip(*(self._pointed(layer, targets, image) for layer in self.layers), strict=True)
        return torch.stack(losses).mean(), rights[-1]

    def _pointed(self, layer: int, targets: Any, image: Any) -> tuple[Any, Any]:
        import torch
        from transformers.models.glm4v.modeling_glm4v import apply_rotary_pos_emb

        attention, hidden, (cos, sin) = self._seen[layer]
        samples, length, _ = hidden.shape
        shape = (samples, length, -1, attention.head_dim)
        query = attention.q_proj(hidden).view(shape).transpose(1, 2)
        key = attention.k_proj(hidden).view(shape).transpose(1, 2)
        query, key = apply_rotary_pos_emb(query, key, cos, sin)
        cells = int(image[0].sum())
        first = int(targets.ge(0).any(0).int().argmax())  # what is written comes after the page
        key = key.transpose(1, 2)[image].view(samples, cells, -1, attention.head_dim).transpose(1, 2)
        scores = query[:, :, first:] @ key.transpose(2, 3) * attention.scaling
        wanted = targets[:, None, first:].expand(scores.shape[:3])
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 2), wanted.flatten(), ignore_index=-1)
        right = (scores.detach().argmax(-1) == wanted)[wanted >= 0].float().mean()
        return loss, right
