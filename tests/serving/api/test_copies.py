"""A request holds its image once encoded, once as pixels, and once as the network's input."""

from __future__ import annotations

import tracemalloc

import numpy as np
from fastapi.testclient import TestClient

from tests.serving.images import encode

WIDTH, HEIGHT = 320, 256
PIXELS = 3 * WIDTH * HEIGHT
INPUT = PIXELS * np.dtype(np.float32).itemsize


def test_a_request_makes_no_other_copy_of_its_image(client: TestClient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    image = encode(noise, "PNG")
    assert len(image) >= PIXELS  # noise cannot be compressed
    detect(client, image)
    tracemalloc.start()
    try:
        detect(client, image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(image) + PIXELS + INPUT + PIXELS / 2


def detect(client: TestClient, image: bytes) -> None:
    answer = client.post("/detect", content=image, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
