"""Scalars in TensorBoard and in W&B; those in MLflow are in ``test_mlflow.py``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from mmengine.config import Config

from tests.umop.conftest import Umop
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.trackers import vis_backends
from umop.trackers.tensorboard import ScalarsToTensorboard
from umop.trackers.wandb import ScalarsToWandb

SMALL = [
    "--set", "train_cfg.max_iters=4",
    "--set", "train_cfg.val_interval=4",
    "--set", "train_dataloader.batch_size=2",
    "--set", "train_dataloader.num_workers=0",
    "--set", "train_dataloader.persistent_workers=False",
    "--set", "model.backbone.pretrained=False",
    "--set", "custom_hooks.0.interval=2",
    "--set", "default_hooks.logger.interval=2",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "WANDB_API_KEY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
def test_tensorboard_reads_the_scalars_of_a_run(umop: Umop, discs: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    code, _, err = umop("train", "demo", "--run", "trees", "--data", str(discs), *SMALL)
    assert code == 0, err
    events = EventAccumulator(str(tmp_path / "runs" / "trees" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [2, 4]
    assert [event.step for event in events.Scalars("share_0")] == [2, 4]
    assert [event.step for event in events.Scalars("AP")] == [4]


def test_tensorboard_has_each_iteration_once_after_a_kill(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for done, last in ((0, 6), (4, 8)):
        backend = ScalarsToTensorboard(str(tmp_path), done)
        for step in range(done + 1, last + 1):
            backend.add_scalars({"loss": 1.0}, step)
        backend.close()
        time.sleep(1)  # TensorBoard orders files by the second in their names
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == list(range(1, 9))


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Restores the environment: MLflow sets its server's address there."""
    with patch.dict(os.environ):
        yield


PLAIN = Config({"visualizer": {"type": "Visualizer", "vis_backends": None}})


@pytest.mark.slow
def test_wandb_keeps_the_scalars_and_no_code(
    umop: Umop, discs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="needs the client: pip install wandb")
    monkeypatch.setenv("WANDB_PROJECT", "trees")
    monkeypatch.setenv("WANDB_MODE", "offline")
    (tmp_path / "private.py").write_text("SECRET = 1\n")
    code, _, err = umop("train", "demo", "--run", "trees", "--data", str(discs), *SMALL)
    assert code == 0, err
    [kept] = (tmp_path / "runs" / "trees" / "wandb").glob("offline-run-*/*.wandb")
    assert b"gamma_0" in kept.read_bytes()
    assert b"private.py" not in kept.read_bytes()


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, ["Tensorboard"]),
        ({"MLFLOW_TRACKING_URI": "http://mlflow:5000"}, ["Tensorboard", "Mlflow"]),
        ({"WANDB_PROJECT": "trees"}, ["Tensorboard", "Wandb"]),
    ],
)
def test_the_environment_chooses(
    variables: dict[str, str], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umop.trackers.tracker.find_spec", lambda package: package)
    chosen = vis_backends(PLAIN, RunFolder.to_train("trees"), 0, variables)
    assert [each["type"].removeprefix("ScalarsTo") for each in chosen] == names


@pytest.mark.slow
def test_a_tracker_of_the_config_is_kept(umop: Umop, discs: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.py"
    config.write_text(
        "_base_ = 'demo'\nvisualizer = dict(vis_backends=[dict(type='LocalVisBackend')])\n"
    )
    code, _, err = umop("train", str(config), "--run", "trees", "--data", str(discs), *SMALL)
    assert code == 0, err
    [scalars] = (tmp_path / "runs" / "trees").rglob("scalars.json")
    assert '"loss"' in scalars.read_text()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "umop.trackers.tracker.find_spec",
        lambda package: None if package == "mlflow" else found(package),
    )
    with pytest.raises(UserError, match=r"mlflow is missing.*umop\[mlflow\]"):
        vis_backends(
            PLAIN, RunFolder.to_train("trees"), 0, {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}
        )


def test_wandb_has_one_run_for_all_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    ids = []
    for seed in (0, 1):
        backend = ScalarsToWandb(save_dir=str(tmp_path), init_kwargs={"project": "trees"})
        backend.add_config(Config({"randomness": {"seed": seed}}))
        backend.add_scalars({"loss": 1.0}, step=7)
        ids.append(backend.experiment.run.id)
        backend.close()
    assert ids[0] == ids[1] == (tmp_path / "wandb-run.txt").read_text().strip()


def test_a_key_that_wandb_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    wandb.teardown()  # forgets the mode of the test before
    monkeypatch.setenv("WANDB_API_KEY", "short")
    backend = ScalarsToWandb(save_dir=str(tmp_path), init_kwargs={"project": "trees"})
    with pytest.raises(UserError, match="W&B cannot be used: WANDB_API_KEY invalid"):
        backend.add_config(Config({}))


@pytest.mark.parametrize(
    ("package", "variable", "value"),
    [("wandb", "WANDB_API_KEY", "short"), ("mlflow", "MLFLOW_TRACKING_URI", "http://127.0.0.1:9")],
)
def test_a_start_that_a_server_refuses_leaves_no_folder(
    discs: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    variable: str,
    value: str,
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv(variable, value)
    command = [sys.executable, "-m", "umop.cli", "train", "demo", "--run", "trees"]
    ended = subprocess.run(  # its own process, as the trackers keep the server in theirs
        [*command, "--data", str(discs), *SMALL], capture_output=True, text=True, timeout=250
    )
    assert (ended.returncode, ended.stderr.count("error: ")) == (2, 1)
    assert not Path("runs", "trees").exists()
