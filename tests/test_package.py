"""The wheel works without the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the wheel, for ``PYTHONPATH``."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--quiet"]
    source = folder / "source"
    for name in ("configs", "requirements", "serving", "umop"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    for name in ("LICENSE", "NOTICE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    subprocess.run([*pip, "wheel", *alone, "--wheel-dir", folder, source], check=True)
    [wheel] = folder.glob("umop-*.whl")
    subprocess.run([*pip, "install", *alone, "--target", folder / "site", wheel], check=True)
    return folder / "site"


def run(site: Path, folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of the installed packages in a folder without the clone."""
    environment = {**os.environ, "PYTHONPATH": str(site), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_every_config_and_file_travels(installed: Path) -> None:
    configs = {path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.py")}
    folder = installed / "umop" / "configs"
    assert {path.relative_to(folder) for path in folder.rglob("*.py")} == configs
    for name in (
        "umop/data/public/demo.txt",
        "umop/weights/lite0.txt",
        "umop/doctor/mmcv.txt",
        "umop/report/templates/report.html",
        "umop/report/templates/style.css",
        "serving/web/app.js",
    ):
        assert (installed / name).is_file(), name


@pytest.mark.slow
def test_training_starts_without_the_clone(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "umop.cli", "train", "demo", "--device", "cpu")
    assert done.returncode == 2, done.stderr
    assert "umop data demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_service_starts_without_the_clone(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "serving", "--bundle", "none", "--port", "0")
    assert done.returncode == 2
    assert done.stderr == "umop-serve: none: no such bundle; umop export RUN makes one\n"


@pytest.mark.slow
def test_what_serving_needs_is_enough_to_detect(installed: Path, tmp_path: Path) -> None:
    """In an environment of ``requirements/serve.txt``, which has no torch."""
    bundle = make_bundle(tmp_path / "squares.bundle")
    (tmp_path / "squares.png").write_bytes(encode(TWO_SQUARES))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    locked = ["--no-deps", "--require-hashes", "--quiet", "-r", ROOT / "requirements" / "serve.txt"]
    subprocess.run([python, "-m", "pip", "install", "--no-compile", *locked], check=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode != 0
    command = [python, "-m", "serving", "try", bundle, "squares.png"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "red" in done.stdout
    assert (tmp_path / "squares.detected.jpg").is_file()
    command = [python, "-m", "umop.cli", "predict", bundle, "squares.png", "--format", "csv"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "squares.png,red" in done.stdout
