"""Samples that are mixed from several images do not depend on those before them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import DATASETS
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from umop.config.load import load_config
from umop.engine.order import ResumableBatches, resumable
from umop.training.size import resize

SIDE = 64
BLENDED = 36
"""The number of a sample from which on ``small`` lays images over each other."""


@pytest.fixture(params=["rtmdet_tiny", "small"])
def dataset(discs: Path, request: pytest.FixtureRequest) -> Any:
    """The discs, mixed as a config's images are, at a small size."""
    config = load_config(request.param)
    resize(config, SIDE)
    section = config.train_dataloader.dataset
    section.update(data_root=str(discs), ann_file="train.json", data_prefix={"img": "train/"})
    section.metainfo.classes = ("tree",)
    return DATASETS.build(section)


def samples(dataset: Any, numbered: Sequence[tuple[int, int, bool]]) -> list[Any]:
    """Samples in a process that has loaded no others."""
    batches = ResumableBatches(BatchSampler(SequentialSampler(dataset), 1, False), endless=False)
    loader = resumable(DataLoader(dataset, batch_sampler=batches.batches), batches, seed=0)
    return [loader.dataset[one] for one in numbered]


def same(one: Any, other: Any) -> bool:
    boxes, others = (each["data_samples"].gt_instances.bboxes for each in (one, other))
    return torch.equal(one["inputs"], other["inputs"]) and torch.equal(boxes.tensor, others.tensor)


def test_a_sample_is_the_same_whatever_came_before(dataset: Any) -> None:
    *_, late = samples(dataset, [(i % 6, BLENDED + i, False) for i in range(8)])
    [alone, other] = samples(dataset, [(1, BLENDED + 7, False), (1, BLENDED + 8, False)])
    assert same(late, alone)
    assert not same(alone, other)


def test_a_sample_has_boxes_of_several_images(dataset: Any) -> None:
    found = samples(dataset, [(0, BLENDED + number, False) for number in range(10)])
    for each in found:
        height, width = each["inputs"].shape[1:]
        assert max(height, width) <= SIDE
        corners = each["data_samples"].gt_instances.bboxes.tensor
        assert (corners >= 0).all()
        assert (corners <= SIDE).all()
    most = max(len(each["data_samples"].gt_instances) for each in found)
    assert most > 4, "an image has four boxes"


def test_the_last_part_of_training_is_not_mixed(dataset: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(dataset, "_draw", None)
    [plain] = samples(dataset, [(0, 0, True)])
    assert 0 < len(plain["data_samples"].gt_instances) <= 4
    with pytest.raises(TypeError):
        samples(dataset, [(0, number, False) for number in range(10)])


LOAD = [{"type": "LoadImage"}, {"type": "LoadAnnotations", "with_bbox": True}]


def mixing(discs: Path, step: str, **options: Any) -> Any:
    """The discs, of which a step mixes a share."""
    mix = {"type": step, "img_scale": (2 * SIDE, 2 * SIDE), "ratio_range": (1.0, 1.0), **options}
    pack = {"type": "PackDetInputs"}
    return DATASETS.build(
        {
            "type": "MixedCocoDataset",
            "data_root": str(discs),
            "ann_file": "train.json",
            "data_prefix": {"img": "train/"},
            "metainfo": {"classes": ("tree",)},
            "pipeline": [*LOAD, mix, pack],
            "last_pipeline": [*LOAD, pack],
            "last_share": 0.3,
        }
    )


def test_an_image_that_is_laid_over_another_is_not_flipped(discs: Path, monkeypatch: Any) -> None:
    dataset = mixing(discs, "OccasionalMixUp", prob=1.0)
    monkeypatch.setattr(dataset, "_draw", lambda steps: dataset._run(0, steps))
    [plain] = samples(dataset, [(0, 0, True)])
    for mixed in samples(dataset, [(0, number, False) for number in range(5)]):
        assert len(mixed["data_samples"].gt_instances) == 8
        difference = mixed["inputs"].float() - plain["inputs"].float()
        assert difference.abs().max() <= 1, "it lies over itself"


def test_images_are_laid_over_each_other_after_some_passes(discs: Path) -> None:
    dataset = mixing(discs, "OccasionalMixUp", prob=1.0, begin=2)
    last, first = samples(dataset, [(0, 2 * len(dataset) - 1, False), (0, 2 * len(dataset), False)])
    assert len(last["data_samples"].gt_instances) == 4
    assert len(first["data_samples"].gt_instances) == 8


@pytest.mark.parametrize(("step", "others"), [("Collage", 3), ("OccasionalMixUp", 1)])
def test_others_are_loaded_only_for_the_share_that_is_mixed(
    discs: Path, monkeypatch: Any, step: str, others: int
) -> None:
    dataset = mixing(discs, step, prob=0.5)
    draw, drawn = dataset._draw, []
    monkeypatch.setattr(dataset, "_draw", lambda steps: drawn.append(steps) or draw(steps))
    found = set()
    for number in range(20):
        samples(dataset, [(0, number, False)])
        found.add(len(drawn))
        drawn.clear()
    assert found == {0, others}
