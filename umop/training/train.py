"""Trains what a config describes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from umop.data.recognition import files_of
from umop.distributed.connect import connected, is_rank
from umop.distributed.devices import choose_processes, connect_processors
from umop.distributed.job import Job
from umop.distributed.launch import launch
from umop.distributed.ranks import SingleProcess
from umop.distributed.signals import StopSignals
from umop.engine.checkpoints import reached_by
from umop.engine.hooks.mirror import MirrorHook
from umop.engine.hooks.outlook import OutlookHook
from umop.engine.hooks.provenance import ProvenanceHook
from umop.engine.runner import Runner
from umop.evaluation.hook import EvaluationHook
from umop.runs.checkpoints import newest_whole
from umop.runs.folder import RunFolder
from umop.runs.uploads import bring, mirrored
from umop.system.console import note
from umop.system.errors import MachineError, Stopped, UserError, is_of_full_disk
from umop.training.claim import Claim, done_here
from umop.training.dry_run import DRY_RUN_STEPS, peak_memory
from umop.training.options import TrainOptions
from umop.training.prepare import Start, prepare
from umop.weights.pretrained import fetch_weights, named_by, without_pretrained_backbone

_RANK = "umop.training.rank"
"""The module that runs in each rank."""


def train(
    config: Config,
    run: RunFolder,
    options: TrainOptions,
    stop: StopSignals,
    hooks: Sequence[Hook] = (),
) -> Path | None:
    """Trains, or resumes the run of that name; a finished run stays as it is.

    Args:
        config: What to train.
        run: The folder that keeps the result.
        options: How.
        stop: Whether training was asked to stop.
        hooks: Of the caller's, which the first rank calls; it must be this process.

    Returns:
        The final checkpoint; None where nothing is kept, or another node keeps it.

    Raises:
        UserError: GPU, data or weights are missing, the run was started with another config,
            another process trains it, hooks are to be called in another process, or several nodes
            are to make a dry run.
        Stopped: Training was asked to stop, and is saved.
        TrainingError: The loss is not finite, or one of the processes is gone.
    """
    here = choose_processes(config, options.on_cpu, options.processes)
    if not is_rank():
        job = Job.from_environment(here)
        if job.nodes > 1 and options.dry_run:
            raise UserError("--dry-run tries one node: leave it out, or PET_NNODES and NNODES.")
        if job.nodes > 1:
            _bring(run, options.mirror)
        if job.nodes > 1 and _has_finished(run):
            note(f"{run.folder} has been trained to its end: no other node is waited for.")
            return run.require_checkpoint()
        if job.ranks > 1:
            _require_no_hooks(hooks, job.ranks)
            has_first = launch(job, _RANK, (config, run, options), options.timeout)
            return run.require_checkpoint() if has_first and not options.dry_run else None
    with connected(options.timeout) as ranks, ExitStack() as held:
        if options.dry_run:
            run = RunFolder(Path(held.enter_context(TemporaryDirectory())) / run.name)
        held.enter_context(_without_space(run))
        claim = Claim(run, options, held)
        start = ranks.on_first(lambda: _prepare(config, claim, ranks.count))
        if ranks.count > 1 and not options.dry_run:
            ranks.on_each_host(partial(_fetch, run, options))
        if start is not None:
            own = [MirrorHook(claim.uploads)] if claim.uploads else []
            held.callback(setattr, stop, "ending", False)  # a second signal does not wait
            record = ProvenanceHook(run, options.command)
            _train_rank(start, record, ranks, stop, [*hooks, *own])
        if options.dry_run:
            note(
                f"Dry run: {DRY_RUN_STEPS} steps and an evaluation took {peak_memory()}. "
                "Nothing is kept."
            )
            return None
        return run.require_checkpoint() if ranks.rank == 0 else None


def _prepare(config: Config, claim: Claim, processes: int) -> Start | None:
    """Does once, in the first rank, what comes before training."""
    start = prepare(config, claim.run, claim.options, processes, claim.make)
    if start is not None and claim.uploads:
        claim.uploads.start()
    return start


def _bring(run: RunFolder, address: str | None) -> None:
    """Brings what a run's mirror has, if there is one that has come further than this disk."""
    if address:
        bring(run, address, done_here(run))


def _fetch(run: RunFolder, options: TrainOptions) -> None:
    """Makes a host have what the first one has, where no disk is common to them."""
    for data in options.data:
        files_of(data)
    _bring(run, options.mirror)


def mirror_report(options: TrainOptions) -> None:
    """Uploads what was written behind training.

    Raises:
        FetchError: Storage does not answer.
        UserError: Another job has taken the mirror.
    """
    run = options.run
    if options.mirror:
        with mirrored(run, options.mirror, lambda: done_here(run)) as uploads:
            uploads.start()


def _require_no_hooks(hooks: Sequence[Hook], ranks: int) -> None:
    """Refuses to leave out hooks that other processes would have to call.

    Raises:
        UserError: There are some.
    """
    if hooks:
        raise UserError(
            f"on_step and on_evaluation are called where training runs, and {ranks} processes of "
            "their own would train. Ask for processes=1, or read metrics.jsonl in the run's folder."
        )


def _has_finished(run: RunFolder) -> bool:
    """Whether a run's training has ended; a node that comes back alone would wait for the others.

    Raises:
        UserError: Its checkpoints are damaged, or training cannot resume from them.
    """
    checkpoint = newest_whole(run)
    return checkpoint is not None and reached_by(checkpoint).is_finished


def _train_rank(
    start: Start,
    record: ProvenanceHook,
    ranks: SingleProcess,
    stop: StopSignals,
    hooks: Sequence[Hook],
) -> None:
    """Trains in this process, together with the other ranks.

    Args:
        start: What is trained.
        record: Writes where the result comes from.
        ranks: The processes that train together.
        stop: Whether training was asked to stop.
        hooks: What the first rank calls beside those of the config.
    """
    config, run = start.config, record.run
    if ranks.rank == 0 and not run.config.is_file():
        config.dump(run.config)  # as the user's command gives it, however many processes train
    if start.checkpoint:
        without_pretrained_backbone(config)
    elif weights := named_by(config):
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
    if ranks.rank == 0:
        outlook = [OutlookHook()] if config.get("auto_schedule") else []
        for hook in (record, EvaluationHook(run), *outlook, *hooks):
            runner.register_hook(hook)
    try:
        runner.train()
    except (Exception, Stopped) as error:
        stop.ending = True
        reason = _explained(error, runner)
        record.broken_off(runner, reason)
        raise reason from error


def _explained(error: BaseException, runner: Runner) -> BaseException:
    """Says of an error in training what a user can do, where that is known."""
    error_here = runner.ranks.translate(error)
    if isinstance(error_here, Stopped):
        done = runner.checkpoints.saved_iteration
        return Stopped(done, runner.max_iters) if runner.ranks.rank == 0 else Stopped()
    if isinstance(error_here, UserError):
        return UserError(error_here.summary())
    if isinstance(error_here, torch.OutOfMemoryError):
        return MachineError(
            "The GPU ran out of memory. --accumulate 2 computes each step in two parts, for the "
            "same batch in less memory; a smaller --batch or --size needs less, too."
        )
    if is_of_full_disk(error_here):
        return _no_space(RunFolder(Path(runner.work_dir)))
    return error_here


@contextmanager
def _without_space(run: RunFolder) -> Iterator[None]:
    """Says what to do where the disk is full.

    Raises:
        MachineError: It is.
    """
    try:
        yield
    except OSError as error:
        if not is_of_full_disk(error):
            raise
        raise _no_space(run) from error


def _no_space(run: RunFolder) -> MachineError:
    """What a user reads when the disk is full."""
    saved = run.latest_checkpoint()
    kept = f"{saved.name} is saved" if saved else "Nothing is saved yet"
    return MachineError(
        f"There is no space left in {run.folder}. {kept}: make room, and the same command goes on."
    )
