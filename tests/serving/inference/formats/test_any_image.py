"""Damaged headers of every format are read, or refused in one line, quickly."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.inference.decoding import ImageError, decode, read_header
from tests.serving.inference.formats.bombs import NOISE, bmp, directory, gif, jpeg, png, tiff, webp

LIMIT = 100_000


def _saved(format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(NOISE).save(buffer, format, exif=exif, **options)
    return buffer.getvalue()


IMAGES = [
    *(jpeg(), png(), gif(), webp(), tiff(), tiff(bits=16), bmp(b"\x04\x07\x00\x01", 4, 1)),
    *(_saved("JPEG", progressive=True), _saved("PNG"), _saved("WEBP"), _saved("TIFF")),
    _saved("TIFF", compression="tiff_lzw"),
    directory(3, 5),
]
WORDS = st.sampled_from([b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff", b"\x80", b"\x01\x00"])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An image with some bytes of its start replaced, left out or doubled, perhaps cut off."""
    data = bytearray(draw(st.sampled_from(IMAGES)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, min(len(data), 400)))
        word = draw(WORDS | st.binary(max_size=4))
        data[place : place + draw(st.integers(0, 8))] = word
    return bytes(data[: draw(st.integers(0, len(data)) | st.just(len(data)))])


@settings(max_examples=600, deadline=None, derandomize=True)
@given(damaged())
def test_any_header_is_read_or_refused(data: bytes) -> None:
    try:
        header = read_header(data, LIMIT)
        pixels = decode(data, LIMIT)
    except ImageError as error:
        text = str(error)
    else:
        text = ""
        assert pixels.dtype == np.uint8
        assert pixels.shape == (header.height, header.width, 3)
    assert len(text) < 400
