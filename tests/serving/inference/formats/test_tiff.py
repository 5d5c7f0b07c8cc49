"""What a TIFF may say of itself, and what is refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile

from serving.inference.decoding import (
    ImageError,
    ImageTooLargeError,
    decode,
    read_header,
)
from tests.serving.inference.formats.bombs import (
    NOISE,
    jpeg,
    jpeg_in_tiff,
    scans,
    segment,
    tiff,
    tiles,
)

LIMIT = 10**6


def test_tiles_beyond_the_image_are_bounded() -> None:
    assert decode(tiles(30, 2000, across=256, down=256), LIMIT).shape == (2000, 30, 3)
    with pytest.raises(ImageTooLargeError, match="four times its pixels"):
        decode(tiles(8, 3200, across=2**21, down=16), LIMIT)


@pytest.mark.parametrize("tag", [256, 277, 322])
def test_a_count_of_a_tiff_that_decoders_read_differently_is_refused(tag: int) -> None:
    first = struct.pack("<HHII", tag, 4, 1, 1)
    with pytest.raises(ImageError, match=f"two entries of tag {tag}"):
        decode(tiff(extra=2 * first), LIMIT)


def test_scans_of_jpegs_in_a_tiff_are_counted() -> None:
    few = jpeg_in_tiff(scans(20, 200), 200, 200, 2, step=0)
    assert decode(few, 2 * 200 * 200).shape == (400, 200, 3)
    for many in (40, 120):
        with pytest.raises(ImageError, match="scans"):
            decode(jpeg_in_tiff(scans(many, 200), 200, 200, 2, step=0), 2 * 200 * 200)


def test_jpegs_in_a_tiff_that_overlap_are_refused() -> None:
    with pytest.raises(ImageError, match="overlap"):
        decode(jpeg_in_tiff(scans(1, 200), 200, 200, 100), LIMIT)


def test_lengths_of_jpegs_in_a_tiff_must_be_there() -> None:
    data = jpeg_in_tiff(scans(1, 200), 200, 200, 2, step=0)
    damaged = data.replace(struct.pack("<HHI", 279, 4, 2), struct.pack("<HHI", 60_000, 4, 2))
    with pytest.raises(ImageError, match="have no lengths"):
        decode(damaged, LIMIT)


@pytest.mark.parametrize(("kind", "value"), [(9, 2**32 - 1), (11, 0x3F800000)])
def test_a_count_of_a_tiff_that_is_none_is_refused(kind: int, value: int) -> None:
    with pytest.raises(ImageError, match="tag 322 is no count"):
        decode(tiff(extra=struct.pack("<HHII", 322, kind, 1, value)), LIMIT)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("place", [2**63, 2**64 - 1])
def test_a_place_beyond_all_files_is_one(order: str, place: int) -> None:
    start = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHQQ", 256, 4, 5, place)
    head = start + struct.pack(order + "HHH", 43, 8, 0)
    for data in (
        head + struct.pack(order + "Q", place) + bytes(56),
        head + struct.pack(order + "QQ", 16, 1) + entry + bytes(56),
    ):
        for read in (decode, read_header):
            with pytest.raises(ImageError, match="cut off"):
                read(data, LIMIT)
        assert read_header(jpeg(segment(0xE1, b"Exif\x00\x00" + data)), LIMIT).orientation == 1


def test_an_image_of_five_bands_is_said_to_have_five_channels() -> None:
    with pytest.raises(ImageError, match="has 5 channels, and 1 to 4 are read"):
        decode(tiff(samples=5), LIMIT)
    assert decode(tiff(samples=3), LIMIT).shape == (48, 64, 3)


def test_integers_of_16_bits_whose_zero_is_white_are_refused() -> None:
    assert decode(tiff(samples=1, t262=0), LIMIT).shape == (48, 64, 3)
    with pytest.raises(ImageError, match=r"a TIFF of 16 bits .*zero is white"):
        decode(tiff(bits=16, samples=1, t262=0), LIMIT)


def test_floats_are_read_as_they_are_stored() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, NOISE[..., 0] / np.float32(255), photometric="miniswhite")
    assert (decode(file.getvalue(), LIMIT) == NOISE[..., :1]).all()


@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 8}, {"tile": (16, 16)}])
@pytest.mark.parametrize("container", [{}, {"byteorder": ">"}, {"bigtiff": True}])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_channels_that_lie_apart_are_read_as_those_that_do_not(
    layout: dict[str, Any], container: dict[str, Any], compression: str | None
) -> None:
    for values in (NOISE.astype("u2") * 16, NOISE.astype("u4") << 24, NOISE / np.float32(255)):
        files = []
        for how, stored in (("contig", values), ("separate", values.transpose(2, 0, 1))):
            files.append(io.BytesIO())
            tifffile.imwrite(
                *(files[-1], np.ascontiguousarray(stored)),
                photometric="rgb",
                planarconfig=how,
                compression=compression,
                extratags=[(274, 3, 1, 6, True)],
                **layout,
                **container,
            )
        together, apart = (decode(each.getvalue(), LIMIT) for each in files)
        assert (together == apart).all()
        assert (apart == np.rot90(NOISE, -1)).all()


@pytest.mark.parametrize(
    "tags", [{"samples": 2}, {"t262": 5, "samples": 4}, {"t258": 12}, {"t339": 3}]
)
def test_unusual_channels_that_lie_apart_are_refused(tags: dict[str, int]) -> None:
    with pytest.raises(ImageError, match=r"bits that lie apart .* save it with interleaved"):
        decode(tiff(bits=16, **tags, t284=2), LIMIT)


def test_planes_of_unequal_strips_are_refused() -> None:
    with pytest.raises(ImageError, match="its channels differ in strips or tiles"):
        decode(tiff(bits=16, t284=2), LIMIT)
    data = tiff(bits=16, t284=2)
    damaged = data.replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 60_000, 4, 1))
    with pytest.raises(ImageError, match="have no lengths"):
        decode(damaged, LIMIT)


def test_unsigned_values_of_32_bits_have_no_sign() -> None:
    grey = np.arange(64 * 48, dtype=np.uint32).reshape(48, 64) * (2**32 // (64 * 48))
    start = tiff(bits=32, samples=1)
    data = start.replace(start[8 : 8 + grey.nbytes], grey.tobytes())
    assert (decode(data, LIMIT) == (grey >> 24)[..., None]).all()
