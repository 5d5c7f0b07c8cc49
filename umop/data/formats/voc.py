"""Pascal VOC: ``JPEGImages/``, ``Annotations/`` and the lists in ``ImageSets/Main/``."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from serving.shared import element, text_of
from umop.data.dataset import Image
from umop.data.formats.format import Format, Labelled

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def _write(target: Path, labelled: Labelled) -> None:
    annotations, lists = target / "Annotations", target / "ImageSets" / "Main"
    for folder in (annotations, lists):
        folder.mkdir(parents=True, exist_ok=True)
    for index, image, name in labelled.images():
        root = _annotation(image, name)
        for label, corners, _ in labelled.boxes_of(index):
            _add_object(root, label, corners)
        (annotations / name).with_suffix(".xml").write_text(text_of(root), encoding="utf-8")
    for split in labelled.data.splits():
        names = (f"{Path(name).with_suffix('')}\n" for _, _, name in labelled.images(split))
        (lists / f"{split}.txt").write_text("".join(names), encoding="utf-8")


def _annotation(image: Image, name: str) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    element(root, "folder", "JPEGImages")
    element(root, "filename", name)
    size = element(root, "size")
    for side, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        element(size, side, str(value))
    return root


def _add_object(root: ElementTree.Element, label: str, corners: list[float]) -> None:
    item = element(root, "object")
    element(item, "name", label)
    for flag in ("truncated", "difficult"):
        element(item, flag, "0")
    box = element(item, "bndbox")
    for side, value in zip(_CORNERS, corners, strict=True):
        element(box, side, f"{value:.10g}")


FORMAT = Format("voc", "Pascal VOC", "JPEGImages", _write)
