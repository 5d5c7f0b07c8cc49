"""Trains UMOP and ATSS alike on a data set, several seeds each, and compares their AP.

    python benchmarks/umop_vs_atss.py DATA --seeds 3

The two differ only in the classification loss: UMOP's, against focal loss with γ 2 and α 0.25.
Runs that are finished are not repeated, so that the comparison can be made in several sittings.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer
from mmengine.config import Config
from rich.console import Console
from rich.table import Table

from umop.config.load import load_config
from umop.distributed.signals import StopSignals
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.training.options import TrainOptions
from umop.training.train import train

FOCAL_LOSS = {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25}
METHODS = ("umop", "atss")
METRICS = ("AP", "AP50", "AP75")
console = Console(soft_wrap=True)


def main(
    data: Annotated[Path, typer.Argument(help="Data set in COCO's or Pascal VOC's layout.")],
    seeds: Annotated[int, typer.Option(help="Trainings of each method.")] = 3,
    iterations: Annotated[int, typer.Option(min=30, help="Of 6 images.")] = 100,
    side: Annotated[int, typer.Option(help="Longer side of the images, in pixels.")] = 256,
    out: Annotated[Path, typer.Option(help="Where the runs are kept.")] = Path("runs/umop_vs_atss"),
) -> None:
    """Compares UMOP with ATSS on the demo's backbone, on the GPU or the processor."""
    for seed in range(seeds):
        for method in METHODS:
            run = RunFolder(out / f"{method}-{seed}")
            with quietly():
                config = config_for(method, seed, iterations, side)
                train(config, run, TrainOptions(data=(data,)), StopSignals())
    report(out, seeds)


def config_for(method: str, seed: int, iterations: int, side: int) -> Config:
    """The demo's config, for images scaled to one size, with the method's loss."""
    config = load_config("demo")
    if method == "atss":
        config.model.bbox_head.loss_cls = FOCAL_LOSS
    config.randomness.seed = seed
    config.train_cfg.update(max_iters=iterations, val_interval=iterations)
    config.param_scheduler[-1].end = iterations
    resize = {"type": "Resize", "scale": (side, side), "keep_ratio": True}
    load, annotate, *_, pack = config.train_dataloader.dataset.pipeline
    flip = {"type": "RandomFlip", "prob": 0.5}
    config.train_dataloader.dataset.pipeline = [load, annotate, resize, flip, pack]
    for split in ("val", "test"):
        load, _, annotate, pack = config[f"{split}_dataloader"].dataset.pipeline
        config[f"{split}_dataloader"].dataset.pipeline = [load, resize, annotate, pack]
    return config


def report(out: Path, seeds: int) -> None:
    """Prints the mean and spread of AP, of its paired difference, and UMOP's γ."""
    measured = {
        method: [lines_of(out / f"{method}-{seed}") for seed in range(seeds)] for method in METHODS
    }
    table = Table("method", *METRICS, title=f"mean ± standard deviation of {seeds} seeds")
    scores = {
        method: {metric: [100 * lines[-1][metric] for lines in runs] for metric in METRICS}
        for method, runs in measured.items()
    }
    for method in METHODS:
        table.add_row(method, *(spread(scores[method][metric]) for metric in METRICS))
    pairs = [
        [ours - theirs for ours, theirs in zip(*(scores[m][metric] for m in METHODS), strict=True)]
        for metric in METRICS
    ]
    table.add_row("difference", *map(spread, pairs))
    console.print(table)
    console.print(
        f"γ of P3, P4, …, mean of the last quarter: {', '.join(gammas(measured['umop']))}"
    )


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """What a run measured; the last line is its evaluation."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def spread(values: list[float]) -> str:
    """Mean and sample standard deviation, in points."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def gammas(runs: list[list[dict[str, Any]]]) -> list[str]:
    """UMOP's γ of each level at the end of training, over all seeds."""
    late = [
        line
        for lines in runs
        for line in lines
        if "gamma_0" in line and line["iter"] > 0.75 * lines[-1]["iter"]
    ]
    names = sorted(name for name in late[0] if name.startswith("gamma_"))
    return [f"{mean(line[name] for line in late):.2f}" for name in names]


if __name__ == "__main__":
    typer.run(main)
