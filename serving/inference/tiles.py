"""Images that are looked at in windows, and the choice of which are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.bundle.schema import InputSpec, Size, TileSpec
from serving.inference.formats import ImageTooLargeError
from serving.inference.merging import MOST_MERGED, merge, moved
from serving.inference.postprocess import Detections
from serving.inference.preprocess import Prepared, preprocess
from serving.inference.windows import Window, count_windows, windows
from serving.schemas.options import DetectOptions, Tiles

_MOST_WINDOWS = 4096
"""Most windows of one image."""
_MOST_IN_WINDOW = 1000
"""Most detections in one window, whatever a bundle says."""


class TooSlowError(Exception):
    """The windows of an image take longer than the caller has; the message is one line."""


@dataclass(frozen=True)
class TiledImage:
    """A decoded image that is looked at in windows.

    Attributes:
        pixels: RGB, uint8, shape (height, width, 3).
        spec: How it is cut, and what is found merged.
        input: How each window becomes the model's input.
    """

    pixels: NDArray[np.uint8]
    spec: TileSpec
    input: InputSpec

    @property
    def original(self) -> Size:
        """The image's size."""
        return Size(width=self.pixels.shape[1], height=self.pixels.shape[0])

    @property
    def windows(self) -> list[Window]:
        """Its windows, row by row."""
        return windows(self.original, self.spec)

    def part(self, window: Window) -> Prepared:
        """Scales what a window shows for the model."""
        left, top, right, bottom = window
        return preprocess(self.pixels[top:bottom, left:right], self.input)

    def merged(self, found: Sequence[Detections], options: DetectOptions) -> Detections:
        """Returns what is in the image, given what was found in the pixels of each window."""
        seen = self.windows
        placed = [moved(each, window) for each, window in zip(found, seen, strict=True)]
        limit = options.max_detections or MOST_MERGED
        return merge(placed, seen, self.original, self.spec, limit)


def choose(own: TileSpec | None, asked: Tiles | None, size: Size) -> TileSpec | None:
    """Returns how an image is cut; None where it is taken whole.

    Args:
        own: What the bundle says.
        asked: What the request asks for.
        size: The image's; one that fits into a window is taken whole.

    Raises:
        ImageTooLargeError: There would be too many windows.
    """
    spec = _of_side(own, asked) if isinstance(asked, int) else own
    if asked == "off" or spec is None:
        return None
    count = count_windows(size, spec)
    if count > _MOST_WINDOWS:
        raise ImageTooLargeError(
            f"the image has {size.width} × {size.height} pixels, {count} windows of "
            f"{spec.window}; more than {_MOST_WINDOWS}"
        )
    return spec if count > 1 else None


def _of_side(own: TileSpec | None, side: int) -> TileSpec:
    """Windows of another side, which overlap by the same part of it; a quarter by default."""
    like = own or TileSpec(window=256, overlap=64)
    overlap = max(side * like.overlap // like.window, side // 16)
    return TileSpec(window=side, overlap=overlap, merge_iou=like.merge_iou)


def options_of_windows(options: DetectOptions, most: int) -> DetectOptions:
    """Returns the options for each window of an image.

    Args:
        options: The image's; its own limit is for what is merged.
        most: The bundle's limit for an image, which is one for each window.
    """
    return options.model_copy(update={"max_detections": min(most, _MOST_IN_WINDOW)})
