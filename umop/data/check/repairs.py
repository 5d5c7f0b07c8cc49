"""What repairs do to a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from umop.data.check.examined import Examined
from umop.data.check.rules import Hit


def leave_as_read(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Does nothing more: the reader has left it out."""
    del hits
    return examined


def drop_boxes(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves the boxes out."""
    kept = np.ones(len(examined.data.boxes), np.bool_)
    kept[[hit.box for hit in hits if hit.box is not None]] = False
    return examined.with_data(examined.data.with_boxes(kept))


def drop_images(examined: Examined, hits: Sequence[Hit]) -> Examined:
    """Leaves the images and their boxes out."""
    kept = np.ones(len(examined.data.images), np.bool_)
    kept[[hit.image for hit in hits if hit.image is not None]] = False
    return examined.with_data(examined.data.with_images(kept))


def with_corners(
    examined: Examined, corners: NDArray[np.float64], relative: bool | None = None
) -> Examined:
    """The data set with other corners, float64 of shape (boxes, 4).

    Args:
        examined: The data set.
        corners: The xyxy of all its boxes, in their order.
        relative: Whether they are parts of the image's sides, not pixels; None for as before.
    """
    data = examined.data
    boxes = replace(data.boxes, corners=corners)
    is_relative = data.relative if relative is None else relative
    return examined.with_data(replace(data, boxes=boxes, relative=is_relative))


def rows_of(hits: Sequence[Hit]) -> NDArray[np.int64]:
    """The boxes of hits, int64."""
    return np.array([hit.box for hit in hits if hit.box is not None], dtype=np.int64)
