"""The pipeline of Kubeflow Pipelines, run by its own local runner with the images."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from serving.bundle import Bundle
from tests.docker import squares
from tests.docker.containers import image
from tests.docker.squares import iterations, write_data
from tests.serving.signing import make_key_pair
from umop.runs.folder import RunFolder

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-kfp" / "bin" / "python"
CONFIG = "data/squares.py"
LENGTH = 2 * squares.ITERATIONS
"""So long that the model is better than an untrained one on any processor."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, a place for runs that every user may write, and the pipeline with the images here."""
    folder = tmp_path_factory.mktemp("pipeline")
    folder.chmod(0o755)
    write_data(folder / "data")
    longer = f"train_cfg = dict(max_iters={LENGTH}, val_interval={LENGTH})\n"
    spoilt = "optim_wrapper = dict(optimizer=dict(lr=1e-9))\n"
    (folder / "data" / "squares.py").write_text(squares.CONFIG + longer)
    (folder / "data" / "untrained.py").write_text(squares.CONFIG + spoilt)
    (folder / "runs").mkdir()
    (folder / "runs").chmod(0o777)
    source = (ROOT / "k8s" / "pipeline" / "pipeline.py").read_text()
    text = re.sub(r'^TRAIN = ".*"$', f'TRAIN = "{image("train")}"', source, flags=re.M)
    (folder / "pipeline.py").write_text(text)
    return folder


def run(folder: Path, **parameters: object) -> subprocess.CompletedProcess[str]:
    chosen = json.dumps({"deploy": False, "serving": "none", **parameters})
    script = Path(__file__).with_name("run_pipeline.py")
    places = (folder / "pipeline.py", chosen, folder / "data", folder / "runs")
    return subprocess.run(
        [PYTHON, script, *places], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_a_first_model_is_trained_evaluated_exported_and_signed(folder: Path) -> None:
    keys = make_key_pair(folder / "data")
    keys.private.chmod(0o644)
    done = run(folder, run="first", config=CONFIG, key=f"/workspace/data/{keys.private.name}")
    assert done.returncode == 0, done.stdout
    assert "No model serves yet" in done.stdout
    assert iterations(folder / "runs" / "first") == LENGTH
    assert Bundle.open(bundle(folder, "first"), verify_key=keys.public).is_verified


def test_started_again_it_does_nothing_twice(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in bundle(folder, "first").iterdir()}
    done = run(folder, run="first", config=CONFIG)
    assert done.returncode == 0, done.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before


def bundle(folder: Path, name: str) -> Path:
    return RunFolder(folder / "runs" / name).bundle


def test_a_worse_model_is_refused_with_its_reason(folder: Path) -> None:
    done = run(folder, run="worse", config="data/untrained.py", serving="first")
    assert done.returncode != 0
    assert "worse is worse than first by more than chance explains" in done.stdout
    assert not bundle(folder, "worse").exists()


def test_wrong_data_ends_it_before_training(folder: Path) -> None:
    done = run(folder, run="never", config=CONFIG, data="/workspace/data/nothing")
    assert done.returncode != 0
    assert "/workspace/data/nothing" in done.stdout
    assert not (folder / "runs" / "never").exists()
