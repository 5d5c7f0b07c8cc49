"""Rules about images that EXIF turns: whether their boxes are drawn on the turned image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from serving.shared import SWAPPING_ORIENTATIONS
from umop.data.check.examined import Examined
from umop.data.check.records import Record
from umop.data.check.repairs import with_corners
from umop.data.check.rules import Hit, Rule
from umop.data.dataset import Image

_TURNING = range(2, 9)
"""EXIF's orientations that turn or mirror; 0 is written for one that is not known."""
_SLACK = 1.01
"""A hand's slip reaches less far out of an image, in parts of its side."""
_FEW = 0.1
"""The share of images that may say otherwise than the rest of their annotation file."""
_FEWEST = 3
"""Fewer images may be slips, unless they are most of those that EXIF turns."""


def written_size(image: Image) -> tuple[int, int] | None:
    """The size that the annotation says; None where it says none."""
    return (image.width, image.height) if image.width and image.height else None


def _stored_size(record: Record) -> tuple[int, int]:
    """Width and height of the pixels as they are stored, before EXIF turns them."""
    size = (record.width, record.height)
    return size[::-1] if record.orientation in SWAPPING_ORIENTATIONS else size


def _unrotated(examined: Examined) -> Iterator[Hit]:
    """Images that are annotated as they are stored, not as they are shown."""
    drawn = _drawn_as_stored(examined)
    for index, record in _sideways(examined):
        written, stored = written_size(examined.data.images[index]), _stored_size(record)
        says_stored = written == stored and drawn[index] == 0
        if says_stored or (written in (None, stored) and drawn[index] > 0):
            yield Hit(
                f"{examined.data.name(examined.data.images[index].path)}: EXIF turns it to "
                f"{record.width}×{record.height} (orientation {record.orientation}), the "
                f"annotation is for {stored[0]}×{stored[1]}",
                index,
            )


def _sideways(examined: Examined) -> Iterator[tuple[int, Record]]:
    """The images, by index, whose width EXIF makes another height."""
    for index in range(len(examined.data.images)):
        record = examined.record(index)
        if record is not None and _stored_size(record) != (record.width, record.height):
            yield index, record


def _is_sideways(examined: Examined) -> NDArray[np.bool_]:
    """Whether EXIF makes the width of each image another height, bool of shape (images,)."""
    mask = np.zeros(len(examined.data.images), np.bool_)
    mask[[index for index, _ in _sideways(examined)]] = True
    return mask


def _drawn_as_stored(examined: Examined) -> NDArray[np.int64]:
    """Whether boxes are drawn on the images as these are stored, by what the boxes fit.

    They tell where a real part of the images of an annotation file fits one way only: a single
    box may be drawn too large. An image whose boxes fit both ways is taken like nearly all others.

    Returns:
        For each image 1 for as it is stored, -1 for upright, 0 where the boxes do not tell; int64
        of shape (images,).
    """
    own, group = _own_fit(examined), examined.sources()
    has_boxes = examined.data.boxes_per_image() > 0
    turned = np.bincount(group, _is_sideways(examined) & has_boxes)
    least = np.minimum(np.maximum(turned * _FEW, _FEWEST), turned // 2 + 1)
    stored, upright = np.bincount(group, own > 0), np.bincount(group, own < 0)
    agreed = ((stored >= least) & (stored * _FEW > upright)).astype(np.int64)
    agreed -= (upright >= least) & (upright * _FEW > stored)
    is_slip = np.where(own > 0, stored[group], upright[group]) < least[group]
    taken = np.where(own == 0, agreed[group], np.where(is_slip, 0, own))
    contradicts = own * agreed[group] < 0
    return np.where(contradicts | ~has_boxes, 0, taken)


def _own_fit(examined: Examined) -> NDArray[np.int64]:
    """What the boxes of each image alone say, see :func:`_drawn_as_stored`."""
    data = examined.data
    fit = np.zeros(len(data.images), np.int64)
    if data.notation.relative:  # parts of the sides fit both ways
        return fit
    farthest = np.zeros((len(data.images), 2))
    np.maximum.at(farthest, data.boxes.image, data.boxes.corners[:, 2:])
    for index, record in _sideways(examined):
        stored, upright = np.array(_stored_size(record)), np.array((record.width, record.height))
        fits_stored = np.all(farthest[index] <= stored * _SLACK + 1)
        fits_upright = np.all(farthest[index] <= upright * _SLACK + 1)
        fit[index] = int(fits_stored) - int(fits_upright)
    return fit


def _turn(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Turns the boxes as EXIF turns the image."""
    data = examined.data
    corners = data.boxes.corners.copy()
    images = list(data.images)
    for hit in hits:
        assert hit.image is not None
        record = examined.record(hit.image)
        assert record is not None
        rows = data.boxes.image == hit.image
        corners[rows] = _turned(corners[rows], record)
        image = images[hit.image]
        images[hit.image] = replace(image, width=record.width, height=record.height)
    return with_corners(examined.with_data(replace(data, images=tuple(images))), corners)


def _turned(corners: NDArray[np.float64], record: Record) -> NDArray[np.float64]:
    """Boxes on the stored pixels as boxes on the upright image, xyxy, shape (N, 4)."""
    width, height = _stored_size(record)
    x, y = corners[:, 0::2], corners[:, 1::2]
    across, down = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }[record.orientation]
    return np.column_stack([across.min(1), down.min(1), across.max(1), down.max(1)])


def _unclear_rotation(examined: Examined) -> Iterator[Hit]:
    """Images that EXIF turns, where neither size nor boxes say whether the boxes are turned too."""
    is_clear = _drawn_as_stored(examined) != 0
    has_size = [written_size(image) is not None for image in examined.data.images]
    is_clear |= np.array(has_size, np.bool_)
    has_boxes = examined.data.boxes_per_image() > 0
    for index in np.flatnonzero(has_boxes & ~(is_clear & _is_sideways(examined))).tolist():
        record = examined.record(index)
        if record is not None and record.orientation in _TURNING:
            name = examined.data.name(examined.data.images[index].path)
            yield Hit(f"{name}: EXIF turns it (orientation {record.orientation})", index)


RULES = (
    Rule("exif-unclear", "warning", "image that EXIF turns: look whether its boxes are turned",
         _unclear_rotation),
    Rule("exif-unrotated", "error", "boxes drawn on the image before EXIF turns it",
         _unrotated, _turn, "boxes turned with the image"),
)  # fmt: skip
