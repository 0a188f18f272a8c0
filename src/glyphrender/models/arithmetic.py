"""Parameters, FLOPs and bytes of a vision-language model, by arithmetic from the numbers of its configuration.

Nothing is built and no torch is needed, so a model of any size takes microseconds. The shapes are those of GLM-4.1V and
of Qwen3-VL (dense) in transformers: a decoder with grouped queries here, the vision tower in `towers.py`. Parameters
are exact. FLOPs count matrix products only, two for each multiplication and addition; norms, softmax and rotations are
left out (below 1% at these widths). Activations are what autograd saves in transformers' own modules with fused
attention (SDPA), in a type of two bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

from glyphrender.errors import DataError, shown
from glyphrender.models.towers import Tower, tower_of

__all__ = ["FAMILIES", "Activations", "Decoder", "ModelShape", "published", "published_names"]

_HALF = 2  # bytes of bfloat16 and float16

#: The `model_type` of the families whose shapes are known here.
FAMILIES = ("glm4v", "qwen3_vl")


def published_names(family: str | None = None) -> tuple[str, ...]:
    """Return the names of the configurations that come with the package.

    Args:
        family: a `model_type`; None for all families.
    """
    folder = files("glyphrender.models.configs")
    names = sorted(each.name.removesuffix(".json") for each in folder.iterdir() if each.name.endswith(".json"))
    return tuple(name for name in names if family is None or published(name)["model_type"] == family)


def published(name: str) -> dict[str, Any]:
    """Return a configuration that comes with the package, as `config.json` has it.

    Raises:
        DataError: no configuration of this name comes with the package.

    >>> published("glm-4.1v-9b")["text_config"]["rope_parameters"]["mrope_section"]
    [8, 12, 12]
    """
    file = files("glyphrender.models.configs") / f"{name}.json"
    if "/" in name or not file.is_file():
        raise DataError(f"model {shown(name)} has no bundled configuration. Use one of {', '.join(published_names())}.")
    text = file.read_text(encoding="utf-8")
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
        biases: numbers in the biases of a layer.
        norms: number of norms of the residual stream in a layer.
        head_norms: whether queries and keys are normalized, each head alone.
    """

    layers: int
    hidden: int
    mlp: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool
    biases: int
    norms: int
    head_norms: bool

    @property
    def layer_matrices(self) -> int:
        """Numbers in the matrices of one layer, each of which takes part in one product a token."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        return self.hidden * (2 * queries + 2 * keys) + 3 * self.hidden * self.mlp

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer: matrices, biases of queries, keys and values, and norms."""
        norms = self.norms * self.hidden + (2 * self.head_width if self.head_norms else 0)
        return self.layer_matrices + self.biases + norms

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
        """Bytes a token that autograd saves for one layer.

        Norms keep float32 copies. With four norms they are 16 of the 34 bytes for each number of the residual stream.
        """
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        if self.head_norms:
            return 16 * self.hidden + 8 * self.mlp + 10 * (queries + keys) + 8 * self.heads + 4 * self.kv_heads
        return 34 * self.hidden + 8 * self.mlp + 4 * keys + 4 * self.heads


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
        """Return the shapes that a configuration of the GLM-4V or Qwen3-VL family describes.

        Args:
            config: `config.json` as a mapping, or `model.config.to_dict()`.

        Raises:
            DataError: the configuration is of another family, or lacks a number.
        """
        family = config.get("model_type")
        if family not in FAMILIES:
            raise DataError(f"model_type={shown(family)} has no arithmetic here. Use one of {', '.join(FAMILIES)}.")
        glm = family == "glm4v"
        try:
            text, vision = config["text_config"], config["vision_config"]
            heads, kv_heads = text["num_attention_heads"], text["num_key_value_heads"]
            width = text.get("head_dim") or (text["hidden_size"] // heads if glm else 128)
            biases = (heads + 2 * kv_heads) * width if glm or text.get("attention_bias") else 0
            if not glm and biases:  # of the output too
                biases += text["hidden_size"]
            decoder = Decoder(
                layers=text["num_hidden_layers"],
                hidden=text["hidden_size"],
                mlp=text["intermediate_size"],
                heads=heads,
                kv_heads=kv_heads,
                head_width=width,
                vocabulary=text["vocab_size"],
                tied=bool(config.get("tie_word_embeddings", False)),
                biases=biases,
                norms=4 if glm else 2,
                head_norms=not glm,
            )
            tower = tower_of(vision, family)
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

        Source: tensors that autograd saves in transformers 5.24 for the decoder layers, vision blocks and mergers of
        both families with SDPA, fitted over widths; a test compares the sum with a whole model.
        """
        decoder, tower = self.decoder, self.tower
        tokens, patches = visual_tokens + text_tokens, visual_tokens * tower.merge**2
        layer, block = tokens * decoder.saved_bytes, patches * tower.saved_bytes
        held = tokens * 6 * decoder.hidden  # the last norm
        held += decoder.layers * (tokens * _HALF * decoder.hidden if checkpoints else layer)
        if not frozen_tower:
            held += patches * tower.stem_saved_bytes
            held += visual_tokens * tower.merger_saved_bytes
            held += tower.depth * (patches * _HALF * tower.hidden if checkpoints else block)
        peak = max(layer, 0 if frozen_tower else block) if checkpoints else 0
        return Activations(held=held, peak=peak)
