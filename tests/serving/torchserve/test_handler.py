"""The handler by itself, with TorchServe's own context."""

from __future__ import annotations

import json
import zipfile
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from ts.context import RequestProcessor

from serving.bundle import BundleError
from serving.inference.engines import Candidates, EngineError
from serving.inference.engines.onnxruntime import OnnxEngine
from serving.torchserve.archive import WorkerOptions, write_archive
from serving.torchserve.handler import DetectionHandler
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.torchserve.contexts import context_of

PNG = encode(TWO_SQUARES)


@pytest.fixture
def unpacked(bundle_path: Path, tmp_path: Path) -> Path:
    """The archive as TorchServe unpacks it."""
    archive = write_archive(bundle_path, tmp_path / "squares.mar", WorkerOptions(4, threads=1))
    with zipfile.ZipFile(archive) as members:
        members.extractall(tmp_path / "model")
    return tmp_path / "model"


def test_it_counts_the_images_of_a_batch_as_one_run(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(unpacked)
    handler = DetectionHandler()
    handler.initialize(context)
    engine = handler._detector._engine
    shapes: list[tuple[int, ...]] = []
    original = engine.run

    def watched(batch: NDArray[np.float32], *, exclusive: bool) -> Candidates:
        shapes.append(batch.shape)
        return original(batch, exclusive=exclusive)

    monkeypatch.setattr(engine, "run", watched)
    handler.handle([{"body": PNG}] * 4, context)
    assert shapes == [(4, 3, 256, 320)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EngineError("the device is gone"), "the device is gone"),
        (MemoryError(), "there is not enough memory; try again soon"),
    ],
)
def test_a_failed_engine_is_503_for_those_that_needed_it(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    context = context_of(unpacked)
    handler = DetectionHandler()
    handler.initialize(context)

    def fail(_: Any, *, exclusive: bool) -> Candidates:
        raise error

    monkeypatch.setattr(handler._detector._engine, "run", fail)
    bodies = handler.handle([{"body": PNG}, {"body": b"junk"}], context)
    assert [context.get_response_status(place)[0] for place in (0, 1)] == [503, 415]
    assert json.loads(bodies[0])["detail"] == said


@pytest.mark.parametrize("name", ["x-umop-options", "X-UMOP-Options", "X-Umop-Options"])
def test_the_name_of_the_header_may_have_any_case(unpacked: Path, name: str) -> None:
    context = context_of(unpacked, **{name: '{"max_detections": 1}'})
    handler = DetectionHandler()
    handler.initialize(context)
    [body] = handler.handle([{"body": PNG}], context)
    assert len(json.loads(body)["detections"]) == 1


def test_a_damaged_bundle_does_not_load(unpacked: Path) -> None:
    bundle = unpacked / "model.bundle.zip"
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(BundleError, match=r"damaged|valid zip"):
        DetectionHandler().initialize(context_of(unpacked))


def test_auto_on_a_gpu_falls_back_where_there_is_no_program(unpacked: Path) -> None:
    context = context_of(unpacked)
    context.system_properties["gpu_id"] = 0
    handler = DetectionHandler()
    handler.initialize(context)
    assert isinstance(handler._detector._engine, OnnxEngine)


@pytest.mark.parametrize(("variable", "status"), [("", 200), ("1000000", 200), ("1000", 413)])
def test_the_variable_for_pixels_counts_more_than_the_archive(
    variable: str, status: int, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_MAX_PIXELS", variable)
    context = context_of(unpacked)
    handler = DetectionHandler()
    handler.initialize(context)
    handler.handle([{"body": PNG}], context)
    assert context.get_response_status(0)[0] == status


def test_windows_that_take_too_long_do_not_cost_the_worker(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TorchServe kills a worker that does not answer in time."""
    context = context_of(unpacked, **{"X-UMOP-Options": '{"tiles": 64}'})
    handler = DetectionHandler()
    handler.initialize(context)
    monkeypatch.setattr(handler, "_seconds", -1)
    [body] = handler.handle([{"body": PNG}], context)
    problem = json.loads(body)
    assert context.get_response_status(0)[0] == problem["status"] == 503
    assert problem["type"] == "urn:umop:problem:deadline-passed"
    assert problem["detail"] == "0 of 143 windows were done in time"


def test_windows_that_take_too_long_fail_no_other_request_of_the_batch(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes on by a second a window, of which one request has 143 and another few."""
    context = context_of(unpacked)
    for place, tiles in ((0, 64), (1, 320)):
        header = {"X-UMOP-Options": json.dumps({"tiles": tiles})}
        context.request_processor[place] = RequestProcessor(header)
    handler = DetectionHandler()
    handler.initialize(context)
    monkeypatch.setattr("serving.torchserve.handler.monotonic", lambda: 0)
    monkeypatch.setattr("serving.inference.detector.monotonic", count().__next__)
    monkeypatch.setattr("serving.inference.pace.monotonic", lambda: 0)
    handler.handle([{"body": PNG}] * 3 + [{"body": b"junk"}], context)
    statuses = [context.get_response_status(place)[0] for place in range(4)]
    assert statuses == [503, 200, 200, 415]


def test_a_callers_time_counts_where_it_is_shorter(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes on by a second a window."""
    context = context_of(unpacked, **{"X-UMOP-Options": '{"tiles": 64}', "X-UMOP-Until": "1010.0"})
    handler = DetectionHandler()
    handler.initialize(context)
    monkeypatch.setattr("serving.torchserve.predictions.time", lambda: 1000)
    monkeypatch.setattr("serving.torchserve.handler.monotonic", lambda: 0)
    monkeypatch.setattr("serving.inference.detector.monotonic", count(step=0.5).__next__)
    monkeypatch.setattr("serving.inference.pace.monotonic", lambda: 0)
    [body] = handler.handle([{"body": PNG}], context)
    assert json.loads(body)["detail"] == "9 of 143 windows were done in time"


def test_windows_that_would_take_too_long_are_given_up_early(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network takes a second for every 16 windows, and there are not five."""
    context = context_of(unpacked, **{"X-UMOP-Options": '{"tiles": 64}', "X-UMOP-Until": "1005"})
    handler = DetectionHandler()
    handler.initialize(context)
    monkeypatch.setattr("serving.torchserve.predictions.time", lambda: 1000)
    monkeypatch.setattr("serving.torchserve.handler.monotonic", lambda: 0)
    clock = count(step=1 / 16)
    monkeypatch.setattr("serving.inference.detector.monotonic", clock.__next__)
    monkeypatch.setattr("serving.inference.pace.monotonic", clock.__next__)
    [body] = handler.handle([{"body": PNG}], context)
    assert context.get_response_status(0)[0] == 503
    assert json.loads(body)["detail"].startswith("143 windows of the image would take some 9 s")


@pytest.mark.parametrize("until", ["soon", "0", "-1", "nan", "inf"])
def test_when_a_caller_leaves_must_be_a_time(unpacked: Path, until: str) -> None:
    context = context_of(unpacked, **{"X-UMOP-Until": until})
    handler = DetectionHandler()
    handler.initialize(context)
    [body] = handler.handle([{"body": PNG}], context)
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (422, "urn:umop:problem:invalid-request")
    assert problem["detail"].startswith("x-umop-until: Input should be")


def test_a_request_whose_caller_has_left_is_not_even_decoded(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.torchserve.predictions.time", lambda: 1000)
    context = context_of(unpacked)
    for place, until in enumerate(("997.5", "1000", "1e300")):
        context.request_processor[place] = RequestProcessor({"X-UMOP-Until": until})
    handler = DetectionHandler()
    handler.initialize(context)
    bodies = handler.handle([{"body": b"junk"}] * 2 + [{"body": PNG}] * 2, context)
    assert [context.get_response_status(place)[0] for place in range(4)] == [503, 503, 200, 200]
    problem = json.loads(bodies[0])
    assert problem["type"] == "urn:umop:problem:deadline-passed"
    assert problem["detail"].startswith("the answer was due 2.5 s ago (X-UMOP-Until")


@pytest.mark.parametrize(("reduced", "width"), [("", 640), ("true", 320)])
def test_the_variable_for_reduced_decoding_counts(
    reduced: str, width: int, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_REDUCED_DECODING", reduced)
    widths: list[int] = []
    decode = cv2.imdecode

    def watched(*arguments: Any) -> Any:
        pixels = decode(*arguments)
        widths.append(pixels.shape[1])
        return pixels

    monkeypatch.setattr(cv2, "imdecode", watched)
    context = context_of(unpacked)
    handler = DetectionHandler()
    handler.initialize(context)
    handler.handle([{"body": encode(TWO_SQUARES, "JPEG")}], context)
    assert widths == [width]
