"""The loss in mmdet's heads, from the config alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

LOSS = {"type": "ProgressiveFocalLoss", "use_sigmoid": True}
STRIDES = (8, 16, 32, 64, 128)
CLASSES = 3

HEADS = {
    "ATSSHead": {
        "anchor_generator": {
            "type": "AnchorGenerator",
            "ratios": [1.0],
            "octave_base_scale": 8,
            "scales_per_octave": 1,
            "strides": STRIDES,
        },
        "loss_centerness": {"type": "CrossEntropyLoss", "use_sigmoid": True},
        "train_cfg": {"assigner": {"type": "ATSSAssigner", "topk": 9}},
    },
    "RetinaHead": {
        "anchor_generator": {
            "type": "AnchorGenerator",
            "ratios": [0.5, 1.0, 2.0],
            "octave_base_scale": 4,
            "scales_per_octave": 3,
            "strides": STRIDES,
        },
        "train_cfg": {
            "assigner": {
                "type": "MaxIoUAssigner",
                "pos_iou_thr": 0.5,
                "neg_iou_thr": 0.4,
                "min_pos_iou": 0,
                "ignore_iof_thr": -1,
            },
            "sampler": {"type": "PseudoSampler"},
        },
    },
}


def build(name: str) -> Any:
    config = {
        "type": name,
        "num_classes": CLASSES,
        "in_channels": 16,
        "feat_channels": 32,
        "stacked_convs": 1,
        "loss_cls": LOSS,
        "loss_bbox": {"type": "GIoULoss"},
        "reg_decoded_bbox": True,
        **HEADS[name],
    }
    config["train_cfg"] = {"allowed_border": -1, "pos_weight": -1, **config["train_cfg"]}
    return MODELS.build(ConfigDict(config))


@pytest.mark.parametrize("name", HEADS)
def test_each_level_has_its_own_gamma(name: str) -> None:
    torch.manual_seed(0)
    head = build(name)
    head.loss_cls.trace = []
    assert head.cls_out_channels == CLASSES

    features = [torch.randn(1, 16, 256 // s, 256 // s) for s in STRIDES]
    outputs = head(features)
    with torch.no_grad():
        for hardness, logits in enumerate(outputs[0]):
            logits -= 1.5 + 0.15 * hardness
    boxes = torch.tensor(
        [[10.0, 10, 60, 60], [70, 80, 200, 220], [0, 0, 250, 250], [30, 150, 60, 190]]
    )
    truth = InstanceData(bboxes=boxes, labels=torch.tensor([0, 1, 2, 0]))
    losses = head.loss_by_feat(
        *outputs, [truth], [{"img_shape": (256, 256), "pad_shape": (256, 256)}]
    )

    assert len(losses["loss_cls"]) == len(STRIDES)
    sum(losses["loss_cls"]).backward()
    gammas = [level.gamma.item() for level in head.loss_cls.trace]
    assert len(gammas) == len(STRIDES)
    assert all(1.5 <= gamma <= 2.5 for gamma in gammas)
    assert len(set(gammas)) > 2
