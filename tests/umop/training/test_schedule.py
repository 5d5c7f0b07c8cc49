"""Schedules follow the data and what is asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS

from umop.config.load import load_config
from umop.system.errors import UserError
from umop.training.schedule import ScheduleOptions, count_iterations, fit, parse_duration


def fitted(name: str, images: int, processes: int = 1, **options: Any) -> Config:
    config = load_config(name)
    fit(config, ScheduleOptions(**options), images, processes)
    return config


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "30 m", "0s", "-5m", "5x", "1h,30m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UserError, match="is not a valid time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("images", "iterations"), [(10, 1200), (160, 1440), (600, 5400), (100_000, 6000)]
)
def test_steps_follow_from_the_images(images: int, iterations: int) -> None:
    config = fitted("small", images)
    warm_up, decay = config.param_scheduler
    assert config.train_cfg.max_iters == decay.end == iterations
    assert warm_up.end == decay.begin == iterations // 15
    assert config.train_cfg.val_interval == iterations // 4
    assert config.default_hooks.checkpoint.interval == iterations // 4


def test_every_learning_rate_decays_to_a_hundredth() -> None:
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [
        {"params": [weight], "lr": lr} for weight, lr in zip(weights, (0.1, 0.01), strict=True)
    ]
    optimizer = torch.optim.SGD(groups)
    section = load_config("small").param_scheduler[-1]
    decay = PARAM_SCHEDULERS.build(dict(section, begin=0, optimizer=optimizer))
    for _ in range(section.end):
        optimizer.step()
        decay.step()
    last = [group["lr"] for group in optimizer.param_groups]
    assert last == pytest.approx([0.001, 0.0001], rel=0.01)


def test_a_length_that_evaluations_do_not_divide_has_no_more_of_them() -> None:
    config = fitted("small", 137)
    assert (config.train_cfg.max_iters, config.train_cfg.val_interval) == (1233, 309)


@pytest.mark.parametrize(
    ("bounds", "iterations"),
    [
        (["min_iters=600"], 600),
        (["min_iters=20"], 540),
        (["min_iters=20", "max_iters=50"], 50),
        (["epochs=96"], 1440),
    ],
)
def test_bounds_of_the_length_are_followed(bounds: list[str], iterations: int) -> None:
    config = load_config("small", [f"auto_schedule.{bound}" for bound in bounds])
    fit(config, ScheduleOptions(), 60, 1)
    assert config.train_cfg.max_iters == iterations


def test_a_length_that_is_set_is_kept() -> None:
    config = load_config("small", ["train_cfg.max_iters=7"])
    fit(config, ScheduleOptions(), 1000, 1)
    assert config.train_cfg.max_iters == 7


def test_epochs_are_steps_of_all_processes() -> None:
    assert fitted("small", 100, processes=2, epochs=4).train_cfg.max_iters == 50


def test_published_schedules_stay_on_coco() -> None:
    before, after = load_config("r50").to_dict(), fitted("r50", 117_266, processes=8).to_dict()
    assert after == before


def test_published_schedules_stretch() -> None:
    config = fitted("r50", 205, epochs=48)
    warm_up, decay = config.param_scheduler
    assert (config.train_cfg.max_epochs, config.train_cfg.val_interval) == (48, 3)
    assert (decay.end, decay.milestones) == (48, [32, 43])
    assert warm_up.end == 494, "a tenth of 48 epochs of 103 iterations"


def test_a_warm_up_never_ends_at_its_first_rate() -> None:
    """mmengine's LinearLR of one step has no second value."""
    assert fitted("small", 4, epochs=1).param_scheduler[0].end == 2


@pytest.mark.parametrize("images", [1, 6, 9])
def test_the_decay_ends_after_it_begins_in_the_shortest_training(images: int) -> None:
    decay = fitted("small", images, epochs=1).param_scheduler[1]
    assert decay.begin < decay.end


def test_accumulation_makes_the_same_steps_in_parts() -> None:
    whole, parts = fitted("small", 1000), fitted("small", 1000, accumulate=4)
    assert parts.train_dataloader.batch_size == 1
    assert parts.optim_wrapper.accumulative_counts == 4
    assert parts.train_cfg.max_iters == 4 * whole.train_cfg.max_iters
    assert parts.param_scheduler[0].end == 4 * whole.param_scheduler[0].end


def test_evaluations_are_after_whole_steps() -> None:
    config = fitted("small", 137, accumulate=2)
    assert (config.train_cfg.max_iters, config.train_cfg.val_interval) == (2466, 618)
    assert fitted("small", 137, accumulate=2, patience=4).train_cfg.val_interval == 308
    with pytest.raises(UserError, match="evaluated 9 times"):
        fitted("small", 9, accumulate=4, epochs=4, patience=9)


def test_the_scaled_rate_follows_all_parts_of_a_batch() -> None:
    config = fitted("r50", 1000, batch=16, accumulate=8)
    assert config.train_dataloader.batch_size / config.auto_scale_lr.base_batch_size == 1


def test_a_rate_is_taken_exactly() -> None:
    config = fitted("r50", 1000, lr=0.003)
    assert config.optim_wrapper.optimizer.lr == 0.003
    assert not config.auto_scale_lr


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(UserError, match=r"batch of 10 .* into 2 × 2 parts .* multiple of 4"):
        fitted("small", 100, processes=2, batch=10, accumulate=2)


def test_a_time_is_kept_in_iterations() -> None:
    config = fitted("r50", 200, time=60.0)
    assert config.custom_hooks[-1] == {"type": "TimeBudgetHook", "seconds": 60.0}
    assert config.train_cfg == {
        "type": "IterBasedTrainLoop",
        "max_iters": 1800,
        "val_interval": 100,
    }
    assert config.param_scheduler[1].milestones == [1200, 1600]
    assert not config.param_scheduler[1].by_epoch


@pytest.mark.parametrize(("images", "epochs"), [(100, 250), (1000, 60), (20_000, 32), (300, 100)])
def test_epochs_follow_from_the_images_too(images: int, epochs: int) -> None:
    config = fitted("rtmdet_s", images)
    warm_up, decay = config.param_scheduler
    assert config.train_cfg.max_epochs == decay.end == epochs
    assert abs(decay.begin - epochs / 2) <= 0.5
    assert warm_up.end == min(1000, round(0.1 * epochs * math.ceil(images / 32)))


@pytest.mark.parametrize("images", [1, 2, 6, 33, 40, 100, 5000, 20_000])
@pytest.mark.parametrize("name", ["rtmdet_tiny", "tood_r50"])
@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (2, 2), (1, 4)])
def test_steps_stay_within_their_bounds(
    name: str, images: int, processes: int, accumulate: int
) -> None:
    config = load_config(name)
    config.train_dataloader.batch_size = 32 // processes
    fit(config, ScheduleOptions(accumulate=accumulate), images, processes)
    parts = processes * accumulate
    assert config.train_dataloader.batch_size * parts <= math.ceil(images / parts) * parts
    steps = count_iterations(config, images, processes) / accumulate
    assert config.auto_schedule.min_iters <= steps <= config.auto_schedule.max_iters


def test_a_schedule_of_epochs_keeps_its_milestones() -> None:
    config = fitted("tood_r50", 300)
    assert config.train_cfg.max_epochs == 36
    assert config.param_scheduler[1].milestones == [24, 33]


def test_epochs_that_are_asked_for_or_set_are_kept() -> None:
    assert fitted("rtmdet_s", 100, epochs=5).train_cfg.max_epochs == 5
    config = load_config("rtmdet_s", ["train_cfg.max_epochs=7"])
    fit(config, ScheduleOptions(), 100, 1)
    assert config.train_cfg.max_epochs == 7


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_shortest_decay_ends_after_it_begins(epochs: int) -> None:
    decay = fitted("rtmdet_s", 100, epochs=epochs).param_scheduler[1]
    assert decay.begin < decay.end


def test_a_decay_by_epochs_can_be_kept_in_iterations() -> None:
    decay = fitted("rtmdet_s", 100, time=60.0).param_scheduler[1]
    assert (decay.begin, decay.end, decay.by_epoch) == (500, 1000, False)
    assert "convert_to_iter_based" not in decay


def test_patience_can_run_out_halfway() -> None:
    config = fitted("small", 100, patience=5)
    assert config.custom_hooks[-1] == {"type": "PatienceHook", "patience": 5}
    assert (config.train_cfg.max_iters, config.train_cfg.val_interval) == (1200, 120)
    assert fitted("small", 100, patience=1).train_cfg.val_interval == 300, "evaluated as it was"
    assert fitted("r50", 100, patience=5).train_cfg.val_interval == 1


def test_patience_longer_than_training_is_refused() -> None:
    with pytest.raises(UserError, match="--patience 18 cannot end training early"):
        fitted("r50", 100, patience=18)


def in_epochs(folder: Path, scheduler: str, loop: str = "max_epochs=12") -> Config:
    """A user's config that counts epochs, and leaves out what mmengine has a default for."""
    path = folder / "mine.py"
    path.write_text(
        "_base_ = 'small'\nauto_schedule = None\n"
        f"train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', {loop})\n"
        f"param_scheduler = [dict({scheduler})]\n"
    )
    return load_config(str(path))


@pytest.mark.parametrize(
    ("scheduler", "end"),
    [
        ("type='CosineAnnealingLR', by_epoch=False, begin=0, end=6000, T_max=6000", 6000),
        ("type='LinearLR', start_factor=1.0, end_factor=0.1, by_epoch=False, end=6000", 6000),
        ("type='ConstantLR', by_epoch=False, factor=1.0", 6000),
        ("type='LinearLR', start_factor=0.1, by_epoch=False, end=6000", 600),
        ("type='MultiStepLR', milestones=[8, 11]", 12),
    ],
)
def test_a_schedule_ends_where_the_config_says_or_with_training(
    scheduler: str, end: int, tmp_path: Path
) -> None:
    config = in_epochs(tmp_path, scheduler)
    fit(config, ScheduleOptions(), 2000, 1)
    assert count_iterations(config, 2000, 1) == 6000
    assert config.param_scheduler[0].end == end


def test_a_decay_in_iterations_stretches_with_the_epochs(tmp_path: Path) -> None:
    decay = "type='CosineAnnealingLR', by_epoch=False, begin=0, end=6000, T_max=6000"
    config = in_epochs(tmp_path, decay)
    fit(config, ScheduleOptions(epochs=24, accumulate=2), 2000, 1)
    assert count_iterations(config, 2000, 1) == 24_000
    assert (config.param_scheduler[0].end, config.param_scheduler[0].T_max) == (24_000, 24_000)


@pytest.mark.parametrize("options", [{}, {"epochs": 24}, {"time": 60.0}])
def test_evaluations_are_as_often_as_mmengines_where_nobody_says(
    options: dict[str, Any], tmp_path: Path
) -> None:
    config = in_epochs(tmp_path, "type='MultiStepLR', milestones=[8, 11]")
    fit(config, ScheduleOptions(**options), 2000, 1)
    assert config.train_cfg.val_interval == {"epochs": 2, "time": 500}.get("".join(options), 1)
