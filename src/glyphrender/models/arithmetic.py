"""Parameters, FLOPs and bytes of a vision-language model, by arithmetic from the numbers of its configuration.

Nothing is built and no torch is needed, so a model of any size takes microseconds. The shapes are those of GLM-4.1V in
transformers: a decoder with grouped queries, biases on them and four norms a layer, and a tower of pre-norm blocks with
a convolution and a gated merger behind it. Parameters are exact. FLOPs count matrix products only, two for each
multiplication and addition; norms, softmax and rotations are left out (below 1% at these widths). Activations are what
autograd saves in transformers' own modules with fused attention (SDPA), in a type of two bytes.

A trap: `intermediate_size` of the tower's configuration is the width of the merger alone. The MLPs of the blocks are
`out_hidden_size` wide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

from glyphrender.errors import DataError, shown

__all__ = ["Activations", "Decoder", "ModelShape", "Tower", "published", "published_names"]

_HALF = 2  # bytes of bfloat16 and float16


def published_names() -> tuple[str, ...]:
    """Return the names of the published configurations that come with the package."""
    folder = files("glyphrender.models.configs")
    return tuple(sorted(each.name.removesuffix(".json") for each in folder.iterdir() if each.name.endswith(".json")))


def published(name: str) -> dict[str, Any]:
    """Return a published configuration, as `config.json` has it.

    Raises:
        DataError: no configuration of this name comes with the package.

    >>> published("glm-4.1v-9b")["text_config"]["rope_parameters"]["mrope_section"]
    [8, 12, 12]
    """
    if name not in published_names():
        raise DataError(f"model {shown(name)} has no bundled configuration. Use one of {', '.join(published_names())}.")
    text = (files("glyphrender.models.configs") / f"{name}.json").read_text(encoding="utf-8")
    config: dict[str, Any] = json.loads(text)
    return config


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoder:
    """The shapes of a language model with causal attention.

    Attributes:
        layers: number of layers.
        hidden: width of the residual stream.
        mlp: inner width of the gated MLP.
        heads, kv_heads, head_width: query heads, key and value heads, and the width of each.
        vocabulary: rows of the embedding.
        tied: whether the output projection is the embedding.
    """

    layers: int
    hidden: int
    mlp: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool

    @property
    def layer_matrices(self) -> int:
        """Numbers in the matrices of one layer, each of which takes part in one product a token."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        return self.hidden * (2 * queries + 2 * keys) + 3 * self.hidden * self.mlp

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer: matrices, biases of queries, keys and values, and four norms."""
        biases = (self.heads + 2 * self.kv_heads) * self.head_width
        return self.layer_matrices + biases + 4 * self.hidden

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the embedding and, unless it is tied to it, of the output projection."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.layers * self.layer_parameters + self.embedding_parameters + self.hidden

    def linear_flops(self, tokens: int) -> int:
        """Return the FLOPs of the products with weights, in one forward pass without logits."""
        return 2 * tokens * self.layers * self.layer_matrices

    def attention_flops(self, tokens: int, *, start: int = 0) -> int:
        """Return the FLOPs of causal attention of `tokens` that follow `start` others.

        Half of the square is counted, because kernels leave the other half out.
        """
        return 4 * self.layers * self.heads * self.head_width * (tokens * start + tokens * tokens // 2)

    def forward_flops(self, tokens: int, *, start: int = 0, logits: int = 1) -> int:
        """Return the FLOPs of one forward pass.

        Args:
            tokens: tokens that go through the layers.
            start: tokens before them, whose keys and values are cached.
            logits: tokens whose logits are computed.
        """
        head = 2 * logits * self.hidden * self.vocabulary
        return self.linear_flops(tokens) + self.attention_flops(tokens, start=start) + head

    def kv_bytes(self, tokens: int, *, bytes_each: int = _HALF) -> int:
        """Return the bytes of the cache of keys and values."""
        return 2 * self.layers * self.kv_heads * self.head_width * bytes_each * tokens

    @property
    def saved_bytes(self) -> int:
        """Bytes a token that autograd saves for one layer. The four norms keep float32 copies: 16 of the 34."""
        keys = self.kv_heads * self.head_width
        return 34 * self.hidden + 8 * self.mlp + 4 * keys + 4 * self.heads


@dataclass(frozen=True, kw_only=True, slots=True)
class Tower:
    """The shapes of a vision tower: patches, blocks, a convolution that merges patches, and a gated merger.

    Attributes:
        depth: number of blocks.
        hidden: width of the blocks.
        out: width of what comes out, and inner width of the MLP of a block.
        merger: inner width of the merger's MLP.
        patch: side of a patch, in pixels.
        merge: side, in patches, of the square that becomes one visual token.
        frames: temporal depth of a patch; an image is repeated to fill it.
        positions: number of learned position embeddings.
    """

    depth: int
    hidden: int
    out: int
    merger: int
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
    def block_matrices(self) -> int:
        """Numbers in the matrices of one block."""
        return 4 * self.hidden**2 + 3 * self.hidden * self.out

    @property
    def merger_matrices(self) -> int:
        """Numbers in the matrices of the merger."""
        return self.out**2 + 3 * self.out * self.merger

    @property
    def parameters(self) -> int:
        """All parameters."""
        blocks = self.depth * (self.block_matrices + 2 * self.hidden)
        patches = (self.patch_numbers + 1) * self.hidden + self.positions * self.hidden
        downsample = (self.merge**2 * self.hidden + 1) * self.out
        return blocks + patches + 2 * self.hidden + downsample + self.merger_matrices + 2 * self.out

    def flops(self, tokens: int) -> int:
        """Return the FLOPs of one image of `tokens` visual tokens. Each patch attends to all patches of its image."""
        patches = tokens * self.merge**2
        each = 2 * patches * (self.patch_numbers * self.hidden + self.depth * self.block_matrices)
        attention = 4 * self.depth * patches**2 * self.hidden
        return each + attention + 2 * tokens * (self.merge**2 * self.hidden * self.out + self.merger_matrices)

    @property
    def saved_bytes(self) -> int:
        """Bytes a patch that autograd saves for one block."""
        return 34 * self.hidden + 8 * self.out

    @property
    def merger_saved_bytes(self) -> int:
        """Bytes a visual token that autograd saves behind the blocks. No checkpoint covers this part."""
        return 8 * (self.out + self.merger) + _HALF * self.merge**2 * self.hidden


@dataclass(frozen=True, kw_only=True, slots=True)
class Activations:
    """Bytes of activations of one sequence in training.

    Attributes:
        held: bytes that are held from the forward to the backward pass. They can be moved to the host.
        peak: bytes that one layer or block needs while its backward pass runs, on top of `held`.
    """

    held: int
    peak: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """The shapes of a vision-language model.

    >>> ModelShape.of(published("glm-4.1v-9b")).parameters
    10292777472
    """

    decoder: Decoder
    tower: Tower

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Return the shapes that a configuration of the GLM-4V family describes.

        Args:
            config: `config.json` as a mapping, or `model.config.to_dict()`.

        Raises:
            DataError: the configuration is of another family, or lacks a number.
        """
        if config.get("model_type") != "glm4v":
            raise DataError(f"model_type={shown(config.get('model_type'))} has no arithmetic here. Use glm4v.")
        try:
            text, vision = config["text_config"], config["vision_config"]
            heads = text["num_attention_heads"]
            decoder = Decoder(
                layers=text["num_hidden_layers"],
                hidden=text["hidden_size"],
                mlp=text["intermediate_size"],
                heads=heads,
                kv_heads=text["num_key_value_heads"],
                head_width=text.get("head_dim") or text["hidden_size"] // heads,
                vocabulary=text["vocab_size"],
                tied=bool(config.get("tie_word_embeddings", False)),
            )
            tower = Tower(
                depth=vision["depth"],
                hidden=vision["hidden_size"],
                out=vision["out_hidden_size"],
                merger=vision["intermediate_size"],
                patch=vision["patch_size"],
                merge=vision["spatial_merge_size"],
                frames=vision["temporal_patch_size"],
                positions=(vision["image_size"] // vision["patch_size"]) ** 2,
            )
        except KeyError as error:
            raise DataError(f"the configuration lacks {error}. Give the whole config.json.") from None
        return cls(decoder=decoder, tower=tower)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.decoder.parameters + self.tower.parameters

    def forward_flops(self, *, pages: int, page_tokens: int, text_tokens: int, learned: int) -> int:
        """Return the FLOPs of one forward pass of a sample.

        Args:
            pages: number of its pages.
            page_tokens: visual tokens of each.
            text_tokens: tokens that are no visual tokens.
            learned: tokens whose logits are computed.
        """
        tokens = pages * page_tokens + text_tokens
        return pages * self.tower.flops(page_tokens) + self.decoder.forward_flops(tokens, logits=learned)

    def activations(
        self, *, visual_tokens: int, text_tokens: int, checkpoints: bool, frozen_tower: bool = False
    ) -> Activations:
        """Return the bytes that training holds for one sequence, in a type of two bytes.

        The logits are not counted: TRL computes the loss in chunks of the tokens that are learned.

        Args:
            visual_tokens, text_tokens: tokens of the sequence.
            checkpoints: whether only the input of each layer and block is kept, and the rest computed again.
            frozen_tower: whether the tower is not trained, so that nothing of it is kept.

        Source: tensors that autograd saves in transformers 5.24 for `Glm4vTextDecoderLayer`, `Glm4vVisionBlock` and
        `Glm4vVisionPatchMerger` with SDPA, fitted over widths; a test compares the sum with a whole model.
        """
        decoder, tower = self.decoder, self.tower
        tokens, patches = visual_tokens + text_tokens, visual_tokens * tower.merge**2
        layer, block = tokens * decoder.saved_bytes, patches * tower.saved_bytes
        held = tokens * 6 * decoder.hidden  # the last norm
        held += decoder.layers * (tokens * _HALF * decoder.hidden if checkpoints else layer)
        if not frozen_tower:
            held += patches * (_HALF * tower.patch_numbers + 12 * tower.hidden)  # pixels, and two norms
            held += visual_tokens * tower.merger_saved_bytes
            held += tower.depth * (patches * _HALF * tower.hidden if checkpoints else block)
        peak = max(layer, 0 if frozen_tower else block) if checkpoints else 0
        return Activations(held=held, peak=peak)
