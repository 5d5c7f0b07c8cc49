"""What objects are looked for in: files, encoded images and pixels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.inference import decoding
from serving.inference.decoding import ImageError
from serving.schemas.names import IMAGE_SUFFIXES

MAX_PIXELS = 200_000_000
"""Most pixels of an encoded image; a service, which anybody may ask, takes fewer."""

AnyPath = str | os.PathLike[str]
AnyBytes = bytes | bytearray | memoryview
AnyImage = AnyPath | AnyBytes | Image.Image | NDArray[Any]
"""A file's path, an encoded image, a Pillow image, or RGB pixels."""


@dataclass(frozen=True)
class ImageSource:
    """One image, which is read when it is needed.

    Attributes:
        image: What a user calls an image.
    """

    image: AnyImage

    @property
    def name(self) -> str:
        """Its file's path; ``image`` where there is no file."""
        return os.fspath(self.image) if isinstance(self.image, str | os.PathLike) else "image"

    def load(self) -> bytes | NDArray[np.uint8]:
        """Returns it encoded; as RGB pixels, upright, where it is not.

        Raises:
            ImageError: It is not an image.
            OSError: Its file cannot be read.
        """
        if isinstance(self.image, str | os.PathLike):
            return Path(self.image).read_bytes()
        if isinstance(self.image, AnyBytes):
            return bytes(self.image)
        if isinstance(self.image, Image.Image):
            return _checked(decoding.from_pillow(self.image))
        return _checked(self.image)

    def pixels(self) -> NDArray[np.uint8]:
        """Returns RGB pixels, uint8, shape (height, width, 3), upright.

        Raises:
            ImageError: It is not an image.
            OSError: Its file cannot be read.
        """
        loaded = self.load()
        return decoding.decode(loaded, MAX_PIXELS) if isinstance(loaded, bytes) else loaded


def images_in(folder: Path) -> list[Path]:
    """Returns the images in a folder and in those inside it, by their files' suffixes."""
    paths = sorted(folder.rglob("*"))
    return [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]


def several(source: Any) -> Iterable[AnyImage] | None:
    """Returns the images of a folder or a list; None for one image.

    Raises:
        ImageError: The folder holds none, or the path is empty.
    """
    if isinstance(source, AnyBytes | Image.Image | np.ndarray) or hasattr(source, "read"):
        return None
    if hasattr(source, "__array__") and np.ndim(source) in (2, 3):  # a tensor
        return None
    if not isinstance(source, str | os.PathLike):
        are_several = isinstance(source, Iterable) and not isinstance(source, Mapping)
        return cast(Iterable[AnyImage], source) if are_several else None
    if not os.fspath(source):
        raise ImageError("the path of the image is empty")
    if not Path(source).is_dir():
        return None
    if found := images_in(Path(source)):
        return found
    raise ImageError(f"{os.fspath(source)}: holds no images")


def _checked(pixels: Any) -> NDArray[np.uint8]:
    array = np.asarray(pixels if hasattr(pixels, "__array__") else None)
    if not array.ndim:
        raise ImageError(
            "must be a path, an encoded image, a Pillow image or RGB pixels, or several of these, "
            f"not {type(pixels).__name__}"
        )
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ImageError(
            f"pixels must be RGB: uint8 of shape (height, width, 3), not {array.dtype} of shape "
            f"{array.shape}"
        )
    return array
