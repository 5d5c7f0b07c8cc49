"""Turns pixels into the model's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.bundle.schema import InputSpec, Size

_USUAL_SIDE = 640


@dataclass(frozen=True)
class Prepared:
    """An image scaled for the model, not yet normalised or padded.

    Attributes:
        pixels: RGB, uint8, shape (h, w, 3).
        canvas: Size of the model's input that holds it.
        original: Size of the image it came from.
    """

    pixels: NDArray[np.uint8]
    canvas: Size
    original: Size


def preprocess(image: NDArray[np.uint8], spec: InputSpec, original: Size | None = None) -> Prepared:
    """Scales an image as mmcv's ``imrescale`` does and picks the input size that holds it.

    Args:
        image: RGB, uint8, shape (height, width, 3).
        spec: The bundle's input specification.
        original: The size that the image had before it was reduced; its own if None.
    """
    own = Size(width=image.shape[1], height=image.shape[0])
    original = original or own
    size, canvas = input_size(original, spec)
    pixels = image
    if size != own:
        target = (size.width, size.height)
        pixels = np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_LINEAR), np.uint8)
    return Prepared(pixels, canvas, original)


def input_size(original: Size, spec: InputSpec) -> tuple[Size, Size]:
    """Returns the size that an image is scaled to, and that of the input that holds it."""
    size = _fit(original, spec)
    canvas = _canvas(size, spec)
    if canvas.width < size.width or canvas.height < size.height:
        size = _shrink(original, canvas)
    return size, canvas


def stack(images: Sequence[Prepared], spec: InputSpec) -> NDArray[np.float32]:
    """Normalises images of one canvas size and zero-pads them right and bottom.

    Returns:
        float32, shape (len(images), 3, canvas height, canvas width).
    """
    canvas = images[0].canvas
    batch = np.zeros((len(images), 3, canvas.height, canvas.width), np.float32)
    mean = np.array(spec.mean, np.float32)[:, None, None]
    std = np.array(spec.std, np.float32)[:, None, None]
    for slot, image in zip(batch, images, strict=True):
        height, width = image.pixels.shape[:2]
        inside = slot[:, :height, :width]
        inside[:] = image.pixels.transpose(2, 0, 1)
        inside -= mean
        inside /= std
    return batch


def smallest_canvas(spec: InputSpec) -> Size:
    """Returns the smallest input size of the model's."""
    if spec.sizes is not None:
        return min(spec.sizes, key=lambda size: size.width * size.height)
    return _canvas(Size(width=1, height=1), spec)


def usual_canvas(spec: InputSpec) -> Size:
    """Returns an input size of the model's that is at most about 640 × 640."""
    if spec.sizes is not None:
        return smallest_canvas(spec)
    wanted = Size(
        width=min(spec.resize.width, _USUAL_SIDE), height=min(spec.resize.height, _USUAL_SIDE)
    )
    return _canvas(wanted, spec)


def _fit(size: Size, spec: InputSpec) -> Size:
    box = spec.resize
    long, short = max(box.width, box.height), min(box.width, box.height)
    factor = min(
        long / max(size.width, size.height),
        short / min(size.width, size.height),
    )
    if spec.max_scale is not None:
        factor = min(factor, spec.max_scale)
    return _scaled(size, factor)


def _shrink(size: Size, canvas: Size) -> Size:
    scaled = _scaled(size, min(canvas.width / size.width, canvas.height / size.height))
    return Size(
        width=min(scaled.width, canvas.width),
        height=min(scaled.height, canvas.height),
    )


def _scaled(size: Size, factor: float) -> Size:
    return Size(
        width=max(int(size.width * factor + 0.5), 1),
        height=max(int(size.height * factor + 0.5), 1),
    )


def _canvas(size: Size, spec: InputSpec) -> Size:
    if spec.sizes is None:
        divisor = spec.pad_divisor
        return Size(
            width=-(-size.width // divisor) * divisor,
            height=-(-size.height // divisor) * divisor,
        )
    holding = [
        bucket
        for bucket in spec.sizes
        if bucket.width >= size.width and bucket.height >= size.height
    ]
    if holding:
        return min(holding, key=lambda bucket: bucket.width * bucket.height)
    return max(
        spec.sizes,
        key=lambda bucket: min(bucket.width / size.width, bucket.height / size.height),
    )
