"""Seconds an iteration on the processor: ``demo`` and ``small``, and the same in mmdet's own
pipeline.

    python benchmarks/training_step.py [DATA]

Both sides train one network from the same weights on the same images: one size, batch and number
of loading processes. ``umop`` is what ``umop train`` does; ``mmdet`` is mmengine's runner, loop and
hooks, mmdet's transforms, its ATSS head and its focal loss, in float32. The sides take turns, each
time in a process of its own, so that whatever else runs meets them alike; seconds are medians, and
processor seconds include those of the loading processes. Ratios say how much more mmdet takes.
Without DATA, a folder that ``umop train --data`` takes, it draws images of discs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner as StockRunner

from umop.config.load import load_config
from umop.data.coco import LabelledImage, write_coco
from umop.data.preparation.custom import read_data, use_data
from umop.engine.runner import Runner
from umop.system.console import quietly
from umop.system.processor import PROCESSOR_VARIABLES, keep_freed_memory
from umop.training.precision import choose_precision

CONFIGS = ("demo", "small")
SIDES = ("umop", "mmdet")
WARM_UP = 5
IMAGES = {"train": 36, "val": 1}
HEIGHT, WIDTH, DISCS = 532, 504, 28
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Steps:
    """What the iterations of one side took.

    Attributes:
        seconds: Of each iteration.
        busy: Processor seconds an iteration, in each turn.
    """

    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def cells(self, reference: Steps) -> str:
        """The cells of a row: seconds, processor seconds, each also as the reference's multiple."""
        seconds, busy = median(self.seconds), median(self.busy)
        ratios = median(reference.seconds) / seconds, median(reference.busy) / busy
        return f"{seconds:.3f} s | {ratios[0]:.2f} | {busy:.3f} s | {ratios[1]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--config", choices=CONFIGS, action="append", help="again for several")
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        data = options.data or draw_data(Path(folder) / "discs")
        print("| config | pipeline | iteration | | processor | |\n|---|---|---|---|---|---|")
        for name in options.config or CONFIGS:
            steps = {side: Steps() for side in SIDES}
            for turn in range(options.rounds):
                for side in SIDES:
                    work = Path(folder) / f"{name}-{side}-{turn}"
                    measured = in_own_process(side, name, data, options.iterations, work)
                    steps[side].seconds += measured.seconds
                    steps[side].busy += measured.busy
            for side, measured in steps.items():
                print(f"| {name} | {side} | {measured.cells(steps['mmdet'])} |", flush=True)


def in_own_process(side: str, name: str, data: Path, iterations: int, work: Path) -> Steps:
    """One turn of a side, in a process of its own."""
    settings = PROCESSOR_VARIABLES if side == "umop" else {}
    spawn = multiprocessing.get_context("spawn")
    with patch.dict(os.environ, settings), ProcessPoolExecutor(1, spawn) as pool:
        return pool.submit(measure, side, name, data, iterations, work).result()


def measure(side: str, name: str, data: Path, iterations: int, work: Path) -> Steps:
    """Trains some iterations in this process."""
    if side == "umop":
        keep_freed_memory()
    with quietly(), contextlib.redirect_stderr(io.StringIO()):
        register_all_modules()
        config = config_for(name, data, WARM_UP + iterations, work)
        runner = (Runner if side == "umop" else StockRunner).from_cfg(
            config if side == "umop" else stock(config)
        )
        watch = Stopwatch()
        runner.register_hook(watch)
        runner.train()
    moments, busy = watch.moments[WARM_UP - 1 :], watch.busy[WARM_UP - 1 :]
    return Steps(np.diff(moments).tolist(), [(busy[-1] - busy[0]) / iterations])


def config_for(name: str, data: Path, iterations: int, work: Path) -> Config:
    """A config for this data and so many iterations, without evaluation."""
    config = load_config(name, ["model.backbone.pretrained=False"])
    choose_precision(config, "auto", on_gpu=False)
    found = read_data(data, work / "annotations")
    found.write_annotations()
    use_data(config, found)
    config.work_dir = str(work)
    config.train_cfg.max_iters = iterations
    for part in ("cfg", "dataloader", "evaluator"):
        config[f"val_{part}"] = config[f"test_{part}"] = None
    return config


def stock(config: Config) -> Config:
    """The same training with nothing of ours but the backbone's wrapper of timm."""
    choose_precision(config, "off", on_gpu=False)
    config.channels_last = False
    config.model.bbox_head.loss_cls = {"type": "FocalLoss", "use_sigmoid": True}
    pipeline = config.train_dataloader.dataset.pipeline
    pipeline[0] = {"type": "LoadImageFromFile"}
    config.custom_hooks = []
    config.default_hooks = {
        "timer": {"type": "IterTimerHook"},
        "logger": config.default_hooks.logger,
        "param_scheduler": {"type": "ParamSchedulerHook"},
        "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": 10**9},
        "sampler_seed": {"type": "DistSamplerSeedHook"},
    }
    return config


class Stopwatch(Hook):
    """Notes when each iteration ends.

    Attributes:
        moments: In seconds.
        busy: Processor seconds until then.
    """

    priority = "LOWEST"

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.busy: list[float] = []

    def after_train_iter(self, *_: Any, **__: Any) -> None:
        self.moments.append(time.perf_counter())
        loaders = multiprocessing.active_children()
        self.busy.append(time.process_time() + sum(busy(child.pid) for child in loaders))


def busy(process: int | None) -> float:
    """Processor seconds of another process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return TICK * (int(fields[11]) + int(fields[12]))


def draw_data(folder: Path) -> Path:
    """Draws a data set of the size of the demo's: bright discs on a noisy ground."""
    random = np.random.default_rng(0)
    for split, count in IMAGES.items():
        (folder / split).mkdir(parents=True)
        images = [draw(folder / split / f"{number}.png", random) for number in range(count)]
        write_coco(folder / f"{split}.json", images, ["disc"])
    return folder


def draw(path: Path, random: np.random.Generator) -> LabelledImage:
    """Draws one image."""
    pixels = random.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    radii = random.integers(10, 30, DISCS)
    centres = random.integers(30, min(HEIGHT, WIDTH) - 30, (DISCS, 2))
    for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True):
        cv2.circle(pixels, (x, y), radius, random.integers(90, 255, 3).tolist(), -1)
    cv2.imwrite(str(path), pixels)
    corners = np.concatenate([centres - radii[:, None], centres + radii[:, None]], axis=1)
    labels = np.zeros(DISCS, np.int64)
    return LabelledImage(path.name, WIDTH, HEIGHT, corners.astype(np.float64), labels)


if __name__ == "__main__":
    main()
