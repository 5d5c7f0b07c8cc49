"""Checks and writes what is needed to train, once, whatever the number of ranks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from umop.config.check import require_start, require_trainable
from umop.config.load import load_written
from umop.config.settings import leaves
from umop.data.preparation.custom import read_from
from umop.distributed.devices import plan
from umop.engine.checkpoints import Reached, reached_by
from umop.runs.checkpoints import newest_whole
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.trackers import vis_backends
from umop.training.batch import require_gpu
from umop.training.options import TrainOptions
from umop.training.plan import describe_plan
from umop.training.precision import describe_precision
from umop.training.preparation_steps import PREPARATION_STEPS, Draft, on_gpu
from umop.weights import finetune
from umop.weights.pretrained import named_by


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
    config: Config,
    run: RunFolder,
    options: TrainOptions,
    processes: int,
    claim: Callable[[], None],
) -> Start | None:
    """Checks and writes what is needed to train; None where the run is finished.

    Args:
        config: What to train.
        run: The folder that keeps the result.
        options: How.
        processes: How many train together.
        claim: Keeps other processes from the run, and brings what its mirror has of it.

    Raises:
        UserError: An option is not possible, or the checkpoint to start from is not there.
    """
    require_trainable(config)
    require_gpu(options, on_gpu(options), processes)
    claim()
    checkpoint = newest_whole(run)
    if checkpoint is None:
        require_start(config)
    draft = Draft(config, run, options, processes)
    for step in PREPARATION_STEPS:
        step(draft)
    _check_same_data(draft)
    check_same_config(config, run)
    reached = reached_by(checkpoint) if checkpoint else Reached()
    if reached.is_finished:
        return None
    backends = [] if options.dry_run else vis_backends(config, run, reached.iteration)
    _write(draft, is_new=checkpoint is None)
    _announce(draft)
    return Start(config, checkpoint, backends)


def _write(draft: Draft, is_new: bool) -> None:
    """Writes what training reads from the run's folder.

    Args:
        draft: After all steps.
        is_new: No checkpoint is there yet.
    """
    run = draft.run
    if is_new:  # a start that was killed before its first checkpoint left some
        run.metrics_file.unlink(missing_ok=True)
    if draft.own is not None:
        draft.own.write_annotations()
    elif is_new:
        run.data_warnings.write_text(json.dumps(draft.warnings, indent=2) + "\n")
    if draft.weights:
        finetune.write_initial_weights(draft.weights, run)


def _announce(draft: Draft) -> None:
    """Says what is going to be trained."""
    schedule = draft.options.schedule
    if draft.weights:
        note("\n".join(draft.weights.report()))
    elif not draft.config.get("load_from") and not named_by(draft.config):
        note("Weights: the config names none for its backbone, which starts from random ones.")
    note(describe_plan(draft.config, draft.counts, schedule, draft.processes))
    note(plan(draft.config, draft.processes, schedule.accumulate))
    tiles = draft.cut and draft.cut.note
    for more in (describe_precision(draft.config), tiles, draft.size_note):
        if more:
            note(more)


def _check_same_data(draft: Draft) -> None:
    """Refuses to continue a run with other folders of data.

    Raises:
        UserError: They differ.
    """
    before = read_from(draft.run.annotations)
    now = draft.own.folders if draft.own else ()
    if draft.run.config.is_file() and before and now and before != now:
        raise UserError(
            f"{draft.run.folder} was started with --data {' --data '.join(map(str, before))}. Give "
            f"this run another name with --run, or delete {draft.run.folder} to start it again."
        )


def check_same_config(config: Config, run: RunFolder) -> None:
    """Refuses to continue a run with another config: its result would be neither's.

    Raises:
        UserError: They differ; the message names the first fields that do.
    """
    if not run.config.is_file():
        return
    before, now = leaves(load_written(run.config)), leaves(config)
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        raise UserError(
            f"{run.folder} was started with another config (different: "
            f"{', '.join(changed[:3])}). Give this run another name with --run, or delete "
            f"{run.folder} to start it again."
        )
