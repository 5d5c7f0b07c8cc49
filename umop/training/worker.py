"""One process of a training run on several GPUs; :mod:`umop.training.launch` starts them."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from mmengine.config import Config

from umop.console import note, quietly
from umop.errors import UserError
from umop.exit_codes import MISTAKE
from umop.run import Run


def main(folder: Path) -> None:
    """Trains what the config in a run's folder describes, together with the other processes."""
    with quietly():
        from umop.training.runner import Runner

        run = Run(folder)
        config = Config.fromfile(run.config)
        config.launcher = "pytorch"
        config.resume = run.latest_checkpoint() is not None
        if not torch.cuda.is_available():
            use_processor(config)
        Runner.from_cfg(config).train()


def use_processor(config: Config) -> None:
    """Connects the processes without GPUs: mmengine would give each the GPU of its number."""
    torch.distributed.init_process_group("gloo")
    config.model_wrapper_cfg = {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "device_ids": None,
        "find_unused_parameters": config.get("find_unused_parameters", False),
    }


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except UserError as error:
        note(f"error: {error.summary()}")
        sys.exit(MISTAKE)
