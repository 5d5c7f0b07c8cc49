"""Windows of large images: one drawn at random to train on, all of them to evaluate."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, Compose
from mmdet.datasets import CocoDataset
from mmengine.registry import DATASETS, TRANSFORMS
from numpy.typing import NDArray

from serving.shared import Size, TileSpec, Window, windows
from umop.data.pipeline.tiles import MIN_VISIBLE, count_shown, visible, windows_showing

_EMPTY = 0.1
"""Share of windows that are drawn anywhere, where most show no box."""
_GREY = 127


@DATASETS.register_module()
class TiledDataset(CocoDataset):
    """A COCO data set in which an image counts as often as its windows show boxes.

    Args:
        window: Side of a window, in pixels.
        overlap: Pixels that neighbours share at least.
    """

    def __init__(self, *args: Any, window: int, overlap: int, **kwargs: Any) -> None:
        self._spec = TileSpec(window=window, overlap=overlap)
        self._images: NDArray[np.int64] = np.zeros(0, np.int64)
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        super().full_init()
        count = super().__len__()
        counts = [self._count(super(TiledDataset, self).get_data_info(i)) for i in range(count)]
        self._images = np.repeat(np.arange(count), counts)

    def _count(self, info: dict[str, Any]) -> int:
        boxes = np.array([each["bbox"] for each in info["instances"]], np.float64).reshape(-1, 4)
        return count_shown(Size(width=info["width"], height=info["height"]), boxes, self._spec)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        info: dict[str, Any] = super().get_data_info(int(self._images[idx]))
        return info

    def __len__(self) -> int:
        super().__len__()  # reads the annotations, if that was put off
        return len(self._images)


@TRANSFORMS.register_module()
class RandomWindow(BaseTransform):
    """Cuts one window out of an image, most often around one of its boxes.

    Each window of the image that shows a box is as likely as another. A box that a window shows too
    little of is dropped. An image that is smaller than a window is filled up with grey, so that
    all are scaled alike.

    Args:
        window: Side of a window, in pixels.
        overlap: Pixels that neighbours share at least.
    """

    def __init__(self, window: int, overlap: int) -> None:
        self._spec = TileSpec(window=window, overlap=overlap)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes ``img`` and its shapes, and ``gt_bboxes`` with what belongs to each."""
        height, width = results["img"].shape[:2]
        boxes = results["gt_bboxes"].tensor.numpy().astype(np.float64)
        window = self._drawn(Size(width=width, height=height), boxes)
        left, top, right, bottom = window
        pixels = np.full((self._spec.window, self._spec.window, 3), _GREY, np.uint8)
        pixels[: bottom - top, : right - left] = results["img"][top:bottom, left:right]
        kept = np.flatnonzero(visible(boxes, np.array(window, np.float64)) >= MIN_VISIBLE)
        inside = results["gt_bboxes"][kept]
        inside.translate_([-left, -top])
        inside.clip_((bottom - top, right - left))
        shape = pixels.shape[:2]
        results |= {"img": pixels, "img_shape": shape, "ori_shape": shape, "gt_bboxes": inside}
        for key in ("gt_bboxes_labels", "gt_ignore_flags"):
            results[key] = results[key][kept]
        return results

    def _drawn(self, size: Size, boxes: NDArray[np.float64]) -> Window:
        which = windows_showing(size, boxes, self._spec)
        with_boxes = np.flatnonzero(which.any(axis=1))
        is_any = np.random.random() < _EMPTY or not len(with_boxes)
        around = None
        if not is_any:
            around = boxes[np.random.choice(np.flatnonzero(which[np.random.choice(with_boxes)]))]
        left, right = self._span(size.width, None if around is None else around[[0, 2]])
        top, bottom = self._span(size.height, None if around is None else around[[1, 3]])
        return Window(left, top, right, bottom)

    def _span(self, side: int, shows: NDArray[np.float64] | None) -> tuple[int, int]:
        """Where a window lies on a side, showing all of an interval or nothing else than it."""
        length = min(self._spec.window, side)
        low, high = 0, side - length
        if shows is not None:
            ends = sorted([int(np.ceil(shows[1])) - length, int(shows[0])])
            low, high = (int(np.clip(each, 0, side - length)) for each in ends)
        start = int(np.random.randint(low, high + 1))
        return start, start + length


@TRANSFORMS.register_module()
class EachWindow(BaseTransform):
    """Applies the rest of a pipeline to each window of an image.

    Args:
        window: Side of a window, in pixels.
        overlap: Pixels that neighbours share at least.
        transforms: The rest of the pipeline.
    """

    def __init__(self, window: int, overlap: int, transforms: list[dict[str, Any]]) -> None:
        self._spec = TileSpec(window=window, overlap=overlap)
        self._rest = Compose(transforms)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Returns lists, one item for each window; a sample's ``window`` says where it lies."""
        height, width = results["img"].shape[:2]
        done = []
        for window in windows(Size(width=width, height=height), self._spec):
            left, top, right, bottom = window
            pixels = np.ascontiguousarray(results["img"][top:bottom, left:right])
            shape = pixels.shape[:2]
            part = {**results, "img": pixels, "img_shape": shape, "ori_shape": shape}
            done.append(self._rest({**part, "window": window, "image_shape": (height, width)}))
        return {key: [each[key] for each in done] for key in done[0]}
