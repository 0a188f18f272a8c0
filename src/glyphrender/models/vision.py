"""Visual tokens by model: `vision_model("glm-4.1v").image(595, 842).tokens`.

The names, and the two other ways to a model: a local `preprocessor_config.json`, and the count endpoint of a
provider. What a model is, is in `model.py`; the arithmetic of each family in `families/` and `hosted.py`.
"""

from __future__ import annotations

from glyphrender.errors import VisionModelError
from glyphrender.models import hosted
from glyphrender.models.calibration import calibrated
from glyphrender.models.families import MODELS
from glyphrender.models.model import ImageCost, Limits, VisionModel
from glyphrender.models.preprocessor import vision_from_config

__all__ = ["VISION_MODELS", "ImageCost", "Limits", "VisionModel", "calibrated", "vision_from_config", "vision_model"]

_BY_NAME: dict[str, VisionModel] = {model.name: model for model in (*MODELS, *hosted.MODELS)}

VISION_MODELS: tuple[str, ...] = tuple(_BY_NAME)


def vision_model(name: str | VisionModel) -> VisionModel:
    """The model of this name, in any case; a model is itself.

    Raises:
        VisionModelError: there is none; the message lists the names.
    """
    if not isinstance(name, str):
        return name
    model = _BY_NAME.get(name.lower())
    if model is None:
        raise VisionModelError(
            f"model={name!r} is not a known vision model. Use one of: {', '.join(VISION_MODELS)}.", model=name
        )
    return model
