"""Pascal VOC's XML of an image."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from serving.schemas.xml import element

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def voc_annotation(
    name: str, size: tuple[int | None, int | None], folder: str = ""
) -> ElementTree.Element:
    """The annotation of an image, without boxes.

    Args:
        name: The image's file.
        size: Its width and height.
        folder: Where it lies, if that is to be said.
    """
    root = ElementTree.Element("annotation")
    if folder:
        element(root, "folder", folder)
    element(root, "filename", name)
    sides = element(root, "size")
    for side, value in zip(("width", "height", "depth"), (*size, 3), strict=True):
        element(sides, side, str(value))
    return root


def voc_object(
    root: ElementTree.Element, label: str, corners: Sequence[float], flags: Sequence[str] = ()
) -> None:
    """Adds a box to an annotation.

    Args:
        root: The annotation.
        label: The box's class.
        corners: x1, y1, x2, y2 in pixels.
        flags: Elements to write as 0, such as ``difficult``.
    """
    item = element(root, "object")
    element(item, "name", label)
    for flag in flags:
        element(item, flag, "0")
    box = element(item, "bndbox")
    for side, value in zip(_CORNERS, corners, strict=True):
        element(box, side, f"{value:.10g}")
