"""JPEGs are decoded at a part of their size where the network needs no more."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from serving.inference.decoding import ImageError, ImageTooLargeError, decode, decode_reduced
from tests.serving.images import encode, paint

LIMIT = 10**6


@pytest.mark.parametrize(
    ("size", "target", "read"),
    [
        ((640, 480), (320, 240), (320, 240)),
        ((640, 480), (319, 239), (320, 240)),
        ((640, 480), (321, 240), (640, 480)),
        ((640, 480), (100, 75), (160, 120)),
        ((640, 480), (20, 15), (80, 60)),
        ((644, 484), (20, 15), (161, 121)),
        ((641, 480), (20, 15), (641, 480)),
        ((640, 480), (1280, 960), (640, 480)),
    ],
)
def test_a_jpeg_is_reduced_to_whole_pixels_no_fewer_than_wanted(
    size: tuple[int, int], target: tuple[int, int], read: tuple[int, int]
) -> None:
    data = encode(paint(*size, ("red", 0, 0, 300)), "JPEG")
    pixels, original = decode_reduced(data, LIMIT, lambda _: target)
    assert original == size
    assert pixels.shape == (read[1], read[0], 3)
    averaged = cv2.resize(decode(data, LIMIT), read, interpolation=cv2.INTER_AREA)
    assert np.abs(pixels.astype(int) - averaged).mean() < 1


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_other_formats_are_read_whole(format: str) -> None:
    data = encode(paint(64, 48), format)
    pixels, original = decode_reduced(data, LIMIT, lambda _: (8, 6))
    assert (pixels.shape, original) == ((48, 64, 3), (64, 48))
    np.testing.assert_array_equal(pixels, decode(data, LIMIT))


def test_a_reduced_image_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(paint(640, 480, ("red", 0, 0, 200)), "JPEG", exif=exif)
    asked: list[tuple[int, int]] = []

    def target(size: tuple[int, int]) -> tuple[int, int]:
        asked.append(size)
        return 200, 300

    pixels, original = decode_reduced(data, LIMIT, target)
    assert asked == [original] == [(480, 640)]
    assert pixels.shape == (320, 240, 3)
    assert pixels[5, -5, 0] > 200 > 60 > pixels[5, -5, 1]


def test_half_a_jpeg_is_an_error_when_reduced_too() -> None:
    data = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8), "JPEG")
    with pytest.raises(ImageError):
        decode_reduced(data[: len(data) // 2], LIMIT, lambda _: (8, 8))
    with pytest.raises(ImageTooLargeError, match="64 × 64"):
        decode_reduced(data, 64 * 64 - 1, lambda _: (8, 8))
