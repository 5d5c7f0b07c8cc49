"""Values of more than eight bits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from serving.inference.decoding import (
    decode,
    decode_whole,
)
from tests.serving.images import encode

LIMIT = 10**6


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(format: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    pixels = decode(encode(ramp, format), LIMIT)
    np.testing.assert_allclose(pixels[0, :, 0], np.arange(256), atol=1)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_colour_is_scaled(suffix: str) -> None:
    deep = np.full((4, 4, 3), 40000, np.uint16)
    pixels = decode(cv2.imencode(suffix, deep)[1].tobytes(), LIMIT)
    np.testing.assert_allclose(pixels, 156, atol=1)


def deep(peak: int, format: str, channels: int, kind: type[np.generic] = np.uint16) -> bytes:
    """An image whose values go from 0 to a peak along its rows."""
    ramp = np.linspace(0, peak, 256)[None, :, None].repeat(4, 0).repeat(channels, 2).astype(kind)
    if channels == 4:
        ramp[..., 3] = peak
    return cv2.imencode(format, ramp[..., 0] if channels == 1 else ramp)[1].tobytes()


@pytest.mark.parametrize("format", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("peak", "depth"), [(255, 8), (1023, 10), (4080, 12), (16_383, 14), (65_535, 16)]
)
def test_values_are_scaled_by_the_bits_that_they_have(
    format: str, channels: int, peak: int, depth: int
) -> None:
    decoded = decode_whole(deep(peak, format, channels), LIMIT)
    assert decoded.pixels[0, 0].tolist() == [0, 0, 0]
    assert decoded.pixels[0, -1].tolist() == [peak >> (depth - 8)] * 3
    assert len(np.unique(decoded.pixels)) > 250
    said = () if depth == 16 else (f"its values end at {peak}, as {depth} bits",)
    assert decoded.warnings == said


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("peak", "last"), [(1, 255), (255, 255), (4095, 255), (200, 200)])
def test_floats_are_scaled_too(channels: int, peak: float, last: int) -> None:
    pixels = decode(deep(peak, ".tiff", channels, np.float32), LIMIT)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(pixels[0, -1], last, atol=1)
    assert abs(int(pixels[0, 128, 0]) - last // 2) <= 1


def test_values_that_are_no_numbers_are_black() -> None:
    values = np.array([[np.nan, -5, np.inf, 0.5, 1]], np.float32).repeat(4, 0)
    pixels = decode(cv2.imencode(".tiff", values)[1].tobytes(), LIMIT)
    assert pixels[0, :, 0].tolist() == [0, 0, 255, 128, 255]
