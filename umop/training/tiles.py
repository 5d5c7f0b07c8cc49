"""Whether images are cut into windows, and into which.

Configs are read and changed as nested mappings, in place; nothing here needs torch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from serving.shared import LARGEST_WINDOW, SMALLEST_WINDOW, Size, TileSpec
from umop.data.pipeline.tiles import count_shown
from umop.data.pipeline.tiling import use_tiles
from umop.system.errors import UserError
from umop.training.size import SMALL_BOX, largest_side, resize, test_sides

if TYPE_CHECKING:
    from serving.shared import Tiles

_Section = MutableMapping[str, Any]
_GOOD_BOXES = (24, 64)
"""Pixels of a median box that is left at its own scale."""
_GOOD_BOX = 32
_MOST_SCALE = 2.0
_FEW = 10
"""A class of fewer boxes does not decide."""
_NEARLY_ALL = 0.95


@dataclass(frozen=True)
class Scenes:
    """The boxes of each image to train on.

    Attributes:
        sizes: The images'.
        boxes: Float of shape (N, 4) for each, xyxy in its pixels.
        kinds: Class of each box: of shape (N,) for each image.
    """

    sizes: list[Size]
    boxes: list[NDArray[np.float64]]
    kinds: list[NDArray[np.int64]]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Scenes:
        """Reads COCO's dictionary."""
        boxes, kinds = defaultdict(list), defaultdict(list)
        for box in content["annotations"]:
            left, top, width, height = box["bbox"]
            boxes[box["image_id"]].append([left, top, left + width, top + height])
            kinds[box["image_id"]].append(box["category_id"])
        images = content["images"]
        return cls(
            [Size(width=image["width"], height=image["height"]) for image in images],
            [np.array(boxes[image["id"]], np.float64).reshape(-1, 4) for image in images],
            [np.array(kinds[image["id"]], np.int64) for image in images],
        )

    def median_side(self) -> float:
        """The side of the median box, in pixels; 0 without boxes."""
        sides = self._square_sides()
        return float(np.median(sides)) if len(sides) else 0.0

    def smallest_class(self) -> float:
        """The side of the median box of the class whose boxes are the smallest, in pixels."""
        return self._of_smallest_class(self._square_sides())

    def smallest_share(self) -> float:
        """That side as a share of its image's longer side; 0 without boxes."""
        longer = [
            np.full(len(boxes), max(size.width, size.height), np.float64)
            for size, boxes in zip(self.sizes, self.boxes, strict=True)
        ]
        return self._of_smallest_class(self._square_sides() / np.concatenate([*longer, []]))

    def _of_smallest_class(self, values: NDArray[np.float64]) -> float:
        """The least of the classes' medians of a value of each box.

        Classes of few boxes do not count; without others, it is the median of all.
        """
        kinds = np.concatenate([*self.kinds, np.zeros(0, np.int64)])
        counted = zip(*np.unique(kinds, return_counts=True), strict=True)
        chosen = [values[kinds == kind] for kind, count in counted if count >= _FEW] or [values]
        return min(float(np.median(each)) if len(each) else 0.0 for each in chosen)

    def long_side(self) -> float:
        """The longer side that nearly no box exceeds, in pixels; 0 without boxes."""
        longer = self._sides().max(axis=1)
        return float(np.quantile(longer, _NEARLY_ALL)) if len(longer) else 0.0

    def windows(self, spec: TileSpec) -> int:
        """How many windows a pass trains on."""
        pairs = zip(self.sizes, self.boxes, strict=True)
        return sum(count_shown(size, boxes, spec) for size, boxes in pairs)

    def _square_sides(self) -> NDArray[np.float64]:
        """The sides of squares as large as the boxes."""
        sides: NDArray[np.float64] = np.sqrt(self._sides().prod(axis=1))
        return sides

    def _sides(self) -> NDArray[np.float64]:
        boxes = np.concatenate([*self.boxes, np.zeros((0, 4))])
        sides: NDArray[np.float64] = boxes[:, 2:] - boxes[:, :2]
        return sides


@dataclass(frozen=True)
class Cut:
    """How images are cut.

    Attributes:
        note: What the user should know of it.
        windows: How many a pass trains on; None where images are taken whole.
    """

    note: str
    windows: int | None = None


def fit_tiles(
    config: _Section, asked: Tiles | None, size: int | None, scenes: Scenes
) -> Cut | None:
    """Cuts images into windows where that is requested; ``auto`` does where boxes need it.

    Args:
        config: Changed in place. Its ``tiles`` count where nothing is asked.
        asked: ``auto``, ``off``, or the side of a window in pixels.
        size: The requested side in pixels of the square that a window is scaled into.
        scenes: What to train on.

    Returns:
        How they are cut; None where nobody asked.

    Raises:
        UserError: The config takes images at their own size, or its ``tiles`` cannot be.
    """
    own = config.get("tiles", None)
    config["tiles"] = None
    if asked == "off" or (asked is None and not own):
        return None
    if not test_sides(config):
        raise UserError("This config takes images at their own size: --tiles does not suit it.")
    if asked == "auto":
        whole = (size or largest_side(config)) * scenes.smallest_share()
        if whole >= SMALL_BOX or not whole:
            return Cut(
                f"Tiles: none. In whole images, half of the boxes of each class have {whole:.0f} "
                "pixels or more."
            )
    if size:
        resize(config, size)
    spec = _spec(asked, own, min(test_sides(config)), scenes)
    seen = scenes.median_side() * min(test_sides(config)) / spec.window
    mixes = config["train_dataloader"]["dataset"]["type"] == "MixedCocoDataset"
    use_tiles(config, spec)
    return Cut(_note(spec, seen, mixes), scenes.windows(spec))


def _spec(asked: Tiles | None, own: Any, side: int, scenes: Scenes) -> TileSpec:
    """The requested windows, the config's own, or those that suit the boxes.

    Raises:
        UserError: The config's cannot be.
    """
    if asked is None:
        try:
            return TileSpec(**own)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"The config's tiles are {own!r}: they need window, {SMALLEST_WINDOW} to "
                f"{LARGEST_WINDOW} pixels, and overlap, from a sixteenth to a half of that."
            ) from error
    window = asked if isinstance(asked, int) else _suited(side, scenes)
    fitting = math.ceil(scenes.long_side()) + window // 32  # and as much as borders need
    return TileSpec(window=window, overlap=min(max(fitting, window // 8), window // 2))


def _suited(side: int, scenes: Scenes) -> int:
    """The side of windows that, scaled into a square, show the boxes of every class well."""
    box, (least, most) = scenes.median_side(), _GOOD_BOXES
    scale = 1.0 if least <= box <= most else _GOOD_BOX / box
    scale = min(max(scale, least / scenes.smallest_class()), _MOST_SCALE)
    window = max(side / scale, 2 * scenes.long_side())
    return min(max(math.ceil(window), SMALLEST_WINDOW), LARGEST_WINDOW)


def _note(spec: TileSpec, seen: float, mixes: bool) -> str:
    """What the plan says of windows.

    Args:
        spec: The windows.
        seen: Pixels of the median box in a scaled window.
        mixes: Whether the config mixes images, which windows do not take.
    """
    unmixed = " Windows are not mixed into collages or mosaics." if mixes else ""
    return (
        f"Tiles: images are looked at in windows of {spec.window} pixels that share {spec.overlap} "
        f"or more, where half of the boxes have {seen:.0f} pixels or more once they are scaled."
        f"{unmixed}"
    )
