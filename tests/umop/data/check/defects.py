"""Data sets with one defect each, and the rule that names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.umop.data.samples import HEIGHT, WIDTH, Coco, coco, draw
from umop.data.check import Report, check
from umop.data.recognition import open_data

Spoil = Callable[[Path, Coco], object]
ORIENTATION = 0x0112


def box(content: Coco, *values: float) -> None:
    content["annotations"][0]["bbox"] = list(values)


def every_box(content: Coco, change: Callable[[list[float]], list[float]]) -> None:
    for each in content["annotations"]:
        each["bbox"] = change(each["bbox"])


def every_second_box(content: Coco, *values: float) -> None:
    for each in content["annotations"][::2]:
        each["bbox"] = list(values)


def every_box_large(content: Coco) -> None:
    """Large boxes, written as two corners."""
    every_box(content, lambda _: [30, 20, 60, 46])


def train(root: Path, number: int = 1) -> Path:
    return root / "train" / f"train {number}.png"


def turned(root: Path, *, sizes_as_stored: bool, orientation: int = 6) -> None:
    """Makes the first image one that EXIF turns; it is stored with WIDTH×HEIGHT."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    draw(train(root), 77, exif=exif)
    if not sizes_as_stored:
        content = json.loads((root / "train.json").read_text())
        content["images"][0].update(width=HEIGHT, height=WIDTH)
        (root / "train.json").write_text(json.dumps(content))


def rename(content: Coco, name: str, extra: bool = False) -> None:
    """Names the first class, or a new one that takes the first box."""
    if extra:
        content["categories"].append({"id": 9, "name": name})
        content["annotations"][0]["category_id"] = 9
    else:
        content["categories"][0]["name"] = name


def copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def val_lists(root: Path, name: str) -> None:
    """Lets the validation data list another image."""
    content = json.loads((root / "val.json").read_text())
    content["images"][0]["file_name"] = name
    (root / "val.json").write_text(json.dumps(content))


def brighter(source: Path, target: Path) -> None:
    with Image.open(source) as image:
        image.point(lambda value: min(255, value + 2)).save(target)


KINDS: dict[str, tuple[str, str, Spoil]] = {
    "missing image": ("image-missing", "train 1.png", lambda root, _: train(root).unlink()),
    "no image": (
        "image-unreadable",
        "train 1.png",
        lambda root, _: train(root).write_bytes(b"text"),
    ),
    "half an image": (
        "image-unreadable",
        "damaged",
        lambda root, _: train(root).write_bytes(train(root).read_bytes()[:900]),
    ),
    "empty file": ("image-empty", "0 bytes", lambda root, _: train(root).write_bytes(b"")),
    "a strip": (
        "image-too-long",
        "101×1",
        lambda root, _: Image.new("RGB", (101, 1)).save(train(root)),
    ),
    "other size": (
        "size-differs",
        "says 128×96, the image has 64×48",
        lambda _, content: content["images"][0].update(width=2 * WIDTH, height=2 * HEIGHT),
    ),
    "swapped sides": (
        "size-swapped",
        "says 48×64",
        lambda _, content: content["images"][0].update(width=HEIGHT, height=WIDTH),
    ),
    "no size": ("size-missing", "no size", lambda _, content: content["images"][0].pop("width")),
    "turned by EXIF": (
        "exif-unrotated",
        "EXIF turns it to 48×64 (orientation 6), the annotation is for 64×48",
        lambda root, _: turned(root, sizes_as_stored=True),
    ),
    "turned by EXIF, half": (
        "exif-unclear",
        "orientation 3",
        lambda root, _: turned(root, sizes_as_stored=True, orientation=3),
    ),
    "outside": (
        "box-outside",
        "annotation 1 (train/train 1.png): 70, 5, 80, 15 in 64×48",
        lambda _, content: box(content, 70, 5, 10, 10),
    ),
    "over the edge": (
        "box-over-edge",
        "6 px over the edge",
        lambda _, content: box(content, 50, 5, 20, 10),
    ),
    "no area": ("box-without-area", "5, 5, 5, 14", lambda _, content: box(content, 5, 5, 0, 9)),
    "negative sides": (
        "box-inverted",
        "30, 30, 20, 20",
        lambda _, content: box(content, 30, 30, -10, -10),
    ),
    "many negative sides": (
        "box-inverted",
        "30, 30, 20, 20",
        lambda _, content: every_second_box(content, 30, 30, -10, -10),
    ),
    "everything": (
        "box-of-everything",
        "100 %",
        lambda _, content: box(content, 0, 0, WIDTH, HEIGHT),
    ),
    "tiny": ("box-tiny", "1×9 px", lambda _, content: box(content, 5, 5, 1, 9)),
    "not a number": (
        "box-not-numbers",
        "nan",
        lambda _, content: box(content, 1, 2, 3, float("nan")),
    ),
    "three numbers": (
        "annotation-numbers",
        "annotation 1",
        lambda _, content: box(content, 1, 2, 3),
    ),
    "the same box twice": (
        "box-twice",
        "annotation 99",
        lambda _, content: content["annotations"].append({**content["annotations"][0], "id": 99}),
    ),
    "normalised": (
        "convention-normalised",
        "0 to 1, not pixels",
        lambda _, content: every_box(
            content, lambda b: [b[0] / WIDTH, b[1] / HEIGHT, b[2] / WIDTH, b[3] / HEIGHT]
        ),
    ),
    "corners for sizes": (
        "convention-corners",
        "30, 20, 60, 46 are two corners",
        lambda _, content: every_box_large(content),
    ),
    "centres for corners": (
        "convention-centre",
        "50, 36, 20, 20 start with the centre",
        lambda _, content: every_box(content, lambda _: [50, 36, 20, 20]),
    ),
    "no box, and half a mask": (
        "annotation-numbers",
        "annotation 1 has no box of 4 numbers, and no mask that gives one",
        lambda _, content: content["annotations"][0].update(bbox=[], segmentation=[[1, 2, 3]]),
    ),
    "unknown category": (
        "category-unknown",
        "id 7",
        lambda _, content: content["annotations"][0].update(category_id=7),
    ),
    "unused category": (
        "category-unused",
        "'bird'",
        lambda _, content: content["categories"].append({"id": 7, "name": "bird"}),
    ),
    "category by case": (
        "category-case",
        "'cat' (21 boxes) and 'Cat ' (1 box)",
        lambda _, content: rename(content, "Cat ", extra=True),
    ),
    "blank category without boxes": (
        "category-blank",
        "one of the classes has no name, and no boxes",
        lambda _, content: content["categories"].append({"id": 7, "name": ""}),
    ),
    "blank category": ("category-blank", "no name", lambda _, content: rename(content, " ")),
    "one letter": ("category-one-letter", "'c' (12 boxes)", lambda _, c: rename(c, "c")),
    "only in training": (
        "category-missing-in-split",
        "'bird' has no box in val, 1 in train",
        lambda _, content: rename(content, "bird", extra=True),
    ),
    "few of a class": (
        "category-few",
        "'bird' has 1 box",
        lambda _, content: rename(content, "bird", extra=True),
    ),
    "two categories of one name": (
        "category-twice",
        "'cat'",
        lambda _, content: rename(content, "cat", extra=True),
    ),
    "image id twice": (
        "image-id-twice",
        "train 1.png and train 2.png both have the id 1",
        lambda _, content: content["images"][1].update(id=1),
    ),
    "annotation id twice": (
        "annotation-id-twice",
        "id 1",
        lambda _, content: content["annotations"][1].update(id=1),
    ),
    "listed twice": (
        "listed-twice",
        "train 1.png",
        lambda _, content: content["images"].append(dict(content["images"][0])),
    ),
    "listed with another id": (
        "file-claimed-twice",
        "train/train 1.png: train.json has it under the ids 1 and 99, two images",
        lambda _, content: content["images"].append(
            {**content["images"][0], "id": 99, "width": WIDTH + 1}
        ),
    ),
    "box of no image": (
        "box-of-no-image",
        "id 99",
        lambda _, content: content["annotations"][0].update(image_id=99),
    ),
    "listed in both": (
        "split-twice-listed",
        "train 1.png in val",
        lambda root, _: val_lists(root, "../train/train 1.png"),
    ),
    "same content in both": (
        "split-same-content",
        "val/val 1.png in val",
        lambda root, _: copy(root / "val" / "val 1.png", train(root)),
    ),
    "alike in both": (
        "split-alike",
        "val/val 1.png (val)",
        lambda root, _: brighter(root / "val" / "val 1.png", train(root)),
    ),
    "same content in one": (
        "image-twice",
        "train/train 1.png",
        lambda root, _: copy(train(root), train(root, 2)),
    ),
    "no boxes in an image": (
        "image-without-boxes",
        "train/train 1.png",
        lambda _, content: content["annotations"].__delitem__(slice(0, 2)),
    ),
    "not listed": (
        "image-unlisted",
        "train/new.png",
        lambda root, _: draw(root / "train" / "new.png", 99),
    ),
    "a list for an image's id": (
        "box-of-no-image",
        "id [1]",
        lambda _, content: content["annotations"][0].update(image_id=[1]),
    ),
    "an object for a category's id": (
        "category-unknown",
        "id {}",
        lambda _, content: content["annotations"][0].update(category_id={}),
    ),
    "a list for an annotation's id": (
        "annotation-numbers",
        "annotation 1 has no box",
        lambda _, content: content["annotations"][0].update(id=[7], bbox=None),
    ),
    "a category without an id": (
        "annotations-unreadable",
        "category [1] has no id",
        lambda _, content: content["categories"].append({"id": [1], "name": "cow"}),
    ),
    "no boxes at all": ("split-empty", "train has no box", lambda _, c: c["annotations"].clear()),
    "broken JSON": (
        "annotations-unreadable",
        "val.json: not COCO JSON",
        lambda root, _: (root / "val.json").write_text("{"),
    ),
}


def spoilt(root: Path, spoil: Spoil) -> Path:
    """Writes a data set with one defect."""
    coco(root)
    content = json.loads((root / "train.json").read_text())
    before = (root / "train.json").read_text()
    spoil(root, content)
    if (root / "train.json").read_text() == before:
        (root / "train.json").write_text(json.dumps(content))
    return root


def found(root: Path) -> Report:
    return check(open_data(root))
