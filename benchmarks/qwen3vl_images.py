"""Qwen3-VL's processor without its video half, which cannot be built without torchvision.

`save_pretrained` copies this file beside the weights and names it in `auto_map`, so that `transformers serve` loads the
class with `--trust-remote-code`.
"""

from transformers import Qwen3VLProcessor


class Qwen3VLImagesProcessor(Qwen3VLProcessor):
    """A `Qwen3VLProcessor` for text and images."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The names of the parts that are checked, saved and loaded; `__init__` drops all other parts."""
        return ["image_processor", "tokenizer"]


Qwen3VLImagesProcessor.register_for_auto_class("AutoProcessor")
