"""The method in other detectors' heads: each pyramid level has its own γ."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from torch import Tensor

from tests.umop.models.samples import STRIDES, batch, outputs_of
from umop.config.files import config_names
from umop.config.load import load_config
from umop.losses import ProgressiveLoss

DETECTORS = ("retinanet", "fcos", "paa", "fsaf", "gfl", "vfnet")
SIDE = 512


def head_of(name: str, **changes: Any) -> Any:
    """Builds a detector's head from its config, with fewer channels."""
    model = load_config(f"plugin/{name}").model
    head = model.bbox_head
    head.update(num_classes=3, in_channels=32, feat_channels=32, stacked_convs=1)
    head.loss_cls.update(changes)
    torch.manual_seed(0)
    return MODELS.build({**head, "train_cfg": model.train_cfg, "test_cfg": model.test_cfg})


def losses_of(head: Any, outputs: list[list[Tensor]]) -> dict[str, Any]:
    """The losses of two images that have different boxes."""
    samples: list[DetDataSample] = batch(side=SIDE, classes=3)["data_samples"]
    samples[1].gt_instances = samples[1].gt_instances[::2]
    losses: dict[str, Any] = head.loss_by_feat(
        *outputs, [sample.gt_instances for sample in samples], [s.metainfo for s in samples]
    )
    return losses


def progressive(head: Any) -> ProgressiveLoss[Any]:
    [loss] = [module for module in head.modules() if isinstance(module, ProgressiveLoss)]
    return loss


def test_every_detector_has_its_baseline() -> None:
    names = {name for name in config_names() if name.startswith("plugin/")}
    assert names == {f"plugin/{name}{suffix}" for name in DETECTORS for suffix in ("", "_umop")}


@pytest.mark.parametrize("name", DETECTORS)
def test_each_level_has_its_own_gamma(name: str) -> None:
    """All logits of a level are made one number, so that its γ is known whatever is positive."""
    head = head_of(f"{name}_umop")
    loss = progressive(head)
    loss.trace = []
    outputs = outputs_of(head, SIDE)
    heights = [-1.4 - 0.2 * level for level in range(len(STRIDES))]
    outputs[0] = [
        torch.full_like(scores, height) for scores, height in zip(outputs[0], heights, strict=True)
    ]
    losses_of(head, outputs)

    gammas = [level.gamma.item() for level in loss.trace]
    conditions = [F.softplus(torch.tensor(-height)).item() for height in heights]
    assert len(gammas) == len(STRIDES)
    for gamma, condition in zip(gammas, conditions, strict=True):
        assert gamma in (pytest.approx(condition), 2.0)
    assert gammas.count(2.0) <= 1, "at most one level without positives"


@pytest.mark.parametrize("name", DETECTORS)
def test_without_margin_the_loss_is_the_baselines(name: str) -> None:
    baseline = head_of(name)
    head = head_of(f"{name}_umop", margin=0.0)
    head.load_state_dict(baseline.state_dict())
    expected = losses_of(baseline, outputs_of(baseline, SIDE))
    losses = losses_of(head, outputs_of(head, SIDE))
    assert losses.keys() == expected.keys()
    for key in expected:
        torch.testing.assert_close(total(losses[key]), total(expected[key]), rtol=1e-4, atol=1e-6)


def total(loss: Tensor | list[Tensor]) -> Tensor:
    return sum(loss, torch.zeros(())) if isinstance(loss, list) else loss


@pytest.mark.parametrize("name", DETECTORS)
def test_a_batch_without_boxes_trains(name: str) -> None:
    head = head_of(f"{name}_umop")
    samples = batch(side=SIDE, classes=3)["data_samples"]
    empty = [sample.gt_instances[:0] for sample in samples]
    losses = head.loss_by_feat(
        *outputs_of(head, SIDE), empty, [sample.metainfo for sample in samples]
    )
    loss = sum(total(value) for key, value in losses.items() if "loss" in key)
    assert isinstance(loss, Tensor)
    loss.backward()
    assert loss.isfinite()


def test_paa_parts_scores_that_are_nearly_equal() -> None:
    """In single precision rounding errors decide, and none of these is chosen."""
    head = head_of("paa")
    scores = 3.0 + 1e-4 * torch.arange(12.0)
    labels = torch.zeros(12, dtype=torch.int64)
    anchors = [torch.zeros(12, 4)]
    weights = torch.ones(12), torch.ones(12, 4)
    positives, truths = torch.arange(12), torch.zeros(12, dtype=torch.int64)
    *_, count = head.paa_reassign(scores, labels, *weights, positives, truths, anchors)
    assert 1 <= count <= 12
