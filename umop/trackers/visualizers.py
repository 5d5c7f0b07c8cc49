"""Chooses where a run's scalars go beside ``metrics.jsonl``: mmengine's visualizer backends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.visualization import TensorboardVisBackend

from umop.runs.folder import Run
from umop.system.errors import UserError
from umop.trackers.mlflow import ScalarsToMlflow
from umop.trackers.wandb import ScalarsToWandb

PACKAGES = {
    "ScalarsToTensorboard": ("tensorboard", "train"),
    "ScalarsToMlflow": ("mlflow", "mlflow"),
    "ScalarsToWandb": ("wandb", "wandb"),
}
"""The package that each backend needs, and the extra of umop that brings it."""


def vis_backends(
    run: Run, done: int, variables: Mapping[str, str] = os.environ
) -> list[dict[str, Any]]:
    """Configures TensorBoard, and MLflow and W&B where the user's environment names them.

    Args:
        run: What is trained.
        done: Iterations that it goes on from.
        variables: The environment.

    Returns:
        Configs of mmengine's backends.

    Raises:
        UserError: A package is missing.
    """
    chosen = [tensorboard(run, done)]
    if variables.get("MLFLOW_TRACKING_URI"):
        chosen.append(mlflow(run, done, variables))
    if variables.get("WANDB_API_KEY") or variables.get("WANDB_PROJECT"):
        chosen.append(wandb(run, variables))
    for backend in chosen:
        require_package(backend["type"])
    return chosen


def tensorboard(run: Run, done: int) -> dict[str, Any]:
    return {"type": "ScalarsToTensorboard", "save_dir": str(run.tensorboard), "done": done}


def mlflow(run: Run, done: int, variables: Mapping[str, str]) -> dict[str, Any]:
    """Sends scalars, schedule and config; checkpoints and annotations stay in the run folder."""
    return {
        "type": ScalarsToMlflow.__name__,
        "save_dir": str(run.folder),
        "tracking_uri": variables["MLFLOW_TRACKING_URI"],
        "exp_name": variables.get("MLFLOW_EXPERIMENT_NAME", "umop"),
        "run_name": run.name,
        "tracked_config_keys": ["train_cfg", "optim_wrapper", "randomness"],
        "artifact_suffix": (),
        "must_answer": done == 0,
    }


def wandb(run: Run, variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": ScalarsToWandb.__name__,
        "save_dir": str(run.folder),
        "init_kwargs": {"project": variables.get("WANDB_PROJECT", "umop"), "name": run.name},
    }


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


def require_package(backend: str) -> None:
    """Checks that what a backend imports is installed.

    Raises:
        UserError: It is not.
    """
    package, extra = PACKAGES[backend]
    if find_spec(package) is None:
        raise UserError(
            f"The package {package} is missing, which records the run's scalars. "
            f"Install it: pip install 'umop[{extra}]'"
        )
