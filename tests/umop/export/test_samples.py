"""Samples are small JPEGs that tell nothing of where an image was taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from umop.export.samples import MOST_SAMPLE_BYTES, write_samples
from umop.system.errors import UserError


def noisy(path: Path, width: int, height: int) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "a camera's maker"
    Image.fromarray(pixels).save(path, exif=exif, comment=b"a secret")
    return path


def test_a_sample_is_small_upright_and_bare(tmp_path: Path) -> None:
    image = noisy(tmp_path / "large.jpg", 2000, 1500)
    write_samples([image], tmp_path)
    [sample] = tmp_path.rglob("samples/*.jpg")
    assert sample.stat().st_size <= MOST_SAMPLE_BYTES
    with Image.open(sample) as opened:
        assert opened.size == (960, 1280)
        assert not opened.getexif()
        assert "comment" not in opened.info
    assert b"secret" not in sample.read_bytes()


def test_no_sample_no_folder(tmp_path: Path) -> None:
    write_samples([], tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_samples_of_one_name(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    images = [noisy(tmp_path / folder / "x.jpg", 64, 48) for folder in ("a", "b")]
    with pytest.raises(UserError, match="Two samples are called 'x'"):
        write_samples(images, tmp_path)


@pytest.mark.parametrize(
    "letter", ["\u202f", "\\", "\n"], ids=["narrow space", "backslash", "line"]
)
def test_a_name_has_only_letters_that_a_bundle_takes(tmp_path: Path, letter: str) -> None:
    """As that of a screenshot on macOS, which has a narrow space before AM."""
    write_samples([noisy(tmp_path / f"9.41{letter}AM.jpg", 64, 48)], tmp_path)
    assert [each.name for each in tmp_path.glob("samples/*")] == ["9.41 AM.jpg"]


@pytest.mark.parametrize("content", [None, b"junk"])
def test_a_sample_that_is_no_image(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.jpg"
    if content:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.jpg cannot be read as an image"):
        write_samples([path], tmp_path)
