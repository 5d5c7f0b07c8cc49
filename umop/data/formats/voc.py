"""Pascal VOC: ``JPEGImages/``, ``Annotations/`` and the lists in ``ImageSets/Main/``."""

from __future__ import annotations

from pathlib import Path

from serving.shared import text_of, voc_annotation, voc_object
from umop.data.formats.format import Format, Labelled


def _write(target: Path, labelled: Labelled) -> None:
    annotations, lists = target / "Annotations", target / "ImageSets" / "Main"
    for folder in (annotations, lists):
        folder.mkdir(parents=True, exist_ok=True)
    for index, image, name in labelled.images():
        root = voc_annotation(name, (image.width, image.height), "JPEGImages")
        for label, corners, _ in labelled.boxes_of(index):
            voc_object(root, label, corners, ("truncated", "difficult"))
        (annotations / name).with_suffix(".xml").write_text(text_of(root), encoding="utf-8")
    for split in labelled.data.splits():
        names = (f"{Path(name).with_suffix('')}\n" for _, _, name in labelled.images(split))
        (lists / f"{split}.txt").write_text("".join(names), encoding="utf-8")


FORMAT = Format("voc", "Pascal VOC", "JPEGImages", _write)
