"""What ONNX Runtime runs a network on."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import numpy as np
import onnxruntime as ort
import pytest

from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.inference.engines import EngineError, open_engine
from tests.serving.command import assert_one_line, run

needs_cpu_runtime = pytest.mark.skipif(
    "CUDAExecutionProvider" in ort.get_available_providers(), reason="this is onnxruntime-gpu"
)


@needs_cpu_runtime
@pytest.mark.parametrize("device", ["auto", "cpu", "auto:1"])
def test_the_cpu_runs_it_where_no_gpu_is_asked_for(bundle_path: Path, device: str) -> None:
    engine = open_engine(Bundle.open(bundle_path), device=device, threads=1)
    boxes, scores, labels = engine.run(np.zeros((1, 3, 64, 64), np.float32))
    assert boxes.shape[:2] == scores.shape == labels.shape
    engine.check()


@needs_cpu_runtime
@pytest.mark.parametrize(("threads", "runs"), [(1, 1), (2, 2), (3, 1), (4, 2)])
def test_two_runs_share_the_cores(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, runs: int
) -> None:
    opened: list[int] = []
    session = ort.InferenceSession

    def watched(model: bytes, options: ort.SessionOptions, **rest: object) -> object:
        opened.append(options.intra_op_num_threads)
        return session(model, options, **rest)

    monkeypatch.setattr(ort, "InferenceSession", watched)
    bundle = Bundle.open(bundle_path)
    engine = open_engine(bundle, device="cpu", threads=threads)
    Detector(bundle, engine).warm(engine.concurrent_runs)
    assert engine.concurrent_runs == runs
    assert opened == [threads, threads // 2][:runs]
    image = np.random.default_rng(0).normal(size=(1, 3, 64, 96)).astype(np.float32)
    for one, other in zip(engine.run(image), engine.run(image, exclusive=runs == 1), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@needs_cpu_runtime
def test_two_threads_open_the_second_network_once(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(Bundle.open(bundle_path), device="cpu", threads=2)
    both, opened = Barrier(2), []
    session = ort.InferenceSession

    def watched(*arguments: object, **options: object) -> object:
        opened.append(1)
        with suppress(BrokenBarrierError):
            both.wait(0.5)
        return session(*arguments, **options)

    monkeypatch.setattr(ort, "InferenceSession", watched)
    image = np.zeros((1, 3, 64, 64), np.float32)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: engine.run(image, exclusive=False), range(2)))
    assert len(opened) == 1


def test_onnx_runtime_keeps_nothing_to_report_with(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import serving.inference.engines.onnxruntime"]
    environment = os.environ | {"HOME": str(tmp_path)}
    del environment["ORT_DISABLE_TELEMETRY"]
    environment.pop("XDG_CACHE_HOME", None)
    subprocess.run(command, env=environment, check=True)
    assert list(tmp_path.rglob("*onnxruntime*")) == []


@needs_cpu_runtime
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_cannot_be_used_is_refused(bundle_path: Path, device: str) -> None:
    with pytest.raises(EngineError, match=f"^{device} cannot be used: .* onnxruntime-gpu"):
        open_engine(Bundle.open(bundle_path), device=device)


@needs_cpu_runtime
def test_the_service_does_not_start_without_the_gpu_that_it_was_given(bundle_path: Path) -> None:
    started = run("--bundle", str(bundle_path), "--port", "0", "--device", "cuda")
    assert_one_line(started, "cuda cannot be used", "onnxruntime-gpu")
