"""Whether transcription beside questions helps a tiny reader to answer: fine-tuning at equal budget, three seeds.

    python docs/learn_to_look_up.py OUT --stage pairs      # the model that all arms start from: 3 CPU minutes
    python benchmarks/reader_ocr_in_sft.py OUT             # three arms, three seeds: 6 CPU minutes

The arms have 120 steps of 32 pages from the same model. `none` learns answers alone. `cells` also keeps the loss of
stage 0, which names the characters of each cell. `pages` keeps that too, and a fifth of its batches write out lines of
the page in place of answers. The figure is the share of 512 held-out questions about four lines that are answered
exactly, read free running. Written to OUT/ocr-in-sft.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import torch
from learn_to_look_up import held_out_scores

from glyphrender.train.reader.lookups import Lookups
from glyphrender.train.reader.reading_trainer import load_reader, train_reader

ARMS = {"none": (0.0, 0.0), "cells": (0.2, 0.0), "pages": (0.2, 0.2)}


def main() -> None:
    """Train every arm with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder that has the stage `pairs` of docs/learn_to_look_up.py")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for seed in options.seeds:
        for arm, (share, pairs) in ARMS.items():
            model, processor = load_reader(options.out / "pairs" / "model")
            data = Lookups(pairs=pairs, count=32 * options.steps, seed=1_005 + seed)
            with TemporaryDirectory() as room:
                train_reader(
                    model,
                    processor,
                    data,
                    out=Path(room),
                    steps=options.steps,
                    alone=0,
                    learning_rate=1e-3,
                    share=share,
                    sums=2.0 if share else 0.0,
                    warmup=options.steps // 4,
                    seed=seed,
                )
            found.append({"arm": arm, "seed": seed, **held_out_scores(model, processor)["4"]["exact"]})
            print(json.dumps(found[-1]), flush=True)
    (options.out / "ocr-in-sft.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
