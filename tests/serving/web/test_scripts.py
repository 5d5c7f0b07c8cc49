"""The page's scripts are valid, which a browser would say only when it loads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import serving

SCRIPTS = sorted((Path(serving.__file__).parent / "web").glob("*.js"))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_can_be_parsed(script: Path) -> None:
    command = ["node", "--check", "--input-type=module"]
    done = subprocess.run(command, input=script.read_bytes(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
