"""The sizes that trainers make of images, by their own code, and what `glyphrender.train.exports.resizing` says.

    pip install --no-deps llamafactory==0.9.5 ms-swift==4.6.0 verl==0.9.1 qwen-vl-utils==0.0.14 \\
        modelscope modelscope_hub json_repair aiohttp tensordict pyvers
    python benchmarks/trainer_sizes.py            # compare
    python benchmarks/trainer_sizes.py --write    # and write tests/data/trainer_sizes.json

Use an environment of its own, with torch, transformers, datasets and peft. torchvision and torchaudio need not be
there: stubs stand for them, and no size is computed by them. (ms-swift passes a finished size to torchvision's Resize.)
"""

from __future__ import annotations

import argparse
import importlib.machinery
import json
import os
import random
import sys
import types
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
from PIL import Image
from transformers.utils import is_torchvision_available

from glyphrender.errors import DataError
from glyphrender.train.exports.resizing import llama_factory_size, ms_swift_size, qwen_vl_utils_size

FILE = Path(__file__).resolve().parents[1] / "tests" / "data" / "trainer_sizes.json"
PACKAGES = ("llamafactory", "ms-swift", "verl", "qwen-vl-utils", "pillow", "transformers")
Size = tuple[int, int]
# Each rule: the function of ours by name, its settings, and theirs.
Rule = tuple[str, dict[str, int], Callable[[Image.Image], Image.Image]]


def sizes() -> list[Size]:
    """Return sizes of pages at many resolutions, cells and nearly cells, strips, and random ones."""
    found = [(595, 842), (588, 840), (612, 792), (768, 768), (769, 768), (768, 767), (32, 32), (31, 32), (28, 28)]
    found += [(round(8.27 * dpi), round(11.69 * dpi)) for dpi in (36, 48, 72, 96, 100, 120, 144, 150, 200, 300)]
    for cell in (28, 32):
        found += [(cell * n, cell * m) for n, m in ((1, 1), (2, 3), (21, 30), (30, 21), (27, 28), (3, 100), (64, 64))]
        found += [(cell * 21 + d, cell * 30 + e) for d in (-14, -1, 1, 13, 14, 15) for e in (-1, 14)]
    found += [(20, 3999), (3999, 20), (20, 4000), (20, 4001), (5, 900), (28, 5600), (28, 5599), (100, 9)]
    chance = random.Random(7)
    while len(set(found)) < 300:
        found.append((round(20 * 200 ** chance.random()), round(20 * 200 ** chance.random())))
    return list(dict.fromkeys(found))


def stub() -> None:
    """Put empty modules in the places of packages that are not installed."""

    class Resize:
        def __init__(self, size: Size) -> None:
            self.size = size

        def __call__(self, image: Image.Image) -> Image.Image:
            return image.resize((self.size[1], self.size[0]))

    interpolation = types.SimpleNamespace(BICUBIC=3)
    contents: dict[str, dict[str, Any]] = {"torchaudio": {}}
    if not is_torchvision_available():
        contents |= {
            "torchvision": {"__version__": "0.29"},
            "torchvision.io": {},
            "torchvision.transforms": {"InterpolationMode": interpolation, "Resize": Resize},
            "torchvision.transforms.functional": {"InterpolationMode": interpolation},
        }
    for name, values in contents.items():
        module = types.ModuleType(name)
        module.__dict__.update(
            {"__spec__": importlib.machinery.ModuleSpec(name, None, is_package=True), "__path__": [], **values}
        )
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


def rules() -> list[Rule]:
    """Return the rules to compare, with the trainers' own functions."""
    stub()
    from llamafactory.data.mm_plugin import get_mm_plugin
    from qwen_vl_utils import vision_process
    from swift.model.models.qwen import compat_qwen_vl_utils, patch_qwen_vl_utils
    from swift.template.vision_utils import rescale_image
    from verl.utils.dataset.vision_utils import process_image

    found: list[Rule] = []
    for plugin in ("glm4v", "qwen2_vl", "qwen3_vl"):
        own = get_mm_plugin(name=plugin, image_token="<|image|>", video_token="<|video|>")
        for most, least in ((768 * 768, 1024), (262_144, 1024), (9_633_792, 1024), (2_000_000, 200_000)):
            settings = {"max_pixels": most, "min_pixels": least}
            found.append(
                (
                    "llama_factory_size",
                    settings,
                    lambda image, own=own, most=most, least=least: own._preprocess_image(
                        image, image_max_pixels=most, image_min_pixels=least
                    ),
                )
            )
    for most in (0, 262_144, 1_003_520):
        found.append(("ms_swift_size", {"max_pixels": most}, lambda image, most=most: rescale_image(image, most)))
    for patch in (14, 16):
        # verl passes the bytes of a parquet file on in a dict with the image.
        found.append(
            ("qwen_vl_utils_size", {"patch": patch}, lambda image, p=patch: process_image({"image": image}, p))
        )

    def with_environment(variable: str, value: int, patch: int) -> Callable[[Image.Image], Image.Image]:
        """Return `fetch_image` as ms-swift sets it up for an environment variable."""

        def fetched(image: Image.Image) -> Image.Image:
            kept = {name: os.environ.pop(name, None) for name in ("MAX_PIXELS", "IMAGE_MAX_TOKEN_NUM")}
            before = vision_process.IMAGE_MAX_TOKEN_NUM
            os.environ[variable] = str(value)
            compat_qwen_vl_utils(patch)
            vars(vision_process).pop("_patch", None)
            patch_qwen_vl_utils(vision_process)
            try:
                return vision_process.fetch_image({"image": image}, image_patch_size=patch)
            finally:
                vision_process.IMAGE_MAX_TOKEN_NUM = before
                for name, old in kept.items():
                    os.environ.pop(name, None)
                    if old is not None:
                        os.environ[name] = old

        return fetched

    for variable, value, patch, tokens in (
        ("MAX_PIXELS", 262_144, 14, 262_144 // 28**2),
        ("MAX_PIXELS", 1_003_520, 16, 1_003_520 // 32**2),
        ("IMAGE_MAX_TOKEN_NUM", 1024, 14, 1024),
    ):
        settings = {"patch": patch, "max_tokens": tokens}
        found.append(("qwen_vl_utils_size", settings, with_environment(variable, value, patch)))
    return found


def theirs(own: Callable[[Image.Image], Image.Image], size: Size) -> Size | None:
    """Return the size that a trainer's function gives; None if it refuses the image."""
    try:
        return own(Image.new("RGB", size)).size
    except (ValueError, ZeroDivisionError):
        return None


def ours(name: str, settings: dict[str, int], size: Size) -> Size | None:
    """Return the size that our function gives; None if it refuses the image."""
    functions = {each.__name__: each for each in (llama_factory_size, ms_swift_size, qwen_vl_utils_size)}
    try:
        return functions[name](*size, **settings)
    except DataError:
        return None


def main(write: bool) -> int:
    """Print how many sizes differ, and return 1 if any does."""
    given, table, wrong = sizes(), [], 0
    for name, settings, own in rules():
        found = [theirs(own, size) for size in given]
        different = [size for size, each in zip(given, found, strict=True) if ours(name, settings, size) != each]
        wrong += len(different)
        print(f"{name} {settings}: {len(given) - len(different)} of {len(given)} equal {different[:3] or ''}")
        if not any(row["function"] == name and row["settings"] == settings and row["sizes"] == found for row in table):
            table.append({"function": name, "settings": settings, "sizes": found})
    if write:
        versions = {name: version(name) for name in PACKAGES}
        head = json.dumps({"versions": versions, "given": given}, separators=(",", ":"))[:-1]
        rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in table)
        FILE.write_text(f'{head},\n"rules":[\n{rows}\n]}}\n', encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the data of the test")
    sys.exit(main(parser.parse_args().write))
