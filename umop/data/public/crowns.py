"""The demo's data: tree crowns on aerial photographs.

Photographs and boxes come from the DeepForest package (MIT), made from aerial surveys of the
National Ecological Observatory Network (NEON).
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from umop.data.coco import LabelledImage, write_coco
from umop.data.layouts.voc import voc_objects
from umop.data.pipeline.tiles import cut
from umop.system.wheels import member

_CLASSES = ("tree",)
_SOURCE = "deepforest/data/2019_YELL_2_"
TRAIN = _SOURCE + "528000_4978000_image_crop2"
VAL = _SOURCE + "541000_4977000_image_crop"


def prepare_crowns(wheels: Path, folder: Path) -> None:
    """Lays out the data set: tiles of two photographs, and COCO annotations.

    One photograph (2299×2472 px, 574 crowns) is for training, the other (1249×1035 px, 279
    crowns) for validation. They are cut into tiles because COCO's metrics count only the 100
    best boxes of an image. The second is also kept whole, as ``photo.png``.

    Windows (``--tiles``) would leave one image to train and one to evaluate on: no interval could
    be drawn from it, and no worst images shown.

    Args:
        wheels: Folder that holds the downloaded wheel of DeepForest.
        folder: Where ``train/``, ``val/``, ``train.json``, ``val.json`` and ``photo.png`` go.
    """
    _prepare_split(wheels, TRAIN, folder, "train", rows=6, columns=6, overlap=120)
    _prepare_split(wheels, VAL, folder, "val", rows=3, columns=3, overlap=0)
    (folder / "photo.png").write_bytes(member(wheels, "deepforest", f"{VAL}.png"))


def _prepare_split(
    wheels: Path, source: str, folder: Path, split: str, rows: int, columns: int, overlap: int
) -> None:
    """Cuts one photograph into the tiles of a split and writes their annotations."""
    encoded = np.frombuffer(member(wheels, "deepforest", f"{source}.png"), np.uint8)
    pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    annotation = ElementTree.fromstring(member(wheels, "deepforest", f"{source}.xml"))
    boxes = np.array([each.corners for each in voc_objects(annotation)], dtype=np.float64)
    (folder / split).mkdir(parents=True, exist_ok=True)
    images = []
    for tile in cut(pixels, boxes, rows, columns, overlap):
        name = f"{tile.left:04d}_{tile.top:04d}.png"
        cv2.imwrite(str(folder / split / name), tile.pixels)
        height, width = tile.pixels.shape[:2]
        labels = np.zeros(len(tile.boxes), np.int64)
        images.append(LabelledImage(name, width, height, tile.boxes, labels))
    write_coco(folder / f"{split}.json", images, _CLASSES)
