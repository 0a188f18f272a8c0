"""OMP_THREAD_LIMIT, under which torch computes wrong gradients on a CPU unless its own threads are as few.

People set OMP_THREAD_LIMIT=1 for Tesseract. OpenMP then starts fewer threads than torch was told of, and what oneDNN
gave to the others is not computed: the weights' gradients of convolutions, such as that of a vision tower's patches,
hold what lay in memory. Seen with torch 2.13: 1e19 in place of 1e3, now and then NaN, and often nearly the right thing.
"""

from __future__ import annotations

import os

__all__ = ["keep_to_thread_limit"]


def keep_to_thread_limit() -> None:
    """Let torch use at most as many threads as OMP_THREAD_LIMIT allows. Without that variable nothing changes."""
    import torch

    limit = os.environ.get("OMP_THREAD_LIMIT", "").strip()
    if limit.isdecimal() and 0 < int(limit) < torch.get_num_threads():
        torch.set_num_threads(int(limit))
