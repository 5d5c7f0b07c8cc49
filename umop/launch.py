"""Starts the processes of a training run."""

from __future__ import annotations

import os
import subprocess
import sys

from umop.errors import UserError
from umop.run import Run


def train_in_processes(run: Run, processes: int) -> None:
    """Trains what the config in a run's folder describes, with torchrun.

    Args:
        run: Its folder has the config.
        processes: One for each GPU.

    Raises:
        UserError: One of them failed.
    """
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*launcher, f"--nproc-per-node={processes}", "-m", "umop.worker", str(run.folder)]
    threads = max(1, (os.cpu_count() or 1) // processes)
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ}
    if subprocess.run(command, env=environment).returncode != 0:
        raise UserError("A training process failed; its message stands above.")
