"""Pixel values made from bytes are those that transformers' own image processors make."""

from __future__ import annotations

import pickle
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from strategies import examples

from glyphrender import Theta, render
from glyphrender.adapters.device import on_device
from glyphrender.adapters.pixels import Patchify, fast
from glyphrender.errors import DataError, VisionModelError

pytestmark = pytest.mark.slow

PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "glm-4.1v": ("glm4v.image_processing_pil_glm4v.Glm4vImageProcessorPil", {"size": (12_544, 9_633_792)}),
    "glm-4.6v": ("glm46v.image_processing_pil_glm46v.Glm46VImageProcessorPil", {"size": (12_544, 9_633_792)}),
    "qwen2.5-vl": ("qwen2_vl.image_processing_pil_qwen2_vl.Qwen2VLImageProcessorPil", {"size": (3_136, 12_845_056)}),
    "qwen3-vl": (
        "qwen2_vl.image_processing_pil_qwen2_vl.Qwen2VLImageProcessorPil",
        {"size": (65_536, 16_777_216), "patch_size": 16, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
    ),
    "small limits": ("glm4v.image_processing_pil_glm4v.Glm4vImageProcessorPil", {"size": (12_544, 160_000)}),
    "not normalised": ("qwen2_vl.image_processing_pil_qwen2_vl.Qwen2VLImageProcessorPil", {"do_normalize": False}),
}
TEXT = "It is a truth universally acknowledged, that a single man in possession of a good fortune … " * 80


@cache
def image_processor(name: str) -> Any:
    path, options = PROCESSORS[name]
    module, _, kind = path.rpartition(".")
    if "size" in options:
        options = options | {"size": dict(zip(("shortest_edge", "longest_edge"), options["size"], strict=True))}
    return getattr(import_module(f"transformers.models.{module}"), kind)(**options)


def noise(width: int, height: int, *, color: bool = False, seed: int = 0) -> NDArray[np.uint8]:
    shape = (height, width, 3) if color else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def assert_same(name: str, pages: list[NDArray[np.uint8]]) -> None:
    expected = image_processor(name)([Image.fromarray(page) for page in pages], return_tensors="pt")
    found = Patchify.of(image_processor(name))(pages)
    assert found["image_grid_thw"].tolist() == expected["image_grid_thw"].tolist()
    assert found["pixel_values"].shape == expected["pixel_values"].shape
    assert float((found["pixel_values"] - expected["pixel_values"]).abs().max()) < 1e-6


@pytest.mark.parametrize("name", PROCESSORS)
@examples(25)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.booleans()), min_size=1, max_size=3))
def test_pages_on_the_grid_are_as_the_processor_makes_them(name: str, sizes: list[tuple[int, int, bool]]) -> None:
    cell = Patchify.of(image_processor(name)).model.cell
    assert_same(name, [noise(cell * w, cell * h, color=color, seed=w) for w, h, color in sizes])


@pytest.mark.parametrize("name", PROCESSORS)
@examples(25)
@given(st.integers(1, 700), st.integers(1, 700), st.booleans())
def test_pages_off_the_grid_are_resized_as_the_processor_does(name: str, width: int, height: int, color: bool) -> None:
    if max(width, height) <= 200 * min(width, height):
        assert_same(name, [noise(width, height, color=color)])


@pytest.mark.parametrize("vision", ["glm-4.1v", "qwen2.5-vl", "qwen3-vl"])
def test_pages_of_a_document_need_no_resize(vision: str) -> None:
    document = render(TEXT, Theta().align_to(vision))
    exact = Patchify.of(image_processor(vision), resize=False)(document)
    expected = image_processor(vision)([page.image for page in document], return_tensors="pt")
    assert float((exact["pixel_values"] - expected["pixel_values"]).abs().max()) < 1e-6


def test_a_page_off_the_grid_can_be_refused() -> None:
    refusing = Patchify.of(image_processor("glm-4.1v"), resize=False)
    with pytest.raises(VisionModelError, match=r"page 2 of 594×842 px is off the grid .* 588×840 .* theta\.align_to"):
        refusing([noise(588, 840), noise(594, 842)])


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([], "no pages"),
        (render(""), "no pages"),
        ([np.zeros((28, 28))], "a page is a ndarray, not bytes"),
        ([np.zeros((28, 28, 4), np.uint8)], r"shape \(28, 28, 4\)"),
        (["page.png"], "a page is a str"),
    ],
)
def test_what_is_no_page_is_refused(pages: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Patchify.of(image_processor("glm-4.1v"))(pages)


def test_a_processor_of_another_kind_is_refused() -> None:
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    with pytest.raises(VisionModelError, match="Idefics3ImageProcessorPil does not cut images into patches"):
        Patchify.of(Idefics3ImageProcessorPil())


def test_bytes_become_the_same_values_on_the_device() -> None:
    """A tensor of bytes, in the dtype that a model converts it to, becomes what the processor's floats become."""
    import torch

    patchify = Patchify.of(image_processor("glm-4.1v"))
    for color in (False, True):
        patches, _ = patchify.patches([noise(112, 84, color=color)])
        assert patches.shape == (48, 196 * (3 if color else 1))
        expected = patchify.pixel_values(patches)
        assert float((patchify.pixel_values(torch.from_numpy(patches)) - expected).abs().max()) < 1e-6
        halved = patchify.pixel_values(torch.from_numpy(patches).to(torch.bfloat16), dtype=torch.bfloat16)
        assert torch.equal(halved, patchify.pixel_values(torch.from_numpy(patches)).to(torch.bfloat16))


@pytest.mark.parametrize("expand", [True, False])
def test_a_model_sees_the_same_through_a_fast_processor(tiny: tuple[Any, Any], expand: bool) -> None:
    """With `expand=False` the batch has one byte where the other has 24, and the model makes floats of them."""
    import torch

    model, processor = tiny
    document = render(TEXT, Theta().align_to("glm-4.1v"))
    content = [*({"type": "image", "image": page.image} for page in document), {"type": "text", "text": "What?"}]
    messages = [{"role": "user", "content": content}]
    options = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    expected = processor.apply_chat_template(messages, **options)
    changed = pickle.loads(pickle.dumps(fast(processor, expand=expand)))  # as to a worker of a DataLoader
    found = changed.apply_chat_template(messages, **options)
    assert torch.equal(found["input_ids"], expected["input_ids"])
    assert expected["pixel_values"].nbytes == found["pixel_values"].nbytes * (1 if expand else 24)
    handle = on_device(model, processor)
    try:
        with torch.no_grad():
            same = model(**found).logits - model(**expected).logits
    finally:
        handle.remove()
    assert float(same.abs().max()) < 1e-5


def test_a_fast_processor_leaves_calls_with_options_to_the_original(tiny: tuple[Any, Any]) -> None:
    processor = tiny[1].image_processor
    changed = fast(tiny[1]).image_processor
    image = Image.fromarray(noise(84, 56))
    options = {"do_normalize": False, "return_tensors": "np"}
    assert np.array_equal(changed(image, **options)["pixel_values"], processor(image, **options)["pixel_values"])
    assert changed.to_dict() == processor.to_dict()
