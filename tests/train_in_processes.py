"""Train a tiny model by TRL's SFTTrainer, alone and in two processes, and write what each step saw.

    python train_in_processes.py FOLDER

`test_train_processes` starts this file. The imports take longer than all training, so they are made once, and the
processes are forked. Each sets the variables that `accelerate launch` sets.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))

import torch
import transformers
from tiny_glm4v import tiny_glm4v
from trl import SFTConfig, SFTTrainer

from glyphrender import Theta
from glyphrender.adapters.sft import epoch_callback
from glyphrender.train.rows.collate import SampleCollator
from glyphrender.train.rows.cpt_rows import CptSamples
from glyphrender.train.rows.dataset import as_dataset
from glyphrender.train.rows.documents import CorpusText
from glyphrender.train.run.token_mean import MeanOverTokens

THETA = Theta(page_size=(112, 56), margin_x=0, margin_y=0, page_grid=28, font_size=12, line_height=14)
PIECES = 23


class _Trainer(MeanOverTokens, SFTTrainer):
    """TRL's trainer with a mean over all tokens of a step."""


class Recorded:
    """A collator that notes the keys of each batch, and the type in which pixels go to the device."""

    def __init__(self, collator: SampleCollator) -> None:
        self.collator, self.keys, self.sent = collator, [], set()

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        self.keys.append([row["sample"].key for row in rows])
        batch = self.collator(rows)
        self.sent.add(str(batch["pixel_values"].dtype))
        return batch


def train(out: Path, per_device: int, accumulation: int, environment: dict[str, str]) -> None:
    """Train five steps, and write keys and losses as JSON. Alone, the host makes floats; else, the device does."""
    os.environ.update(environment)
    transformers.logging.set_verbosity_error()
    model, processor = tiny_glm4v(hidden_size=32, layers=1, vision_layers=1, intermediate_size=32)
    documents = [
        CorpusText(f"number {number} is {number * number}. " * (3 + number % 3), f"{number}")
        for number in range(PIECES)
    ]
    samples = CptSamples(documents=documents, visual_tokens=32, theta=THETA)
    collate = Recorded(SampleCollator(processor=processor, model=None if out.name == "alone" else model))
    trainer = _Trainer(
        model=model,
        args=SFTConfig(
            output_dir=f"{out}.run",
            max_steps=5,
            per_device_train_batch_size=per_device,
            gradient_accumulation_steps=accumulation,
            dataloader_drop_last=True,  # else accelerate fills the last batch with samples of the first
            learning_rate=1e-3,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,
            seed=0,
        ),
        train_dataset=as_dataset(samples),
        data_collator=collate,
        processing_class=processor,
        callbacks=[epoch_callback(samples)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    out.write_text(
        json.dumps(
            {"keys": collate.keys, "losses": losses, "world": trainer.args.world_size, "sent": list(collate.sent)}
        )
    )


def meeting_place() -> tuple[torch.distributed.TCPStore, dict[str, str]]:
    """Open the store at which processes that are forked later meet: keep it; and the variables that name it.

    It takes its port itself. One that was found free here may be another's by the time that a process takes it.
    """
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    reused = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    return store, {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), **reused}


def main(folder: Path) -> None:
    """Train alone, and in two processes."""
    store, meeting = meeting_place()
    own = meeting | {"LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "2"}
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=train, args=(folder / "alone", 4, 1, {}))]
    processes.append(fork.Process(target=train, args=(folder / "accumulated", 1, 4, {})))
    for rank in ("0", "1"):
        environment = own | {"RANK": rank, "LOCAL_RANK": rank}
        processes.append(fork.Process(target=train, args=(folder / f"rank{rank}", 2, 1, environment)))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    del store  # until here it was theirs
    sys.exit(max(abs(process.exitcode or 0) for process in processes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
