"""`tiny_reader`: a GLM-4.1V of about a million parameters that can learn to read pages on one CPU thread.

All classes are those of transformers, so a trained reader is saved, loaded, served and fine-tuned as the model of nine
thousand million parameters is. GLM's own starting values and rotary frequencies are made for 4,096 wide layers and
long texts; with them, a model of 128 learns the line ends and nothing else. Six choices make the difference. How
much some of them matter was measured on pages of 3 × 16 characters (`docs/learn_to_read.md`):

1. **Weights of standard deviation hidden^-0.5** (0.09 at 128, where transformers takes 0.02). With 0.02 the signal is
   lost in the residual stream, and hundreds of steps only make weights grow.
2. **White is 0.** Pages are white paper. With CLIP's mean and deviation, all patches are nearly the same large vector.
   The processor's mean 1 and deviation −0.3 make white 0 and black 3.3.
3. **Small sandwich norms.** GLM-4.1V normalises the output of each sublayer before it is added. At a weight of 1, each
   sublayer adds vectors of RMS 1 to embeddings of RMS hidden^-0.5, and the model cannot see its own input.
4. **Rotary frequencies for a small page.** GLM gives the columns the lowest frequencies: at θ = 10,000, neighboring
   columns differ by less than 0.002 rad. Here, θ is 10, the columns have two thirds of the frequencies (0.46 to 0.12
   rad a column), and a quarter of each head is not rotated, so that it can compare contents.
5. **Attention starts as a copier.** The output projection is the transpose of an orthogonal value projection, so a
   layer adds what it looks at, unchanged. It remains to be learned where to look.
6. **A shallow tower.** One character a cell needs no block at all, more need one block.

Key and value heads are as many as heads, because choice 5 needs square matrices.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from glyphrender.errors import DataError, DependencyError
from glyphrender.train.reader.byte_tokenizer import CHAT_TEMPLATE, END, byte_tokenizer, token_ids
from glyphrender.train.reader.look_back import start_looking_back
from glyphrender.train.thread_limit import keep_to_thread_limit

__all__ = ["READ", "READER_TEMPLATE", "save_reader", "tiny_reader"]

#: The question of a transcription. A reader was trained with it, so ask it with it.
READ = "Read."
#: GLM-4.1V's turns without the system message: a million parameters do not follow instructions, and a reader has never
#: seen one.
READER_TEMPLATE = CHAT_TEMPLATE.replace("in messages -%}", "in messages if message.role != 'system' -%}")


def tiny_reader(
    *,
    hidden_size: int = 128,
    layers: int = 3,
    heads: int = 4,
    intermediate_size: int = 256,
    vision_layers: int = 1,
    vision_hidden_size: int = 128,
    merger_size: int = 384,
    rope_theta: float = 10.0,
    rotary: float = 0.75,
    rope_sections: Sequence[int] = (2, 2, 8),
    attention_norm: float = 0.2,
    mlp_norm: float = 0.05,
    look_back: bool = False,
    seed: int = 0,
) -> tuple[Any, Any]:
    """Return (model, processor): a GLM-4.1V of a million parameters with starting values that can learn to read.

    Args:
        hidden_size: width of the language model, a multiple of `heads`.
        layers: layers of the language model.
        heads: attention heads of the language model.
        intermediate_size: width inside its feed-forward layers.
        vision_layers: blocks of the vision tower; 0 is enough for one character a cell of 28 px.
        vision_hidden_size: width of the tower, a multiple of 16.
        merger_size: width inside the tower's last feed-forward layer, which sees a whole cell. The ones inside its
            blocks are `hidden_size` wide.
        rope_theta: base of the rotary frequencies.
        rotary: share of each head that is rotated.
        rope_sections: numbers of frequencies for time, height, width, time, height, …, from the highest frequency to
            the lowest. Together they are half the rotated width of a head.
        attention_norm, mlp_norm: weights of the norms after the attention and the feed-forward sublayers.
        look_back: whether the model starts as look-ups need it, see `glyphrender.train.reader.look_back`.
        seed: seed of the weights; torch's own generator is left as it was.

    Returns:
        `Glm4vForConditionalGeneration`, float32, in evaluation mode; a processor of bytes whose pages have white = 0.

    Raises:
        DataError: the widths do not fit the heads or the sections.
        DependencyError: torch or transformers is not installed.
    """
    _check_widths(hidden_size, heads, vision_hidden_size, rotary, rope_sections)
    try:
        import torch
        from transformers import Glm4vConfig, Glm4vForConditionalGeneration
        from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil

        from glyphrender.train.reader.glm4v_images import Glm4vImagesProcessor
    except ImportError as error:
        raise DependencyError.of(error, "a tiny reader needs torch and transformers", extra="train") from error

    tokenizer = byte_tokenizer()
    end = tokenizer.convert_tokens_to_ids(END)
    deviation = hidden_size**-0.5  # choice 1
    config = Glm4vConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden_size,
            "intermediate_size": intermediate_size,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads,
            "max_position_embeddings": 32_768,
            "pad_token_id": end,
            "eos_token_id": end,
            "initializer_range": deviation,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": rope_theta,
                "partial_rotary_factor": rotary,
                "mrope_section": list(rope_sections),
            },
        },
        vision_config={
            "depth": vision_layers,
            "hidden_size": vision_hidden_size,
            "num_heads": 4,
            "out_hidden_size": hidden_size,
            "intermediate_size": merger_size,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 1,
            "image_size": 336,
            "initializer_range": deviation,
        },
        **token_ids(tokenizer),
        tie_word_embeddings=True,
    )
    keep_to_thread_limit()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = Glm4vForConditionalGeneration(config).eval()
        _start_copying(model, attention_norm, mlp_norm)
        if look_back:
            start_looking_back(model)
    model.generation_config.update(eos_token_id=end, pad_token_id=end, do_sample=False)
    images = _page_images(Glm4vImageProcessorPil)
    return model, Glm4vImagesProcessor(images, tokenizer, chat_template=READER_TEMPLATE)


def _check_widths(
    hidden_size: int, heads: int, vision_hidden_size: int, rotary: float, rope_sections: Sequence[int]
) -> None:
    """Refuse widths that do not fit the heads or the sections."""
    if hidden_size % heads or vision_hidden_size % 16:
        raise DataError(
            f"hidden_size={hidden_size} is not a multiple of heads={heads}, or vision_hidden_size={vision_hidden_size} "
            "not of 16. Change one of them."
        )
    frequencies = int(hidden_size // heads * rotary) // 2
    if sum(rope_sections) != frequencies:
        raise DataError(
            f"rope_sections={tuple(rope_sections)} are {sum(rope_sections)} frequencies. A head of "
            f"{hidden_size // heads} with rotary={rotary} has {frequencies}."
        )


def _start_copying(model: Any, attention_norm: float, mlp_norm: float) -> None:
    """Make each layer start as a copier with small sandwich norms: choices 3 and 5."""
    import torch

    for layer in model.model.language_model.layers:
        layer.post_self_attn_layernorm.weight.fill_(attention_norm)
        layer.post_mlp_layernorm.weight.fill_(mlp_norm)
        width = layer.self_attn.v_proj.weight.shape[0]
        turn = torch.nn.init.orthogonal_(torch.empty(width, width))
        layer.self_attn.v_proj.weight.copy_(turn)
        layer.self_attn.o_proj.weight.copy_(turn.T)


def _page_images(processor: Any) -> Any:
    """Return an image processor of class `processor` that turns white into 0: choice 2."""
    # One frame, because a page does not move. From one cell of 28 × 28 px, so that no small page is enlarged.
    return processor(
        size={"shortest_edge": 28 * 28, "longest_edge": 9_633_792},
        temporal_patch_size=1,
        image_mean=[1.0] * 3,
        image_std=[-0.3] * 3,
    )


def save_reader(model: Any, processor: Any, path: str | os.PathLike[str]) -> None:
    """Write a folder that transformers loads and `transformers serve` serves, both with `trust_remote_code`.

    Without torchvision, no class of transformers itself is GLM-4.1V's processor; so one is saved beside the weights.
    """
    model.save_pretrained(path)
    processor.save_pretrained(path)
