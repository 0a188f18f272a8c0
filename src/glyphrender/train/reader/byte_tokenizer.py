"""A tokenizer of bytes, with the special tokens and the chat template of GLM-4.1V.

A byte tokenizer takes every text and needs no vocabulary file, so a model can be made from a configuration alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from glyphrender.errors import DependencyError

__all__ = ["CHAT_TEMPLATE", "END", "SPECIAL_TOKENS", "byte_tokenizer", "token_ids"]

END: Final = "<|endoftext|>"
SPECIAL_TOKENS: Final = (
    END,
    "[gMASK]",
    "<sop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
)
#: GLM-4.1V's own template, without tools and thinking. The generation marks let trainers find the tokens to learn. Here
#: an answer ends with a token; the published template leaves that token to the trainer.
CHAT_TEMPLATE: Final = """\
[gMASK]<sop>
{%- for message in messages -%}
<|{{ message.role }}|>{{ '\\n' }}
{%- if message.role == 'assistant' -%}
{%- generation -%}
{%- if message.content is string -%}{{ message.content }}
{%- else -%}{%- for part in message.content -%}{{ part.text }}{%- endfor -%}{%- endif -%}
<|endoftext|>
{%- endgeneration -%}
{%- elif message.content is string -%}{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<|begin_of_image|><|image|><|end_of_image|>
{%- elif part.type == 'text' -%}{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{{ '\\n' }}{%- endif -%}
"""


def byte_tokenizer(special_tokens: Sequence[str] = SPECIAL_TOKENS) -> Any:
    """Return a `PreTrainedTokenizerFast` with one token a byte of UTF-8.

    Args:
        special_tokens: tokens besides the bytes. The first ends a text, and pads batches.

    Raises:
        DependencyError: transformers is not installed.
    """
    try:
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise DependencyError.of(error, "a tokenizer needs the package transformers", extra="transformers") from error
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special_tokens])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=special_tokens[0],
        pad_token=special_tokens[0],
        padding_side="left",
        model_max_length=131_072,
    )


def token_ids(tokenizer: Any) -> dict[str, int]:
    """Return the arguments of `Glm4vConfig` that name the tokens of images and videos.

    >>> sorted(token_ids(byte_tokenizer()))[:2]
    ['image_end_token_id', 'image_start_token_id']
    """
    names = {
        "image_token_id": "<|image|>",
        "video_token_id": "<|video|>",
        "image_start_token_id": "<|begin_of_image|>",
        "image_end_token_id": "<|end_of_image|>",
        "video_start_token_id": "<|begin_of_video|>",
        "video_end_token_id": "<|end_of_video|>",
    }
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}
