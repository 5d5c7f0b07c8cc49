"""Images that a bundle offers to try the model on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from umop.data.images import read_rgb
from umop.system.errors import UserError

_FOLDER = "samples"
_LONGEST_SIDE = 1280
MOST_SAMPLE_BYTES = 300 * 1024
_QUALITIES = (90, 80, 65, 50, 35)


def write_samples(images: Sequence[Path], bundle: Path) -> None:
    """Copies images to a bundle's ``samples/``: small JPEGs of the pixels, without metadata.

    Args:
        images: The images.
        bundle: The bundle's folder.

    Raises:
        UserError: An image cannot be read, or two have the same name.
    """
    for path in images:
        target = bundle / sample_name(path)
        if target.exists():
            raise UserError(f"Two samples are called '{path.stem}'. Rename one of them.")
        target.parent.mkdir(exist_ok=True)
        _write_sample(path, target)


def sample_name(image: Path) -> str:
    """The name that an image has in the bundle, of letters that a bundle takes."""
    plain = "".join(" " if each == "\\" or not each.isprintable() else each for each in image.stem)
    return f"{_FOLDER}/{plain}.jpg"


def _write_sample(path: Path, target: Path) -> None:
    """Writes one sample, at the best quality that keeps it under 300 KB.

    Raises:
        UserError: The image cannot be read.
    """
    pixels = Image.fromarray(read_rgb(path))
    pixels.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    for quality in _QUALITIES:
        pixels.save(target, "JPEG", quality=quality)
        if target.stat().st_size <= MOST_SAMPLE_BYTES:
            return
