"""Commands that make a run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from umop.cli.options import Changes, data_path
from umop.distributed.signals import StopSignals, ignore_signals
from umop.runs.evaluation import format_metric
from umop.runs.folder import RunFolder
from umop.system.console import quietly
from umop.system.errors import Stopped
from umop.system.exit_codes import STOPPED
from umop.training.options import TIMEOUT, Device, MixedPrecision, TrainOptions, parse_tiles
from umop.training.start import start_training


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
    data: Annotated[
        list[Path] | None,
        typer.Option(
            parser=data_path,
            metavar="<path>",
            help="Folder or zip of the data set, or its address, in place of the config's own. "
            "Repeatable: several are joined.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the images. [default: by their number]"),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(help="Images a step, over all processes; auto for as many as the GPU holds."),
    ] = None,
    accumulate: Annotated[
        int, typer.Option(help="Parts that a step is computed in, to need less memory.")
    ] = 1,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate, not scaled by the batch."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Pixels of the longer side that images are scaled to."),
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            help="Cut large images into windows: auto where small boxes need it, off, or pixels."
        ),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Finish within a time, such as 30m or 2h.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Evaluations without a better AP after which training ends."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Start from a run, a checkpoint file (.pth), coco or imagenet."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, in place of the config's.")] = None,
    set_: Changes = None,
    device: Annotated[
        Device, typer.Option(help="The GPUs, or the processor for small data.")
    ] = "auto",
    processes: Annotated[
        int | None,
        typer.Option(help="How many train together. [default: one for each GPU]"),
    ] = None,
    amp: Annotated[
        MixedPrecision,
        typer.Option(help="Mixed precision; auto is the config's choice, in bf16 if it can be."),
    ] = "auto",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Try everything in two steps, and say how much memory."),
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(
            envvar="UMOP_MIRROR",
            help="Keep the run in object storage, too, and resume from there: s3://bucket/runs.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(help="Seconds that processes wait for one that makes no step."),
    ] = TIMEOUT,
) -> None:
    """Train a model; the same command resumes an interrupted run."""
    options = TrainOptions(
        config=config,
        data=tuple(data or ()),
        name=run,
        epochs=epochs,
        batch=_batch(batch),
        accumulate=accumulate,
        lr=lr,
        size=size,
        tiles=parse_tiles(tiles),
        time=time,
        patience=patience,
        weights=weights,
        seed=seed,
        set=tuple(set_ or ()),
        device=device,
        processes=processes,
        amp=amp,
        dry_run=dry_run,
        mirror=mirror,
        timeout=timeout,
        command=_typed(),
    )
    try:
        with StopSignals().handled() as stop:
            checkpoint = start_training(options, stop)
    except Stopped as stopped:
        ignore_signals()
        raise typer.Exit(_end_stopped(stopped)) from None
    if checkpoint is not None:
        _show_result(options.run, checkpoint)


def _batch(text: str | None) -> Any:
    """A batch as it is typed: a number where it is one."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return text


def _typed() -> str:
    """The command as it was typed."""
    return shlex.join(["umop", *sys.argv[1:]])


def _end_stopped(stopped: Stopped) -> int:
    """Says how to go on; returns the exit code."""
    if stopped.done is not None:
        again = "Go on" if stopped.done > 0 else "Start again"
        typer.echo(f"{stopped} {again}: {_typed()}", err=True)
    return STOPPED


def _show_result(run: RunFolder, checkpoint: Path) -> None:
    """Says what came of training."""
    typer.echo(f"Trained: {checkpoint}")
    if last := run.last_metrics():
        values = ", ".join(f"{name} {format_metric(last[name])}" for name in ("AP", "AP50"))
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
    target = RunFolder.to_train(Path(config).stem if run is None else run)
    with quietly():
        from umop.config.load import load_config
        from umop.weights.published import import_published

        written = import_published(file, load_config(config), target)
    typer.echo(f"Imported: {written}\nEvaluate it: umop eval {target.name}")
