"""``--help`` answers at once, because nothing is imported that only the commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "serving.cli": "fastapi uvicorn httpx numpy onnxruntime cv2 PIL prometheus_client",
    "umop.cli": "torch mmdet mmengine numpy pydantic rich.console serving.bundle",
}
SCRIPT = """
import sys

from {module} import main

sys.argv = ["command", "--help"]
try:
    main()
finally:
    print("imported:", *sys.modules)
"""


@pytest.mark.parametrize("module", HEAVY)
def test_help_imports_nothing_heavy(module: str) -> None:
    command = [sys.executable, "-c", SCRIPT.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    shown, _, imported = done.stdout.partition("imported:")
    assert "Usage" in shown
    assert set(HEAVY[module].split()) & set(imported.split()) == set()
