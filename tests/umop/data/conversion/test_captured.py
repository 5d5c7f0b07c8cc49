"""What a service has captured goes to the labelling tool, and comes back as training data."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.storage import Store
from tests.storage import Storage
from tests.umop.conftest import Umop
from umop.data.recognition import open_data


def capture(folder: Path, name: str, *boxes: tuple[str, float]) -> None:
    """Writes an image and its answer, as the service does."""
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(len(name)).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(folder / f"{name}.jpg")
    found = [
        {
            "label": label,
            "class_id": 0,
            "score": score,
            "box": {"x1": 1, "y1": 2, "x2": 31, "y2": 22},
        }
        for label, score in boxes
    ]
    content = {
        "model": {"name": "pets", "version": "1"},
        "image": {"width": 60, "height": 40},
        "detections": found,
        "timing_ms": {},
        "request_id": name,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "captured"
    capture(folder, "1-sure", ("dog", 0.95))
    capture(folder, "2-unsure", ("dog", 0.9), ("cat", 0.45))
    capture(folder, "3-nothing")
    return folder


def test_the_most_uncertain_come_first(folder: Path, tmp_path: Path, umop: Umop) -> None:
    code, out, err = umop("data", "captured", str(folder), str(tmp_path / "tasks"))
    assert code == 0, err
    assert "3 train, 3 boxes, 2 classes" in out
    tasks = json.loads((tmp_path / "tasks" / "train.json").read_text())
    assert [each["data"]["image"].rpartition("/")[2] for each in tasks] == [
        "2-unsure.jpg",
        "1-sure.jpg",
        "3-nothing.jpg",
    ]
    assert [region["score"] for region in tasks[0]["predictions"][0]["result"]] == [0.9, 0.45]


@pytest.mark.parametrize("to", ["coco", "yolo", "voc", "cvat"])
def test_other_formats_are_read_again(folder: Path, tmp_path: Path, umop: Umop, to: str) -> None:
    code, _, err = umop("data", "captured", str(folder), str(tmp_path / "out"), "--to", to)
    assert code == 0, err
    data = open_data(tmp_path / "out")
    assert sorted(data.classes) == ["cat", "dog"]
    assert len(data.boxes) == 3


def test_what_is_broken_is_left_out_and_said(folder: Path, tmp_path: Path, umop: Umop) -> None:
    (folder / "4-cut.json").write_text('{"image": ')
    (folder / "5-other.json").write_text("[1]")
    code, out, err = umop("data", "captured", str(folder), str(tmp_path / "out"))
    assert code == 0
    assert "2 captured images left out" in err
    assert "3 train" in out


@pytest.mark.parametrize(
    "answer",
    [
        '{"detections": [{"score": 0.4}], "image": {"width": 5}}',
        '{"model": {"name": "pets", "version": "1"}, "image": {"width": 60, "height": 40},'
        ' "detections": [{"class_id": 0, "score": 0.4, "label": "dog"}], "timing_ms": {}}',
        "[" * 100_000,
        " " * 2**24 + "{}",
    ],
    ids=["no-height", "no-box", "nested", "huge"],
)
def test_an_answer_that_lacks_something_is_left_out(
    folder: Path, tmp_path: Path, umop: Umop, answer: str
) -> None:
    (folder / "3-nothing.json").write_text(answer)
    assert_one_is_left_out(folder, tmp_path, umop)


@pytest.mark.parametrize(
    ("of", "said", "instead"),
    [
        ("3-nothing", '"width": 60', '"width": 61'),
        ("1-sure", '"label": "dog"', '"label": " "'),
        ("1-sure", '"label": "dog"', '"label": "d\\u0000g"'),
        ("1-sure", '"x1": 1', '"x1": NaN'),
        ("1-sure", '"x2": 31', '"x2": 1e300'),
    ],
    ids=["another-size", "blank-class", "control-character", "not-a-number", "outside"],
)
def test_an_answer_that_cannot_be_of_its_image_is_left_out(
    folder: Path, tmp_path: Path, umop: Umop, of: str, said: str, instead: str
) -> None:
    answer = folder / f"{of}.json"
    assert said in answer.read_text()
    answer.write_text(answer.read_text().replace(said, instead))
    assert_one_is_left_out(folder, tmp_path, umop)


def test_an_image_that_is_not_there_or_empty_is_left_out(
    folder: Path, tmp_path: Path, umop: Umop
) -> None:
    (folder / "3-nothing.jpg").write_bytes(b"")
    assert_one_is_left_out(folder, tmp_path, umop)
    (folder / "3-nothing.jpg").unlink()
    shutil.rmtree(tmp_path / "out")
    assert_one_is_left_out(folder, tmp_path, umop)


def test_a_pipe_is_left_out(folder: Path, tmp_path: Path, umop: Umop) -> None:
    (folder / "3-nothing.json").unlink()
    os.mkfifo(folder / "3-nothing.json")
    assert_one_is_left_out(folder, tmp_path, umop)


def assert_one_is_left_out(folder: Path, tmp_path: Path, umop: Umop) -> None:
    code, out, err = umop("data", "captured", str(folder), str(tmp_path / "out"))
    assert code == 0, err
    assert "1 captured image left out" in err
    assert "2 train" in out


def test_a_name_that_is_not_utf8_is_one_line(folder: Path, tmp_path: Path, umop: Umop) -> None:
    for suffix in (".jpg", ".json"):
        path = folder / f"3-nothing{suffix}"
        path.rename(folder / os.fsdecode(b"3-\xff" + suffix.encode()))
    out = tmp_path / "out"
    code, _, err = umop("data", "captured", str(folder), str(out), "--to", "cvat")
    assert (code, err) == (2, "error: The name b'3-\\xff.jpg' is not UTF-8. Rename it.\n")
    assert not out.exists()


def test_a_folder_without_captures_is_one_line(tmp_path: Path, umop: Umop) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = umop("data", "captured", str(tmp_path / "empty"), str(tmp_path / "out"))
    assert code == 2
    assert (
        err
        == f"error: {tmp_path / 'empty'} holds no captured images: umop-serve --capture fills it.\n"
    )
    shutil.rmtree(tmp_path / "empty")
    code, _, err = umop("data", "captured", str(tmp_path / "empty"), str(tmp_path / "out"))
    assert (code, err) == (2, f"error: {tmp_path / 'empty'} is not a folder.\n")


@pytest.mark.usefixtures("own_cache")
def test_captured_images_at_an_address_are_fetched(
    storage: Storage, place: str, folder: Path, tmp_path: Path, umop: Umop
) -> None:
    store = Store(place)
    store.write("notes.txt", b"no image")
    code, _, err = umop("data", "captured", place, str(tmp_path / "none"))
    assert code == 2
    assert err.endswith(
        f"error: {place} holds no captured images: umop-serve --capture fills it.\n"
    )
    for path in folder.iterdir():
        store.write(path.name, path.read_bytes())
    code, out, err = umop("data", "captured", place, str(tmp_path / "out"), "--to", "coco")
    assert code == 0, err
    assert "3 train, 3 boxes, 2 classes" in out
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    assert content["images"][0]["file_name"].endswith("2-unsure.jpg")
