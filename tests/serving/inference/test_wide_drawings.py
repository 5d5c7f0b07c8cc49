"""Images of extreme shapes are drawn in time, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from serving.inference import draw
from serving.inference.formats import ImageTooLargeError
from serving.schemas.detections import Box, Detection


def whole(width: int, height: int, count: int) -> list[Detection]:
    """Boxes as large as the image."""
    box = Box(x1=0, y1=0, x2=width, y2=height)
    return [Detection(label="tree", class_id=0, score=0.5, box=box)] * count


@pytest.mark.parametrize(("width", "height"), [(600_000, 8), (8, 600_000), (6_000_000, 8)])
def test_a_very_wide_image_is_drawn_as_a_png(width: int, height: int) -> None:
    image = np.full((height, width, 3), 128, np.uint8)
    drawn = draw.annotate(image, whole(width, height, 20))
    assert drawn.size == (width, height)
    assert draw.encode(drawn, "image/png").startswith(b"\x89PNG")
    with pytest.raises(ImageTooLargeError, match="at most 65500 pixels a side: ask for a PNG"):
        draw.encode(drawn, "image/jpeg")


def test_text_and_lines_follow_the_short_side() -> None:
    wide = np.asarray(draw.annotate(np.zeros((40, 4000, 3), np.uint8), whole(4000, 40, 1)))
    assert not wide[20:36, 100:3900].any(), "neither covers the image"
    assert wide[38:, 100].any()


def test_outlines_that_would_take_long_are_refused() -> None:
    image = np.zeros((8, 600_000, 3), np.uint8)
    with pytest.raises(ImageTooLargeError, match="set max_detections"):
        draw.annotate(image, whole(600_000, 8, 1000))
