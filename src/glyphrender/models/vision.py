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
from glyphrender.models.preprocessor import vision_from_config

__all__ = ["VISION_MODELS", "ImageCost", "Limits", "VisionModel", "calibrated", "vision_from_config", "vision_model"]

_BY_NAME: dict[str, VisionModel] = {model.name: model for model in (*MODELS, *hosted.MODELS)}

#: Names of the vision models that `vision_model` finds.
VISION_MODELS: tuple[str, ...] = tuple(_BY_NAME)


def vision_model(name: str | VisionModel) -> VisionModel:
    """Return the vision model of this name, in any case. A `VisionModel` is returned as it is.

    Raises:
        VisionModelError: there is no model of that name; the message lists the names.

    >>> vision_model("Qwen3-VL").grid
    (32, 32)
    """
    if not isinstance(name, str):
        if not callable(getattr(name, "image", None)):
            raise VisionModelError(
                f"model is {type(name).__name__}, not a name or a VisionModel. Use a VISION_MODELS name."
            )
        return name
    model = _BY_NAME.get(name.lower())
    if model is None:
        raise VisionModelError(
            f"model={shown(name)} is not a known vision model. Use one of: {', '.join(VISION_MODELS)}.", model=name
        )
    return model
