"""``umop predict``: what it finds and writes, and how it goes on."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from serving.inference.detector import Detector
from tests.serving.images import SMALL_BOXES, SMALL_SQUARES, TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.predict.conftest import Predict
from tests.serving.waiting import wait_until

SURE = ("--score", "0.95")
JOURNAL = "predictions.jsonl"


def results(text: str) -> dict[str, list[dict[str, Any]]]:
    """What was found, by the image's name."""
    return {each["name"]: each["detections"] for each in json.loads(text)["results"]}


def labels(text: str) -> dict[str, list[str]]:
    return {name: [each["label"] for each in found] for name, found in results(text).items()}


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


def test_a_broken_image_is_a_line_at_the_end_and_is_tried_again(
    predict: Predict, folder: Path
) -> None:
    broken = folder / "images" / "broken.png"
    broken.write_bytes(encode(TWO_SQUARES)[:2000])
    arguments = ("images", "--out", "out", *SURE)
    code, _, err = predict(*arguments)
    assert code == 1
    assert err.splitlines()[0].startswith("broken.png: ")
    assert err.splitlines()[1] == "2 of 3 images: out/predictions.json"
    assert predict("images", *SURE)[0] == 1
    broken.write_bytes(encode(paint(99, 99)))
    code, _, err = predict(*arguments)
    assert (code, err) == (0, "3 of 3 images (2 of them before): out/predictions.json\n")
    written = (folder / "out" / "predictions.json").read_text()
    assert list(results(written)) == ["broken.png", "inside/none.jpg", "two.png"]


def test_only_what_changed_is_looked_at_again(predict: Predict, folder: Path) -> None:
    arguments = ("images", "--out", "out", "--draw", *SURE)
    predict(*arguments)
    (folder / "images" / "two.png").write_bytes(encode(paint(640, 512, ("green", 96, 96, 64))))
    (folder / "out" / "drawn" / "inside" / "none.jpg").unlink()
    assert "(0 of them" not in predict(*arguments)[2]
    assert "(2 of them before)" in predict(*arguments)[2]
    assert labels((folder / "out" / "predictions.json").read_text())["two.png"] == ["green"]
    assert (folder / "out" / "drawn" / "inside" / "none.jpg").exists()
    assert len((folder / "out" / JOURNAL).read_text().splitlines()) == 1 + 2 + 2
    predict("images", "--out", "out", "--format", "csv", *SURE)
    assert "two.png,green" in (folder / "out" / "predictions.csv").read_text()
    assert len((folder / "out" / JOURNAL).read_text().splitlines()) == 1 + 2 + 2


def test_what_was_deleted_is_made_again(predict: Predict, folder: Path) -> None:
    arguments = ("images", "--out", "out", "--crop", "--format", "yolo", *SURE)
    predict(*arguments)
    for path in ("crops/red/two-0.jpg", "labels/two.txt"):
        (folder / "out" / path).unlink()
    assert "(1 of them before)" in predict(*arguments)[2]
    assert (folder / "out" / "crops" / "red" / "two-0.jpg").exists()
    assert (folder / "out" / "labels" / "two.txt").exists()
    assert "(2 of them before)" in predict(*arguments)[2]


def test_what_is_left_of_images_and_boxes_that_are_gone_is_said(
    predict: Predict, folder: Path
) -> None:
    arguments = ("images", "--out", "out", "--crop", "--draw", "--format", "voc", *SURE)
    assert predict(*arguments)[2] == "2 of 2 images: out\n"
    (folder / "images" / "inside" / "none.jpg").unlink()
    (folder / "images" / "two.png").write_bytes(encode(paint(640, 512, ("red", 96, 96, 64))))
    code, _, err = predict(*arguments)
    assert code == 0
    assert err.splitlines()[1] == (
        "3 files of images or boxes that were not found this time: out/drawn/inside/none.jpg, …"
    )
    (folder / "out" / "drawn" / "inside" / "none.jpg").unlink()
    (folder / "out" / "Annotations" / "inside" / "none.xml").unlink()
    assert predict(*arguments)[2].splitlines()[1] == (
        "1 file of images or boxes that were not found this time: out/crops/blue/two-1.jpg"
    )


def is_written(journal: Path, lines: int) -> bool:
    return journal.exists() and len(journal.read_bytes().splitlines()) >= lines


@pytest.mark.slow
def test_killed_and_started_again_it_goes_on(
    predict: Predict, slow_bundle_path: Path, folder: Path
) -> None:
    for number in range(80):
        image = paint(640, 512, ("red", 24 * (number % 24), 64, 64))
        (folder / "images" / f"{number}.png").write_bytes(encode(image))
    arguments = ["predict", str(slow_bundle_path), "images", "--draw", *SURE]
    command = [sys.executable, "-m", "umop.cli", *arguments, "--out", "out"]
    journal = folder / "out" / JOURNAL
    for lines, number, code in ((2, signal.SIGINT, 130), (6, signal.SIGKILL, -signal.SIGKILL)):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            wait_until(partial(is_written, journal, lines))
            process.send_signal(number)
            assert process.wait(100) == code
            assert process.stderr
            note = process.stderr.read()
        assert note == ("Stopped; the same command goes on in out.\n" if code == 130 else "")
    with journal.open("ab") as file:
        file.write(b'{"name": "torn')
    before = len(journal.read_bytes().splitlines()) - 2
    assert 0 < before < 82
    code, _, err = predict(*arguments[2:], "--out", "out", model=slow_bundle_path)
    assert code == 0
    assert f"82 of 82 images ({before} of them before)" in err
    predict(*arguments[2:], "--out", "whole", model=slow_bundle_path)
    for name in ("predictions.json", "drawn/7.jpg", "drawn/39.jpg"):
        assert (folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert len(list(Path("out/drawn").rglob("*"))) == len(list(Path("whole/drawn").rglob("*")))


def test_results_of_another_model_or_of_other_options_are_left_alone(
    predict: Predict, folder: Path
) -> None:
    predict("images", "--out", "out", *SURE)
    other = make_bundle(folder / "other.bundle", version="2")
    for arguments, model, what in (
        (("--score", "0.5"), None, "other options (score_threshold 0.95, not 0.5)"),
        (SURE, other, "another model: squares 1"),
    ):
        options = {} if model is None else {"model": model}
        code, _, err = predict("images", "--out", "out", *arguments, **options)  # type: ignore[arg-type]
        assert (code, err.count("\n")) == (2, 1)
        assert f"out/{JOURNAL} is of {what}; name another --out" in err


def test_a_start_without_images_leaves_the_folder_to_other_options(
    predict: Predict, folder: Path
) -> None:
    (folder / "none").mkdir()
    for score in ("0.5", "0.9"):
        code, _, err = predict("none", "--out", "out", "--score", score)
        assert (code, err) == (2, "error: there is no image in none\n")


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


def test_two_commands_do_not_write_the_same_folder(predict: Predict, folder: Path) -> None:
    predict("images", "--out", "out")
    with (folder / "out" / JOURNAL).open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        code, _, err = predict("images", "--out", "out")
    assert (code, "another umop predict is writing it" in err) == (2, True)


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


def test_tiles_of_no_size_are_one_line(predict: Predict, folder: Path) -> None:
    code, _, err = predict("images", "--tiles", "5")
    assert (code, err) == (2, "error: --tiles must be auto, off, or pixels from 64 to 8192.\n")
