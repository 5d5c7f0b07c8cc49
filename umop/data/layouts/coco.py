"""COCO's JSON: one file, or one for each split."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from umop.data.dataset import SPLITS, Builder, DataSet, Image
from umop.data.layouts.files import Files, head, read_json, split_of_list

NAME = "COCO JSON"
LOOKS_FOR = "COCO JSON (such as train.json and val.json, or _annotations.coco.json)"
UNIT = "annotation"
PARTS = ("images", "annotations", "categories")


def find(files: Files) -> list[Path]:
    """The annotation files; of COCO's own, only those of boxes."""
    found = [path for path in files.matching(".json") if is_coco(path)]
    instances = [path for path in found if path.name.startswith("instances_")]
    return instances or found


def is_coco(path: Path) -> bool:
    """Whether a JSON file's start has COCO's keys, or its name is that of a split."""
    start = head(path)
    if '"shapes"' in start or '"imageData"' in start:
        return False
    keys = "|".join((*PARTS, "licenses"))
    return bool(re.search(rf'"({keys})"\s*:', start)) or path.stem in SPLITS


def read(files: Files) -> DataSet:
    """Reads all annotation files."""
    builder = Builder(files.root)
    for path in find(files):
        read_file(path, split_of_list(path, files.root), Finder(path, files), builder)
    return builder.build(NAME, UNIT)


def read_file(
    path: Path, split: str | None, find_image: Callable[[str], Path], builder: Builder
) -> None:
    """Reads one annotation file.

    Args:
        path: The file.
        split: The split that it lists; None where nothing says.
        find_image: Gives the path of an image by the name in the file.
        builder: Takes what is found.
    """
    try:
        content = read_json(path)
        require_parts(content)
    except ValueError as error:
        builder.problem("annotations-unreadable", path, f"not COCO JSON: {error}")
        return
    CocoFile(path, content, split, find_image, builder).read()


def require_parts(content: object) -> None:
    """Checks that the content is COCO's.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}")
    for part in PARTS:
        entries = content.get(part)
        if not isinstance(entries, list):
            raise ValueError(f"it has no list of {part}")
        if not all(isinstance(entry, dict) for entry in entries):
            raise ValueError(f"its {part} are not all objects")


@dataclass(frozen=True)
class Finder:
    """Finds the images of an annotation file among those of its data set.

    Attributes:
        path: The annotation file.
        files: The files of the data set.
    """

    path: Path
    files: Files

    @cached_property
    def folders(self) -> list[str]:
        """Where the images may lie, relative to the root, likeliest first."""
        last = self.path.stem.rpartition("_")[2]
        here = self.path.parent.relative_to(self.files.root)
        below = [last, f"images/{last}", "", "images"]
        nearest = ["", *below] if self.path.stem == "_annotations.coco" else below
        folders = [parent / name for name in nearest for parent in (here, here.parent)]
        return [folder.as_posix().removeprefix(".") for folder in (*folders, *map(Path, below))]

    def __call__(self, name: str) -> Path:
        """The image's path; where none was found, the place where it should be."""
        found = self.files.image(name, self.folders)
        return found or self.files.root / self.expected / name

    @cached_property
    def expected(self) -> str:
        """The likeliest folder of those that are there."""
        there = (folder for folder in self.folders if (self.files.root / folder).is_dir())
        return next(there, "")


class CocoFile:
    """One annotation file.

    Args:
        path: The file.
        content: Its content.
        split: The split that it lists.
        find_image: Gives the path of an image by the name in the file.
        builder: Takes what is found.
    """

    def __init__(
        self,
        path: Path,
        content: Mapping[str, Any],
        split: str | None,
        find_image: Callable[[str], Path],
        builder: Builder,
    ) -> None:
        self.path = path
        self.content = content
        self.split = split
        self.find_image = find_image
        self.builder = builder

    def read(self) -> None:
        labels = self.read_categories()
        images = self.read_images()
        self.read_boxes(labels, images)

    def read_categories(self) -> dict[Any, int]:
        """The label of each category id."""
        labels: dict[Any, int] = {}
        names: dict[str, Any] = {}
        used = {identity(entry.get("category_id")) for entry in self.content["annotations"]}
        for entry in self.content["categories"]:
            key, name = identity(entry.get("id")), identity(entry.get("name"))
            if key is None or name is None:
                text = f"category {entry.get('id')!r} has no id or no name"
                self.note("annotations-unreadable", text)
                continue
            name = str(name)
            if names.get(name, key) != key and {key, names[name]} <= used:
                self.note("category-twice", f"categories {names[name]} and {key} are both '{name}'")
            if key in labels:
                self.note("category-twice", f"two categories have the id {key}: '{name}' is one")
                continue
            names.setdefault(name, key)
            labels[key] = self.builder.label(name)
        return labels

    def read_images(self) -> dict[Any, int | None]:
        """The index of each image id; None for an id of two images."""
        images: dict[Any, int | None] = {}
        named: dict[Any, str] = {}
        for entry in self.content["images"]:
            key, name = identity(entry.get("id")), entry.get("file_name")
            if key is None or not isinstance(name, str):
                text = f"image {entry.get('id')!r} has no id or no file name"
                self.note("annotations-unreadable", text)
            elif key not in images:
                named[key] = name
                images[key] = self.builder.image(self.image(name, entry))
            elif named[key] == name:
                self.note("listed-twice", f"{name} is listed twice")
            else:
                text = f"the images {named[key]} and {name} both have the id {key}"
                self.note("image-id-twice", text)
                images[key] = None
        return images

    def image(self, name: str, entry: Mapping[str, Any]) -> Image:
        return Image(
            path=self.find_image(name),
            source=self.path,
            split=self.split,
            width=pixels(entry.get("width")),
            height=pixels(entry.get("height")),
        )

    def read_boxes(self, labels: dict[Any, int], images: dict[Any, int | None]) -> None:
        seen: set[Any] = set()
        for number, entry in enumerate(self.content["annotations"], start=1):
            key = identity(entry.get("id"))
            place = number if key is None else key
            if place in seen:
                self.note("annotation-id-twice", f"two annotations have the id {place}")
            seen.add(place)
            image, category = identity(entry.get("image_id")), identity(entry.get("category_id"))
            if image not in images:
                written = entry.get("image_id")
                text = f"annotation {place} is of an image that is not listed (id {written!r})"
                self.note("box-of-no-image", text)
            elif category not in labels:
                written = entry.get("category_id")
                text = f"annotation {place} is of a category that is not listed (id {written!r})"
                self.note("category-unknown", text)
            elif (index := images[image]) is not None:
                self.read_box(index, labels[category], entry, place)

    def read_box(self, image: int, label: int, entry: Mapping[str, Any], place: Any) -> None:
        try:
            box = entry.get("bbox") or box_of_mask(entry.get("segmentation"))
            x, y, width, height = (float(value) for value in box)
        except (TypeError, ValueError, OverflowError):
            text = (
                f"annotation {place} has no box of 4 numbers, and no mask that gives one: bbox is "
                f"{entry.get('bbox')}"
            )
            return self.note("annotation-numbers", text, self.builder.images[image].path)
        crowd, area = bool(entry.get("iscrowd", 0)), entry.get("area")
        self.builder.box(
            image,
            label,
            (x, y, x + width, y + height),
            place,
            crowd,
            float(area) if isinstance(area, int | float) else float("nan"),
        )
        return None

    def note(self, rule: str, text: str, image: Path | None = None) -> None:
        self.builder.problem(rule, self.path, text, image)


def box_of_mask(mask: Any) -> list[float]:
    """The box, xywh, around a mask in one of COCO's forms: polygons, or run lengths.

    Raises:
        ValueError: It is in neither.
    """
    if isinstance(mask, dict):
        return box_of_run_lengths(mask)
    numbers = [value for polygon in mask or () for value in polygon]
    if not numbers or any(len(polygon) % 2 for polygon in mask):
        raise ValueError("no polygons")
    xs = [float(value) for polygon in mask for value in polygon[0::2]]
    ys = [float(value) for polygon in mask for value in polygon[1::2]]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def box_of_run_lengths(mask: Mapping[str, Any]) -> list[float]:
    """The box, xywh, around a mask of run lengths, compressed or not.

    Raises:
        ValueError: It is none.
    """
    from pycocotools import mask as run_lengths  # of use for few data sets, and slow to import

    try:
        height, width = mask["size"]
        whole = mask
        if isinstance(mask["counts"], list):
            whole = run_lengths.frPyObjects(mask, height, width)
        box: list[float] = run_lengths.toBbox(whole).tolist()
    except Exception as error:  # a C extension that says little about what it cannot read
        raise ValueError("no run lengths") from error
    return box


def identity(value: object) -> int | float | str | None:
    """An id as it is written; None for what cannot be one, such as a list."""
    return value if isinstance(value, int | float | str) else None


def pixels(value: object) -> int | None:
    """A side's length, written as a number or as text; None where the annotation gives none."""
    if not isinstance(value, int | float | str):
        return None
    try:
        side = float(value)
    except (ValueError, OverflowError):
        return None
    return int(side) if 0 < side < math.inf else None
