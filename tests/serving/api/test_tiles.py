"""Windows of large images: every way to ask for them, and what they cost others."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from serving.backends.embedded import EmbeddedBackend, Resources
from serving.bundle import Bundle, BundleError
from serving.inference import decoding
from serving.inference.detector import Detector
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.server.app import build_app
from serving.settings import Settings
from serving.torchserve.archive import WorkerOptions, write_archive
from serving.torchserve.handler import DetectionHandler
from tests.serving.images import (
    SMALL_BOXES,
    SMALL_SQUARES,
    encode,
    paint,
)
from tests.serving.make_bundle import make_bundle
from tests.serving.torchserve.contexts import context_of
from tests.serving.waiting import wait_until

PNG = encode(SMALL_SQUARES)
SURE = {"score_threshold": 0.95}


@pytest.fixture(scope="module")
def client(tiled_bundle_path: Path) -> Iterator[TestClient]:
    settings = Settings(bundle=tiled_bundle_path, threads=1)
    with TestClient(build_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def boxes(answer: Any) -> list[list[Any]]:
    corners = ("x1", "y1", "x2", "y2")
    found = answer["detections"]
    return sorted([each["label"], *(each["box"][side] for side in corners)] for each in found)


def asked(client: TestClient, **query: Any) -> Any:
    answer = client.post("/detect", params={**SURE, **query}, content=PNG)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_small_objects_of_a_large_image_are_found_without_asking(client: TestClient) -> None:
    answer = asked(client)
    assert boxes(answer) == SMALL_BOXES
    assert answer["image"] == {"width": 1344, "height": 832}
    assert boxes(asked(client, tiles="off")) == []


def test_a_request_may_ask_for_other_windows(client: TestClient) -> None:
    assert len(boxes(asked(client, tiles=336, score_threshold=0.5))) >= len(SMALL_BOXES)
    assert len(boxes(asked(client, max_detections=2))) == 2
    assert {label for label, *_ in boxes(asked(client, classes="red"))} == {"red"}


def test_a_form_takes_the_option_too(client: TestClient) -> None:
    answer = client.post("/detect", data={"tiles": "off"}, files={"file": ("a.png", PNG)})
    assert boxes(answer.json()) == []


def test_the_open_inference_protocol_looks_in_windows_too(client: TestClient) -> None:
    def found(**parameters: Any) -> list[float]:
        image = {"name": "image", "shape": [1], "datatype": "BYTES"}
        request = {
            "inputs": [{**image, "data": [base64.b64encode(PNG).decode()]}],
            "parameters": {**SURE, **parameters},
        }
        answer = client.post("/v2/models/squares/infer", json=request)
        assert answer.status_code == 200, answer.text
        tensors = {each["name"]: each["data"] for each in answer.json()["outputs"]}
        return sorted(tensors["boxes"][: 4 * tensors["num_detections"][0]])

    assert found() == sorted(side for _, *corners in SMALL_BOXES for side in corners)
    assert found(tiles="off") == []


def test_a_model_without_windows_takes_them_where_they_are_asked_for(
    bundle_path: Path, client: TestClient
) -> None:
    detector = Detector.load(bundle_path, threads=1)
    assert len(detector.predict(SMALL_SQUARES, score_threshold=0.5)) == 0
    found = detector.predict(SMALL_SQUARES, score_threshold=0.5, tiles=256)
    assert set(found.labels) == {"red", "green", "blue"}


def test_an_image_that_fits_into_a_window_is_taken_whole(client: TestClient) -> None:
    small = paint(320, 200, ("red", 64, 128, 32))
    answers = [
        client.post("/detect", params={**SURE, "tiles": tiles}, content=encode(small)).json()
        for tiles in ("auto", "off")
    ]
    assert boxes(answers[0]) == boxes(answers[1]) == [["red", 64, 128, 96, 160]]


@pytest.mark.parametrize("image", [PNG, encode(paint(320, 200, ("red", 64, 128, 32)), "JPEG")])
def test_service_python_torchserve_and_umop_predict_find_the_same(
    image: bytes, client: TestClient, tiled_bundle_path: Path, tmp_path: Path
) -> None:
    """In windows and in a whole image, down to faint boxes."""
    low = {"score_threshold": 0.01}
    by_service = client.post("/detect", params=low, content=image).json()["detections"]
    detector = Detector.load(tiled_bundle_path, threads=1)
    by_python = detector.predict(image, score_threshold=0.01).to_dict()["detections"]
    archive = write_archive(tiled_bundle_path, tmp_path / "tiled.mar", WorkerOptions(threads=1))
    with zipfile.ZipFile(archive) as members:
        members.extractall(tmp_path / "model")
    context = context_of(tmp_path / "model", **{"X-UMOP-Options": json.dumps(low)})
    handler = DetectionHandler()
    handler.initialize(context)
    by_torchserve = json.loads(handler.handle([{"body": image}], context)[0])["detections"]
    command = [
        sys.executable,
        "-m",
        "umop.cli",
        "predict",
        tiled_bundle_path,
        "-",
        "--score",
        ".01",
    ]
    printed = subprocess.run(command, input=image, capture_output=True, check=True).stdout
    [by_command] = json.loads(printed)["results"]
    assert by_service
    assert by_service == by_python == by_torchserve == by_command["detections"]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_an_image_is_decoded_once_for_all_of_its_windows(
    kind: str, tiled_bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    decode = decoding.decode

    def counted(data: bytes, max_pixels: int) -> Any:
        sizes.append(len(data))
        return decode(data, max_pixels)

    monkeypatch.setattr(decoding, "decode", counted)
    detector = Detector.load(tiled_bundle_path, threads=1)
    found = detector.predict(encode(SMALL_SQUARES, kind), score_threshold=0.9)
    assert len(found) >= len(SMALL_BOXES)
    assert len(sizes) == 1


@pytest.mark.parametrize("tiles", ["", "63", "8193", "-1", "640.5", "on", "٣٢٠", "9" * 5000])
def test_other_values_are_refused_in_one_line(client: TestClient, tiles: str) -> None:
    answer = client.post("/detect", params={"tiles": tiles}, content=PNG)
    assert answer.status_code == 422
    assert "must be auto, off, or pixels from 64 to 8192" in answer.json()["detail"]


def test_too_many_windows_are_refused_before_decoding(client: TestClient) -> None:
    header = encode(np.zeros((4000, 4000, 3), np.uint8))[:200]
    answer = client.post("/detect", params={"tiles": 64}, content=header)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:umop:problem:image-too-large")
    assert "more than 4096" in answer.json()["detail"]


def test_other_images_get_between_windows_and_none_is_left_of_a_cancelled_request(
    tiled_bundle_path: Path,
) -> None:
    """A request is cancelled when its deadline passes."""
    large = encode(np.tile(SMALL_SQUARES, (3, 3, 1)), "JPEG")
    small = encode(paint(320, 200))
    metrics = Metrics()

    def runs() -> float:
        [family] = metrics.batch.collect()
        return next(each.value for each in family.samples if each.name.endswith("_count"))

    async def compared() -> None:
        settings = Settings(bundle=tiled_bundle_path, threads=1)
        backend = EmbeddedBackend(settings, metrics, Resources.of(settings))
        await backend.reload()
        waiting = asyncio.create_task(backend.detect(large, DetectOptions()))
        while runs() < 3:
            await asyncio.sleep(0.01)
        await backend.detect(small, DetectOptions())
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        before = runs()
        await backend.detect(small, DetectOptions())
        assert runs() <= before + 3
        await backend.stop()

    asyncio.run(compared())


def test_a_manifest_of_before_is_read_and_a_hostile_one_refused(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "squares.bundle")
    file = path / "manifest.json"
    manifest = json.loads(file.read_text())
    assert manifest.pop("tiles") is None
    file.write_text(json.dumps(manifest))
    assert Bundle.open(path).manifest.tiles is None
    for tiles in (
        {"window": 1, "overlap": 1},
        {"window": 640, "overlap": 10**30},
        {"window": 640, "overlap": 160, "merge_iou": 0},
        {"window": 640, "overlap": 160, "merge": "none"},
        {"window": "640px", "overlap": 160},
        [640, 160],
    ):
        file.write_text(json.dumps({**manifest, "tiles": tiles}))
        with pytest.raises(BundleError, match=r"manifest\.json: tiles"):
            Bundle.open(path)
