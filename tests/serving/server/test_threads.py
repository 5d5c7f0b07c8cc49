"""The service has as many threads as its settings say, however many requests there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import psutil
import pytest

from tests.serving.images import encode, paint
from tests.serving.running import running

pytestmark = pytest.mark.slow

DECODERS = 3


@pytest.mark.parametrize(("threads", "runs"), [(1, 1), (2, 2)])
def test_requests_start_no_threads_beyond_the_settings(
    bundle_path: Path, threads: int, runs: int
) -> None:
    image = encode(paint(320, 256), "JPEG")
    options = ["--threads", str(threads), "--decode-threads", str(DECODERS)]
    opencv = cv2.getNumThreads() - 1
    with running("--bundle", str(bundle_path), *options) as server, ThreadPoolExecutor(8) as pool:
        process = psutil.Process(server.process.pid)
        most = process.num_threads() + DECODERS + runs + opencv
        for _ in range(2):
            answers = list(pool.map(lambda _: server.detect(image).status_code, range(64)))
            assert answers == [200] * 64
            assert process.num_threads() <= most
