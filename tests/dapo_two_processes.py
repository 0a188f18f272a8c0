"""A program that `accelerate launch` starts twice: batches in which one process has all groups that teach."""

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from test_train_dapo import DEAD, LONG, ONE, TWO, config, rows, trained

from glyphrender import DataError
from glyphrender.train.dapo import DapoTrainer

path = Path(sys.argv[1])
half = config(path, per_device_train_batch_size=8)
dropped, gradients = trained(DapoTrainer, half, rows(ONE, TWO, *DEAD), rounds=1)
filled, _ = trained(DapoTrainer, half, rows(ONE, TWO, *DEAD, LONG), rounds=50)
dead, _ = trained(DapoTrainer, half, rows(*DEAD, *DEAD), rounds=3)
try:  # TRL lets groups lie on two processes
    trained(DapoTrainer, config(path, per_device_train_batch_size=4, num_generations=8), rows(ONE, TWO))
except DataError as error:
    refused = str(error)
if PartialState().is_main_process:
    told = {"dropped": dropped, "gradients": gradients[0], "filled": filled, "dead": dead, "refused": refused}
    torch.save(told, path / "two.pt")
PartialState().destroy_process_group()
