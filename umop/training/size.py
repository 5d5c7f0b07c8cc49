"""The size that images are scaled to.

Configs are read and changed as nested mappings, in place; nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from umop.config.ranges import SIZE_KEYS
from umop.system.console import counted
from umop.system.errors import UserError

_Section = MutableMapping[str, Any]
SMALL_BOX = 16
"""Pixels, two cells of a pyramid level of stride 8: half of the boxes being smaller, many are
missed."""
_GOOD_BOX = 18
_STRIDE = 8
"""Pixels of a cell of the finest pyramid level."""
_SHOWN = 3
_MULTIPLE = 32


def fit_size(config: _Section, asked: int | None, box_share: float) -> str | None:
    """Scales images to the requested size, or so that boxes are large enough to be learned.

    Args:
        config: Changed in place.
        asked: Pixels of the longer side that images are to be scaled to; None leaves it to the
            config's ``auto_size``.
        box_share: The side of the median box in a scaled image, as a share of the longer side that
            images are scaled to; 0 if there is none.

    Returns:
        What the user should know of it; None where there is nothing.

    Raises:
        UserError: The config tests images at their own size.
    """
    before = _test_side(config)
    side = asked or _suited(config.get("auto_size", None), before, box_share)
    if side != before:
        resize(config, side)
    box = side * box_share
    if 0 < box < SMALL_BOX:
        better = _rounded_up(_GOOD_BOX / box_share)
        return (
            f"Half of the boxes are smaller than {box:.2g} pixels once images are scaled to "
            f"{side}, too small to learn well. --size {better} finds more of them "
            f"and takes about {(better / side) ** 2:.2g} times as long; --tiles auto looks at "
            "large images in windows instead."
        )
    if side != asked and side != before:
        return (
            f"Size: images are scaled to {side}, where half of the boxes have {box:.0f} pixels "
            f"or more. --size {before} is quicker and finds fewer of them."
        )
    return None


def _suited(auto: _Section | None, side: int, box_share: float) -> int:
    """The side at which half of the boxes are large enough, if a config takes it by itself.

    Args:
        auto: The config's ``auto_size``.
        side: The config's own side.
        box_share: As ``fit_size`` takes it.
    """
    if not auto or side != auto["base_size"] or not box_share:
        return side
    needed = _rounded_up(auto["min_box"] / box_share)
    return min(max(side, needed), int(auto["max_size"]))


def _rounded_up(side: float) -> int:
    """A side as a multiple of the coarsest strides."""
    return math.ceil(side / _MULTIPLE) * _MULTIPLE


def resize(config: _Section, side: int) -> None:
    """Scales the sizes of all pipelines, so that those of test images have another longer side.

    Args:
        config: Changed in place.
        side: The longer side, in pixels.

    Raises:
        UserError: The config tests images at their own size.
    """
    if not (before := _test_side(config)):
        raise UserError("This config takes images at their own size: --size does not suit it.")
    factor = side / before
    pipelines = [
        config[f"{name}_dataloader"]["dataset"]["pipeline"] for name in ("train", "val", "test")
    ]
    pipelines.append(config["train_dataloader"]["dataset"].get("last_pipeline") or [])
    pipelines.append(config.get("tta_pipeline") or [])
    seen = set()
    for step in _steps(pipelines):
        key = SIZE_KEYS.get(step.get("type", ""))
        if key is not None and key in step and id(step) not in seen:
            seen.add(id(step))
            step[key] = _scaled(step[key], factor)


def require_width(config: _Section, images: Sequence[Mapping[str, Any]]) -> None:
    """Refuses images of which too little is left at the size that images are scaled to.

    Args:
        config: Names the size.
        images: COCO's entries of them.

    Raises:
        UserError: A shorter side would have fewer pixels than a cell of the finest pyramid level.
    """
    if not (side := _test_side(config)):
        return
    narrow = [
        f"{each['file_name']} of {each['width']} × {each['height']} pixels"
        for each in images
        if min(each["width"], each["height"]) * side < _STRIDE * max(each["width"], each["height"])
    ]
    if narrow:
        raise UserError(
            f"{counted(len(narrow), 'image')} would have less than {_STRIDE} pixels on the shorter "
            f"side, scaled to {side}: {', '.join(narrow[:_SHOWN])}. Take them out of the data, cut "
            "them into several, or take a larger --size."
        )


def test_sides(config: _Section) -> tuple[int, ...]:
    """The sides of what test images are scaled into; empty where they keep their size."""
    test = config["test_dataloader"]["dataset"]["pipeline"]
    sizes = [tuple(step["scale"]) for step in _steps(test) if step.get("scale")]
    return max(sizes, default=(), key=max)


def largest_side(config: _Section) -> int:
    """The longer side that test images are scaled to at most where small boxes need it."""
    auto, side = config.get("auto_size", None), _test_side(config)
    return int(auto["max_size"]) if auto and side == auto["base_size"] else side


def canvas(config: _Section) -> tuple[int, int]:
    """The width and height in pixels of the largest image that is trained on, turned or not.

    Raises:
        UserError: The config trains on images at their own size.
    """
    width = height = 0
    for step in config["train_dataloader"]["dataset"]["pipeline"]:
        if size := step.get(SIZE_KEYS.get(step["type"], "")):
            sizes = size if isinstance(size[0], list | tuple) else [size]
            growth = _growth(step) if sizes is not size else 1.0
            width, height = (math.ceil(max(sides) * growth) for sides in zip(*sizes, strict=True))
    if not width:
        raise UserError("--batch auto: this config takes images at their own size. Give a number.")
    return _rounded_up(width), _rounded_up(height)


def _growth(step: _Section) -> float:
    """The most that a step enlarges the size that it names."""
    if step["type"] == "Mosaic":
        return 2.0
    return float(max(step.get("ratio_range", (1.0,)))) if step["type"] == "RandomResize" else 1.0


def _test_side(config: _Section) -> int:
    """The longer side that test images are scaled to at most; 0 where they keep their size."""
    return max(test_sides(config), default=0)


def _steps(pipeline: Any) -> Iterator[_Section]:
    """All steps of a pipeline, also those inside other steps."""
    if isinstance(pipeline, MutableMapping):
        yield pipeline
        pipeline = list(pipeline.values())
    if isinstance(pipeline, list | tuple):
        for part in pipeline:
            yield from _steps(part)


def _scaled(size: Any, factor: float) -> Any:
    """A size, or a list of sizes, times a factor; in whole pixels."""
    if isinstance(size, list | tuple):
        return type(size)(_scaled(side, factor) for side in size)
    return max(1, round(size * factor))
