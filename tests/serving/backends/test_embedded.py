"""What may take long is not done on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from threading import current_thread, main_thread

import pytest

from serving.backends import embedded
from serving.backends.embedded import EmbeddedBackend, Resources
from serving.guards import aside
from serving.inference.postprocess import Detections, name_detections
from serving.observability.metrics import Metrics
from serving.schemas.detections import Detection
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode


def test_thousands_of_detections_do_not_hold_the_event_loop(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def watched(found: Detections, classes: Sequence[str]) -> list[Detection]:
        threads.append(current_thread())
        return name_detections(found, classes)

    async def found() -> list[Detection]:
        settings = Settings(bundle=bundle_path, threads=1)
        backend = EmbeddedBackend(settings, Metrics(), Resources.of(settings))
        await backend.reload()
        result = await backend.detect(encode(TWO_SQUARES), DetectOptions())
        await backend.stop()
        return result.detections

    monkeypatch.setattr(aside, "MANY_BOXES", 2)
    monkeypatch.setattr(embedded, "name_detections", watched)
    assert asyncio.run(found())
    assert main_thread() not in threads
    assert len(threads) == 1
