"""What only a large picture needed is given back after it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import sys

import numpy as np
import psutil

from serving.bundle import Bundle
from serving.inference.engines import onnx

onnx.LARGE_PIXELS = int(sys.argv[2])
engine = onnx.OnnxEngine(Bundle.open(sys.argv[1]), threads=1)
engine.run(np.zeros((1, 3, 256, 320), np.float32))
before = psutil.Process().memory_info().rss
engine.run(np.zeros((1, 3, 1600, 1600), np.float32))
print(psutil.Process().memory_info().rss - before)
"""


def test_a_large_run_gives_its_memory_back(slow_bundle_path: Path) -> None:
    assert growth(slow_bundle_path, 2_000_000) < 0.5 * growth(slow_bundle_path, 10**9)


def growth(bundle: Path, large_pixels: int) -> int:
    """Bytes that the process holds after a large picture beyond what it held before."""
    command = [sys.executable, "-c", SCRIPT, str(bundle), str(large_pixels)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)
