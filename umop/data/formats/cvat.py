"""CVAT for images 1.1: ``annotations.xml`` for all images."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from serving.shared import element, text_of
from umop.data.formats.format import Format, Labelled

_CORNERS = ("xtl", "ytl", "xbr", "ybr")


def _write(target: Path, labelled: Labelled) -> None:
    root = ElementTree.Element("annotations")
    element(root, "version", "1.1")
    labels = element(element(element(root, "meta"), "task"), "labels")
    for name in labelled.data.classes:
        element(element(labels, "label"), "name", name)
    source = "manual" if labelled.scores is None else "auto"
    for index, image, name in labelled.images():
        sides = {"width": str(image.width), "height": str(image.height)}
        item = element(root, "image", id=str(index), name=name, subset=str(image.split), **sides)
        for label, corners, _ in labelled.boxes_of(index):
            texts = (f"{value:.10g}" for value in corners)
            places = dict(zip(_CORNERS, texts, strict=True))
            element(item, "box", label=label, source=source, occluded="0", z_order="0", **places)
    (target / "annotations.xml").write_text(text_of(root), encoding="utf-8")


FORMAT = Format("cvat", "CVAT for images", "images", _write)
