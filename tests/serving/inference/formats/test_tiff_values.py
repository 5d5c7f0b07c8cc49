"""What the values of a TIFF of more than 8 bits are taken for."""

from __future__ import annotations

import io
import lzma
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from serving.inference.decoding import ImageError, decode, from_pillow
from tests.serving.inference.formats.bombs import NOISE

LIMIT = 10**6
GREY = NOISE[..., 0].copy()
GREY[0, 0] = 255  # the largest value decides on the depth
RGB = NOISE.astype("u2") << 8
RGB[0, 0] = 65_535


def saved(values: NDArray[Any], **options: Any) -> bytes:
    """A TIFF, grey unless the options say otherwise."""
    file = io.BytesIO()
    options = {"photometric": "minisblack", "metadata": None, **options}
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def in_planes(values: NDArray[Any]) -> NDArray[Any]:
    """Channels first."""
    return np.ascontiguousarray(values.transpose(2, 0, 1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 8}, {"tile": (16, 16)}])
def test_grey_values_of_both_byte_orders_are_read(
    order: str, compression: str | None, layout: dict[str, Any]
) -> None:
    for values in (
        (GREY.astype("u2") << 8) + 7,
        (GREY // 2).astype("i2") << 8,
        GREY.astype("u4") << 24,
        GREY.astype("i4") << 23,
        GREY / np.float32(255),
        GREY / np.float64(255),
    ):
        data = saved(values, byteorder=order, compression=compression, **layout)
        expected = GREY // 2 if values.dtype == np.int16 else GREY  # 15 bits count as 16
        assert (decode(data, LIMIT) == expected[..., None]).all(), values.dtype


def test_an_opened_big_endian_image_is_read() -> None:
    values = (GREY.astype("u2") << 8) + 7
    with Image.open(io.BytesIO(saved(values, byteorder=">"))) as image:
        assert image.mode == "I;16B"
        assert (from_pillow(image) == GREY[..., None]).all()


@pytest.mark.parametrize(
    ("values", "order", "is_read"),
    [
        (GREY.astype("u2") << 8, "<", True),
        (GREY / np.float32(255), ">", False),
        (RGB >> 4, "<", False),
    ],
)
def test_a_compression_that_opencv_lacks_is_refused_where_pillows_values_are_others(
    values: NDArray[Any], order: str, is_read: bool
) -> None:
    strip = lzma.compress(values.astype(values.dtype.newbyteorder(order)).tobytes())
    data = saved(
        iter([strip]),  # type: ignore[arg-type]  # compressed strips in place of values
        shape=values.shape,
        dtype=values.dtype,
        byteorder=order,
        compression="lzma",
        photometric="rgb" if values.ndim == 3 else "minisblack",
    )
    if is_read:
        assert (decode(data, LIMIT) == GREY[..., None]).all()
    else:
        with pytest.raises(ImageError, match="compression is not read at this depth; save it with"):
            decode(data, LIMIT)


@pytest.mark.parametrize(
    ("kind", "channels", "meaning"),
    [
        ("u2", 2, "unassalpha"),
        ("u2", 3, "unspecified"),
        ("u2", 4, "unspecified"),
        ("f4", 2, "unspecified"),
    ],
)
def test_several_channels_that_are_said_to_be_grey_are_refused(
    kind: str, channels: int, meaning: str
) -> None:
    values = np.ones((48, 64, channels), kind)
    extra = [meaning] * (channels - 1)
    data = saved(values, planarconfig="contig", extrasamples=extra)
    with pytest.raises(ImageError, match=rf"{channels} channels .* grey .* save it as RGB"):
        decode(data, LIMIT)
    with pytest.raises(ImageError, match="lie apart"):
        decode(saved(in_planes(values), planarconfig="separate", extrasamples=extra), LIMIT)


def test_said_to_be_grey_they_are_read_where_opencv_reads_them() -> None:
    grey = np.dstack([GREY.astype("u2") << 8, np.full(GREY.shape, 5000, "u2")])
    data = saved(grey, planarconfig="contig", extrasamples=["unspecified"])
    assert (decode(data, LIMIT) == GREY[..., None]).all()
    for values in (NOISE / np.float32(255), NOISE.astype("u4") << 24):
        values[0, 0] = values.max()
        data = saved(values, planarconfig="contig", extrasamples=["unspecified"] * 2)
        assert (decode(data, LIMIT)[1:] == NOISE[1:]).all()


def test_a_list_of_further_channels_may_be_empty() -> None:
    rgba = np.dstack([NOISE, np.full(GREY.shape, 255, np.uint8)])
    data = saved(rgba, photometric="rgb", extrasamples=["unassalpha"])
    none = data.replace(struct.pack("<HHI", 338, 3, 1), struct.pack("<HHI", 338, 3, 0))
    assert none != data
    assert (decode(none, LIMIT) == NOISE).all()


def test_channels_of_other_colour_models_are_read() -> None:
    cmyk, lab = np.zeros((48, 64, 4), "u2"), np.zeros((48, 64, 3), "u2")
    cmyk[..., 1:3] = 65_535
    lab[:] = (34_952, 20_560, 17_219)
    for order in "<>":
        red = saved(cmyk, photometric="separated", planarconfig="contig", byteorder=order)
        assert (decode(red, LIMIT) == (255, 0, 0)).all()
        red = saved(lab, photometric="cielab", planarconfig="contig", byteorder=order)
        assert (decode(red, LIMIT) == (255, 0, 0)).all()


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_fourth_channel_is_what_the_tiff_says(apart: bool, order: str) -> None:
    values = np.dstack([RGB, np.full(GREY.shape, 5000, "u2")])
    values[0, 0, 3] = 65_535

    def pixels(meaning: str) -> NDArray[np.uint8]:
        return decode(
            saved(
                in_planes(values) if apart else values,
                photometric="rgb",
                planarconfig="separate" if apart else "contig",
                extrasamples=[meaning],
                byteorder=order,
            ),
            LIMIT,
        )

    assert (pixels("unspecified") == RGB >> 8).all()
    rgba = Image.fromarray((values >> 8).astype(np.uint8))
    laid = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    assert (pixels("unassalpha") == np.asarray(laid)).all()
    with pytest.raises(ImageError, match=r"multiplied by alpha .* save it without alpha"):
        pixels("assocalpha")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("meaning", ["unspecified", "unassalpha"])
def test_grey_and_alpha_of_8_bits_may_not_lie_apart(compression: str | None, meaning: str) -> None:
    values = np.full((48, 64, 2), 100, np.uint8)
    options: dict[str, Any] = {"extrasamples": [meaning], "compression": compression}
    assert decode(saved(values, planarconfig="contig", **options), LIMIT).min() >= 100
    with pytest.raises(ImageError, match="save it with interleaved"):
        decode(saved(in_planes(values), planarconfig="separate", **options), LIMIT)


def test_colours_of_8_bits_that_are_multiplied_by_alpha_are_rgb_and_interleaved() -> None:
    values = np.full((48, 64, 4), 100, np.uint8)
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"]}
    assert (decode(saved(values, planarconfig="contig", **options), LIMIT) == 255).all()
    with pytest.raises(ImageError, match="multiplied by alpha"):
        decode(saved(in_planes(values), planarconfig="separate", **options), LIMIT)
    grey = saved(values[..., :2], planarconfig="contig", extrasamples=["assocalpha"])
    with pytest.raises(ImageError, match="multiplied by alpha"):
        decode(grey, LIMIT)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (GREY.astype("u8") << 56, {}),
        (NOISE.astype("i8") << 40, {"photometric": "rgb"}),
        (NOISE / np.float16(255), {"photometric": "rgb"}),
        (GREY / np.float16(255), {}),
        (GREY.astype("u2"), {"photometric": "palette", "colormap": np.zeros((3, 65_536), "u2")}),
        (RGB, {"photometric": "ycbcr", "planarconfig": "contig"}),
        (
            np.full((4, 48, 64), 100, np.uint8),
            {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unspecified"]},
        ),
        (NOISE, {"planarconfig": "contig", "extrasamples": ["unspecified"] * 2}),
    ],
)
def test_what_to_do_with_other_values_is_said(
    values: NDArray[Any], options: dict[str, Any]
) -> None:
    with pytest.raises(ImageError, match="of a kind that is not read; save it as RGB") as refusal:
        decode(saved(values, **options), LIMIT)
    assert "object" not in str(refusal.value)
