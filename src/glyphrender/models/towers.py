"""Vision towers by arithmetic: parameters, FLOPs, and bytes that autograd saves, from the numbers of a configuration.

Both families cut an image into patches, run pre-norm blocks over the patches of each image, and merge a square of
patches into one visual token. They differ in the blocks and in what merges:

- GLM-4.1V: blocks without biases and with a gated MLP; a convolution, then a gated merger. A trap: `intermediate_size`
  is the width of the merger alone, and the MLPs of the blocks are `out_hidden_size` wide.
- Qwen3-VL: blocks with biases and a plain MLP of `intermediate_size`; one merger behind the last block and one behind
  each block of `deepstack_visual_indexes`, whose features are added to the first layers of the language model.

Bytes are those of modules of transformers 5.24 with SDPA, in a type of two bytes, fitted over widths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GlmTower", "QwenTower", "Tower", "tower_of"]

_HALF = 2  # bytes of bfloat16 and float16


@dataclass(frozen=True, kw_only=True, slots=True)
class Tower(ABC):
    """The shapes of a vision tower: patches, blocks, and what merges patches into visual tokens.

    Attributes:
        depth: number of blocks.
        hidden: width of the blocks.
        out: width of what comes out.
        patch: side of a patch, in pixels.
        merge: side, in patches, of the square that becomes one visual token.
        frames: temporal depth of a patch; an image is repeated to fill it.
        positions: number of learned position embeddings.
    """

    depth: int
    hidden: int
    out: int
    patch: int
    merge: int
    frames: int
    positions: int

    @property
    def patch_numbers(self) -> int:
        """Numbers in one patch, as `pixel_values` has them."""
        return 3 * self.frames * self.patch**2

    @property
    def cell(self) -> int:
        """Side of the square of one visual token, in pixels."""
        return self.patch * self.merge

    @property
    @abstractmethod
    def block_matrices(self) -> int:
        """Numbers in the matrices of one block."""

    @property
    @abstractmethod
    def merger_matrices(self) -> int:
        """Numbers in the matrices of one merger, the largest module of the tower."""

    @property
    @abstractmethod
    def merged_matrices(self) -> int:
        """Numbers in the matrices behind the blocks, each of which takes part in one product a visual token."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """All parameters."""

    def flops(self, tokens: int) -> int:
        """Return the FLOPs of one image of `tokens` visual tokens. Each patch attends to all patches of its image."""
        patches = tokens * self.merge**2
        each = 2 * patches * (self.patch_numbers * self.hidden + self.depth * self.block_matrices)
        attention = 4 * self.depth * patches**2 * self.hidden
        return each + attention + 2 * tokens * self.merged_matrices

    @property
    @abstractmethod
    def stem_saved_bytes(self) -> int:
        """Bytes a patch that autograd saves before the first block and behind the last."""

    @property
    @abstractmethod
    def saved_bytes(self) -> int:
        """Bytes a patch that autograd saves for one block."""

    @property
    @abstractmethod
    def merger_saved_bytes(self) -> int:
        """Bytes a visual token that autograd saves behind the blocks. No checkpoint covers this part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GlmTower(Tower):
    """The tower of GLM-4.1V. `out` is also the inner width of the MLP of a block.

    Attributes:
        merger: inner width of the merger's MLP.
    """

    merger: int

    @property
    def block_matrices(self) -> int:
        """See `Tower`."""
        return 4 * self.hidden**2 + 3 * self.hidden * self.out

    @property
    def merger_matrices(self) -> int:
        """See `Tower`."""
        return self.out**2 + 3 * self.out * self.merger

    @property
    def merged_matrices(self) -> int:
        """See `Tower`: the convolution and the merger."""
        return self.merge**2 * self.hidden * self.out + self.merger_matrices

    @property
    def parameters(self) -> int:
        """All parameters."""
        blocks = self.depth * (self.block_matrices + 2 * self.hidden)
        patches = (self.patch_numbers + 1) * self.hidden + self.positions * self.hidden
        return blocks + patches + 2 * self.hidden + self.merged_matrices + 3 * self.out

    @property
    def stem_saved_bytes(self) -> int:
        """See `Tower`: pixels, and two norms with float32 copies."""
        return _HALF * self.patch_numbers + 12 * self.hidden

    @property
    def saved_bytes(self) -> int:
        """See `Tower`."""
        return 34 * self.hidden + 8 * self.out

    @property
    def merger_saved_bytes(self) -> int:
        """See `Tower`."""
        return 8 * (self.out + self.merger) + _HALF * self.merge**2 * self.hidden


@dataclass(frozen=True, kw_only=True, slots=True)
class QwenTower(Tower):
    """The tower of Qwen3-VL.

    Attributes:
        mlp: inner width of the MLP of a block.
        heads: attention heads of a block.
        deepstack: number of blocks with a merger of their own, beside the last one.
    """

    mlp: int
    heads: int
    deepstack: int

    @property
    def mergers(self) -> int:
        """Number of mergers."""
        return self.deepstack + 1

    @property
    def _square(self) -> int:
        """Width of the patches of one visual token together."""
        return self.merge**2 * self.hidden

    @property
    def block_matrices(self) -> int:
        """See `Tower`."""
        return 4 * self.hidden**2 + 2 * self.hidden * self.mlp

    @property
    def merger_matrices(self) -> int:
        """See `Tower`: two products."""
        return self._square**2 + self._square * self.out

    @property
    def merged_matrices(self) -> int:
        """See `Tower`."""
        return self.mergers * self.merger_matrices

    @property
    def parameters(self) -> int:
        """All parameters."""
        biases = 4 * self.hidden + self.mlp + self.hidden
        blocks = self.depth * (self.block_matrices + biases + 4 * self.hidden)
        patches = (self.patch_numbers + 1) * self.hidden + self.positions * self.hidden
        # The last merger normalizes patches, the others normalize whole squares.
        norms = 2 * self.hidden + self.deepstack * 2 * self._square
        return blocks + patches + self.merged_matrices + self.mergers * (self._square + self.out) + norms

    @property
    def stem_saved_bytes(self) -> int:
        """See `Tower`: pixels."""
        return _HALF * self.patch_numbers

    @property
    def saved_bytes(self) -> int:
        """See `Tower`."""
        return 22 * self.hidden + 4 * self.mlp + 4 * self.heads

    @property
    def merger_saved_bytes(self) -> int:
        """See `Tower`."""
        return self.mergers * 8 * self._square


def tower_of(vision: Mapping[str, Any], family: str) -> Tower:
    """Return the tower that the `vision_config` of a family describes.

    Args:
        vision: `vision_config` of a `config.json`.
        family: its `model_type`, "glm4v" or "qwen3_vl".

    Raises:
        KeyError: a number is missing.
    """
    shared = {
        "depth": vision["depth"],
        "hidden": vision["hidden_size"],
        "out": vision["out_hidden_size"],
        "patch": vision["patch_size"],
        "merge": vision["spatial_merge_size"],
        "frames": vision["temporal_patch_size"],
    }
    if family == "glm4v":
        side = vision["image_size"] // vision["patch_size"]
        return GlmTower(**shared, positions=side**2, merger=vision["intermediate_size"])
    return QwenTower(
        **shared,
        positions=vision["num_position_embeddings"],
        mlp=vision["intermediate_size"],
        heads=vision["num_heads"],
        deepstack=len(vision["deepstack_visual_indexes"]),
    )
