from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from serving.inference.draw import PALETTE, annotate, encode
from serving.schemas.detections import Box, Detection

GREY = np.full((200, 300, 3), 128, np.uint8)


def detection(box: tuple[float, float, float, float], class_id: int = 0) -> Detection:
    corners = Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3])
    return Detection(label="crown", class_id=class_id, score=0.5, box=corners)


def caption_pixels(*detections: Detection) -> int:
    """Pixels of the first class's colour that are not on an outline of a detection."""
    drawn = np.asarray(annotate(GREY, detections))
    coloured = (drawn == ImageColor.getrgb(PALETTE[0])).all(2)
    for each in detections:
        box = each.box
        outline = np.zeros_like(coloured)
        outline[max(int(box.y1), 0) : int(box.y2) + 1, max(int(box.x1), 0) : int(box.x2) + 1] = 1
        outline[int(box.y1) + 2 : int(box.y2) - 1, int(box.x1) + 2 : int(box.x2) - 1] = 0
        coloured &= ~outline
    return int(coloured.sum())


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 90, 60),
        (209, 0, 299, 60),
        (0, 139, 90, 199),
        (209, 139, 299, 199),
        (285, 90, 299, 99),
    ],
)
def test_no_caption_leaves_the_image(box: tuple[float, float, float, float]) -> None:
    whole = caption_pixels(detection((100, 80, 190, 140)))
    assert whole > 300
    assert caption_pixels(detection(box)) > 0.8 * whole


@pytest.mark.parametrize("gap", [0.2, 0.4, 0.6])
def test_a_caption_close_to_the_top_edge_is_whole(gap: float) -> None:
    def caption(y1: float) -> tuple[int, NDArray[np.uint8]]:
        drawn = np.asarray(annotate(GREY, [detection((100, y1, 200, 180))]))
        coloured = (drawn[:, 101] == ImageColor.getrgb(PALETTE[0])).all(1)
        top = int(coloured.argmax())
        return top, drawn[top : top + 10, 100:160]

    top, whole = caption(100)
    assert np.array_equal(caption(100 - top + gap)[1], whole)


def test_the_better_detections_caption_stays() -> None:
    one = caption_pixels(detection((100, 80, 190, 140)))
    two = caption_pixels(detection((100, 80, 190, 140)), detection((101, 80, 191, 140)))
    assert two <= one


def test_every_class_has_its_colour() -> None:
    for class_id, colour in enumerate(PALETTE):
        drawn = np.asarray(annotate(GREY, [detection((50, 50, 150, 150), class_id)]))
        assert drawn[100, 50].tolist() == list(ImageColor.getrgb(colour))


def test_images_are_encoded_as_asked() -> None:
    image = annotate(GREY, [])
    for kind in ("png", "jpeg"):
        decoded = Image.open(io.BytesIO(encode(image, f"image/{kind}")))
        assert (decoded.format, decoded.size) == (kind.upper(), (300, 200))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode(image, "image/png")))), GREY)


def test_the_image_given_is_not_drawn_on() -> None:
    before = GREY.copy()
    annotate(GREY, [detection((50, 50, 150, 150))])
    assert np.array_equal(GREY, before)
