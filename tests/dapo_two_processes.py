"""A program of two processes that train together: batches in which one of them has all groups that teach."""

import os
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from test_train_dapo import DEAD, LONG, ONE, TWO, config, rows, trained
from train_in_processes import meeting_place

from glyphrender import DataError
from glyphrender.train.rewards.dapo import DapoTrainer

path = Path(sys.argv[1])
# The libraries are loaded once, in 8 s; nothing of them runs yet that a fork could break.
store, meeting = meeting_place()
child = os.fork()
rank = "0" if child else "1"
os.environ |= meeting | {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"}

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
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0)  # the thread of the store is the other's, and to wait for it here would fail
