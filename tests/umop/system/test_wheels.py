"""Downloads of wheels."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import filelock

ROOT = Path(__file__).parents[3]
ASK_PIP = """
import subprocess
from umop.system.wheels import python_with_pip
subprocess.run([python_with_pip(), "-m", "pip", "--version"], check=True)
"""


def test_an_environment_without_pip_borrows_one(tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    (tmp_path / "needed").mkdir()
    (tmp_path / "needed" / "filelock").symlink_to(Path(filelock.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path / 'needed'}"}
    subprocess.run([tmp_path / "bin" / "python", "-c", ASK_PIP], check=True, env=environment)
