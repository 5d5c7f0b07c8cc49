"""Images with boxes, as mmdet's detectors take them."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

STRIDES = (8, 16, 32, 64, 128)
BOXES = torch.tensor(
    [
        [4.0, 6, 30, 28],
        [10, 12, 22, 26],
        [40, 50, 100, 118],
        [2, 2, 126, 124],
        [60, 8, 120, 60],
        [70, 90, 92, 112],
    ]
)


def batch(count: int = 2, side: int = 128, classes: int = 80) -> dict[str, Any]:
    """A batch of noise: uint8 images of (3, side, side) with six boxes each."""
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(0, 256, (3, side, side), dtype=torch.uint8, generator=generator)
        for _ in range(count)
    ]
    return {"inputs": images, "data_samples": [sample(side, classes) for _ in images]}


def sample(side: int, classes: int) -> DetDataSample:
    """The boxes of one image, scaled to its side, of different classes."""
    annotated = DetDataSample(
        metainfo={
            "img_id": 0,
            "img_shape": (side, side),
            "ori_shape": (side, side),
            "pad_shape": (side, side),
            "scale_factor": (1.0, 1.0),
        }
    )
    labels = torch.arange(len(BOXES)) % classes
    annotated.gt_instances = InstanceData(bboxes=BOXES * side / 128, labels=labels)
    return annotated


def outputs_of(head: Any, side: int) -> list[list[Tensor]]:
    """What a head says of random features of two images, with 32 channels."""
    torch.manual_seed(1)
    features = [torch.randn(2, 32, side // stride, side // stride) for stride in STRIDES]
    return [list(output) for output in head(features)]
