"""Images that are made of parts of four, with their boxes."""

from __future__ import annotations

import random
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import TRANSFORMS
from numpy.typing import NDArray

from umop.data.pipeline.tiles import MIN_VISIBLE, visible

_Sample = dict[str, Any]
_MIDDLE = (0.3, 0.7)
_OF_BOXES = ("gt_bboxes_labels", "gt_ignore_flags")


@TRANSFORMS.register_module()
class Collage(BaseTransform):
    """Makes one image of random parts of four, of a share of the samples.

    Other than mmdet's ``Mosaic`` it has no margins: an image is enlarged where its part would not
    fill its place. A box that a part shows too little of is dropped.

    Args:
        img_scale: Width and height of the image that is made.
        ratio_range: Smallest and largest size of an image, beside that which fits ``img_scale``.
        prob: The share, which the data set draws, with the other three images.
    """

    def __init__(
        self, img_scale: tuple[int, int], ratio_range: tuple[float, float], prob: float
    ) -> None:
        self.img_scale = img_scale
        self.ratio_range = ratio_range
        self.share = prob

    def transform(self, results: _Sample) -> _Sample:
        """Changes ``img`` and its shape, and ``gt_bboxes`` with what belongs to each."""
        width, height = self.img_scale
        pixels = np.empty((height, width, 3), np.uint8)
        parts = []
        for sample, place in zip([results, *results["mix_results"]], self._places(), strict=True):
            left, top, right, bottom = place
            part = self._part(sample, right - left, bottom - top)
            pixels[top:bottom, left:right] = part["img"]
            parts.append(part | {"gt_bboxes": part["gt_bboxes"] + [left, top, left, top]})
        joined = {key: _joined(parts, key) for key in ("gt_bboxes", *_OF_BOXES)}
        boxes = HorizontalBoxes(joined.pop("gt_bboxes").astype(np.float32))
        return {
            **results,
            **joined,
            "gt_bboxes": boxes,
            "img": pixels,
            "img_shape": (height, width),
        }

    def _places(self) -> list[tuple[int, int, int, int]]:
        """Four rectangles, xyxy, that meet at a random point about the middle."""
        width, height = self.img_scale
        x, y = (round(side * random.uniform(*_MIDDLE)) for side in self.img_scale)
        return [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]

    def _part(self, sample: _Sample, width: int, height: int) -> _Sample:
        """Cuts a random part out of an image, and scales it to a width and height."""
        window = self._window(sample["img_shape"], width, height)
        left, top, right, bottom = window
        boxes = sample["gt_bboxes"].tensor.numpy().astype(np.float64)
        kept = visible(boxes, np.array(window, np.float64)) >= MIN_VISIBLE
        corner = np.array([left, top] * 2)
        shown = np.clip(boxes[kept], corner, [right, bottom] * 2) - corner
        scale = np.array([width / (right - left), height / (bottom - top)] * 2)
        labels = {key: sample[key][kept] for key in _OF_BOXES}
        pixels = cv2.resize(sample["img"][top:bottom, left:right], (width, height))
        return {"img": pixels, "gt_bboxes": shown * scale, **labels}

    def _window(self, shape: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
        """Draws the rectangle, xyxy, of an image that is to fill a width and height."""
        rows, columns = shape
        fitting = min(self.img_scale[0] / columns, self.img_scale[1] / rows)
        factor = max(fitting * random.uniform(*self.ratio_range), width / columns, height / rows)
        across, down = max(1, int(width / factor)), max(1, int(height / factor))
        left, top = random.randint(0, columns - across), random.randint(0, rows - down)
        return left, top, left + across, top + down


def _joined(parts: list[_Sample], key: str) -> NDArray[Any]:
    """What the boxes of all parts have."""
    return np.concatenate([part[key] for part in parts])
