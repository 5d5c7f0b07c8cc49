"""Commands that make a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from umop.cli.options import Changes, Data
from umop.cli.show import shown
from umop.distributed.signals import StopSignals
from umop.runs.folder import Run
from umop.system.console import quietly
from umop.system.errors import UserError
from umop.system.processor import tune_processor

FOR_OWN_DATA = "small"


def train(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A config's name, such as demo, or a file. [default: small, with --data]",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Name of the run. [default: the config's name]", show_default=False),
    ] = None,
    data: Data = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the images. [default: by their number]"),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Images a step, over all processes.")
    ] = None,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Parts that a step is computed in, to need less memory.")
    ] = 1,
    lr: Annotated[
        float | None,
        typer.Option(min=1e-12, max=1000, help="Learning rate, not scaled by the batch."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=32, max=8192, help="Pixels of the square that images are fit into."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Finish within a time, such as 30m or 2h.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluations without a better AP after which training ends."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Start from a run, or from a checkpoint file (.pth).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, in place of the config's.")] = None,
    set_: Changes = None,
    device: Annotated[
        Literal["auto", "cpu"], typer.Option(help="The GPUs, or the processor for small data.")
    ] = "auto",
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="How many train together. [default: one for each GPU]"),
    ] = None,
    amp: Annotated[
        Literal["auto", "bf16", "fp16", "off"],
        typer.Option(help="Mixed precision; auto is the config's choice, in bf16 if it can be."),
    ] = "auto",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Try everything in two steps, and say how much memory."),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(min=10, help="Seconds that processes wait for one that makes no step."),
    ] = 600.0,
) -> None:
    """Train a model; the same command resumes an interrupted run."""
    if config is None:
        if data is None:
            raise UserError("Name a config, such as demo, or give your data: --data /path")
        config = FOR_OWN_DATA
    target = Run.to_train(Path(config).stem if run is None else run)
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    tune_processor()
    with StopSignals().handled() as stop, quietly():
        from umop.config.load import load_config
        from umop.report import write_report
        from umop.training.options import TrainOptions
        from umop.training.schedule import ScheduleOptions, parse_duration
        from umop.training.train import train as start

        seeded = [] if seed is None else [f"randomness.seed={seed}"]
        loaded = load_config(config, [*(set_ or []), *seeded])
        budget = None if time is None else parse_duration(time)
        schedule = ScheduleOptions(epochs, batch, accumulate, lr, size, budget, patience)
        on_cpu = device == "cpu"
        options = TrainOptions(data, on_cpu, processes, amp, timeout, schedule, weights, dry_run)
        checkpoint = start(loaded, target, options, stop)
        if checkpoint is None:
            return
        write_report(target)
    typer.echo(f"Trained: {checkpoint}")
    if last := target.last_metrics():
        values = ", ".join(f"{name} {shown(last[name])}" for name in ("AP", "AP50"))
        typer.echo(f"On the validation data, at iteration {last['iter']}: {values}")


def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="Checkpoint in the authors' format.")],
    config: Annotated[str, typer.Option(help="The config it was trained with, such as r50.")],
    run: Annotated[
        str | None,
        typer.Option(help="Name of the run it becomes. [default: the config's name]"),
    ] = None,
) -> None:
    """Make a run of a published checkpoint, to evaluate, export and serve."""
    target = Run.to_train(Path(config).stem if run is None else run)
    with quietly():
        from umop.config.load import load_config
        from umop.weights.published import import_published

        written = import_published(file, load_config(config), target)
    typer.echo(f"Imported: {written}\nEvaluate it: umop eval {target.name}")
