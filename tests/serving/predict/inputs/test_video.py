"""Frames of videos, and videos with boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from serving.predict.inputs import open_inputs
from tests.serving.images import paint
from tests.serving.predict.conftest import Predict
from tests.serving.predict.films import SIZE, film

SURE = ("--score", "0.8")


def lefts(text: str) -> dict[str, list[int]]:
    """Where the squares begin, by the frame's name."""
    return {
        each["name"]: [round(found["box"]["x1"] / 64) for found in each["detections"]]
        for each in json.loads(text)["results"]
    }


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return film(Path("clip.avi"), 7)


def test_every_nth_frame_is_an_image(predict: Predict, clip: Path) -> None:
    code, out, err = predict(clip, "--every", "3", *SURE)
    assert (code, err) == (0, "")
    assert lefts(out) == {f"clip.avi/{number:06d}": [number] for number in (0, 3, 6)}
    video = open_inputs([str(clip)], 3)
    assert video.count() == 3


def test_a_video_is_drawn_and_goes_on_once_it_is_whole(predict: Predict, clip: Path) -> None:
    arguments = (clip, "--every", "2", "--out", "out", "--draw", *SURE)
    assert predict(*arguments)[0] == 0
    assert [path.name for path in Path("out/drawn").iterdir()] == ["clip.avi.mp4"]
    drawn = cv2.VideoCapture("out/drawn/clip.avi.mp4")
    assert drawn.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert drawn.get(cv2.CAP_PROP_FPS) == 5
    _, frame = drawn.read()
    plain = paint(*SIZE, ("red", 0, 128, 64))
    assert (abs(frame[..., ::-1].astype(int) - plain) > 80).sum() > 100
    assert "(4 of them before)" in predict(*arguments)[2]
    Path("out/drawn/clip.avi.mp4").unlink()
    assert "before" not in predict(*arguments)[2]
    assert Path("out/drawn/clip.avi.mp4").exists()


def test_videos_stand_beside_images_in_a_folder(predict: Predict, clip: Path) -> None:
    folder = Path("mixed")
    folder.mkdir()
    for name, frames in (("a.avi", 2), ("b.avi", 1)):
        film(folder / name, frames)
    cv2.imwrite("mixed/c.png", np.zeros((9, 9, 3), np.uint8))
    predict("mixed", "--out", "out", "--draw", *SURE)
    found = lefts(Path("out/predictions.json").read_text())
    assert list(found) == ["a.avi/000000", "a.avi/000001", "b.avi/000000", "c.png"]
    drawn = sorted(path.name for path in Path("out/drawn").iterdir())
    assert drawn == ["a.avi.mp4", "b.avi.mp4", "c.jpg"]


def test_a_video_that_is_none_or_cut_off_fails(predict: Predict, clip: Path) -> None:
    Path("none.mp4").write_bytes(b"no video")
    code, _, err = predict("none.mp4")
    assert (code, err) == (1, "none.mp4: is not a video that can be read\n")
    film(Path("cut.avi"), 200)
    content = Path("cut.avi").read_bytes()
    Path("cut.avi").write_bytes(content[: len(content) // 2])
    code, out, err = predict("cut.avi", "--every", "50", *SURE)
    assert code == 1
    assert lefts(out)["cut.avi/000000"] == [0]
    assert "of its 200 frames can be read" in err


def test_a_frame_that_is_too_large_is_not_decoded(
    predict: Predict, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.predict.inputs.video.MAX_PIXELS", 640 * 512 - 1)
    code, _, err = predict(clip)
    assert (code, err) == (1, "clip.avi: its frames have more than 327679 pixels\n")
