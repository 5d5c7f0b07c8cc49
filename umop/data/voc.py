"""Annotations in Pascal VOC's XML format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from umop.data.coco import LabelledImage
from umop.errors import UserError

LISTS = {"train": ("train", "trainval"), "val": ("val", "test")}
"""The files of ``ImageSets/Main`` that may list a split; the first that is there does."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")


@dataclass(frozen=True)
class VocImage:
    """One picture of a data set in VOC's format.

    Attributes:
        file_name: Name of the picture in ``JPEGImages``.
        width: In pixels.
        height: In pixels.
        boxes: Float64 of shape (N, 4), xyxy in pixels.
        names: The N class names.
    """

    file_name: str
    width: int
    height: int
    boxes: NDArray[np.float64]
    names: list[str]

    def labelled(self, classes: Sequence[str]) -> LabelledImage:
        """Turns class names into their index in ``classes``."""
        labels = np.array([classes.index(name) for name in self.names], dtype=np.int64)
        return LabelledImage(self.file_name, self.width, self.height, self.boxes, labels)


def is_voc(root: Path) -> bool:
    """Whether a folder is laid out as Pascal VOC."""
    return (root / "ImageSets" / "Main").is_dir() and (root / "Annotations").is_dir()


def read_voc_split(root: Path, split: str) -> list[VocImage]:
    """Reads the pictures of a split and their boxes.

    Args:
        root: Holds ``Annotations``, ``JPEGImages`` and ``ImageSets/Main``.
        split: ``train`` or ``val``.

    Raises:
        UserError: No file lists the split, or an annotation is missing or broken.
    """
    lists = [root / "ImageSets" / "Main" / f"{name}.txt" for name in LISTS[split]]
    listed = next((path for path in lists if path.is_file()), None)
    if listed is None:
        raise UserError(f"There is no list of {split} pictures: {' or '.join(map(str, lists))}.")
    return [
        read_voc_image(root, line.split()[0])
        for line in listed.read_text().splitlines()
        if line.strip()
    ]


def read_voc_image(root: Path, name: str) -> VocImage:
    """Reads one picture's annotation.

    Raises:
        UserError: It is missing or broken.
    """
    path = root / "Annotations" / f"{name}.xml"
    try:
        xml = path.read_bytes()
        size = ElementTree.fromstring(xml).find("size")
        boxes, names = read_voc_boxes(xml)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a VOC annotation: {error}") from error
    if size is None:
        raise UserError(f"{path} does not say how large the picture is.")
    width, height = (int(float(size.findtext(side, "0"))) for side in ("width", "height"))
    candidates = [f"{name}{suffix}" for suffix in SUFFIXES]
    found = (file for file in candidates if (root / "JPEGImages" / file).is_file())
    return VocImage(next(found, candidates[0]), width, height, boxes, names)


def read_voc_boxes(xml: bytes) -> tuple[NDArray[np.float64], list[str]]:
    """Reads the boxes of one picture.

    Args:
        xml: The content of its annotation file.

    Returns:
        The boxes, float64 of shape (N, 4), xyxy in pixels, and the N class names.
    """
    objects = ElementTree.fromstring(xml).findall("object")
    sides = ("xmin", "ymin", "xmax", "ymax")
    boxes = [[float(item.findtext(f"bndbox/{side}", "nan")) for side in sides] for item in objects]
    names = [item.findtext("name", "") for item in objects]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4), names
