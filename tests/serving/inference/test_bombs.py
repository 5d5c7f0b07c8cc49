"""No small image takes long, or much memory: in processes of their own, so that peaks count."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.serving.inference.bombs import BOMBS

SCRIPT = """
import re, sys, time
from serving.inference.decoding import ImageError, decode

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

data = sys.stdin.buffer.read()
before, began = peak(), time.process_time()
try:
    decode(data, 50_000_000)
except ImageError as error:
    assert "\\n" not in str(error)
print(time.process_time() - began, peak() - before)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_image_costs_little(name: str) -> None:
    data = BOMBS[name]
    assert len(data) < 9 * 2**20
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=120)
    seconds, memory = map(float, done.stdout.split())
    assert seconds < 10
    assert memory < 700 * 2**20
