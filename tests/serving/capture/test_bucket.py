"""Captured images go to a real S3 server, whose faults no answer waits for."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from serving.capture import CaptureError
from serving.capture.bucket import CaptureBucket
from serving.capture.images import CapturedImages
from serving.server.app import build_app
from serving.settings import Settings
from serving.storage import Store
from tests.serving.capture.capturing import capturing, outcomes, photo
from tests.serving.command import assert_one_line, run
from tests.serving.running import running
from tests.serving.waiting import wait_until
from tests.storage import Fault, Storage

DAY = 86_400.0


def requests_kept(place: str) -> list[str]:
    names = [each.name for each in Store(place).objects()]
    return sorted(Path(name).stem.rpartition("-")[2] for name in names if name.endswith(".jpg"))


def captured_in(place: str, most_bytes: int = 10**6) -> CapturedImages:
    return CapturedImages(CaptureBucket(place), most_bytes, DAY)


def at(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr("serving.capture.images.time", lambda: now)


def test_an_image_and_its_answer_are_kept(storage: Storage, place: str, bundle_path: Path) -> None:
    with capturing(bundle_path, place) as client:
        answer = client.post("/detect", content=photo(0), headers={"X-Request-ID": "abc"}).json()
        assert client.post("/detect", content=photo(0)).status_code == 200
        wait_until(lambda: outcomes(client) == {"kept": 1, "alike": 1})
    image, found = (each.name for each in Store(place).objects())
    assert (Path(image).stem, Path(image).suffix) == (Path(found).stem, ".jpg")
    content = Store(place).read(found)
    assert content is not None
    assert json.loads(content[0])["detections"] == answer["detections"]


def test_the_oldest_of_all_replicas_make_room(
    storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1e9)
    captured_in(place).add(0, "first", bytes(90), bytes(10))
    Store(place).write("notes.json", bytes(1000))
    here = captured_in(place, most_bytes=250)
    for second in (1, 2):
        at(monkeypatch, 1e9 + second)
        here.add(second, f"r{second}", bytes(90), bytes(10))
    assert requests_kept(place) == ["r1", "r2"]
    assert Store(place).look("notes.json")
    at(monkeypatch, 1e9 + 1.5 + DAY)
    here.drop_oldest()
    assert requests_kept(place) == ["r2"]


def test_what_others_write_is_seen_after_five_minutes(
    storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = captured_in(place), captured_in(place)
    assert not here.has_alike(0)
    there.add(0, "theirs", b"image", b"answer")
    assert not here.has_alike(0)
    monkeypatch.setattr("serving.capture.images.monotonic", lambda: monotonic() + 301)
    assert here.has_alike(0)


def test_replicas_that_write_at_the_same_time_keep_both(
    storage: Storage, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1e9)
    for content in (b"one", b"other"):
        captured_in(place).add(0, "same", content, b"answer")
    assert requests_kept(place) == ["same", "same"]


@pytest.mark.slow
def test_no_answer_waits_for_storage_that_hangs_nor_does_the_end(
    storage: Storage, place: str, bundle_path: Path
) -> None:
    options = ["--bundle", str(bundle_path), "--threads", "1", "--capture-rate", "1"]
    with running(*options, "--capture", place) as server:
        storage.fault = lambda method, path: Fault(delay=30) if method == "PUT" else None
        for seed in range(12):
            assert server.detect(photo(seed)).status_code == 200
        name = 'umop_captured_total{outcome="queue full"}'
        wait_until(lambda: server.metrics().get(name, 0) >= 3)


def test_what_storage_refuses_is_counted_and_said_without_a_key(
    storage: Storage, place: str, bundle_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with capturing(bundle_path, place) as client:
        storage.fault = lambda method, path: Fault(status=403)
        assert client.post("/detect", content=photo(1)).status_code == 200
        wait_until(lambda: outcomes(client) == {"failed": 1})
        storage.fault = lambda method, path: None
        assert client.post("/detect", content=photo(2)).status_code == 200
        wait_until(lambda: outcomes(client) == {"failed": 1, "kept": 1})
    [said] = [each.getMessage() for each in caplog.records if "captured" in each.getMessage()]
    assert "access is denied: 403" in said
    assert "secret" not in said


def test_a_service_starts_where_storage_does_not_answer_yet(
    storage: Storage, place: str, bundle_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage.fault = lambda method, path: Fault(status=503)
    with capturing(bundle_path, place) as client:
        assert "captured images cannot be kept yet" in caplog.text
        storage.fault = lambda method, path: None
        assert client.post("/detect", content=photo(1)).status_code == 200
        wait_until(lambda: outcomes(client) == {"kept": 1})


def test_a_service_starts_where_storage_accepts_and_does_not_answer(
    storage: Storage,
    place: str,
    bundle_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("serving.capture.capture._START_SECONDS", 0.5)
    answers = Event()
    storage.fault = lambda method, path: Fault() if answers.wait(30) else None
    with capturing(bundle_path, place) as client:
        assert f"{place} did not answer within 0.5 s" in caplog.text
        answers.set()
        assert client.post("/detect", content=photo(1)).status_code == 200
        wait_until(lambda: outcomes(client) == {"kept": 1})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/x", "--capture cannot be written: s3://no-such-bucket/x: 404"),
        ("s3://key:hidden@umop/x", "no place for a user or a key"),
        ("https://host/x", "https has no folders"),
        ("az://container/x", "Account must be specified"),
        ("ftp://host/x", "ftp:// is not known here"),
    ],
)
def test_an_address_that_cannot_be_written_is_refused(
    storage: Storage, bundle_path: Path, address: str, said: str
) -> None:
    with pytest.raises(CaptureError, match=said) as refused:
        build_app(Settings.model_validate({"bundle": bundle_path, "capture": address}))
    assert "\n" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_an_address_that_may_not_be_written_is_one_line(
    storage: Storage, place: str, bundle_path: Path
) -> None:
    storage.fault = lambda method, path: Fault(status=403) if method == "PUT" else None
    done = run("--bundle", str(bundle_path), "--port", "0", "--capture", place)
    assert_one_line(done, "--capture cannot be written", place, "access is denied: 403")
