"""Freed memory is used again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
from umop.system.processor import tune_processor

tune_processor()

import torch


def step():
    return sum(float(part.sum()) for part in [torch.ones(4_000_000) for _ in range(6)])


step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 5 * 6 * 4_000_000 * 4 // 4096
"""Those of the tensors of all steps."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_steps_use_the_memory_of_those_before() -> None:
    command = [sys.executable, "-c", FAULTS]
    faults = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert faults < 0.05 * PAGES
