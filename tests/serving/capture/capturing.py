"""A service that captures images, and images to send it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from serving.server.app import build_app
from serving.settings import Settings
from tests.serving.waiting import wait_until


@contextmanager
def capturing(bundle: Path, target: Path | str, **settings: object) -> Iterator[TestClient]:
    asked = Settings.model_validate(
        {"bundle": bundle, "threads": 1, "capture": str(target), "capture_rate": 1, **settings}
    )
    with TestClient(build_app(asked)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def photo(seed: int) -> bytes:
    """An image unlike those of other seeds, which EXIF turns, with a comment."""
    values = np.random.default_rng(seed).integers(0, 255, (9, 8, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret"
    stream = io.BytesIO()
    Image.fromarray(values).resize((160, 120)).save(stream, "JPEG", exif=exif, comment=b"secret")
    return stream.getvalue()


def outcomes(client: TestClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {
        line.partition('outcome="')[2].partition('"')[0]: float(line.split()[-1])
        for line in lines
        if line.startswith("umop_captured_total{")
    }
