"""``umop predict``: what it finds and writes, and how it goes on."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from serving.inference.detector import Detector
from tests.serving.images import SMALL_BOXES, SMALL_SQUARES, TWO_SQUARES, encode, paint
from tests.serving.predict.conftest import Predict
from tests.serving.predict.printed import labels, results
from umop.cli.predict import predict as command
from umop.system.errors import UserError

SURE = ("--score", "0.95")
JOURNAL = "predictions.jsonl"


@pytest.mark.parametrize("image", [encode(TWO_SQUARES), encode(TWO_SQUARES, "JPEG", quality=80)])
def test_it_finds_what_the_service_and_python_find_to_the_bit(
    predict: Predict, client: TestClient, bundle_path: Path, tmp_path: Path, image: bytes
) -> None:
    """With a low threshold, for faint and overlapping boxes to count."""
    (tmp_path / "image").write_bytes(image)
    code, out, err = predict(tmp_path / "image", "--score", "0.01")
    assert (code, err) == (0, "")
    answer = client.post("/detect", params={"score_threshold": 0.01}, content=image).json()
    python = Detector.load(bundle_path).predict(image, score_threshold=0.01).to_dict()
    assert len(answer["detections"]) > 2
    assert json.loads(out)["model"] == answer["model"] == python["model"]
    [found] = json.loads(out)["results"]
    assert found["image"] == answer["image"] == python["image"]
    assert found["detections"] == answer["detections"] == python["detections"]


def test_a_folder_is_searched_and_everything_is_written(predict: Predict, folder: Path) -> None:
    code, out, err = predict("images", "--out", "out", "--draw", "--crop", *SURE)
    assert (code, out) == (0, "")
    assert err == "2 of 2 images: out/predictions.json\n"
    written = (folder / "out" / "predictions.json").read_text()
    assert labels(written) == {"inside/none.jpg": [], "two.png": ["red", "blue"]}
    files = sorted(path.relative_to("out") for path in Path("out").rglob("*") if path.is_file())
    assert list(map(str, files)) == [
        *("crops/blue/two-1.jpg", "crops/red/two-0.jpg"),
        *("drawn/inside/none.jpg", "drawn/two.jpg", "predictions.json", JOURNAL),
    ]
    assert Image.open("out/crops/red/two-0.jpg").size == (64, 64)
    drawn = np.asarray(Image.open("out/drawn/two.jpg"), int)
    assert (abs(drawn - TWO_SQUARES) > 80).any()


def test_options_choose_what_is_reported(predict: Predict, folder: Path) -> None:
    only = predict("images", "--class", "blue", "--class", "green", *SURE)[1]
    assert labels(only)["two.png"] == ["blue"]
    assert len(results(predict("images", "--max-detections", "1")[1])["two.png"]) == 1


def test_small_objects_of_a_large_image_are_found(
    predict: Predict, folder: Path, tiled_bundle_path: Path
) -> None:
    (folder / "large.png").write_bytes(encode(SMALL_SQUARES))

    def found(*options: str, score: str = "0.95") -> list[list[Any]]:
        code, out, err = predict("large.png", "--score", score, *options, model=tiled_bundle_path)
        assert (code, err) == (0, "")
        [detections] = results(out).values()
        return sorted([each["label"], *each["box"].values()] for each in detections)

    assert found() == found("--tiles", "auto") == SMALL_BOXES
    assert found("--tiles", "off") == []
    assert len(found("--tiles", "336", score="0.5")) >= len(SMALL_BOXES)
    code, _, err = predict("large.png", "--tiles", "some", model=tiled_bundle_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "must be auto, off, or pixels from 64 to 8192" in err


def test_a_running_service_can_be_the_model(predict: Predict, server: str, folder: Path) -> None:
    here, there = predict("images", *SURE), predict("images", *SURE, model=server)
    assert here == there
    code, _, err = predict("images", model="http://127.0.0.1:9")
    assert (code, err.count("\n")) == (2, 1)
    assert "http://127.0.0.1:9 cannot be reached" in err


@pytest.mark.parametrize(
    ("paths", "error"),
    [
        (["images", "--out", "images"], "images has the images: name another folder with --out"),
        ([""], "one of the paths is empty"),
    ],
)
def test_what_would_look_at_the_wrong_files_is_refused(
    predict: Predict, folder: Path, paths: list[str], error: str
) -> None:
    code, _, err = predict(*paths)
    assert (code, err) == (2, f"error: {error}\n")


def test_images_that_would_share_their_files_get_others(predict: Predict, folder: Path) -> None:
    (folder / "images" / "two.jpg").write_bytes(encode(paint(50, 40), "JPEG"))
    (folder / "two.png").write_bytes(encode(paint(60, 40)))
    os.chdir("images")
    code, *_ = predict("two.png", "two.jpg", "../two.png", "two.png", "--out", "out", "--draw")
    assert code == 0
    sizes = {path.name: Image.open(path).size for path in Path("out/drawn").iterdir()}
    assert sizes == {"two.jpg": (640, 512), "two_jpg.jpg": (50, 40), "two_png.jpg": (60, 40)}


def test_its_own_drawings_are_not_searched(predict: Predict, folder: Path) -> None:
    for _ in range(2):
        predict(".", "--out", "out", "--draw")
    found = results((folder / "out" / "predictions.json").read_text())
    assert set(found) == {"images/two.png", "images/inside/none.jpg"}


def test_the_table_is_that_of_the_service(
    predict: Predict, client: TestClient, folder: Path
) -> None:
    image = folder / "images" / "two.png"
    files = {"file": ("two.png", image.read_bytes())}
    answer = client.post("/detect", files=files, headers={"Accept": "text/csv"})
    _, out, _ = predict(image, "--format", "csv")
    assert list(csv.reader(out.splitlines())) == list(csv.reader(answer.text.splitlines()))
    coco = client.post("/detect?format=coco", files=files)
    assert json.loads(predict(image, "--format", "coco")[1]) == coco.json()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png"], "nowhere.png: no such file or folder"),
        (["*.tiff"], "*.tiff: no such file or folder"),
        (["images", "--format", "yolo"], "--format yolo writes files: name a folder"),
        (["images", "--draw"], "--draw writes files: name a folder for them with --out"),
        (["images", "--format", "xml"], "must be one of json, csv, coco, yolo, voc, labelstudio"),
        (["images", "--class", "pink"], "the model has no class 'pink'"),
        (["images/empty"], "there is no image in images/empty"),
        (["images", "--engine", "openvino", "--verify-key", "no.pem"], "no.pem"),
    ],
)
def test_a_mistake_is_one_line(
    predict: Predict, folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "images" / "empty").mkdir()
    code, out, err = predict(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_run_is_known_by_its_name(predict: Predict, bundle_path: Path, folder: Path) -> None:
    code, _, err = predict("images", model="cells")
    assert (code, err.count("\n")) == (2, 1)
    assert "runs/cells: no such bundle" in err
    (folder / "cells").mkdir()
    (folder / "runs" / "cells").mkdir(parents=True)
    (folder / "runs" / "cells" / "config.py").touch()
    shutil.copytree(bundle_path, folder / "runs" / "cells" / "cells.bundle")
    assert predict("images", *SURE, model="cells") == predict("images", *SURE)


def test_a_folder_that_cannot_be_written_is_one_line(predict: Predict, folder: Path) -> None:
    (folder / "file").write_text("")
    code, _, err = predict("images", "--out", "file")
    assert (code, err.count("\n")) == (2, 1)
    assert "file is no folder" in err


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("/proc/x", "No such file or directory"),
        ("/proc", "No such file or directory"),
        ("x" * 300, "File name too long"),
        ("loop/x", "Too many levels of symbolic links"),
        ("taken", "Is a directory"),
    ],
)
def test_a_folder_that_cannot_be_made_is_one_line(
    predict: Predict, folder: Path, out: str, reason: str
) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "taken" / JOURNAL).mkdir(parents=True)
    code, printed, err = predict("images/two.png", "--out", out)
    assert (code, printed) == (2, "")
    assert err == f"error: {out}/{JOURNAL} cannot be written: {reason}; name another --out\n"


@pytest.mark.parametrize("out", ["x" * 300, "loop"])
def test_a_folder_that_cannot_be_told_from_that_of_the_images_is_one_line(
    predict: Predict, folder: Path, out: str
) -> None:
    (folder / "loop").symlink_to("loop")
    code, _, err = predict("images", "--out", out)
    assert (code, err.count("\n")) == (2, 1)


def test_a_path_that_is_too_long_is_one_line(predict: Predict, folder: Path) -> None:
    code, _, err = predict("x" * 300)
    assert code == 2
    assert err == f"error: {'x' * 300} cannot be read or written: File name too long.\n"


@pytest.mark.parametrize("tiles", ["5", "0000000640", "9" * 5000])
def test_tiles_of_no_size_are_one_line(predict: Predict, folder: Path, tiles: str) -> None:
    code, _, err = predict("images", "--tiles", tiles)
    assert (code, err) == (2, "error: --tiles must be auto, off, or pixels from 64 to 8192.\n")


def test_an_option_is_named_as_it_is_typed() -> None:
    """Also where the command line's own bounds let a number pass, and beside a second mistake."""
    with pytest.raises(UserError, match=r"^--score must be .* to 0\.$"):
        command("a.bundle", ["a.png"], score=-1.0, tiles="5")
    with pytest.raises(UserError, match=r"^--max-detections must be"):
        command("a.bundle", ["a.png"], max_detections=0)
