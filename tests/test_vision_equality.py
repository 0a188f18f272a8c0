"""Visual tokens equal those of transformers' processors.

What the processors gave for each size is kept in data/vision_tokens.json, which benchmarks/vision_equality.py writes;
where transformers is installed, some sizes are put to the processors themselves.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from vision_reference import REFERENCES, Reference, build_image_processor, measure

from glyphrender.errors import VisionModelError
from glyphrender.models.vision import VISION_MODELS, VisionModel, vision_from_config, vision_model

FIXTURE = Path(__file__).parent / "data" / "vision_tokens.json"
NAMED = [pytest.param(name, reference, id=name) for reference in REFERENCES for name in reference.models]
# Those whose configuration says all: that a prompt has several images is not in it.
CONFIGURED = [pytest.param(reference, id=reference.models[0]) for reference in REFERENCES if reference.copies == 1]
# Families whose every page on the grid is to reach the model as it was drawn, by a size with more than one tile.
UNTOUCHED = {
    "glm-4.1v": (588, 840),
    "glm-4.6v": (1568, 728),
    "qwen2-vl": (588, 840),
    "qwen2.5-vl": (1568, 728),
    "qwen3-vl": (608, 832),
    "internvl3": (896, 1344),
    "pixtral": (608, 848),
    "mistral-small-3.1": (588, 840),
    "gemma-4": (672, 960),
}


@cache
def fixture() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return found


def row_of(model: VisionModel, width: int, height: int) -> list[int] | None:
    """Tokens, other tokens, width and height after the resize; None for a size that is refused."""
    try:
        cost = model.image(width, height)
    except VisionModelError:
        return None
    return [cost.tokens, cost.overhead, *cost.size]


def differences(model: VisionModel, rows: list[list[int] | None]) -> list[str]:
    """One line for each size at which `model` and the processor are not of one mind."""
    sizes = fixture()["sizes"]
    assert len(sizes) == len(rows)
    ours = (row_of(model, *size) for size in sizes)
    return [f"{size}: {own}, {row}" for size, own, row in zip(sizes, ours, rows, strict=True) if own != row]


def test_the_sizes_are_many_and_go_to_the_extremes() -> None:
    sizes = {tuple(size) for size in fixture()["sizes"]}
    assert len(sizes) >= 300
    assert {(1, 1), (8000, 8000), (1, 8000), (8000, 1)} <= sizes
    assert all(1 <= side <= 8000 for size in sizes for side in size)


def test_every_open_model_has_a_processor_it_is_compared_with() -> None:
    compared = {name for reference in REFERENCES for name in reference.models}
    assert compared == {name for name in VISION_MODELS if not vision_model(name).hosted}
    assert {reference.models[0] for reference in REFERENCES} == set(fixture()["models"])


@pytest.mark.parametrize(("name", "reference"), NAMED)
def test_costs_are_those_of_the_processor(name: str, reference: Reference) -> None:
    assert differences(vision_model(name), fixture()["models"][reference.models[0]]) == []


@pytest.mark.parametrize("reference", CONFIGURED)
def test_a_configuration_gives_the_costs_of_the_processor_built_from_it(reference: Reference, tmp_path: Path) -> None:
    kind = reference.image_processor.rpartition(".")[2]
    inner = {"image_processor_type": kind, **reference.options}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(inner))
    (tmp_path / "processor_config.json").write_text(json.dumps(reference.processor_options))
    assert differences(vision_from_config(tmp_path), fixture()["models"][reference.models[0]]) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of transformers and torch
@pytest.mark.parametrize("reference", [pytest.param(r, id=r.models[0]) for r in REFERENCES])
def test_the_processor_itself_agrees(reference: Reference) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    measured = measure(reference)
    model = vision_model(reference.models[0])
    sizes = [size for size in fixture()["sizes"] if size[0] * size[1] < 3_000_000]
    for width, height in sizes[zlib.crc32(model.name.encode()) % 9 :: 9]:
        own = row_of(model, width, height)
        if own is None:
            with pytest.raises((ValueError, ZeroDivisionError)):
                measured(width, height)
        else:
            visual, other, resized = measured(width, height)
            assert own[:2] == [visual, other]
            assert tuple(own[2:]) in (resized or [(width, height)])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNTOUCHED)
def test_a_page_on_the_grid_reaches_the_model_pixel_by_pixel(name: str) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("transformers")
    from PIL import Image

    width, height = UNTOUCHED[name]
    assert not vision_model(name).image(width, height).resampled
    reference = next(reference for reference in REFERENCES if name in reference.models)
    page = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    options = {"do_rescale": False, "do_normalize": False}
    if reference.processor_options.get("spatial_merge_size"):
        options["patch_size"] = vision_model(name).grid[0]
    made = build_image_processor(reference)(images=[Image.fromarray(page)], **options)
    seen = np.asarray(made["pixel_values"], np.float64)
    # The pixels are in patches, of two frames that are the same, after tiles of a thumbnail or before it.
    views = seen.size // page.size
    if name.startswith("internvl"):
        seen, views = seen[:-1], 1
    assert np.array_equal(np.bincount(seen.ravel().astype(int), minlength=256), views * np.bincount(page.ravel()))
