"""What the numbers of YOLO's lines are: a box, a polygon, or a box with keypoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_BOX = 4
_NEARLY_ALL = 0.98
_MOST = 0.9
_HALF = 0.5
_SLACK = 0.02
_ROUNDING = 1e-3
_SLIPS = 0.1
"""The share of lines that may have no confidence where the others have one."""
_CORNERS_OF_RECTANGLE = 8


def corners(numbers: Sequence[float], keypoint_values: int) -> list[float] | None:
    """The corners of a box, or of what encloses a polygon, in parts of the sides.

    Args:
        numbers: Those of a line, without the class.
        keypoint_values: How many of them are keypoints, which stand behind a box.

    Returns:
        xyxy; None where the numbers are neither.
    """
    if len(numbers) in (_BOX, _BOX + 1) or (keypoint_values and len(numbers) > _BOX):
        if len(numbers) not in (_BOX, _BOX + 1, _BOX + keypoint_values):
            return None
        x, y, width, height = numbers[:_BOX]
        return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    if len(numbers) > _BOX + 1 and len(numbers) % 2 == 0:
        xs, ys = numbers[0::2], numbers[1::2]
        return [min(xs), min(ys), max(xs), max(ys)]
    return None


def unnamed_keypoints(lines: Iterable[Sequence[float]]) -> tuple[int, int] | None:
    """The keypoints that lines have behind their boxes, as ``kpt_shape`` would say.

    Polygons have as many numbers as their corners need, lines with keypoints always the same
    number; the first two pairs of it are a box within the image that holds the others.

    Args:
        lines: The numbers of all lines, without the class.

    Returns:
        How many keypoints, and the values of each; None where the lines are something else.
    """
    found = [numbers for numbers in lines if len(numbers) > _BOX + 1]
    if len({len(numbers) for numbers in found}) != 1:
        return None
    table = np.array(found, dtype=np.float64)
    values = _values_of_keypoint(table[:, _BOX:])
    if values is None or not _are_boxes(table):
        return None
    points = table[:, _BOX:].reshape(len(table), -1, values)
    if values == 2 and (_are_rectangles(table) or not _hold(table, points) or _is_closed(table)):
        return None
    return points.shape[1], values


def have_tracks(lines: Iterable[Sequence[float]]) -> bool:
    """Whether lines are a tracker's: behind the box a confidence and the number of its track.

    A triangle has as many numbers, but its last one is not whole in every line.
    """
    found = [numbers for numbers in lines if len(numbers) > _BOX + 1]
    if {len(numbers) for numbers in found} != {_BOX + 2}:
        return False
    table = np.array(found, dtype=np.float64)
    confidence, track = table[:, _BOX], table[:, _BOX + 1]
    are_tracks = (track >= 1) & (track % 1 == 0) & (confidence >= 0) & (confidence <= 1)
    return bool(are_tracks.all()) and _are_boxes(table)


def lack_confidence(lines: Sequence[Sequence[float]]) -> bool:
    """Whether so many boxes of five numbers have no confidence that none has."""
    return sum(not has_confidence(numbers) for numbers in lines) > _SLIPS * len(lines)


def has_confidence(numbers: Sequence[float]) -> bool:
    """Whether the number behind a box may be a confidence."""
    return -_ROUNDING <= numbers[_BOX] <= 1 + _ROUNDING


def have_confidence_first(lines: Iterable[Sequence[float]]) -> bool:
    """Whether lines have a confidence before the box, not behind it.

    Then nearly all are a box within the image without their first number, and most are none
    without their last.
    """
    found = [numbers for numbers in lines if len(numbers) == _BOX + 1]
    if not found:
        return False
    table = np.array(found, dtype=np.float64)
    is_confidence = (table[:, 0] >= 0) & (table[:, 0] <= 1)
    mostly_out = _are_inside(table[:, :_BOX]).mean() < _HALF
    return bool(is_confidence.all() and mostly_out) and _are_boxes(table[:, 1:])


def _values_of_keypoint(rest: NDArray[np.float64]) -> int | None:
    """3 where each third number says whether a keypoint is visible, or else 2."""
    if rest.shape[1] % 3 == 0 and np.isin(rest[:, 2::3], (0, 1, 2)).all():
        return 3
    return 2 if rest.shape[1] % 2 == 0 else None


def _are_boxes(table: NDArray[np.float64]) -> bool:
    """Whether nearly all first two pairs are the centre and size of a box within the image."""
    return bool(_are_inside(table).mean() >= _NEARLY_ALL)


def _are_inside(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which first two pairs are the centre and size of a box within the image, bool (lines,)."""
    centre, half = table[:, :2], table[:, 2:4] / 2
    inside = (half > 0) & (centre - half >= -_SLACK) & (centre + half <= 1 + _SLACK)
    return np.asarray(inside.all(1))


def _are_rectangles(table: NDArray[np.float64]) -> bool:
    """Whether nearly all lines are the four corners of a rotated rectangle."""
    if table.shape[1] != _CORNERS_OF_RECTANGLE:
        return False
    first, second, third, fourth = (table[:, i : i + 2] for i in range(0, 8, 2))
    is_closed = np.abs(first + third - second - fourth).max(1) <= _SLACK
    return bool(is_closed.mean() >= _NEARLY_ALL)


def _hold(table: NDArray[np.float64], points: NDArray[np.float64]) -> bool:
    """Whether nearly all points, but those at 0, are inside of their boxes."""
    centre, half = table[:, None, :2], table[:, None, 2:4] / 2
    inside = np.asarray((np.abs(points - centre) <= half * 1.1 + _SLACK).all(2))
    seen = np.asarray((points != 0).any(2))
    return bool(seen.any() and inside[seen].mean() >= _MOST)


def _is_closed(table: NDArray[np.float64]) -> bool:
    """Whether the second pair is mostly near the others, as the corner of a polygon is."""
    others = np.delete(table.reshape(len(table), -1, 2), 1, axis=1)
    low, high = others.min(1), others.max(1)
    margin = (high - low) / 2
    near = (table[:, 2:4] >= low - margin) & (table[:, 2:4] <= high + margin)
    return bool(near.all(1).mean() >= _MOST)
