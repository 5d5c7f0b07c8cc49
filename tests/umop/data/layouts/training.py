"""Writers of what detectors are trained from: Pascal VOC, YOLO and COCO JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.umop.data.layouts.writing import BOM, CAT, DOG, TRAIN, VAL, write
from tests.umop.data.samples import HEIGHT, WIDTH, draw


def voc_xml(*objects: tuple[str, Sequence[float]]) -> str:
    boxes = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, (x1, y1, x2, y2) in objects
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    return f"<annotation>{size}{boxes}</annotation>"


def voc(root: Path) -> None:
    draw(root / "JPEGImages" / TRAIN, 1)
    draw(root / "JPEGImages" / VAL, 2)
    write(root / "Annotations" / "first one.xml", voc_xml(("cat", CAT), ("dog", DOG)))
    write(root / "Annotations" / "second.xml", BOM + voc_xml(("dog", DOG)))
    write(root / "ImageSets" / "Main" / "train.txt", "first one\r\n")
    write(root / "ImageSets" / "Main" / "val.txt", "second  1\r\n")


def voc_in_folders(root: Path) -> None:
    for split, name, objects in (
        ("train", TRAIN, [("cat", CAT), ("dog", DOG)]),
        ("valid", VAL, [("dog", DOG)]),
    ):
        draw(root / split / name, len(name))
        write((root / split / name).with_suffix(".xml"), voc_xml(*objects))


def yolo_line(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = box
    centre = (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT
    return f"{label} {centre[0]} {centre[1]} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}\r\n"


def yolo_files(root: Path, folders: tuple[str, str]) -> None:
    for name, folder, lines in (
        (TRAIN, folders[0], yolo_line(0, CAT) + yolo_line(1, DOG)),
        (VAL, folders[1], BOM + yolo_polygon(1, DOG)),
    ):
        draw(root / "images" / folder / name, len(name))
        write(root / "labels" / folder / f"{Path(name).stem}.txt", lines)


def yolo_polygon(label: int, box: Sequence[float]) -> str:
    x1, y1, x2, y2 = np.array(box) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return f"{label} {x1} {y1} {x2} {y1} {x2} {y2} {x1} {y2}\n"


def yolo(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(
        root / "data.yaml",
        BOM + "path: /home/me/data\ntrain: images/train\nval: ../data/images/val\n"
        "names:\n  0: cat\n  1: dog\n",
    )


def yolo_lists(root: Path) -> None:
    yolo_files(root, ("", ""))
    write(root / "train.txt", f"/somewhere/else/images/{TRAIN}\r\n")
    write(root / "val.txt", f"./images/{VAL}\n")
    write(root / "set.yml", "train: train.txt\nval: [val.txt]\nnc: 2\nnames: [cat, dog]\n")


def yolo_without_yaml(root: Path) -> None:
    yolo_files(root, ("train", "val"))
    write(root / "classes.txt", "cat\ndog\n")


def coco_content(names: Sequence[str]) -> str:
    boxes = {TRAIN: [(1, CAT), (2, DOG)], VAL: [(2, DOG)]}
    annotations = [
        {"image_id": i, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1]}
        for i, name in enumerate(names)
        for label, (x1, y1, x2, y2) in boxes[Path(name.replace("\\", "/")).name]
    ]
    return json.dumps(
        {
            "images": [
                {"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT}
                for i, name in enumerate(names)
            ],
            "annotations": [{"id": i, **each} for i, each in enumerate(annotations)],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        }
    )


def coco_like(train: str, train_images: str, val: str, val_images: str) -> Callable:
    def lay(root: Path) -> None:
        for file, folder, name in ((train, train_images, TRAIN), (val, val_images, VAL)):
            draw(root / folder / name, len(name))
            write(root / file, BOM + coco_content([name]))

    return lay
