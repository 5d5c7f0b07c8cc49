"""Cutting an image into tiles."""

from __future__ import annotations

import numpy as np
import pytest

from umop.data.pipeline.tiles import boxes_within, cut

IMAGE = np.arange(90 * 120 * 3, dtype=np.uint32).astype(np.uint8).reshape(90, 120, 3)


@pytest.mark.parametrize("overlap", [0, 10, 500])
def test_tiles_of_one_size_cover_the_image(overlap: int) -> None:
    tiles = list(cut(IMAGE, np.zeros((0, 4)), rows=4, columns=7, overlap=overlap))
    seen = np.zeros(IMAGE.shape[:2], int)
    for tile in tiles:
        height, width = tile.pixels.shape[:2]
        window = (slice(tile.top, tile.top + height), slice(tile.left, tile.left + width))
        np.testing.assert_array_equal(IMAGE[window], tile.pixels)
        seen[window] += 1
    assert len(tiles) == 28
    assert len({tile.pixels.shape for tile in tiles}) == 1
    assert seen.all()


def test_boxes_are_cut_and_moved_and_slivers_dropped() -> None:
    boxes = np.array([[0, 0, 10, 10], [55, 0, 65, 10], [58, 0, 68, 10], [70, 70, 80, 80]], float)
    left, right = cut(IMAGE, boxes, rows=1, columns=2, min_visible=0.4)
    np.testing.assert_array_equal(left.boxes, [[0, 0, 10, 10], [55, 0, 60, 10]])
    np.testing.assert_array_equal(right.boxes, [[0, 0, 5, 10], [0, 0, 8, 10], [10, 70, 20, 80]])


@pytest.mark.parametrize("min_visible", [0.0, 0.5])
def test_boxes_of_no_area_belong_to_no_tile(min_visible: float) -> None:
    assert not len(boxes_within(np.array([[5.0, 5, 5, 9]]), (0, 0, 20, 20), min_visible))
