"""Images of some requests are kept with what was found in them, and no answer waits for it."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Event

import pytest
from PIL import Image

from serving.settings import Settings
from tests.serving.capture.capturing import capturing, outcomes, photo
from tests.serving.command import assert_one_line, run
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.waiting import wait_until

EMPTY = paint(640, 512)


def test_an_image_is_kept_upright_with_its_answer(bundle_path: Path, tmp_path: Path) -> None:
    with capturing(bundle_path, tmp_path / "new") as client:
        answer = client.post("/detect", content=photo(0), headers={"X-Request-ID": "abc"}).json()
        wait_until(lambda: outcomes(client) == {"kept": 1})
    [image] = (tmp_path / "new").glob("*-abc.jpg")
    with Image.open(image) as kept:
        assert kept.size == (120, 160)
        assert (dict(kept.getexif()), kept.info.get("comment")) == ({}, None)
    content = json.loads(image.with_suffix(".json").read_text())
    assert content["request_id"] == "abc"
    assert {"model", "image", "detections", "time"} <= content.keys()
    assert content["detections"] == answer["detections"]


def test_what_looks_alike_is_kept_once(bundle_path: Path, tmp_path: Path) -> None:
    with capturing(bundle_path, tmp_path) as client:
        for seed in (1, 1, 2):
            assert client.post("/detect", content=photo(seed)).status_code == 200
        wait_until(lambda: outcomes(client) == {"kept": 2, "alike": 1})


def test_only_uncertain_images_are_kept_where_the_rate_is_0(
    bundle_path: Path, tmp_path: Path
) -> None:
    with capturing(bundle_path, tmp_path, capture_rate=0, capture_below=0.999) as client:
        assert client.post("/detect", content=encode(EMPTY)).json()["detections"] == []
        found = client.post("/detect", content=encode(TWO_SQUARES)).json()["detections"]
        assert min(each["score"] for each in found) < 0.999
        wait_until(lambda: outcomes(client) == {"kept": 1})


def test_no_answer_waits_for_a_disk_that_hangs(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()
    monkeypatch.setattr(
        "serving.capture.folder.CaptureFolder.write", lambda *_: released.wait(60) and None
    )
    with capturing(bundle_path, tmp_path) as client:
        for seed in range(12):
            assert client.post("/detect", content=photo(seed)).status_code == 200
        wait_until(lambda: outcomes(client).get("queue full", 0) >= 3)
        released.set()


def test_an_image_that_is_taken_while_the_service_ends_is_no_error(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Taken(Queue[object]):
        """Its last image is taken between the look for one and the call that gets it."""

        def empty(self) -> bool:
            return False

    monkeypatch.setattr("serving.capture.capture.Queue", Taken)
    with capturing(bundle_path, tmp_path) as client:
        assert client.get("/healthz").status_code == 200


def test_a_full_disk_is_counted(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.capture.folder.CaptureFolder.write", full)
    with capturing(bundle_path, tmp_path) as client:
        assert client.post("/detect", content=photo(4)).status_code == 200
        wait_until(lambda: outcomes(client) == {"failed": 1})


def test_a_fault_that_nobody_expects_is_counted_and_others_are_kept(
    bundle_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    with capturing(bundle_path, tmp_path) as client:
        with monkeypatch.context() as patch:
            patch.setattr("serving.capture.folder.CaptureFolder.write", fault)
            assert client.post("/detect", content=photo(6)).status_code == 200
            wait_until(lambda: outcomes(client) == {"failed": 1})
        assert client.post("/detect", content=photo(7)).status_code == 200
        wait_until(lambda: outcomes(client) == {"failed": 1, "kept": 1})
    assert "an image could not be captured\nTraceback" in caplog.text


def test_a_fault_while_old_images_are_deleted_does_not_end_it(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("serving.capture.capture.CapturedImages.drop_oldest", fault)
    with capturing(bundle_path, tmp_path) as client:
        assert client.post("/detect", content=photo(8)).status_code == 200
        wait_until(lambda: outcomes(client) == {"failed": 1})


def test_a_service_of_less_priority_captures_with_no_more(
    bundle_path: Path, tmp_path: Path
) -> None:
    def captured() -> list[int]:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
        with capturing(bundle_path, tmp_path) as client:
            assert client.post("/detect", content=photo(9)).status_code == 200
            wait_until(lambda: outcomes(client) == {"kept": 1})
            ids = [each.native_id for each in threading.enumerate() if each.name == "capture"]
            return [os.getpriority(os.PRIO_PROCESS, each) for each in ids if each]

    with ThreadPoolExecutor(1) as pool:  # a thread's priority is its own
        assert pool.submit(captured).result() == [15]


def test_an_image_larger_than_all_may_be_is_counted(bundle_path: Path, tmp_path: Path) -> None:
    with capturing(bundle_path, tmp_path, capture_bytes=1000) as client:
        assert client.post("/detect", content=photo(5)).status_code == 200
        wait_until(lambda: outcomes(client) == {"too large": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_one_line(bundle_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("--bundle", str(bundle_path), "--port", "0", "--capture", str(tmp_path / "file"))
    assert_one_line(done, "--capture", "file cannot be written")


@pytest.mark.parametrize("what", ["rate", "below", "bytes", "days"])
def test_what_is_captured_needs_a_place(bundle_path: Path, what: str) -> None:
    done = run("--bundle", str(bundle_path), f"--capture-{what}", "1")
    assert_one_line(done, f"capture_{what}", "captured images need a place: --capture")


def test_a_rate_of_0_captures_nothing_and_needs_no_place() -> None:
    assert Settings(capture_rate=0).capture is None
