"""Finds what is wrong with a data set before it spoils a training run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from umop.errors import UserError

MOST_NAMES = 5
"""So many pictures are named in a message."""


@dataclass(frozen=True)
class Checked:
    """Annotations that can be trained on.

    Attributes:
        content: COCO's dictionary.
        classes: Names of its categories, in its order.
        warnings: What was left out, a line each.
        changed: Whether it differs from what was read.
    """

    content: dict[str, Any]
    classes: tuple[str, ...]
    warnings: tuple[str, ...]
    changed: bool


def check(content: dict[str, Any], split: str, annotations: Path, pictures: Path) -> Checked:
    """Checks one split in COCO's format, and leaves out boxes that have no area.

    COCO's metrics would count such a box as one that no detector finds.

    Args:
        content: COCO's dictionary; not changed.
        split: Its name, for messages.
        annotations: Where it was read, for messages.
        pictures: The folder of its pictures.

    Raises:
        UserError: Something essential is missing.
    """
    for part in ("images", "annotations", "categories"):
        if not content.get(part):
            raise UserError(f"{annotations}: the {split} data has no {part}.")
    classes = tuple(category["name"] for category in content["categories"])
    if len(set(classes)) < len(classes):
        raise UserError(f"{annotations} has two categories of one name: {', '.join(classes)}.")
    images = {image["id"]: image for image in content["images"]}
    require_pictures(list(images.values()), split, pictures)
    require_references(content, images, annotations)

    boxes = [with_defaults(box) for box in content["annotations"]]
    kept = [box for box in boxes if has_area(box["bbox"])]
    if not kept:
        raise UserError(f"{annotations}: the {split} data has no box with an area.")
    dropped = [images[box["image_id"]]["file_name"] for box in boxes if not has_area(box["bbox"])]
    return Checked(
        content={**content, "annotations": kept},
        classes=classes,
        warnings=(warn(dropped, split),) if dropped else (),
        changed=kept != content["annotations"],
    )


def require_pictures(images: list[dict[str, Any]], split: str, pictures: Path) -> None:
    """Checks that every picture has a size and a file.

    Raises:
        UserError: One has not.
    """
    for image in images:
        if not (image.get("width") and image.get("height")):
            raise UserError(f"The {split} annotations give no size for {image['file_name']}.")
    missing = [name for image in images if not (pictures / (name := image["file_name"])).is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(images)} {split} pictures are not in {pictures}: "
            f"{some(missing)}."
        )


def require_references(content: dict[str, Any], images: dict[Any, Any], annotations: Path) -> None:
    """Checks that every box is a box, of a known picture and category.

    Raises:
        UserError: One is not.
    """
    categories = {category["id"] for category in content["categories"]}
    for box in content["annotations"]:
        if box["image_id"] not in images or box["category_id"] not in categories:
            raise UserError(
                f"{annotations}: annotation {box.get('id')} is of a picture or a category that "
                "the file does not list."
            )
        if len(box["bbox"]) != 4 or not all(map(math.isfinite, box["bbox"])):
            raise UserError(f"{annotations}: annotation {box.get('id')} has no box of 4 numbers.")


def with_defaults(box: dict[str, Any]) -> dict[str, Any]:
    """Adds what COCO's tools need and some programs leave out."""
    return {"iscrowd": 0, "area": box["bbox"][2] * box["bbox"][3], **box}


def has_area(bbox: list[float]) -> bool:
    """Whether an xywh box has an area."""
    return bbox[2] > 0 and bbox[3] > 0


def warn(dropped: list[str], split: str) -> str:
    """Says which pictures had boxes left out."""
    count = len(dropped)
    boxes = "1 box without area is" if count == 1 else f"{count} boxes without area are"
    return f"{split}: {boxes} left out, in {some(sorted(set(dropped)))}"


def some(names: list[str]) -> str:
    """The first names of a list."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
