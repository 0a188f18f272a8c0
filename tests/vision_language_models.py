"""Vision-language models of transformers with few, random weights, and their processors: six families beside GLM-4.1V.

Each model class, processor and image processor is that of transformers; only the tokenizer, of bytes and the family's
special tokens, and the sizes are made here. The chat templates write what the published ones write for these parts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from tiny_glm4v import byte_tokenizer

from glyphrender.adapters.processor import image_only

FAMILIES = ("glm-4.1v", "qwen2-vl", "qwen2.5-vl", "qwen3-vl", "idefics3", "llava", "gemma-3")

QWEN = ("<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
ROWS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
IDEFICS = ("<end_of_utterance>", "<image>", "<fake_token_around_image>", "<global-img>", *ROWS)
LLAVA = ("</s>", "<image>")
GEMMA = ("<end_of_turn>", "<start_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>")
PARTS = (
    "{%- for part in message.content -%}{%- if part.type == 'image' -%}IMAGE{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}"
)
CHATML = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}{{ '\\n' }}"
    + PARTS.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    + "<|im_end|>{{ '\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\\n' }}{%- endif -%}"
)
SAID = (
    "{%- for message in messages -%}{{ message.role | capitalize }}{{ ': ' }}"
    + PARTS.replace("IMAGE", "<image>")
    + "END{{ '\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}Assistant:{{ ' ' }}{%- endif -%}"
)
TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}


@cache
def family(name: str) -> tuple[Any, Any]:
    """(model, processor); shared by all tests, so that none may train it."""
    import torch

    if name == "glm-4.1v":
        from tiny_glm4v import tiny_glm4v

        return tiny_glm4v()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model, processor = FAMILY.get(name, lambda: _qwen(name))()
    model.generation_config.update(
        eos_token_id=processor.tokenizer.eos_token_id, pad_token_id=processor.tokenizer.pad_token_id
    )
    return model.eval(), processor


def _qwen(name: str) -> tuple[Any, Any]:
    import transformers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    prefix = {"qwen2-vl": "Qwen2VL", "qwen2.5-vl": "Qwen2_5_VL", "qwen3-vl": "Qwen3VL"}[name]
    tokenizer = byte_tokenizer(QWEN)
    token = tokenizer.convert_tokens_to_ids
    vision: dict[str, Any] = {
        "qwen2-vl": {"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2},
        "qwen2.5-vl": {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 64,
            "fullatt_block_indexes": [1],
        },
        "qwen3-vl": {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 64,
            "deepstack_visual_indexes": [0],
        },
    }[name]
    text = TEXT | {"vocab_size": len(tokenizer), "rope_parameters": ROPE, "pad_token_id": token("<|im_end|>")}
    if name == "qwen3-vl":
        text["head_dim"] = 16
    config = getattr(transformers, f"{prefix}Config")(
        text_config=text,
        vision_config=vision,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )
    patch = {"patch_size": 16, "image_mean": [0.5] * 3, "image_std": [0.5] * 3} if name == "qwen3-vl" else {}
    least = 65_536 if name == "qwen3-vl" else 3_136
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": least, "longest_edge": 12_845_056}, **patch)
    kind = image_only(getattr(transformers, f"{prefix}Processor"))
    processor = kind(images, tokenizer, None, chat_template=CHATML)
    return getattr(transformers, f"{prefix}ForConditionalGeneration")(config), processor


def _idefics3(name: str = "Idefics3", restricted: Callable[[type], type] = lambda kind: kind) -> tuple[Any, Any]:
    import transformers

    tokenizer = byte_tokenizer(IDEFICS)
    config = getattr(transformers, f"{name}Config")(
        text_config=TEXT | {"model_type": "llama", "vocab_size": len(tokenizer), "pad_token_id": 256},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 112,
            "patch_size": 14,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=256,
    )
    module = import_module(f"transformers.models.{name.lower()}.image_processing_pil_{name.lower()}")
    sizes = {"size": {"longest_edge": 448}, "max_image_size": {"longest_edge": 112}}
    images = getattr(module, f"{name}ImageProcessorPil")(**sizes)
    template = SAID.replace("END", "<end_of_utterance>")
    kind = restricted(getattr(transformers, f"{name}Processor"))
    options = {} if name == "Idefics3" else {"video_processor": None}
    processor = kind(images, tokenizer, image_seq_len=16, chat_template=template, **options)
    return getattr(transformers, f"{name}ForConditionalGeneration")(config), processor


def _llava() -> tuple[Any, Any]:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = byte_tokenizer(LLAVA)
    config = LlavaConfig(
        text_config=TEXT | {"model_type": "llama", "vocab_size": len(tokenizer), "pad_token_id": 256},
        vision_config={
            "model_type": "clip_vision_model",
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 112,
            "patch_size": 14,
            "projection_dim": 32,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=64,
    )
    images = CLIPImageProcessorPil(size={"shortest_edge": 112}, crop_size={"height": 112, "width": 112})
    # The class token is counted, and left out again by the strategy.
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=SAID.replace("END", ""),
    )
    return LlavaForConditionalGeneration(config), processor


def _gemma3() -> tuple[Any, Any]:
    """With sliding windows that a page does not fit in."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    tokenizer = byte_tokenizer(GEMMA)
    tokenizer.image_token, tokenizer.boi_token, tokenizer.eoi_token = "<image_soft_token>", GEMMA[2], GEMMA[3]
    token = tokenizer.convert_tokens_to_ids
    tokenizer.image_token_id, tokenizer.boi_token_id = token("<image_soft_token>"), token("<start_of_image>")
    config = Gemma3Config(
        text_config=TEXT
        | {
            "vocab_size": len(tokenizer),
            "head_dim": 16,
            "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"],
            "pad_token_id": 256,
            "bos_token_id": 256,
            "eos_token_id": 256,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 112,
            "patch_size": 14,
        },
        mm_tokens_per_image=16,
        image_token_id=token("<image_soft_token>"),
        boi_token_id=token("<start_of_image>"),
        eoi_token_id=token("<end_of_image>"),
        pad_token_id=256,
    )
    images = Gemma3ImageProcessorPil(size={"height": 112, "width": 112}, image_seq_length=16)
    template = CHATML.replace("<|im_start|>", "<start_of_turn>").replace("<|im_end|>", "<end_of_turn>")
    template = template.replace("<|vision_start|><|image_pad|><|vision_end|>", "<start_of_image>")
    processor = Gemma3Processor(images, tokenizer, image_seq_length=16, chat_template=template)
    return Gemma3ForConditionalGeneration(config), processor


FAMILY = {
    "idefics3": _idefics3,
    "smolvlm": lambda: _idefics3("SmolVLM", image_only),
    "llava": _llava,
    "gemma-3": _gemma3,
}
