"""Evaluates on whole images what is found in their windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.registry import LOOPS
from mmengine.runner import TestLoop, ValLoop
from mmengine.structures import InstanceData

from serving.shared import MOST_MERGED, Detections, Size, TileSpec, Window, merge, moved

_AT_A_TIME = 4
"""Windows that run together."""
_Step = Callable[[dict[str, list[Any]]], list[DetDataSample]]


@LOOPS.register_module()
class TiledValLoop(ValLoop):
    """Validates on images that a pipeline has cut into windows, one image a batch.

    Args:
        window: Side of a window, in pixels.
        overlap: Pixels that neighbours share at least.
    """

    def __init__(self, *args: Any, window: int, overlap: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = TileSpec(window=window, overlap=overlap)

    def run_iter(self, idx: int, data_batch: dict[str, list[Any]]) -> None:
        self.runner.call_hook("before_val_iter", batch_idx=idx, data_batch=data_batch)
        found = _detect(self.runner.model.val_step, data_batch, self.spec)
        self.evaluator.process(data_samples=[found], data_batch=data_batch)
        self.runner.call_hook(
            "after_val_iter", batch_idx=idx, data_batch=data_batch, outputs=[found]
        )


@LOOPS.register_module()
class TiledTestLoop(TestLoop):
    """Tests on such images; takes what :class:`TiledValLoop` takes."""

    def __init__(self, *args: Any, window: int, overlap: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = TileSpec(window=window, overlap=overlap)

    def run_iter(self, idx: int, data_batch: dict[str, list[Any]]) -> None:
        self.runner.call_hook("before_test_iter", batch_idx=idx, data_batch=data_batch)
        found = _detect(self.runner.model.test_step, data_batch, self.spec)
        self.evaluator.process(data_samples=[found], data_batch=data_batch)
        self.runner.call_hook(
            "after_test_iter", batch_idx=idx, data_batch=data_batch, outputs=[found]
        )


@torch.no_grad()
def _detect(step: _Step, image: dict[str, list[Any]], spec: TileSpec) -> DetDataSample:
    """Finds objects in all windows of an image.

    Args:
        step: Of the model, for some windows.
        image: What ``EachWindow`` makes of it, each item in a batch of one.
        spec: How it was cut.

    Returns:
        What was found in the image, in its pixels.
    """
    windows = [
        {key: [each] for key, [each] in zip(image, parts, strict=True)}
        for parts in zip(*image.values(), strict=True)
    ]
    found: list[DetDataSample] = []
    for start in range(0, len(windows), _AT_A_TIME):
        some = windows[start : start + _AT_A_TIME]
        found.extend(step({key: [each[key][0] for each in some] for key in image}))
    return _joined(found, spec)


def _joined(found: list[DetDataSample], spec: TileSpec) -> DetDataSample:
    seen = [Window(*each.window) for each in found]
    height, width = found[0].image_shape
    size = Size(width=width, height=height)
    placed = [moved(_detections(each), window) for each, window in zip(found, seen, strict=True)]
    merged = merge(placed, seen, size, spec, MOST_MERGED)
    sample = DetDataSample(metainfo={"img_id": found[0].img_id, "ori_shape": (height, width)})
    sample.pred_instances = InstanceData(
        bboxes=torch.from_numpy(merged.boxes),
        scores=torch.from_numpy(merged.scores),
        labels=torch.from_numpy(merged.labels),
    )
    return sample


def _detections(sample: DetDataSample) -> Detections:
    predicted = sample.pred_instances.cpu().numpy()
    return Detections(
        predicted.bboxes.astype(np.float32),
        predicted.scores.astype(np.float32),
        predicted.labels.astype(np.int64),
    )
