"""Checks and writes what is needed to train, once, whatever the number of ranks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config

from umop.config.check import require_trainable
from umop.config.load import load_written
from umop.config.settings import leaves
from umop.data.preparation.configured import check_configured
from umop.data.preparation.custom import OwnData, read_data, read_from, use_data
from umop.data.preparation.location import require_data
from umop.distributed.devices import plan
from umop.engine.checkpoints import Reached, reached_by
from umop.runs.checkpoints import newest_whole
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.trackers import vis_backends
from umop.training.batch import choose_batch, require_gpu
from umop.training.dry_run import shorten
from umop.training.options import AUTO, TrainOptions
from umop.training.plan import Counts, count, describe_plan, train_content
from umop.training.precision import choose_precision, describe_precision
from umop.training.schedule import ScheduleOptions, fit
from umop.training.size import fit_size
from umop.training.tiles import Cut, Scenes, fit_tiles
from umop.weights import finetune


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


@dataclass
class Draft:
    """What the steps make of a config; an attribute without a value is of a step to come.

    Attributes:
        config: What to train; the steps change it in place.
        run: The folder that keeps the result.
        options: How the user wants it trained.
        processes: How many train together.
        own: The user's own data; None where the config names its data itself.
        warnings: What the check of a config's own data found, a line each.
        counts: How much data there is.
        cut: How images are cut into windows; None where nobody asked.
        size_note: What the user should know of the size of images.
        schedule: What is asked of the schedule, the batch included.
        weights: What the model starts from; None for ImageNet weights.
    """

    config: Config
    run: RunFolder
    options: TrainOptions
    processes: int
    own: OwnData | None = field(init=False)
    warnings: list[str] = field(init=False)
    counts: Counts = field(init=False)
    cut: Cut | None = field(init=False)
    size_note: str | None = field(init=False)
    schedule: ScheduleOptions = field(init=False)
    weights: finetune.InitialWeights | None = field(init=False)


class _Step(NamedTuple):
    """A change of the draft.

    Attributes:
        change: Makes it.
        after: The changes that it builds on.
    """

    change: Callable[[Draft], None]
    after: tuple[Callable[[Draft], None], ...] = ()


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
        UserError: An option is not possible.
    """
    require_trainable(config)
    require_gpu(options, _on_gpu(options), processes)
    claim()
    draft = Draft(config, run, options, processes)
    for step in PREPARATION_STEPS:
        step.change(draft)
    _check_same_data(draft)
    check_same_config(config, run)
    checkpoint = newest_whole(run)
    reached = reached_by(checkpoint) if checkpoint else Reached()
    if reached.is_finished:
        return None
    backends = [] if options.dry_run else vis_backends(config, run, reached.iteration)
    _write(draft, is_new=checkpoint is None)
    _announce(draft)
    return Start(config, checkpoint, backends)


def _read_own_data(draft: Draft) -> None:
    """Makes the config read the user's data, whose annotations are still to be written."""
    draft.own = None
    if not draft.options.data:
        return
    draft.own = read_data(draft.options.data, draft.run.folder / "annotations")
    for message in draft.own.messages:
        note(message)
    use_data(draft.config, draft.own)


def _check_own_data(draft: Draft) -> None:
    """Checks the data that a config names itself."""
    draft.warnings = []
    if draft.own is not None:
        return
    for split in ("train", "val"):
        require_data(draft.config, split)
    draft.warnings = check_configured(draft.config)
    for message in draft.warnings:
        note(message)


def keep_published(draft: Draft) -> None:
    """Leaves a schedule in epochs, and its size, to the data that they were published for."""
    if draft.own is None and "max_epochs" in draft.config.train_cfg:
        draft.config.auto_schedule = draft.config.auto_size = None


def _set_precision(draft: Draft) -> None:
    """Chooses the arithmetic."""
    choose_precision(draft.config, draft.options.amp, _on_gpu(draft.options))


def _on_gpu(options: TrainOptions) -> bool:
    """Whether GPUs train."""
    return torch.cuda.is_available() and not options.on_cpu


def count_data(draft: Draft) -> None:
    """Counts images and measures boxes."""
    draft.counts = count(draft.config, draft.own)


def _set_tiles(draft: Draft) -> None:
    """Cuts images into windows, where that is requested."""
    draft.cut = None
    asked, options = draft.options.tiles, draft.options
    if asked is None and not draft.config.get("tiles"):
        return
    scenes = Scenes.of(train_content(draft.config, draft.own))
    draft.cut = fit_tiles(draft.config, asked, options.size, scenes)
    if draft.cut:
        draft.counts = replace(draft.counts, windows=draft.cut.windows)


def _set_size(draft: Draft) -> None:
    """Fits the size of images to the boxes, unless windows do."""
    draft.size_note = None
    if draft.counts.windows is not None:
        return
    share = draft.counts.box_share
    draft.size_note = fit_size(draft.config, draft.options.schedule.size, share)


def _choose_batch(draft: Draft) -> None:
    """Finds the largest batch where that is requested."""
    options, counts = draft.options, draft.counts
    draft.schedule = options.schedule
    if options.batch == AUTO:
        found = choose_batch(
            draft.config, draft.run, options.accumulate, counts.samples, counts.most_boxes
        )
        draft.schedule = replace(draft.schedule, batch=found)


def set_schedule(draft: Draft) -> None:
    """Fits the schedule to the number of images."""
    fit(draft.config, draft.schedule, draft.counts.samples, draft.processes)


def _shorten_dry_run(draft: Draft) -> None:
    """Cuts a dry run to two steps."""
    if draft.options.dry_run:
        shorten(draft.config)


def _set_weights(draft: Draft) -> None:
    """Starts from a detector's weights, where they are requested or the config's for own data."""
    by_default = draft.config.get("auto_weights", None) if draft.own else None
    wanted = draft.options.weights or by_default or finetune.IMAGENET_WEIGHTS
    draft.weights = None
    if wanted != finetune.IMAGENET_WEIGHTS:
        draft.weights = finetune.use_weights(draft.config, wanted, draft.run)


def _set_folder(draft: Draft) -> None:
    """Names the folder that keeps the result."""
    draft.config.work_dir = str(draft.run.folder)


PREPARATION_STEPS = (
    _Step(_read_own_data),
    _Step(_check_own_data, after=(_read_own_data,)),
    _Step(keep_published, after=(_read_own_data,)),
    _Step(_set_precision),
    _Step(count_data, after=(_read_own_data, _check_own_data)),
    _Step(_set_tiles, after=(count_data,)),
    _Step(_set_size, after=(count_data, keep_published, _set_tiles)),
    _Step(_choose_batch, after=(_read_own_data, _set_precision, count_data, _set_size)),
    _Step(set_schedule, after=(count_data, keep_published, _set_tiles, _choose_batch)),
    _Step(_shorten_dry_run, after=(set_schedule,)),
    _Step(_set_weights, after=(_read_own_data,)),  # the head has as many classes as the data
    _Step(_set_folder),
)
"""All changes of a config between its file and training, in their order."""


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
    before = read_from(draft.run.folder / "annotations")
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
