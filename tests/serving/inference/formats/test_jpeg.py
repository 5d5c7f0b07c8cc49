"""JPEGs that have no end marker, or more after it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from serving.inference.decoding import ImageError, decode, decode_whole, read_header
from tests.serving.images import encode
from tests.serving.inference.formats.bombs import jpeg, scans

LIMIT = 10**6


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 2}]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_lacks_only_its_end_is_read(options: dict[str, object], mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    whole = encode(np.asarray(Image.fromarray(noise).convert(mode)), "JPEG", **options)
    for lacking in (1, 2):
        decoded = decode_whole(whole[:-lacking], LIMIT)
        np.testing.assert_array_equal(decoded.pixels, decode(whole, LIMIT))
        assert decoded.warnings == ("its end marker is missing",)
        assert read_header(whole[:-lacking], LIMIT).lacks_end
    assert not read_header(whole, LIMIT).lacks_end
    for lacking in (12, 40, len(whole) // 4, len(whole) // 2):
        with pytest.raises(ImageError, match="cut off"):
            decode(whole[:-lacking], LIMIT)


@pytest.mark.parametrize("after", [bytes(100), b"\xff\xd8\xff\xda" * 200, b"a\xff"])
def test_what_follows_a_jpegs_end_is_left_out(after: bytes) -> None:
    decoded = decode_whole(jpeg() + after, LIMIT)
    np.testing.assert_array_equal(decoded.pixels, decode(jpeg(), LIMIT))
    assert decoded.warnings == ()


def test_a_jpeg_without_an_end_may_have_a_third_of_the_scans() -> None:
    whole = scans(20, 200)
    limit = 200 * 200  # of 32 passes
    assert decode(whole, limit).shape == (200, 200, 3)
    with pytest.raises(ImageError, match="scans"):
        decode(whole[:-2], limit)
