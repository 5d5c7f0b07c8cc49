"""What the service holds at rest, at its peak, and after a large image."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.backends import embedded
from serving.backends.embedded import EmbeddedBackend, Resources
from serving.inference.engines import Engine, open_engine
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.running import running

pytestmark = pytest.mark.slow

SCRIPT = """
import sys

import numpy as np
import psutil

from serving.bundle import Bundle
from serving.inference.engines import onnxruntime
from serving.inference.engines import EngineOptions

onnxruntime.LARGE_PIXELS = int(sys.argv[2])
engine = onnxruntime.OnnxEngine(Bundle.open(sys.argv[1]), EngineOptions(threads=1))
engine.run(np.zeros((1, 3, 256, 320), np.float32))
before = psutil.Process().memory_info().rss
engine.run(np.zeros((1, 3, 1600, 1600), np.float32))
print(psutil.Process().memory_info().rss - before)
"""


def test_a_large_run_gives_its_memory_back(slow_bundle_path: Path) -> None:
    assert growth(slow_bundle_path, 2_000_000) < 0.5 * growth(slow_bundle_path, 10**9)


def growth(bundle: Path, large_pixels: int) -> int:
    """Bytes that the process holds after a large image beyond what it held before."""
    command = [sys.executable, "-c", SCRIPT, str(bundle), str(large_pixels)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


def test_a_service_at_rest_holds_little(slow_bundle_path: Path, tmp_path: Path) -> None:
    """Warming takes a usual size, although the bundle takes images of 2560 x 2560."""
    bundle = with_largest_input(slow_bundle_path, tmp_path)
    with running("--bundle", str(bundle)) as server:
        assert server.memory() < 350 * 2**20


def test_a_batch_of_the_largest_images_takes_no_more_than_one(
    bundle_path: Path, tmp_path: Path
) -> None:
    """A batch is bounded by its pixels: three of 2560 x 2560 would take three times as much."""
    bundle = with_largest_input(bundle_path, tmp_path)
    image = encode(paint(2560, 2560), "JPEG")
    with running("--bundle", str(bundle), "--batch-size", "8", "--deadline", "240") as server:
        assert server.detect(image).status_code == 200
        one = server.peak_memory()
        files = [("files", image)] * 3
        answer = httpx.post(f"{server.url}/detect/batch", files=files, timeout=240)
        assert ["detections" in result for result in answer.json()["results"]] == [True] * 3
        assert server.peak_memory() < 1.5 * one


def test_a_reload_frees_the_model_before(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: the garbage collector comes late, for what a network holds is not Python's."""
    engines: list[weakref.ref[Engine]] = []

    def watched(*arguments: Any, **options: Any) -> Engine:
        engine = open_engine(*arguments, **options)
        engines.append(weakref.ref(engine))
        return engine

    async def reloaded() -> None:
        settings = Settings(bundle=bundle_path)
        backend = EmbeddedBackend(settings, Metrics(), Resources.of(settings))
        await backend.reload()
        await backend.detect(encode(TWO_SQUARES), DetectOptions())
        await backend.reload()
        assert [each() is None for each in engines] == [True, False]
        await backend.stop()

    monkeypatch.setattr(embedded, "open_engine", watched)
    gc.disable()
    try:
        asyncio.run(reloaded())
    finally:
        gc.enable()


def with_largest_input(bundle: Path, folder: Path) -> Path:
    """A copy of a bundle whose images are scaled to 2560 x 2560."""
    copy = Path(shutil.copytree(bundle, folder / "large.bundle"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["input"]["resize"] = {"width": 2560, "height": 2560}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy
