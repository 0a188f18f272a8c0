"""Configurations of small models of two families, whose widths are all different."""

from __future__ import annotations

from typing import Any


def small(**text: Any) -> dict[str, Any]:
    """Return the configuration of a small GLM-4.1V whose widths are all different."""
    return {
        "model_type": "glm4v",
        "text_config": {
            "vocab_size": 300,
            "hidden_size": 96,
            "intermediate_size": 200,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "pad_token_id": 0,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.5,
                "mrope_section": [2, 2, 2],
            },
            **text,
        },
        "vision_config": {
            "depth": 3,
            "hidden_size": 64,
            "num_heads": 2,
            "intermediate_size": 160,
            "out_hidden_size": 96,
            "image_size": 56,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        "image_token_id": 299,
        "video_token_id": 298,
        "image_start_token_id": 297,
        "image_end_token_id": 296,
    }


def small_qwen(**text: Any) -> dict[str, Any]:
    """Return the configuration of a small Qwen3-VL whose widths are all different."""
    return {
        "model_type": "qwen3_vl",
        "text_config": {
            "vocab_size": 300,
            "hidden_size": 96,
            "intermediate_size": 200,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [6, 5, 5]},
            **text,
        },
        "vision_config": {
            "depth": 3,
            "hidden_size": 64,
            "num_heads": 2,
            "intermediate_size": 160,
            "out_hidden_size": 96,
            "num_position_embeddings": 16,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "deepstack_visual_indexes": [0, 2],
        },
        "image_token_id": 299,
        "video_token_id": 298,
        "vision_start_token_id": 297,
        "vision_end_token_id": 296,
    }
