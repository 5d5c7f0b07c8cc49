"""PNGs that say more than they have."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest

from serving.inference.decoding import ImageError, decode, read_header
from tests.serving.images import encode
from tests.serving.inference.formats.bombs import NOISE, chunk

LIMIT = 10**6
END = 12
CHECKSUM = 4
DEEP = NOISE[..., 0].astype(np.uint16) * 257


@pytest.mark.parametrize("values", [NOISE, NOISE[..., 0], NOISE.repeat(2, -1)[..., :4], DEEP])
def test_a_png_that_lacks_only_what_follows_its_pixels_is_read(values: Any) -> None:
    whole = encode(values)
    for lacking in (1, END, END + 1, END + CHECKSUM):
        np.testing.assert_array_equal(decode(whole[:-lacking], LIMIT), decode(whole, LIMIT))
    for lacking in (END + CHECKSUM + 20, len(whole) // 2):
        with pytest.raises(ImageError, match="truncated"):
            decode(whole[:-lacking], LIMIT)
    assert read_header(whole[:60], LIMIT).width == 64


def test_a_second_size_is_refused() -> None:
    def header(side: int) -> bytes:
        return chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))

    pixels = chunk(b"IDAT", zlib.compress(bytes(126 * 1000))) + chunk(b"IEND", b"")
    start = b"\x89PNG\r\n\x1a\n" + header(10)
    assert decode(start + pixels, LIMIT).shape == (10, 10, 3)
    with pytest.raises(ImageError, match="comes twice"):
        decode(start + header(1000) + pixels, LIMIT)
