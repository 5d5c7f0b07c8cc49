"""Starts the processes of a training run."""

from __future__ import annotations

import os
import sys
from uuid import uuid4

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from umop.errors import UserError
from umop.run import Run


def train_in_processes(run: Run, processes: int) -> None:
    """Trains what the config in a run's folder describes, as torchrun --standalone does.

    Args:
        run: Its folder has the config.
        processes: One for each GPU.

    Raises:
        UserError: One of them failed; the others are stopped.
    """
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        elastic_launch(launch, sys.executable)("-m", "umop.training.worker", str(run.folder))
    except ChildFailedError as error:
        raise UserError("A training process failed; its message stands above.") from error
