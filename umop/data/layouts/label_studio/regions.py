"""The regions of Label Studio's results, and their classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

from umop.data.layouts.shapes import around, around_ellipse

_SHAPES = (("x", "y", "width", "height"), ("x", "y", "radiusX", "radiusY"), ("points",))
"""What the values of rectangles, ellipses and polygons have."""
_LABELS = "labels"
_CHOICES = "choices"


@dataclass(frozen=True)
class Tags:
    """The tags of a labelling interface, by which the results of its regions are named.

    Attributes:
        classes: How the lists of classes end: ``labels``, or ``choices`` where no region has labels
            and one tag has choices.
        labelled: The tags of which some region has a class.
    """

    classes: str
    labelled: frozenset[str]

    def boxes(
        self, regions: Sequence[dict[str, Any]]
    ) -> Iterator[tuple[int, dict[str, Any], Sequence[str]]]:
        """The regions of an image, each with its number from 1 and its classes.

        The class is blank where it has none. A region may stand in several results, of which one
        has its class.
        """
        known = _labelled(regions, self.classes)
        for number, region in enumerate(regions, start=1):
            if labels := _labels(region, self.classes):
                yield number, region, labels
            elif (
                is_region(region) and not self._is_helper(region) and _identity(region) not in known
            ):
                known.add(_identity(region))
                yield number, region, ("",)

    def helpers(self, regions: Sequence[dict[str, Any]]) -> int:
        """How many regions of an image are of a tag without classes, beside one with them."""
        known = _labelled(regions, self.classes)
        helpers = (each for each in regions if is_region(each) and self._is_helper(each))
        return len({_identity(each) for each in helpers} - known)

    def _is_helper(self, region: dict[str, Any]) -> bool:
        is_of_labels = str(region.get("type")).endswith(_LABELS) or _lists(region, _LABELS)
        return bool(self.labelled) and not is_of_labels and _tag(region) not in self.labelled


def tags_of(images: Iterable[Sequence[dict[str, Any]]]) -> Tags:
    """Finds out which tags have classes.

    Args:
        images: The regions of each image.
    """
    found = list(images)
    if labelled := _labelled_tags(found, _LABELS):
        return Tags(_LABELS, labelled)
    choosing = {_tag(each) for regions in found for each in regions if _labels(each, _CHOICES)}
    if len(choosing) == 1:
        return Tags(_CHOICES, _labelled_tags(found, _CHOICES))
    return Tags(_LABELS, frozenset())


def _labelled_tags(images: Iterable[Sequence[dict[str, Any]]], classes: str) -> frozenset[str]:
    tags = set[str]()
    for regions in images:
        known = _labelled(regions, classes)
        tags |= {_tag(each) for each in regions if _identity(each) in known}
    return frozenset(tags)


def is_region(result: dict[str, Any]) -> bool:
    """Whether a result is of a part of an image, not a choice or a text for all of it."""
    return has_shape(result) or bool(_lists(result, _LABELS))


def region_corners(region: dict[str, Any]) -> list[float]:
    """The box around a region, in pixels."""
    value = _value(region)
    across, down = (float(region[f"original_{side}"]) / 100 for side in ("width", "height"))
    if "points" in value:
        return around([(x * across, y * down) for x, y in value["points"]])
    x, y = value["x"] * across, value["y"] * down
    rotation = float(value.get("rotation") or 0)
    if "radiusX" in value:
        radius_x, radius_y = value["radiusX"] * across, value["radiusY"] * down
        return around_ellipse(x, y, radius_x, radius_y, rotation)
    width, height = value["width"] * across, value["height"] * down
    angle = radians(rotation)
    sides = [(0, 0), (width, 0), (width, height), (0, height)]
    return around(
        [
            (x + dx * cos(angle) - dy * sin(angle), y + dx * sin(angle) + dy * cos(angle))
            for dx, dy in sides
        ]
    )


def _tag(region: dict[str, Any]) -> str:
    return str(region.get("from_name"))


def _value(region: dict[str, Any]) -> dict[str, Any]:
    """What a result says of a region, which in JSON-MIN is the result itself."""
    value = region.get("value")
    return value if isinstance(value, dict) else region


def _identity(region: dict[str, Any]) -> str:
    """What the results of one region share: its id, or in JSON-MIN its shape."""
    value = _value(region)
    return str(region.get("id") or [value.get(name) for names in _SHAPES for name in names])


def has_shape(region: dict[str, Any]) -> bool:
    """Whether a result is a rectangle, an ellipse or a polygon."""
    return any(_value(region).keys() >= set(names) for names in _SHAPES)


def _labelled(regions: Sequence[dict[str, Any]], classes: str) -> set[str]:
    """The regions of an image that have a class."""
    return {_identity(each) for each in regions if _labels(each, classes)}


def _labels(region: dict[str, Any], classes: str) -> list[str]:
    """The classes of a region; nothing where it has none."""
    if classes == _CHOICES and not has_shape(region):
        return []
    found = next(filter(None, _lists(region, classes)), [])
    return [str(label or "").strip() for label in found]


def _lists(region: dict[str, Any], ending: str) -> list[list[Any]]:
    items = _value(region).items()
    return [each for key, each in items if key.endswith(ending) and isinstance(each, list)]
