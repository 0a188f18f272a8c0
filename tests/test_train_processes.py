"""Training in two processes: the data, its order and the loss are those of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")

SCRIPT = Path(__file__).with_name("train_in_processes.py")


@pytest.mark.slow
def test_two_processes_see_the_samples_of_one_in_its_order_and_have_its_loss(tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=900)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    names = ("alone", "accumulated", "rank0", "rank1")
    alone, accumulated, *ranks = (json.loads((tmp_path / name).read_text()) for name in names)
    assert [alone["world"], *(rank["world"] for rank in ranks)] == [1, 2, 2]
    assert [run["sent"] for run in (alone, accumulated, *ranks)] == [["torch.float32"], *[["torch.uint8"]] * 3]
    together = [first + second for first, second in zip(*(rank["keys"] for rank in ranks), strict=True)]
    assert together == alone["keys"]
    assert len(together) == 5
    seen = [key for step in together for key in step]
    assert len(set(seen)) == len(seen) == 20
    assert [key for batch in accumulated["keys"] for key in batch][:20] == seen
    assert ranks[0]["losses"] == ranks[1]["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert accumulated["losses"] == pytest.approx(alone["losses"], rel=1e-5)
    assert alone["losses"][-1] < alone["losses"][0]
