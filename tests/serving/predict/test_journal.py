"""How ``umop predict`` goes on in a folder where results are."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.make_bundle import make_bundle
from tests.serving.predict.conftest import Predict
from tests.serving.predict.printed import labels, results
from tests.serving.waiting import wait_until

SURE = ("--score", "0.95")
JOURNAL = "predictions.jsonl"


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
    umop = [sys.executable, "-m", "umop.cli"]
    command = ["nice", "-n", "5", *umop, *arguments, "--out", "out"]  # it is watched in time
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


@pytest.mark.parametrize("content", ['{"mine": 1}', '{"mine": 1}\n', "\n"])
def test_a_file_of_the_users_own_is_left_alone(
    predict: Predict, folder: Path, content: str
) -> None:
    (folder / "out").mkdir()
    (folder / "out" / JOURNAL).write_text(content)
    code, _, err = predict("images", "--out", "out")
    assert code == 2
    assert err == (
        f"error: out/{JOURNAL} is of something else; name another --out, or delete that file\n"
    )
    assert (folder / "out" / JOURNAL).read_text() == content


def test_a_header_that_was_broken_off_is_written_again(predict: Predict, folder: Path) -> None:
    predict("images", "--out", "out")
    whole = (folder / "out" / JOURNAL).read_bytes()
    header = whole.splitlines()[0]
    for length in (0, 20, len(header)):
        (folder / "out" / JOURNAL).write_bytes(header[:length])
        assert predict("images", "--out", "out")[0] == 0
        assert (folder / "out" / JOURNAL).read_bytes() == whole


def test_two_commands_do_not_write_the_same_folder(predict: Predict, folder: Path) -> None:
    predict("images", "--out", "out")
    with (folder / "out" / JOURNAL).open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        code, _, err = predict("images", "--out", "out")
    assert (code, "another umop predict is writing it" in err) == (2, True)
