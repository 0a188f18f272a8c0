"""GLM-4.1V's processor without its video half. It is part of the package now; this name stays for older imports."""

from glyphrender.train.reader.glm4v_images import Glm4vImagesProcessor

__all__ = ["Glm4vImagesProcessor"]
