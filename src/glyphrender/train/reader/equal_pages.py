"""The tower's attention over pages of one size: one call in place of a loop over pages."""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.glm4v.modeling_glm4v import Glm4vVisionAttention, apply_rotary_pos_emb_vision

__all__ = ["EqualPagesAttention", "equal_pages"]


class EqualPagesAttention(Glm4vVisionAttention):  # type: ignore[misc]
    """transformers' attention of GLM-4.1V's tower, which takes pages of one size together, as a batch.

    Weights, their names and results are those of the original. Pages of different sizes go the original way.
    """

    def forward(
        self, hidden_states: Any, cu_seqlens: Any, position_embeddings: Any = None, max_seqlen: Any = None, **rest: Any
    ) -> Any:
        """Return [patches, width] for [patches, width]; page i has patches cu_seqlens[i] to cu_seqlens[i + 1] - 1."""
        lengths = cu_seqlens.diff()
        if (lengths != lengths[0]).any():
            return super().forward(hidden_states, cu_seqlens, position_embeddings, max_seqlen, **rest)
        patches, pages = len(hidden_states), len(lengths)
        query, key, value = (
            self.qkv(hidden_states).reshape(patches, 3, self.num_heads, -1).permute(1, 0, 2, 3).unbind(0)
        )
        query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
        query, key, value = (
            each.reshape(pages, patches // pages, self.num_heads, -1).transpose(1, 2) for each in (query, key, value)
        )
        seen = torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=self.scaling)
        return self.proj(seen.transpose(1, 2).reshape(patches, -1))


def equal_pages(model: Any) -> Any:
    """Let the tower of this model, and of no other, take pages of one size together; return the model.

    The weights are shared with the attention that is replaced. What `save_pretrained` writes does not change.
    """
    for block in model.model.visual.blocks:
        if not isinstance(block.attn, EqualPagesAttention):
            block.attn.__class__ = EqualPagesAttention
    return model
