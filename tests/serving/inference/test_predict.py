"""``Detector.predict``: any image from Python, the same boxes as ``POST /detect``."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

from serving.bundle import BundleError
from serving.inference.decoding import ImageError, UnsupportedImageError
from serving.inference.detector import Detector
from serving.inference.prediction import Prediction
from serving.schemas.options import Options, UnknownClassError
from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode, paint

JPEG = encode(TWO_SQUARES, "JPEG", quality=90)
PNG = encode(TWO_SQUARES)
SURE: Options = {"score_threshold": 0.95}


@pytest.fixture(scope="module")
def model(bundle_path: Path) -> Detector:
    return Detector.load(bundle_path, threads=1)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "squares.png"
    path.write_bytes(PNG)
    return path


def squares(found: Prediction) -> dict[str, list[float]]:
    return dict(zip(found.labels, found.boxes.tolist(), strict=True))


def test_a_path_bytes_a_pillow_image_and_pixels_get_the_same(model: Detector, photo: Path) -> None:
    encoded = (PNG, bytearray(PNG), memoryview(PNG))
    for source in (photo, str(photo), *encoded, Image.open(photo), TWO_SQUARES):
        found = model.predict(source, **SURE)
        assert squares(found) == TWO_BOXES
        assert (found.boxes.dtype, found.boxes.shape) == (np.float32, (2, 4))
        assert found.scores.tolist() == pytest.approx([1, 1])
        assert len(found) == 2


@pytest.mark.parametrize("image", [PNG, JPEG])
def test_it_finds_what_the_service_finds(model: Detector, client: TestClient, image: bytes) -> None:
    """With a low threshold, for faint and overlapping boxes to count."""
    answer = client.post("/detect", params={"score_threshold": 0.01}, content=image).json()
    found = model.predict(image, score_threshold=0.01)
    assert len(answer["detections"]) > 2
    assert {**found.to_dict(), "timing_ms": answer["timing_ms"]} == answer
    coco = client.post("/detect", params={"score_threshold": 0.01, "format": "coco"}, content=image)
    assert found.to_coco()["annotations"] == coco.json()["annotations"]
    drawn = client.post(
        "/detect", params={"score_threshold": 0.01}, content=image, headers={"Accept": "image/png"}
    )
    assert np.array_equal(
        np.asarray(found.plot()), np.asarray(Image.open(io.BytesIO(drawn.content)))
    )


def test_a_tensor_is_an_image(model: Detector) -> None:
    tensor: Any = torch.from_numpy(TWO_SQUARES.copy())
    assert squares(model.predict(tensor, **SURE)) == TWO_BOXES
    assert [len(each) for each in model.predict(torch.stack([tensor] * 2), **SURE)] == [2, 2]
    with pytest.raises(ImageError, match=r"not uint8 of shape \(3, 512, 640\)"):
        model.predict(tensor.permute(2, 0, 1))


def test_several_images_may_be_a_set(model: Detector, photo: Path) -> None:
    sources: set[str | Path] = {str(photo), photo}
    assert [squares(found) for found in model.predict(sources, **SURE)] == [TWO_BOXES] * 2


def test_a_number_of_numpys_is_one(model: Detector) -> None:
    side: Any = np.int64(320)
    few = model.predict(TWO_SQUARES, tiles=side, **SURE)
    assert few.labels == model.predict(TWO_SQUARES, tiles=320, **SURE).labels


def test_an_image_that_lies_on_its_side_is_turned(model: Detector, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.fromarray(np.rot90(TWO_SQUARES).copy()).save(path, quality=95, exif=exif)
    as_file, as_image = model.predict(path), model.predict(Image.open(path))
    assert (as_file.size.width, as_file.size.height) == (640, 512)
    assert as_file.boxes.tolist() == as_image.boxes.tolist()
    assert np.array_equal(as_file.plot(), as_image.plot())


def test_several_images_and_a_folder_are_read_one_by_one(model: Detector, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    for name in ("b.png", "inside/c.jpg"):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / "notes.txt").write_text("no image")
    found = model.predict(tmp_path, classes=["red"], **SURE)
    assert iter(found) is found
    (tmp_path / "inside" / "c.jpg").write_bytes(b"damaged since")
    first = next(found)
    assert (first.source.name, first.labels) == (str(tmp_path / "b.png"), ["red"])
    with pytest.raises(UnsupportedImageError, match=r"c\.jpg: not a JPEG"):
        next(found)
    assert [len(each) for each in model.predict([TWO_SQUARES, paint(64, 64), PNG], **SURE)] == [
        2,
        0,
        2,
    ]


def test_a_result_is_drawn_and_saved_by_its_name(
    model: Detector, photo: Path, tmp_path: Path
) -> None:
    found = model.predict(photo, **SURE)
    assert repr(found) == f"<Prediction: {photo}, 1 red, 1 blue>"
    assert repr(model.predict(paint(64, 64))) == "<Prediction: image, nothing found>"
    for name, format in (("boxes.jpg", "JPEG"), ("boxes.PNG", "PNG")):
        with Image.open(found.save(tmp_path / name)) as saved:
            assert (saved.format, saved.size) == (format, (640, 512))
    with pytest.raises(ValueError, match=r"boxes\.gif: name it \.jpg or \.png"):
        found.save(tmp_path / "boxes.gif")


def test_a_run_and_its_folder_stand_for_the_bundle_in_it(bundle_path: Path, tmp_path: Path) -> None:
    run = tmp_path / "cells"
    run.mkdir()
    (run / "config.py").touch()
    with pytest.raises(BundleError, match=r"cells\.bundle: no such bundle; umop export RUN"):
        Detector.load(run)
    shutil.copytree(bundle_path, run / "cells.bundle")
    assert squares(Detector.load(run).predict(TWO_SQUARES, **SURE)) == TWO_BOXES


@pytest.mark.parametrize(
    ("source", "options", "kind", "message"),
    [
        (b"text", {}, UnsupportedImageError, "image: not a JPEG, PNG"),
        (TWO_SQUARES / 255, {}, ImageError, "image: pixels must be RGB: uint8 of shape"),
        (TWO_SQUARES[..., 0], {}, ImageError, r"not uint8 of shape \(512, 640\)"),
        ("none.jpg", {}, FileNotFoundError, "none.jpg"),
        (TWO_SQUARES, {"classes": ["pink"]}, UnknownClassError, "the model has no class 'pink'"),
        (TWO_SQUARES, {"score_threshold": 2}, ValueError, "score_threshold: Input should be less"),
        (5, {}, ImageError, "must be a path, an encoded image, .* or several of these, not int"),
        ("", {}, ImageError, "the path of the image is empty"),
        (Image.new("RGB", (0, 5)), {}, ImageError, r"not uint8 of shape \(5, 0, 3\)"),
        (io.BytesIO(PNG), {}, ImageError, "or several of these, not BytesIO"),
        (TWO_SQUARES, {"threshold": 0.5}, ValueError, "threshold: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_said_in_a_line(
    model: Detector, source: Any, options: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        model.predict(source, **options)
    assert "\n" not in str(raised.value)


def test_what_an_image_in_a_list_may_be_is_said_in_a_line(model: Detector) -> None:
    with pytest.raises(ImageError, match=r"^image: must be a path, .* of these, not list$"):
        list(model.predict([[1, [2]]]))


def test_an_empty_path_is_neither_a_bundle_nor_no_key(bundle_path: Path) -> None:
    with pytest.raises(BundleError, match=r"^the path of the bundle is empty$"):
        Detector.load("")
    with pytest.raises(BundleError, match="the public key cannot be read"):
        Detector.load(bundle_path, verify_key="")


@pytest.mark.parametrize("threads", ["a", -1, 1.5, True, None, 10**9])
def test_threads_are_a_whole_number(bundle_path: Path, threads: Any) -> None:
    with pytest.raises(
        ValueError, match=f"^threads: {threads!r} is not a whole number from 0 to 1024$"
    ):
        Detector.load(bundle_path, threads=threads)


def test_an_empty_folder_is_a_mistake(model: Detector, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no images"):
        model.predict(tmp_path)


def test_supervision_gets_the_same_boxes(model: Detector) -> None:
    supervision = pytest.importorskip("supervision")
    found = model.predict(TWO_SQUARES, **SURE)
    converted = found.to_supervision()
    assert isinstance(converted, supervision.Detections)
    assert converted.xyxy.tolist() == found.boxes.tolist()
    assert converted.confidence.tolist() == found.scores.tolist()
    assert converted["class_name"].tolist() == found.labels == ["red", "blue"]
    assert len(model.predict(paint(64, 64)).to_supervision()) == 0


def test_a_missing_package_is_named(model: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "supervision", None)
    with pytest.raises(ImportError, match="needs the package supervision: pip install supervision"):
        model.predict(TWO_SQUARES).to_supervision()
