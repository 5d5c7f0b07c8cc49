"""Chooses where a run's scalars go beside ``metrics.jsonl``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from umop.runs.folder import RunFolder
from umop.trackers.mlflow import MLFLOW
from umop.trackers.tensorboard import TENSORBOARD
from umop.trackers.wandb import WANDB

TRACKERS = (TENSORBOARD, MLFLOW, WANDB)
"""All trackers; a new one is a module of this package and an entry here."""


def vis_backends(
    config: Config, run: RunFolder, done: int, variables: Mapping[str, str] = os.environ
) -> list[dict[str, Any]]:
    """Configures the trackers that the config names, and those that the environment asks for.

    Args:
        config: Its ``visualizer.vis_backends`` are kept.
        run: What is trained.
        done: Iterations that it goes on from.
        variables: The environment.

    Returns:
        Configs of mmengine's backends.

    Raises:
        UserError: A package is missing.
    """
    backends = list(config.visualizer.get("vis_backends") or [])
    for tracker in TRACKERS:
        settings = tracker.settings(run, done, variables)
        if settings is not None:
            tracker.require_package()
            backends.append(settings)
    return backends
