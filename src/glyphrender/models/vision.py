"""Find a vision model by name: `vision_model("glm-4.1v").image(595, 842).tokens` are the visual tokens of a page.

Two other ways lead to a model: `vision_from_config` reads a local `preprocessor_config.json`, and `calibrated` uses the
count endpoint of a provider. `model.py` defines what a model is. The arithmetic is in `families/` and `hosted.py`.
"""

from __future__ import annotations

from glyphrender.errors import VisionModelError, shown
from glyphrender.models import hosted
from glyphrender.models.calibration import calibrated
from glyphrender.models.families import MODELS
from glyphrender.models.limits import Limits
from glyphrender.models.model import ImageCost, VisionModel
from glyphrender.models.names import close_names, family_name
from glyphrender.models.preprocessor import vision_from_config

__all__ = ["VISION_MODELS", "ImageCost", "Limits", "VisionModel", "calibrated", "vision_from_config", "vision_model"]

_BY_NAME: dict[str, VisionModel] = {model.name: model for model in (*MODELS, *hosted.MODELS)}

#: Our names of the vision models. `vision_model` also knows the names by which they are served.
VISION_MODELS: tuple[str, ...] = tuple(_BY_NAME)


def vision_model(name: str | VisionModel) -> VisionModel:
    """Return the vision model that a name stands for. A `VisionModel` is returned as it is.

    The name is one of `VISION_MODELS`, or that of a model which a provider, the hub or a gateway uses. No model is
    guessed: a sibling that we do not know may count images in another way.

    Raises:
        VisionModelError: the name stands for no model that we know; the message has the names most like it.

    >>> vision_model("Qwen3-VL").grid
    (32, 32)
    >>> vision_model("Qwen/Qwen3-VL-8B-Instruct").name, vision_model("claude-opus-4-5-20251101").name
    ('qwen3-vl', 'claude-standard')
    """
    if not isinstance(name, str):
        if not callable(getattr(name, "image", None)):
            raise VisionModelError(
                f"model is {type(name).__name__}, not a name or a VisionModel. Use a VISION_MODELS name."
            )
        return name
    if (model := _BY_NAME.get(name)) is not None:
        return model
    found = family_name(name, VISION_MODELS)
    if found is None:
        like = close_names(name, VISION_MODELS)
        meant = f" Did you mean {' or '.join(like)}?" if like else ""
        raise VisionModelError(
            f"model={shown(name)} is not a known vision model.{meant} `glyphrender models` lists all.", model=name
        )
    return _BY_NAME[found]
