"""One process of a training run on several GPUs; :mod:`umop.launch` starts them."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from mmengine.config import Config

from umop.quiet import quietly
from umop.run import Run


def main(folder: Path) -> None:
    """Trains what the config in a run's folder describes, together with the other processes."""
    with quietly():
        from umop.runner import Runner

        run = Run(folder)
        config = Config.fromfile(run.config)
        config.launcher = "pytorch"
        config.resume = run.latest_checkpoint() is not None
        if not torch.cuda.is_available():
            config.env_cfg.dist_cfg.backend = "gloo"
        Runner.from_cfg(config).train()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
