"""GLM-4.1V's processor without its video half, which cannot be built without torchvision.

`save_pretrained` copies this file beside the weights and names it in `auto_map`, so that any program loads the class
with `trust_remote_code` and without glyphrender. So it imports nothing of ours, and transformers at its top.
"""

from transformers import Glm4vProcessor


class Glm4vImagesProcessor(Glm4vProcessor):
    """`Glm4vProcessor` for text and images."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are checked, saved and loaded; `__init__` drops what it is given beyond them."""
        return ["image_processor", "tokenizer"]


Glm4vImagesProcessor.register_for_auto_class("AutoProcessor")
