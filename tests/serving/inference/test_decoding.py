from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from serving.inference.decoding import (
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
    decode,
    read_header,
)
from tests.serving.images import encode, paint
from tests.serving.inference.formats.bombs import (
    bmp,
    chunk,
    gif,
    jpeg,
    png,
    segment,
    tiff,
    webp,
)

LIMIT = 10**6
CORNER = paint(40, 30, ("red", 0, 0, 12))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_every_format_is_read(format: str) -> None:
    data = encode(CORNER, format)
    pixels = decode(data, LIMIT)
    assert (pixels.shape, pixels.dtype) == ((30, 40, 3), np.uint8)
    np.testing.assert_allclose(pixels[4, 4].astype(int), (255, 0, 0), atol=12)
    header = read_header(data, LIMIT)
    assert (header.media_type, header.width, header.height) == (
        f"image/{format.lower()}",
        40,
        30,
    )


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "row", "column"),
    [
        (1, 2, 2),
        (2, 2, -3),
        (3, -3, -3),
        (4, -3, 2),
        (5, 2, 2),
        (6, 2, -3),
        (7, -3, -3),
        (8, -3, 2),
    ],
)
def test_orientation_is_honoured(format: str, orientation: int, row: int, column: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(CORNER, format, exif=exif)
    pixels = decode(data, LIMIT)
    assert pixels.shape[:2] == ((30, 40) if orientation < 5 else (40, 30))
    assert pixels[row, column, 0] > 200
    assert pixels[row, column, 1] < 60
    header = read_header(data, LIMIT)
    assert (header.height, header.width) == pixels.shape[:2]


def test_cmyk_palette_and_alpha_become_rgb() -> None:
    red = Image.new("RGB", (8, 8), "red")
    transparent = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    expected = {
        "cmyk": (red.convert("CMYK"), "JPEG", (255, 0, 0)),
        "palette": (red.convert("P"), "PNG", (255, 0, 0)),
        "alpha": (transparent, "PNG", (255, 255, 255)),
        "bilevel": (Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
    }
    for name, (image, format, colour) in expected.items():
        buffer = io.BytesIO()
        image.save(buffer, format)
        pixels = decode(buffer.getvalue(), LIMIT)
        np.testing.assert_allclose(pixels[4, 4].astype(int), colour, atol=3, err_msg=name)


def ways_to_save() -> dict[str, tuple[str, str, dict[str, object]]]:
    """Mode, format and options, by a name for the test."""
    return {
        "jpeg": ("RGB", "JPEG", {}),
        "progressive jpeg": ("RGB", "JPEG", {"progressive": True, "quality": 30}),
        "jpeg without chroma subsampling": ("RGB", "JPEG", {"subsampling": 0}),
        "jpeg in rgb": ("RGB", "JPEG", {"keep_rgb": True}),
        "grey jpeg": ("L", "JPEG", {}),
        "cmyk jpeg": ("CMYK", "JPEG", {}),
        "jpeg of two images": ("RGB", "MPO", {}),
        "png": ("RGB", "PNG", {}),
        "grey png": ("L", "PNG", {}),
        "16-bit png": ("I;16", "PNG", {}),
        "bilevel png": ("1", "PNG", {}),
        "palette png": ("P", "PNG", {}),
        "palette png with transparency": ("P", "PNG", {"transparency": 3}),
        "grey png with transparency": ("L", "PNG", {"transparency": 3}),
        "rgb png with a transparent colour": ("RGB", "PNG", {"transparency": (0, 0, 0)}),
        "grey png with alpha": ("LA", "PNG", {}),
        "png with alpha": ("RGBA", "PNG", {}),
    }


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("way", ways_to_save())
def test_pixels_are_those_of_pillow(way: str, orientation: int) -> None:
    """Whatever decodes them; transparency, 16 bits and orientation as Pillow has them."""
    mode, format, options = ways_to_save()[way]
    noise = np.random.default_rng(0).integers(0, 255, (37, 41, 4), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = Image.fromarray(noise).convert("RGB" if mode in {"P", "CMYK"} else "RGBA")
    if mode == "I;16":
        source = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    if format == "MPO":
        options = {"save_all": True, "append_images": [Image.new("RGB", (41, 37))]}
    buffer = io.BytesIO()
    source.convert(mode).save(buffer, format, exif=exif, **options)
    with Image.open(buffer) as image:
        upright = ImageOps.exif_transpose(image)
    if mode == "I;16":
        upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
    laid = Image.new("RGBA", upright.size, "white")
    laid.alpha_composite(upright.convert("RGBA"))
    np.testing.assert_array_equal(decode(buffer.getvalue(), LIMIT), laid.convert("RGB"))


def test_damage_in_the_middle_of_a_png_is_an_error() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    data = bytearray(encode(noise))
    data[len(data) // 2] ^= 0x55
    with pytest.raises(ImageError, match="damaged"):
        decode(bytes(data), LIMIT)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("blue", "red")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert decode(buffer.getvalue(), LIMIT)[0, 0].tolist() == [0, 0, 255]


def test_pixels_are_counted_before_decoding() -> None:
    with pytest.raises(ImageTooLargeError, match="40 × 30"):
        decode(encode(CORNER), 40 * 30 - 1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_no_limit_of_pillows_counts(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encode(CORNER, format), 40 * 30).shape == (30, 40, 3)
    with pytest.raises(ImageTooLargeError, match="more than 150"):
        decode(encode(CORNER, format), 150)
    assert Image.MAX_IMAGE_PIXELS == 40 * 30


def test_the_header_of_an_enormous_image_is_read() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    assert read_header(buffer.getvalue(), 200_000_000).width == 20_000
    with pytest.raises(ImageTooLargeError, match="199999999"):
        read_header(buffer.getvalue(), 199_999_999)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", b"<svg/>", b"\x00" * 100])
def test_other_bytes_are_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError):
        decode(data, LIMIT)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_half_an_image_is_an_error(format: str) -> None:
    data = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8), format)
    with pytest.raises(ImageError):
        decode(data[: len(data) // 2], LIMIT)


@pytest.mark.parametrize("data", [bmp(b"", 4, 2), tiff(bits=16, t273=2**31)])
def test_of_damage_opencv_writes_nothing(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImageError):
        decode(data, LIMIT)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_is_none_turns_nothing(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(CORNER, format, exif=exif)
    assert read_header(data, LIMIT).orientation == 1
    assert decode(data, LIMIT).shape == (30, 40, 3)


@pytest.mark.parametrize(("brand", "name"), [("heic", "HEIC"), ("mif1", "HEIC"), ("avif", "AVIF")])
def test_a_format_that_phones_write_is_named(brand: str, name: str) -> None:
    data = b"\x00\x00\x00\x18ftyp" + brand.encode() + bytes(50)
    with pytest.raises(UnsupportedImageError, match=f"{name} is not read: convert the image"):
        decode(data, LIMIT)


def test_run_lengths_are_read() -> None:
    data = bmp(b"\x04\x07\x00\x00" + b"\x04\x09\x00\x01", 4, 2)
    assert decode(data, LIMIT)[..., 0].tolist() == [[38] * 4, [30] * 4]


def test_what_stands_beside_the_pixels_changes_nothing() -> None:
    """Texts, profiles, thumbnails and further images, before and after them."""
    plain = decode(png(), LIMIT)
    text = chunk(b"tEXt", b"a\x00b")
    np.testing.assert_array_equal(decode(png(text, after=text), LIMIT), plain)
    plain = decode(jpeg(), LIMIT)
    rich = jpeg(segment(0xE2, b"ICC_PROFILE\x00\x01\x01"), segment(0xFE, b"a"), b"\xff\xff\xff")
    np.testing.assert_array_equal(decode(rich, LIMIT), plain)
    np.testing.assert_array_equal(decode(gif(b"\x21\xfe\x01a\x00"), LIMIT), decode(gif(), LIMIT))
    np.testing.assert_array_equal(decode(webp(b"abcd" + bytes(4)), LIMIT), decode(webp(), LIMIT))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 70}])
def test_a_webps_pixels_are_those_of_pillow(mode: str, options: dict[str, object]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (37, 41, 4), dtype=np.uint8)
    data = encode(np.asarray(Image.fromarray(noise).convert(mode)), "WEBP", **options)
    with Image.open(io.BytesIO(data)) as image:
        rgba = image.convert("RGBA")
    laid = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    np.testing.assert_array_equal(decode(data, LIMIT), laid)


def test_want_of_memory_is_not_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        error = cv2.error("Insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    monkeypatch.setattr(cv2, "imdecode", fail)
    with pytest.raises(MemoryError):
        decode(encode(CORNER), LIMIT)


def test_an_image_that_takes_more_memory_may_have_fewer_pixels() -> None:
    frames = [Image.new("RGB", (250, 250), colour) for colour in ("blue", "red")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    assert decode(buffer.getvalue(), LIMIT).shape == (250, 250, 3)
    with pytest.raises(ImageTooLargeError, match="too many bytes: 16 a pixel"):
        decode(buffer.getvalue(), 100_000)
    wide = np.zeros((100, 100, 3), np.float64)
    with pytest.raises(ImageTooLargeError, match="too many bytes: 24 a pixel"):
        decode(cv2.imencode(".tiff", wide)[1].tobytes(), 20_000)


@pytest.mark.parametrize("shape", [(1, 2**20 + 1), (2**20 + 1, 1)])
def test_an_image_with_a_very_long_side_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLargeError, match="a side of more than 1048576 pixels"):
        read_header(encode(np.zeros(shape, np.uint8)), 2 * 2**20)
