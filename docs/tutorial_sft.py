"""From a text file to a step of supervised fine-tuning: the model learns to read pages, rendered as they are needed.

    pip install '.[train]'
    python docs/tutorial_sft.py benchmarks/texts/pride-and-prejudice.txt

A tiny GLM-4.1V of 0.3 million parameters stands for the real one, so that this takes seconds on a CPU. For the real
one, take `model, processor` from transformers and more steps; nothing else changes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from datasets import Dataset
from tiny_glm4v import tiny_glm4v
from trl import SFTConfig, SFTTrainer

from glyphrender.adapters.data import PagesTransform, Sampled
from glyphrender.adapters.sft import Prompts, epoch_callback


def main(file: Path, steps: int = 1, workers: int = 0) -> float:
    """Train for `steps` and return the mean loss."""
    # 1. The text, a row a passage. Nothing is rendered here: the dataset holds text, and is as large as the text.
    paragraphs = (" ".join(lines.split()) for lines in file.read_text(encoding="utf-8").split("\n\n"))
    passages = [paragraph for paragraph in paragraphs if 100 < len(paragraph) < 400]
    rows = Dataset.from_dict({"id": list(range(len(passages))), "text": passages})

    # 2. How a text becomes pages: θ drawn anew for each row and epoch from the distributions of the Glyph paper, but
    # small pages, each aligned to the grid of the model, so that it sees the very pixels that were drawn.
    theta = Sampled(fixed={"page_size": (392, 196), "dpi": 72}, model="glm-4.1v")
    pages = PagesTransform(theta=theta, key="id", seed=0)

    # 3. How pages become a conversation. The loss falls on the completion alone.
    prompts = Prompts(pages=pages, prompt="{text}\nWrite down what the page says.", completion="{text}")

    # 4. Rendering on the fly: rows are rendered when the trainer's workers reach for them.
    dataset = rows.with_transform(prompts)

    # 5. A step of TRL.
    model, processor = tiny_glm4v()
    with TemporaryDirectory() as directory:
        arguments = SFTConfig(
            output_dir=directory,
            max_steps=steps,
            per_device_train_batch_size=2,
            learning_rate=1e-3,
            max_length=None,  # TRL's default would cut visual tokens off
            remove_unused_columns=False,  # the columns that TRL looks for come out of the transform
            dataloader_num_workers=workers,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
        )
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            processing_class=processor,
            callbacks=[epoch_callback(pages)],
        )
        batch = next(iter(trainer.get_train_dataloader()))
        learnt = batch["labels"][0][batch["labels"][0] >= 0]
        print(f"{len(passages)} passages; a batch has {len(batch['image_grid_thw'])} pages")
        print(f"{int((batch['input_ids'] == model.config.image_token_id).sum())} visual tokens")
        print(f"the first answer to be learnt: {processor.tokenizer.decode(learnt)!r}")
        loss = trainer.train().training_loss
    print(f"loss {loss:.3f} after {steps} steps")
    return float(loss)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="text in UTF-8")
    parser.add_argument("--steps", type=int, default=1, help="of training")
    parser.add_argument("--workers", type=int, default=0, help="processes that render")
    given = parser.parse_args()
    main(given.file, given.steps, given.workers)
