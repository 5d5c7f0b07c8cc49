"""Training reads images as serving does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.inference.decoding import decode
from umop.data.images import read_rgb
from umop.data.pipeline.transforms import LoadImage
from umop.system.errors import UserError


def noise(mode: str) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 4), dtype=np.uint8)
    return Image.fromarray(pixels).convert("RGB" if mode == "P" else "RGBA").convert(mode)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", "jpg"), ("L", "jpg"), ("CMYK", "jpg"), ("P", "png"), ("LA", "png"), ("RGBA", "png")],
)
def test_the_two_readers_are_one(tmp_path: Path, mode: str, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise(mode).save(path, exif=exif)
    served = decode(path.read_bytes(), 10**6)
    loaded = LoadImage()({"img_path": str(path)})
    np.testing.assert_array_equal(loaded["img"][..., ::-1], served)
    assert loaded["img_shape"] == loaded["ori_shape"] == served.shape[:2]
    assert served.shape[:2] == ((24, 32) if orientation < 5 else (32, 24))


def test_transparent_pixels_lie_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (200, 0, 0, 0)).save(tmp_path / "a.png")
    assert LoadImage()({"img_path": tmp_path / "a.png"})["img"].tolist() == [[[255] * 3] * 8] * 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "not a JPEG"), (b"\xff\xd8\xff\xe0junk", "cut off")],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"a\.jpg cannot be read as an image: .*{reason}"):
        read_rgb(path)
