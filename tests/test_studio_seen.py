"""The pixels that are shown as what a model sees are those that transformers' own processors make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from vision_reference import REFERENCES, build_image_processor

from glyphrender import Page, Theta, render
from glyphrender.errors import VisionModelError
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.studio.seen import seen

TEXT = "It is a truth universally acknowledged, that a single man in possession of a good fortune … " * 40
BY_PIL = {reference.models[0]: reference for reference in REFERENCES if "pil" in reference.image_processor}
SIZE = (447, 341)  # on the grid of no model


def page_of(*size: int) -> Page:
    return render(TEXT, Theta(page_size=size, auto_crop_width=False, auto_crop_last_page=False))[0]


def resized_by(name: str, image: Image.Image, monkeypatch: pytest.MonkeyPatch) -> list[Image.Image]:
    """Every image that the processor of a model resizes `image` to."""
    results: list[Image.Image] = []
    resize = Image.Image.resize

    def noted(self: Image.Image, *args: Any, **kwargs: Any) -> Image.Image:
        results.append(resize(self, *args, **kwargs))
        return results[-1]

    reference = BY_PIL[name]
    # Merged patches are a setting of Pixtral's whole processor, which tells the image processor with each call.
    merge = reference.processor_options.get("spatial_merge_size")
    patch = {"patch_size": {side: n * merge for side, n in reference.options["patch_size"].items()}} if merge else {}
    processor = build_image_processor(reference)
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "resize", noted)
        processor([image.convert("RGB")], do_rescale=False, do_normalize=False, **patch)
    return results


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_PIL)
def test_a_page_is_resized_as_the_processor_of_the_model_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(*SIZE)
    found = seen(page, name)
    assert page.size == SIZE
    assert found.image.size == found.cost.size != SIZE
    theirs = [image for image in resized_by(name, page.image, monkeypatch) if image.size == found.cost.size]
    assert any(np.array_equal(np.asarray(image.convert("L")), np.asarray(found.image)) for image in theirs)


@pytest.mark.parametrize("name", VISION_MODELS)
def test_every_model_has_an_image_and_a_sentence(name: str) -> None:
    page = page_of(*SIZE)
    found = seen(page, name)
    assert found.picture.size == found.image.size == found.cost.size
    assert found.note.startswith(name)
    assert f"{found.cost.tokens:,} visual tokens" in found.note
    assert ("provider does not say" in found.note) == (vision_model(name).hosted and found.cost.resampled)


def test_a_page_on_the_grid_is_seen_as_it_was_drawn() -> None:
    page = render(TEXT, Theta().align_to("glm-4.1v"))[0]
    found = seen(page, "glm-4.1v")
    assert np.array_equal(np.asarray(found.image), page.array)
    assert "as they were drawn" in found.note


def test_a_model_that_refuses_the_page_says_so() -> None:
    with pytest.raises(VisionModelError, match=r"glm-4\.1v takes sides within 200 : 1"):
        seen(page_of(6100, 30), "glm-4.1v")
