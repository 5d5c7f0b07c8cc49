"""The demo's data, laid out from a wheel with images of the same names."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

from umop.data.public.crowns import TRAIN, VAL, prepare_crowns

VOC = """<annotation><object><name>Tree</name><bndbox><xmin>{}</xmin><ymin>{}</ymin>
<xmax>{}</xmax><ymax>{}</ymax></bndbox></object></annotation>"""


def wheel(folder: Path) -> None:
    """Writes a wheel as DeepForest's: two photographs, one crown on each."""
    pixels = np.random.default_rng(0).integers(0, 255, (300, 240, 3), dtype=np.uint8)
    png = cv2.imencode(".png", pixels)[1].tobytes()
    with ZipFile(folder / "deepforest-2.1.0-py3-none-any.whl", "w") as archive:
        for source in (TRAIN, VAL):
            archive.writestr(f"{source}.png", png)
            archive.writestr(f"{source}.xml", VOC.format(10, 20, 40, 60))


def test_layout(tmp_path: Path) -> None:
    wheel(tmp_path)
    folder = tmp_path / "crowns"
    prepare_crowns(tmp_path, folder)
    for split, tiles in (("train", 36), ("val", 9)):
        annotations = json.loads((folder / f"{split}.json").read_text())
        assert annotations["categories"] == [{"id": 1, "name": "tree"}]
        assert len(annotations["images"]) == tiles
        assert [10, 20, 30, 40] in [box["bbox"] for box in annotations["annotations"]]
        for image in annotations["images"]:
            pixels = cv2.imread(str(folder / split / image["file_name"]))
            assert pixels.shape[:2] == (image["height"], image["width"])
    assert cv2.imread(str(folder / "photo.png")).shape == (300, 240, 3)
