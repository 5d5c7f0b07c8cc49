"""One annotation file of COCO's."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from umop.data.dataset import Builder, Image
from umop.data.files.names import without_scheme
from umop.data.files.reading import read_json
from umop.data.layouts.layout import MALFORMED
from umop.data.layouts.masks import box_of_mask
from umop.data.layouts.shapes import degrees, pixels, turned

PARTS = ("images", "annotations", "categories")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_OTHER_KINDS = {"caption": "COCO's captions", "segments_info": "COCO's panoptic masks"}
"""What an annotation has in files of which only the images are like those of boxes."""
_NOT_COUNTED = ("iscrowd", "ignore")
_NO_OBJECT = "empty"
_PLACES = {"bbox", "segmentation"}


def read_annotation_file(
    path: Path, split: str | None, find_image: Callable[[Sequence[str]], Path], builder: Builder
) -> None:
    """Reads one annotation file.

    Args:
        path: The file.
        split: The split that it lists; None where nothing says.
        find_image: Gives the path of an image by its names in the file, the best first.
        builder: Takes what is found.
    """
    try:
        content = read_json(path)
        if said := _other_kind(content):
            builder.issue("layout-unused", path, said)
            return
        _require_parts(content)
    except ValueError as error:
        builder.issue("annotations-unreadable", path, f"not COCO JSON: {error}")
        return
    _CocoFile(path, content, split, find_image, builder).read()


def _other_kind(content: object) -> str | None:
    """Says which of COCO's other kinds of file this is, which have no boxes of their own."""
    annotations = content.get("annotations") if isinstance(content, dict) else None
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    if not isinstance(first, dict):
        return None
    return next((said for key, said in _OTHER_KINDS.items() if key in first), None)


def _require_parts(content: object) -> None:
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


class _CocoFile:
    """One annotation file.

    Args:
        path: The file.
        content: Its content.
        split: The split that it lists.
        find_image: Gives the path of an image by its names in the file, the best first.
        builder: Takes what is found.
    """

    def __init__(
        self,
        path: Path,
        content: Mapping[str, Any],
        split: str | None,
        find_image: Callable[[Sequence[str]], Path],
        builder: Builder,
    ) -> None:
        self.path = path
        self.content = content
        self.split = split
        self.find_image = find_image
        self.builder = builder

    def read(self) -> None:
        labels = self._read_categories()
        images = self._read_images()
        self._read_boxes(labels, images)

    def _read_categories(self) -> dict[Any, int]:
        """The label of each category id."""
        labels: dict[Any, int] = {}
        names: dict[str, Any] = {}
        used = {_identity(entry.get("category_id")) for entry in self.content["annotations"]}
        for entry in self.content["categories"]:
            key, name = _identity(entry.get("id")), _identity(entry.get("name"))
            if key is None or name is None:
                text = f"category {entry.get('id')!r} has no id or no name"
                self._note("annotations-unreadable", text)
                continue
            name = str(name)
            if names.get(name, key) != key and {key, names[name]} <= used:
                self._note(
                    "category-twice", f"categories {names[name]} and {key} are both '{name}'"
                )
            if key in labels:
                self._note("category-twice", f"two categories have the id {key}: '{name}' is one")
                continue
            names.setdefault(name, key)
            labels[key] = self.builder.label(name)
            if isinstance(key, int):
                self.builder.numbers.setdefault(labels[key], set()).add(key)
        return labels

    def _read_images(self) -> dict[Any, int | None]:
        """The index of each image id; None for an id of two images."""
        images: dict[Any, int | None] = {}
        named: dict[Any, str] = {}
        shared = _names_of_several(self.content["images"])
        for entry in self.content["images"]:
            key, name = _identity(entry.get("id")), _name_of(entry)
            if key is None or name is None:
                text = f"image {entry.get('id')!r} has no id or no file name"
                self._note("annotations-unreadable", text)
            elif key not in images:
                named[key] = name
                images[key] = self.builder.image(self._image(name, name in shared, entry))
            elif named[key] == name:
                self._note("listed-twice", f"{name} is listed twice")
            else:
                text = f"the images {named[key]} and {name} both have the id {key}"
                self._note("image-id-twice", text)
                images[key] = None
        return images

    def _image(self, name: str, is_shared: bool, entry: Mapping[str, Any]) -> Image:
        longer = _with_folders(name, entry)
        is_first = is_shared or "file_name" not in entry
        return Image(
            path=self.find_image([*longer, name] if is_first else [name, *longer]),
            source=self.path,
            split=self.split,
            width=pixels(entry.get("width")),
            height=pixels(entry.get("height")),
            written=longer[0] if is_shared and longer else name,
            number=number if isinstance(number := _identity(entry.get("id")), int) else None,
        )

    def _read_boxes(self, labels: dict[Any, int], images: dict[Any, int | None]) -> None:
        seen: set[Any] = set()
        for number, entry in enumerate(self.content["annotations"], start=1):
            key = _identity(entry.get("id"))
            place = number if key is None else key
            if place in seen:
                self._note("annotation-id-twice", f"two annotations have the id {place}")
            seen.add(place)
            image, category = _identity(entry.get("image_id")), _identity(entry.get("category_id"))
            if image not in images:
                written = entry.get("image_id")
                text = f"annotation {place} is of an image that is not listed (id {written!r})"
                self._note("box-of-no-image", text)
            elif category not in labels:
                written = entry.get("category_id")
                text = f"annotation {place} is of a category that is not listed (id {written!r})"
                self._note("category-unknown", text)
            elif (index := images[image]) is not None:
                self._read_box(index, labels[category], entry, place)

    def _read_box(self, image: int, label: int, entry: Mapping[str, Any], place: Any) -> None:
        if self.builder.classes[label] == _NO_OBJECT and not entry.keys() & _PLACES:
            return None  # as COCO Camera Traps says that it has looked
        try:
            written = entry.get("bbox") or box_of_mask(entry.get("segmentation"))
            box = self._box_with_area([float(value) for value in written], entry, place, image)
            x, y, width, height = box
            corners = self._upright([x, y, x + width, y + height], entry, place, image)
        except MALFORMED:
            text = (
                f"annotation {place} has no box of 4 numbers, and no mask that gives one: bbox is "
                f"{str(entry.get('bbox'))[:60]}"
            )
            return self._note("annotation-numbers", text, self.builder.images[image].path)
        crowd = any(entry.get(key) in (1, "1") for key in _NOT_COUNTED)
        self.builder.box(image, label, corners, place, crowd, _area(entry.get("area")))
        return None

    def _box_with_area(
        self, box: list[float], entry: Mapping[str, Any], place: Any, image: int
    ) -> list[float]:
        """A box, xywh; in place of one without area that around the mask, where there is one.

        Args:
            box: The box as it is written.
            entry: The annotation.
            place: Its id.
            image: The index of its image.
        """
        if all(box[2:]) or not entry.get("segmentation"):
            return box
        try:
            around = box_of_mask(entry["segmentation"])
        except MALFORMED:
            return box
        if not all(around[2:]):
            return box
        text = f"annotation {place}: the box is {', '.join(f'{value:g}' for value in box)}"
        self._note("box-of-polygon", text, self.builder.images[image].path)
        return around

    def _upright(
        self, corners: list[float], entry: Mapping[str, Any], place: Any, image: int
    ) -> list[float]:
        """The box around one that CVAT has turned; it writes the angle beside the box.

        Args:
            corners: Of the box as it is written, xyxy.
            entry: The annotation.
            place: Its id.
            image: The index of its image.
        """
        attributes = entry.get("attributes")
        angle = degrees(attributes.get("rotation")) if isinstance(attributes, dict) else 0.0
        if not angle or entry.get("segmentation"):
            return corners
        self.builder.issue_of(image, "box-turned", f"annotation {place}, by {angle:g}°")
        return turned(corners, angle)

    def _note(self, rule: str, text: str, image: Path | None = None) -> None:
        self.builder.issue(rule, self.path, text, image)


def _names_of_several(entries: Sequence[Mapping[str, Any]]) -> set[str]:
    """The file names under which a file lists several images, whose ``path`` tells them apart."""
    first: dict[str, str] = {}
    found = set[str]()
    for entry in entries:
        name, path = entry.get("file_name"), entry.get("path")
        if isinstance(name, str) and isinstance(path, str) and first.setdefault(name, path) != path:
            found.add(name)
    return found


def _name_of(entry: Mapping[str, Any]) -> str | None:
    """The name of an image; LVIS writes only an address."""
    name, address = entry.get("file_name"), entry.get("coco_url")
    if isinstance(name, str):
        return name
    return address.rpartition("/")[2] if isinstance(address, str) and "/" in address else None


def _with_folders(name: str, entry: Mapping[str, Any]) -> list[str]:
    """The name of an image with its folders, where an entry has it.

    COCO Annotator writes it into ``path``, which may be of a place that was left since then.
    """
    path = entry.get("path") if "file_name" in entry else entry.get("coco_url")
    return [without_scheme(path)] if isinstance(path, str) and path.endswith(f"/{name}") else []


def _area(value: object) -> float:
    """An area as it is written; NaN for the box's own where it is no number."""
    try:
        return float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan


def _identity(value: object) -> int | float | str | None:
    """An id, where ``"7"`` is 7; None for what cannot be one, such as a list or NaN."""
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value) else value
    return value if isinstance(value, int | float) and value == value else None
