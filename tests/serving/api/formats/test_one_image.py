"""The forms of the answer for one image."""

from __future__ import annotations

import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.serving.images import TWO_SQUARES, encode

PNG = encode(TWO_SQUARES)
SURE = {"score_threshold": 0.95}


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_the_annotated_image(client: TestClient, kind: str) -> None:
    response = client.post("/detect", params=SURE, content=PNG, headers={"Accept": f"image/{kind}"})
    assert response.headers["content-type"] == f"image/{kind}"
    drawn = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB")).astype(int)
    assert drawn.shape == TWO_SQUARES.shape
    changed = np.argwhere(np.abs(drawn - TWO_SQUARES).sum(2) > 150)
    inside = ((changed[:, 0] > 90) & (changed[:, 0] < 400)).all()
    assert len(changed) > 300
    assert inside


def test_csv_and_coco(client: TestClient) -> None:
    table = client.post("/detect", params=SURE, content=PNG, headers={"Accept": "text/csv"})
    header, *rows = table.text.split()
    assert header == "image,label,class_id,score,x1,y1,x2,y2"
    assert sorted(row.split(",")[1] for row in rows) == ["blue", "red"]
    coco = client.post("/detect", params={**SURE, "format": "coco"}, content=PNG).json()
    assert coco["images"] == [{"id": 1, "file_name": "image", "width": 640, "height": 512}]
    by_category = {each["category_id"]: each["bbox"] for each in coco["annotations"]}
    assert by_category == {1: [64, 128, 64, 64], 3: [320, 320, 64, 64]}
    assert coco["categories"][0] == {"id": 1, "name": "red"}
