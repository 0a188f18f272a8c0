"""GLM-4.1V's processor without its video half, which cannot be built without torchvision.

`save_pretrained` copies this file beside the weights and names it in `auto_map`. Any program can then load the class
with `trust_remote_code`, without glyphrender. So this file imports transformers at its top, and nothing of this
project.
"""

from transformers import Glm4vProcessor


class Glm4vImagesProcessor(Glm4vProcessor):  # type: ignore[misc]
    """A `Glm4vProcessor` for text and images."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        """Return the names of the parts that are checked, saved and loaded; `__init__` drops all other parts."""
        return ["image_processor", "tokenizer"]


Glm4vImagesProcessor.register_for_auto_class("AutoProcessor")
