"""Writes a run's scalars for TensorBoard, into its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import TensorboardVisBackend

from umop.runs.folder import RunFolder
from umop.trackers.tracker import Tracker, TrackerSettings


@VISBACKENDS.register_module()
class ScalarsToTensorboard(TensorboardVisBackend):
    """TensorBoard, without what a killed start wrote after the checkpoint.

    Args:
        save_dir: Folder of the event files.
        done: Iterations that training goes on from.
    """

    def __init__(self, save_dir: str, done: int) -> None:
        super().__init__(save_dir)
        self.done = done

    def _init_env(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._tensorboard = SummaryWriter(self._save_dir, purge_step=self.done + 1)

    def add_config(self, config: Config, **_: Any) -> None:
        """Leaves it out: ``config.py`` is beside the folder."""


def settings(run: RunFolder, done: int, variables: Mapping[str, str]) -> TrackerSettings:
    """TensorBoard's files are always written.

    Args:
        run: Its folder gets the files.
        done: Iterations that training goes on from; what the files have of later ones is dropped.
        variables: Not needed.
    """
    return {"type": "ScalarsToTensorboard", "save_dir": str(run.tensorboard), "done": done}


TENSORBOARD = Tracker("tensorboard", "train", settings)
