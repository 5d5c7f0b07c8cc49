"""The peak that docs/serving.md states for large images."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from tests.serving.running import running

pytestmark = [pytest.mark.slow, pytest.mark.serial, pytest.mark.timeout(900)]
SIDE = 7000  # 49 of the 50 megapixels that are allowed
PEAK = 1_700_000_000
REST = 700_000_000


def saved(mode: str, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (SIDE, SIDE)).save(buffer, format, **options)
    return buffer.getvalue()


def requests() -> dict[str, bytes]:
    """Images by the paths that they are sent to."""
    deep = cv2.imencode(".png", np.full((SIDE, SIDE, 3), 4000, np.uint16))[1].tobytes()
    transparent = saved("RGBA", "PNG")
    return {
        "/detect?classes=red": transparent,
        "/detect?format=png": transparent,
        "/detect?classes=green": deep,
        "/detect?classes=blue": saved("RGB", "JPEG", progressive=True, subsampling=0),
    }


def post(url: str, image: bytes) -> httpx.Response:
    return httpx.post(url, content=image, timeout=240)


def test_the_largest_images_stay_within_the_documented_peak(bundle_path: Path) -> None:
    with running("--bundle", str(bundle_path), "--deadline", "240") as server:
        for path, data in requests().items():
            with ThreadPoolExecutor(3) as threads:
                sending = [threads.submit(post, server.url + path, data) for _ in range(3)]
                assert [each.result().status_code for each in sending] == [200] * 3, path
            assert server.peak_memory() < PEAK, path
        assert server.memory() < REST
