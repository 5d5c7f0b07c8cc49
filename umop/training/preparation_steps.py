"""What happens to a config between its file and training, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from mmengine.config import Config

from umop.config.load import load_written
from umop.data.preparation.configured import check_configured
from umop.data.preparation.custom import OwnData, read_data, use_data
from umop.data.preparation.location import require_data
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.training.batch import choose_batch
from umop.training.dry_run import shorten
from umop.training.options import AUTO, TrainOptions
from umop.training.plan import Counts, count, train_content
from umop.training.precision import choose_precision, precision_of
from umop.training.schedule import ScheduleOptions, fit
from umop.training.size import fit_size, require_width
from umop.training.tiles import Cut, Scenes, fit_tiles
from umop.weights import finetune


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


def _read_own_data(draft: Draft) -> None:
    """Makes the config read the user's data, whose annotations are still to be written."""
    draft.own = None
    if not draft.options.data:
        return
    draft.own = read_data(draft.options.data, draft.run.annotations)
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
    written = draft.run.config
    began = precision_of(load_written(written)) if written.is_file() else None
    choose_precision(draft.config, draft.options.amp, on_gpu(draft.options), began)


def on_gpu(options: TrainOptions) -> bool:
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
    draft.size_note = fit_size(draft.config, draft.options.size, share)
    if draft.own is not None:
        contents = draft.own.contents.values()
        require_width(draft.config, [each for content in contents for each in content["images"]])


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
    if wanted == finetune.IMAGENET_WEIGHTS:
        return
    resumes = draft.run.config.is_file() and draft.run.latest_checkpoint() is not None
    if resumes and finetune.keep_weights(draft.config, load_written(draft.run.config), wanted):
        return
    draft.weights = finetune.use_weights(draft.config, wanted, draft.run)


def _set_folder(draft: Draft) -> None:
    """Names the folder that keeps the result."""
    draft.config.work_dir = str(draft.run.folder)


PREPARATION_STEPS: tuple[Callable[[Draft], None], ...] = (
    _read_own_data,
    _check_own_data,
    keep_published,
    _set_precision,
    count_data,
    _set_tiles,
    _set_size,
    _choose_batch,
    set_schedule,
    _shorten_dry_run,
    _set_weights,  # behind the data: the head has as many classes
    _set_folder,
)
"""All changes of a config between its file and training, in their order."""
