"""A hook by which tests hold training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class PauseHook(Hook):
    """Waits behind some iterations as long as ``runs/pause`` exists.

    It does so in evaluation while ``runs/pause-evaluation`` exists. Meanwhile ``paused-<rank>`` is
    in the run's folder.

    Args:
        at: The iterations.
    """

    priority = "VERY_HIGH"

    def __init__(self, at: Sequence[int]) -> None:
        self.at = at

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        if runner.iter + 1 in self.at:
            wait_for("pause", Path(runner.work_dir))

    def after_val_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        wait_for("pause-evaluation", Path(runner.work_dir))


def wait_for(name: str, folder: Path) -> None:
    """Waits until nothing of that name is beside a run's folder."""
    held = folder.parent / name
    if held.exists():
        mark = folder / f"paused-{get_rank()}"
        mark.touch()
        while held.exists():
            time.sleep(0.01)
        mark.unlink()
