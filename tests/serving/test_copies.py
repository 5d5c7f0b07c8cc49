"""A request holds its picture once encoded, once as pixels, and once as the network's input."""

from __future__ import annotations

import tracemalloc

import numpy as np
from fastapi.testclient import TestClient

from tests.serving.pictures import encode

WIDTH, HEIGHT = 320, 256
PIXELS = 3 * WIDTH * HEIGHT
INPUT = PIXELS * np.dtype(np.float32).itemsize


def test_a_request_makes_no_other_copy_of_its_picture(client: TestClient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture = encode(noise, "PNG")
    assert len(picture) >= PIXELS  # noise cannot be compressed
    detect(client, picture)
    tracemalloc.start()
    try:
        detect(client, picture)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(picture) + PIXELS + INPUT + PIXELS / 2


def detect(client: TestClient, picture: bytes) -> None:
    answer = client.post("/detect", content=picture, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
