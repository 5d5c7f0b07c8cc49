"""Serving stands alone: no training code, and with ONNX Runtime no torch either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.serving.images import TWO_SQUARES, encode

SCRIPT = """
import sys

BLOCKED = {"umop", "mmdet", "mmcv", "mmengine", "torch", "torchvision"}


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"serving must not import {name}")


sys.meta_path.insert(0, Block())

from fastapi.testclient import TestClient

from serving.server.app import build_app
from serving.settings import Settings

with TestClient(build_app(Settings(bundle=sys.argv[1]))) as client:
    while client.get("/readyz").status_code != 200:
        pass
    answer = client.post("/detect", content=sys.stdin.buffer.read())
    print(len(answer.json()["detections"]))
"""


def test_a_real_detection_imports_no_training_code(bundle_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bundle_path)],
        input=encode(TWO_SQUARES),
        capture_output=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert int(result.stdout) > 0
