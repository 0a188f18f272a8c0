"""Tokens of rows: of their pages by the vision model, of their text by a tokenizer, and of the template around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from glyphrender.errors import DependencyError, TokenizerError
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike, tokenizer, tokenizer_of
from glyphrender.train.exports.trainer import Settings, Size, Trainer, WrittenRow

__all__ = ["TokenCounts", "rounded_up"]

# Tokens that a chat template writes around a turn: role, newline, end. Qwen writes five.
_A_TURN: Final = 8
_STEP: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenCounts:
    """A counter of the tokens of rows, for one model.

    Attributes:
        model: the vision model.
        text: returns the number of tokens of a text.
        exact: whether `text` is the model's own tokenizer; if not, there is one token for each byte, which is an upper
            bound for tokenizers that fall back to bytes.
    """

    model: VisionModel
    text: Callable[[str], int]
    exact: bool = True

    @classmethod
    def of(cls, model: VisionModel, source: TokenizerLike | None = None) -> TokenCounts:
        """Return the counter with a tokenizer; by default the model's own, or bytes if it is not installed.

        Raises:
            TokenizerError, DataError, DependencyError: `source` is given, and cannot count.
        """
        name: Any = source if source is not None else tokenizer_of(model.name)
        if name is not None:
            try:
                return cls(model=model, text=tokenizer(name).count)
            except (DependencyError, TokenizerError):
                if source is not None:
                    raise
        return cls(model=model, text=lambda text: len(text.encode("utf-8", "replace")), exact=False)

    def prompt(self, row: WrittenRow, trainer: Trainer, settings: Settings) -> int:
        """Return the most tokens of a row's prompt, its pages at the size that the trainer shows."""
        sizes = [trainer.resized(size, self.model, settings) for size in row.sizes]
        return self.of_row(row.prompt, row.turns, sizes)

    def of_row(self, text: str, turns: int, sizes: Iterable[Size]) -> int:
        """Return the most tokens of a text in so many turns, with images of these sizes."""
        return self.text(text) + _A_TURN * (turns + 1) + sum(_image_tokens(self.model, size) for size in sizes)


@lru_cache(maxsize=4096)
def _image_tokens(model: VisionModel, size: Size) -> int:
    return model.image(*size).prompt_tokens


def rounded_up(tokens: int) -> int:
    """Return a limit for rows of so many tokens: the next multiple of 1,024.

    >>> rounded_up(1000), rounded_up(1025)
    (1024, 2048)
    """
    return max(1, -(-tokens // _STEP)) * _STEP
