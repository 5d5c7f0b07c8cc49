"""TOOD with a focusing for each level, in both parts of its training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.logging import MessageHub
from torch import Tensor

from tests.umop.models.samples import STRIDES, batch, outputs_of
from umop.config.load import load_config

SIDE = 256
LENGTH = 300
LOSSES = ("initial_loss_cls", "loss_cls")
ITERATIONS = {"initial_loss_cls": LENGTH // 3 - 1, "loss_cls": LENGTH // 3}
"""The last iteration of the first part of training, and the first one of the second part."""


@pytest.fixture(params=LOSSES)
def part(request: pytest.FixtureRequest) -> Iterator[str]:
    """The loss of a part of training, an iteration of which is under way."""
    hub = MessageHub.get_instance(request.node.name)
    hub.update_info("iter", ITERATIONS[request.param])
    hub.update_info("max_iters", LENGTH)
    yield request.param
    del MessageHub._instance_dict[request.node.name]


def head_of(name: str, **changes: Any) -> Any:
    """Builds a config's head with fewer channels."""
    model = load_config(name).model
    head = model.bbox_head
    head.update(num_classes=3, in_channels=32, feat_channels=32, stacked_convs=2)
    for loss in LOSSES:
        head[loss].update(changes)
    torch.manual_seed(0)
    return MODELS.build({**head, "train_cfg": model.train_cfg, "test_cfg": model.test_cfg})


def losses_of(head: Any, outputs: list[list[Tensor]], boxes: int = 6) -> dict[str, list[Tensor]]:
    samples: list[DetDataSample] = batch(side=SIDE, classes=3)["data_samples"]
    truths = [sample.gt_instances[:boxes] for sample in samples]
    losses: dict[str, list[Tensor]] = head.loss_by_feat(
        *outputs, truths, [sample.metainfo for sample in samples]
    )
    return losses


def test_each_level_has_its_own_gamma(part: str) -> None:
    """All probabilities of a level are one number, so that its γ is known if one is positive."""
    head = head_of("tood_r50")
    for loss in LOSSES:
        getattr(head, loss).trace = []
    outputs = outputs_of(head, SIDE)
    heights = [-1.4 - 0.2 * level for level in range(len(STRIDES))]
    outputs[0] = [
        torch.full_like(scores, height).sigmoid()
        for scores, height in zip(outputs[0], heights, strict=True)
    ]
    losses_of(head, outputs)

    [other] = set(LOSSES) - {part}
    assert getattr(head, other).trace == []
    levels = getattr(head, part).trace
    assert [level.anchors for level in levels] == [2 * (SIDE // stride) ** 2 for stride in STRIDES]
    assert sum(bool(level.positives) for level in levels) >= 3
    for level, height in zip(levels, heights, strict=True):
        condition = F.softplus(torch.tensor(-height)) if level.positives else torch.tensor(2.0)
        torch.testing.assert_close(level.gamma, condition)


def test_without_margin_the_losses_are_the_baselines(part: str) -> None:
    baseline, head = head_of("plain_tood_r50"), head_of("tood_r50", margin=0.0)
    head.load_state_dict(baseline.state_dict())
    for one in (baseline, head):
        losses = losses_of(one, outputs_of(one, SIDE))
        sum(map(sum, losses.values())).backward()  # type: ignore[arg-type, union-attr]
    expected = dict(baseline.named_parameters())
    for name, weight in head.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name].grad, rtol=1e-4, atol=1e-6)


def test_a_batch_without_boxes_trains(part: str) -> None:
    head = head_of("tood_r50")
    losses = losses_of(head, outputs_of(head, SIDE), boxes=0)
    loss = torch.stack([level for levels in losses.values() for level in levels]).sum()
    loss.backward()
    assert loss.isfinite()
    assert head.tood_cls.weight.grad.any()


@pytest.mark.parametrize("name", ["tood_r50", "plain_tood_r50"])
def test_it_trains_in_mixed_precision(part: str, name: str) -> None:
    head = head_of(name)
    with torch.autocast("cpu", torch.bfloat16):
        losses = losses_of(head, outputs_of(head, SIDE))
    torch.stack([level for levels in losses.values() for level in levels]).sum().backward()
    assert all(weight.grad.isfinite().all() for weight in head.parameters())
