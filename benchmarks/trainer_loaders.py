"""Exports, loaded by the trainers' own loaders: every row, every page, at the size that the lint says.

    python benchmarks/trainer_loaders.py

Use the environment that benchmarks/trainer_sizes.py describes. The model is the tiny GLM-4.1V of docs/tiny_glm4v.py,
whose image processor has the limits of the published one.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from tiny_glm4v import byte_tokenizer, tiny_glm4v  # noqa: E402
from trainer_sizes import stub  # noqa: E402

from glyphrender.train.exports.export import export, lint  # noqa: E402
from glyphrender.train.exports.lint import LintReport  # noqa: E402
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows  # noqa: E402

MODEL = "glm-4.1v"
Found = tuple[int, Counter[tuple[int, int]]]


def rows() -> list[ChatRow]:
    """Return rows with one document, with two, with none, and with several turns."""
    text = (ROOT / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
    document = {"type": "document", "text": text[:2500]}
    return list(
        chat_rows(
            [
                {"id": "one", "context": text[:9000], "question": "Who?", "answer": "<think>Her.</think>Jane"},
                {"id": "none", "instruction": "Say ho.", "output": "Ho"},
                {
                    "id": "two",
                    "messages": [
                        {"role": "system", "content": "Be brief."},
                        {"role": "user", "content": [document, {"type": "text", "text": "Who?"}]},
                        {"role": "assistant", "content": "He."},
                        {"role": "user", "content": [{"type": "text", "text": "And here?"}, document]},
                        {"role": "assistant", "content": "She."},
                    ],
                },
            ]
        )
    )


def by_llama_factory(folder: Path, most: int) -> Found:
    """Return the rows, and the sizes that GLM's processor makes of the pages, as LLaMA-Factory tokenizes them."""
    from llamafactory.data.loader import _load_single_dataset
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.data.processor import SupervisedDatasetProcessor
    from llamafactory.data.template import TEMPLATES

    processor = _processor()
    processor.image_max_pixels, processor.image_min_pixels = most, 32 * 32
    data = SimpleNamespace(
        dataset_dir=str(folder), media_dir=str(folder), streaming=False, max_samples=None, cutoff_len=100_000,
        preprocessing_num_workers=None, overwrite_cache=True, mask_history=True, train_on_prompt=False, packing=False,
    )  # fmt: skip
    model = SimpleNamespace(cache_dir=None, hf_hub_token=None)
    training = SimpleNamespace(local_process_index=0, dataloader_num_workers=0)
    (attributes,) = get_dataset_list(["pages"], str(folder))
    dataset = _load_single_dataset(attributes, model, data, training)
    template = TEMPLATES["glm4v"]
    tokenizer = byte_tokenizer()
    made = SupervisedDatasetProcessor(
        template=template, tokenizer=tokenizer, processor=processor, data_args=data
    ).preprocess_dataset(dataset[:])
    sizes: Counter[tuple[int, int]] = Counter()
    token = tokenizer.convert_tokens_to_ids("<|image|>")
    for ids, images in zip(made["input_ids"], made["images"], strict=True):
        grid = template.mm_plugin._get_mm_inputs(images or [], [], [], processor).get("image_grid_thw", [])
        assert ids.count(token) == sum(int(h * w) // 4 for _, h, w in grid)
        sizes.update((int(w) * 14, int(h) * 14) for _, h, w in grid)
    return len(made["input_ids"]), sizes


def by_ms_swift(folder: Path) -> Found:
    """Return the rows, and the sizes of the pages, as ms-swift's loader and GLM template have them."""
    from swift.dataset import load_dataset
    from swift.template.template_inputs import StdTemplateInputs
    from swift.template.templates.glm import GLM4VTemplate

    here = os.getcwd()
    os.chdir(folder)  # names of pages are relative
    try:
        dataset, _ = load_dataset(["data.jsonl"], num_proc=1, load_from_cache_file=False)
        sizes: Counter[tuple[int, int]] = Counter()
        for row in dataset:
            inputs = StdTemplateInputs.from_dict(row)
            marked = sum(str(message["content"]).count("<image>") for message in inputs.messages)
            assert marked == len(inputs.images)
            images = [GLM4VTemplate._load_image(image, True) for image in inputs.images]
            if images:
                grid = _processor().image_processor(images=images, return_tensors="pt")["image_grid_thw"]
                sizes.update((int(w) * 14, int(h) * 14) for _, h, w in grid)
        return len(dataset), sizes
    finally:
        os.chdir(here)


def by_verl(folder: Path) -> Found:
    """Return the rows, and the sizes that GLM's processor makes of the pages, as verl's dataset has them."""
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    config = OmegaConf.create(
        {
            "cache_dir": str(folder / "cache"),
            "prompt_key": "prompt",
            "image_key": "images",
            "max_prompt_length": 10_000,
            "filter_overlong_prompts": True,  # runs the processor over every row
            "filter_overlong_prompts_workers": None,
            "image_patch_size": 14,
        }
    )
    processor = _processor()
    dataset = RLHFDataset(str(folder / "data.parquet"), processor.tokenizer, config, processor)
    sizes: Counter[tuple[int, int]] = Counter()
    for number in range(len(dataset)):
        row = dataset[number]
        assert row["reward_model"]["ground_truth"]
        images, _, _ = dataset._process_multi_modal_info(row["raw_prompt"], 14, config)
        if images:
            grid = processor.image_processor(images=images, return_tensors="pt")["image_grid_thw"]
            sizes.update((int(w) * 14, int(h) * 14) for _, h, w in grid)
    return len(dataset), sizes


def _processor() -> Any:
    return tiny_glm4v()[1]


def report(name: str, found: Found, said: LintReport) -> bool:
    """Print whether a loader found what the lint says."""
    shown: Counter[tuple[int, int]] = Counter()
    for page in said.shown:
        shown[page.shown] += page.count
    same = found == (said.rows, shown)
    print(f"{name}: {found[0]} rows, {found[1].total()} pages; {'as the lint says' if same else f'not {shown}'}")
    return same


def main() -> int:
    """Return 1 if a loader found anything else than the lint says."""
    stub()
    with TemporaryDirectory() as room:
        folders = {name: Path(room) / name for name in ("llama-factory", "ms-swift", "verl")}
        for name, folder in folders.items():
            export(rows(), folder, trainer=name, model=MODEL)
        narrow = Path(room) / "narrow.yaml"
        narrow.write_text("image_max_pixels: 262144\ncutoff_len: 100000\n")
        same = [
            report(f"llamafactory {version('llamafactory')}", by_llama_factory(folders["llama-factory"], 768 * 768),
                   lint(folders["llama-factory"])),
            report("  with image_max_pixels: 262144", by_llama_factory(folders["llama-factory"], 262_144),
                   lint(folders["llama-factory"], settings=narrow)),
            report(f"ms-swift {version('ms-swift')}", by_ms_swift(folders["ms-swift"]), lint(folders["ms-swift"])),
            report(f"verl {version('verl')}", by_verl(folders["verl"]), lint(folders["verl"])),
        ]  # fmt: skip
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
