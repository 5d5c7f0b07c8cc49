"""A training of numbers that takes a moment: what the engine does, without a detector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch.utils.data import Dataset

from umop.distributed.signals import StopSignals
from umop.engine.runner import Runner
from umop.runs.folder import RunFolder

SAMPLES = 6
_NUMBERS = count()
"""mmengine keeps what has a name as long as the process lives."""
LOOPS = {
    "epochs": {"type": "EpochBasedTrainLoop", "max_epochs": 3, "val_interval": 2},
    "iterations": {"type": "IterBasedTrainLoop", "max_iters": 8, "val_interval": 3},
}


@DATASETS.register_module()
class ToyNumbers(Dataset[Any]):
    """Numbers, each with one that is drawn when it is read."""

    metainfo: ClassVar[dict[str, Any]] = {}

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(torch.rand(1))

    def __len__(self) -> int:
        return SAMPLES


@MODELS.register_module()
class ToyModel(BaseModel):
    """Remembers what it has seen, and draws a number itself."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, float, float]] = []

    def forward(self, *batch: Any, mode: str = "tensor") -> Any:
        drawn = float(torch.rand(1))
        if mode == "loss":
            numbers, values = batch
            pairs = zip(numbers, values, strict=True)
            self.seen += [(number, value, drawn) for number, value in pairs]
            return {"loss": (self.weight - sum(values)).square().sum()}
        return [drawn]


@METRICS.register_module()
class ToyMetric(BaseMetric):
    """Is better from one evaluation to the next."""

    evaluations = 0

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        self.results.append(0)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        self.evaluations += 1
        return {"AP": float(self.evaluations)}


def toy(folder: Path, loop: str = "epochs", **changes: Any) -> Runner:
    """A runner that trains in a folder, where it has what is needed to resume."""
    data = {"dataset": {"type": "ToyNumbers"}, "num_workers": 0}
    by_epoch = loop == "epochs"
    sampler = {"type": "DefaultSampler" if by_epoch else "InfiniteSampler", "shuffle": True}
    name, saved = f"toy-{next(_NUMBERS)}", RunFolder(folder).latest_checkpoint()
    hooks = {"runtime_info": None, "timer": None, "logger": None, "sampler_seed": None}
    save = {"type": "SafeCheckpointHook", "interval": 1, "by_epoch": by_epoch}
    config = {
        "default_scope": "mmdet",
        "model": {"type": "ToyModel"},
        "work_dir": str(folder),
        "train_dataloader": {**data, "batch_size": 2, "sampler": sampler},
        "val_dataloader": {**data, "batch_size": 1, "sampler": {"type": "DefaultSampler"}},
        "train_cfg": LOOPS[loop],
        "val_cfg": {"type": "ValLoop"},
        "val_evaluator": {"type": "ToyMetric"},
        "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}},
        "default_hooks": {**hooks, "param_scheduler": None, "checkpoint": save},
        "visualizer": {"type": "Visualizer", "vis_backends": None, "name": name},
        "experiment_name": name,
        "randomness": {"seed": 3},
        "load_from": saved and str(saved),
        "resume": saved is not None,
    }
    runner = Runner.from_cfg(Config({**config, **changes}))
    runner.stop = StopSignals()
    return runner
