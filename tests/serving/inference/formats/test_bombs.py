"""No small image takes long, or much memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.inference.formats.bombs import BOMBS

SCRIPT = """
import io, json, re, sys, time
import numpy as np
from serving.inference.decoding import ImageError, decode

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

costs = {}
for name, data in np.load(io.BytesIO(sys.stdin.buffer.read())).items():
    data = data.tobytes()
    open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
    before, began, text = peak(), time.process_time(), ""
    try:
        decode(data, 50_000_000)
    except ImageError as error:
        text = str(error)
    costs[name] = time.process_time() - began, peak() - before, text
print(json.dumps(costs))
"""


@pytest.fixture(scope="module")
def costs() -> dict[str, tuple[float, float, str]]:
    """Seconds of the processor, bytes, and the error of each; in a process of their own."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.frombuffer(data, np.uint8) for name, data in BOMBS.items()})
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, input=buffer.getvalue(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[float, float, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_image_costs_little(name: str, costs: dict[str, tuple[float, float, str]]) -> None:
    assert len(BOMBS[name]) < 9 * 2**20
    seconds, memory, text = costs[name]
    assert seconds < (2 if "EXIF" in name else 8)
    assert memory < 700 * 2**20
    assert "\n" not in text
