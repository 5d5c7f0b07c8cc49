"""Trains what a config describes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config

from umop.config.check import require_trainable
from umop.config.settings import leaves
from umop.console import note
from umop.data.configured import check_configured
from umop.data.custom import OwnData, read_data, use_data
from umop.data.location import require_data
from umop.errors import NO_SPACE, Stopped, UserError
from umop.hooks.checkpoints import Reached, reached_by
from umop.hooks.evaluation import EvaluationHook
from umop.hooks.provenance import ProvenanceHook
from umop.report import write_report
from umop.run import Run
from umop.training import finetune, precision
from umop.training.checkpoints import newest_whole
from umop.training.connect import is_rank, joined
from umop.training.devices import choose_processes, connect_processors, plan
from umop.training.dry_run import STEPS, peak_memory, shorten
from umop.training.launch import Job, launch
from umop.training.lock import locked
from umop.training.plan import count, describe
from umop.training.precision import Precision, choose_precision
from umop.training.ranks import Alone
from umop.training.runner import Runner
from umop.training.schedule import ScheduleOptions, fit
from umop.training.signals import StopSignals
from umop.training.size import fit_size
from umop.training.visualizers import vis_backends
from umop.weights import fetch_weights, named_by


@dataclass(frozen=True)
class TrainOptions:
    """How a config is trained, as the user asked.

    Attributes:
        data: Root of the data set, in place of the config's own.
        on_cpu: Train on the processor, also with a config that is made for GPUs.
        processes: How many train together on this node; by default one for each GPU.
        precision: The arithmetic.
        timeout: Seconds without a step after which training with several processes is given up.
        schedule: What is asked of the schedule.
        weights: Run or checkpoint file to start from, in place of ImageNet weights.
        is_dry: Only try everything, in two steps, and keep nothing.
    """

    data: Path | None = None
    on_cpu: bool = False
    processes: int | None = None
    precision: Precision = "auto"
    timeout: float = 600.0
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    weights: str | None = None
    is_dry: bool = False


def train(config: Config, run: Run, options: TrainOptions, stop: StopSignals) -> Path | None:
    """Trains, or resumes the run of that name; a finished run stays as it is.

    Args:
        config: What to train.
        run: The folder that keeps the result.
        options: How.
        stop: Whether a signal asked to stop.

    Returns:
        The final checkpoint; None where another rank says what it is.

    Raises:
        UserError: GPU, data or weights are missing, the run was started with another config, or
            another process trains it.
        Stopped: A signal came. Training is saved; the message says how to resume.
        TrainingError: The loss is not finite, or one of the processes is gone.
    """
    here = choose_processes(config, options.on_cpu, options.processes)
    if not is_rank():
        job = Job.from_environment(here)
        if job.nodes > 1 and has_finished(run):
            note(f"{run.folder} has been trained to its end: no other node is waited for.")
            return run.require_checkpoint()
        if job.ranks > 1:
            launch(job, options.timeout)
            return None
    with joined(options.timeout) as ranks, ExitStack() as held, without_space(run):
        if options.is_dry:
            run = Run(Path(held.enter_context(TemporaryDirectory())) / run.name)
        start = ranks.on_first(lambda: prepare(config, run, options, ranks, held))
        if start is not None:
            train_rank(start, run, ranks, stop)
        if options.is_dry:
            note(f"Dry run: {STEPS} steps and an evaluation took {peak_memory()}. Nothing is kept.")
            return None
        return run.require_checkpoint() if ranks.rank == 0 else None


def has_finished(run: Run) -> bool:
    """Whether a run's training has ended; a node that comes back alone would wait for the others.

    Raises:
        UserError: Its checkpoints are damaged, or training cannot resume from them.
    """
    checkpoint = newest_whole(run)
    return checkpoint is not None and reached_by(checkpoint).is_finished


@dataclass(frozen=True)
class Start:
    """What the ranks have to know to start.

    Attributes:
        config: What is trained, data and all.
        checkpoint: Where they resume, None at the beginning.
        vis_backends: Where the first rank sends scalars.
    """

    config: Config
    checkpoint: Path | None
    vis_backends: list[dict[str, Any]]


def prepare(
    config: Config, run: Run, options: TrainOptions, ranks: Alone, held: ExitStack
) -> Start | None:
    """Checks and writes what is needed to train, once; None where the run is finished.

    Args:
        config: What to train.
        run: The folder that keeps the result.
        options: How.
        ranks: The processes that train together.
        held: Keeps the run locked.
    """
    require_trainable(config)
    held.enter_context(locked(run))
    found = use_own_data(config, run, options.data) if options.data is not None else None
    doubts = check_own(config) if found is None else []
    choose_precision(config, options.precision, torch.cuda.is_available() and not options.on_cpu)
    counts = count(config, found)
    size = fit_size(config, options.schedule.size, counts.box_share)
    fit(config, options.schedule, counts.train, ranks.count)
    if options.is_dry:
        shorten(config)
    weights = finetune.use_weights(config, options.weights, run) if options.weights else None
    config.work_dir = str(run.folder)
    check_same_config(config, run)
    checkpoint = newest_whole(run)
    reached = reached_by(checkpoint) if checkpoint else Reached()
    if reached.is_finished:
        return None
    backends = [] if options.is_dry else vis_backends(run, reached.iteration)
    if checkpoint is None:  # a start that was killed before its first checkpoint left some
        run.metrics.unlink(missing_ok=True)
    if found is not None:
        found.write_annotations()
    elif checkpoint is None:
        run.doubts.write_text(json.dumps(doubts, indent=2) + "\n")
    if weights:
        finetune.write(weights, run)
        note("\n".join(weights.report()))
    note(describe(config, counts, options.schedule, ranks.count))
    note(plan(config, ranks.count, options.schedule.accumulate))
    for more in (precision.describe(config), size):
        if more:
            note(more)
    return Start(config, checkpoint, backends)


def train_rank(start: Start, run: Run, ranks: Alone, stop: StopSignals) -> None:
    """Trains in this process, together with the other ranks."""
    config = start.config
    if ranks.rank == 0 and not run.config.is_file():
        config.dump(run.config)  # as the user's command gives it, however many processes train
    if weights := named_by(config):
        ranks.on_each_host(lambda: fetch_weights(weights))
    ranks.step(0)
    if ranks.count > 1:
        config.launcher = "pytorch"
        if not torch.cuda.is_available():
            connect_processors(config)
    config.resume = start.checkpoint is not None
    if start.checkpoint:
        config.load_from = str(start.checkpoint)
    if ranks.rank == 0:
        config.visualizer.vis_backends = start.vis_backends
    runner = Runner.from_cfg(config)
    runner.ranks, runner.stop = ranks, stop
    record = ProvenanceHook(run)
    if ranks.rank == 0:
        runner.register_hook(record)
        runner.register_hook(EvaluationHook(run))
    try:
        runner.train()
    except (Exception, Stopped) as error:
        stop.ending = True
        reason = explained(error, runner)
        record.broken_off(runner, reason)
        raise reason from error
    if ranks.rank == 0:
        write_report(run)


def explained(error: BaseException, runner: Runner) -> BaseException:
    """Says of an error in training what a user can do, where that is known."""
    error_here = runner.ranks.translate(error)
    if isinstance(error_here, Stopped):
        return Stopped(how_to_go_on(runner) if runner.ranks.rank == 0 else "")
    if isinstance(error_here, torch.OutOfMemoryError):
        return UserError(
            "The GPU ran out of memory. ACCUMULATE=2 (--accumulate) computes each step in two "
            "parts, for the same batch in less memory; a smaller BATCH or SIZE needs less, too."
        )
    if isinstance(error_here, OSError) and error_here.errno in NO_SPACE:
        return no_space(Run(Path(runner.work_dir)))
    return error_here


@contextmanager
def without_space(run: Run) -> Iterator[None]:
    """Says what to do where the disk is full.

    Raises:
        UserError: It is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise no_space(run) from error


def no_space(run: Run) -> UserError:
    """What a user reads when the disk is full."""
    saved = run.latest_checkpoint()
    kept = f"{saved.name} is saved" if saved else "Nothing is saved yet"
    return UserError(
        f"There is no space left in {run.folder}. {kept}: make room, and the same command goes on."
    )


def how_to_go_on(runner: Runner) -> str:
    """What a user reads after a signal."""
    command = shlex.join(["umop", *sys.argv[1:]])
    done = runner.checkpoints.saved_iteration
    if done <= 0:
        return f"Stopped before the first step. Start again: {command}"
    return f"Stopped after iteration {done} of {runner.max_iters}, which is saved. Go on: {command}"


def use_own_data(config: Config, run: Run, data: Path) -> OwnData:
    """Makes the config read the user's data, whose annotations are still to be written."""
    found = read_data(data, run.folder / "annotations")
    for message in found.messages:
        note(message)
    use_data(config, found)
    return found


def check_own(config: Config) -> list[str]:
    """Checks the data that a config names itself; returns what is doubtful, a line each."""
    for split in ("train", "val"):
        require_data(config, split)
    doubts = check_configured(config)
    for message in doubts:
        note(message)
    return doubts


def check_same_config(config: Config, run: Run) -> None:
    """Refuses to continue a run with another config: its result would be neither's.

    Raises:
        UserError: They differ; the message names the first fields that do.
    """
    if not run.config.is_file():
        return
    before, now = leaves(Config.fromfile(run.config)), leaves(config)
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        raise UserError(
            f"{run.folder} was started with another config (different: "
            f"{', '.join(changed[:3])}). Give this run another name with --run, or delete "
            f"{run.folder} to start it again."
        )
