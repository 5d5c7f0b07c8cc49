"""Training that cannot go on ends with one line."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from mmengine.visualization import Visualizer

from tests.umop.cli.small import SMALL
from tests.umop.conftest import Umop, rot
from umop.data.preparation.custom import OwnData


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.backbone.name=nosuchnet", "Unknown model (nosuchnet)"),
        ("env_cfg.mp_cfg.mp_start_method=thread", "cannot find context for 'thread'"),
        ("optim_wrapper.optimizer.betas=3", "TypeError"),
    ],
)
def test_what_cannot_be_built_is_one_line(
    umop: Umop, discs: Path, workplace: Path, change: str, message: str
) -> None:
    Visualizer._instance_dict.clear()  # named by the second, so one of another test may be taken
    code, _, err = umop(
        "train", "demo", "--run", "unbuilt", "--data", str(discs), *SMALL, "--set", change
    )
    assert code == 2
    [line] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: The config cannot be built: ")
    assert message in line
    assert "Traceback" not in err
    assert not (workplace / "runs" / "unbuilt").exists(), "nothing was trained"


def test_what_cannot_be_built_is_one_line_with_weights_too(
    umop: Umop, discs: Path, workplace: Path
) -> None:
    train = ("train", "demo", "--run", "unbuilt", "--data", str(discs), *SMALL)
    code, _, err = umop(*train, "--weights", "discs", "--set", "model.backbone.name=nosuchnet")
    assert code == 2
    assert "error: The config cannot be built: " in err
    assert "Traceback" not in err
    assert not (workplace / "runs" / "unbuilt").exists(), "nothing was trained"


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_image_is_named(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path, workers: int
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(discs, root)
    assert umop("data", "check", str(root))[0] == 0
    rot(root)
    load = ["--set", f"train_dataloader.num_workers={workers}"]
    code, _, err = umop("train", "demo", "--run", "broken", "--data", str(root), *SMALL, *load)
    assert code == 2
    [message] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert re.fullmatch(
        rf"error: {root}/train/\d\.png cannot be read as an image: the image is damaged: .*",
        message,
    )
    assert "Traceback" not in err


def test_an_unreadable_image_is_refused_before_training(
    umop: Umop, discs: Path, workplace: Path, tmp_path: Path
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(discs, root)
    rot(root)
    code, _, err = umop("train", "demo", "--run", "refused", "--data", str(root), *SMALL)
    assert code == 2
    assert f"error: {root} has " in err
    assert re.search(r"image that cannot be read: 9, such as train/\d\.png: ", err)
    assert "Traceback" not in err
    assert not (workplace / "runs" / "refused").exists(), "nothing was trained"


def test_a_full_disk_is_one_line(umop: Umop, discs: Path, workplace: Path) -> None:
    run = workplace / "runs" / "crammed"
    (run / "annotations").mkdir(parents=True)
    (run / "annotations" / "train.json").symlink_to("/dev/full")
    train = ["train", "demo", "--run", "crammed", "--data", str(discs), *SMALL]
    code, _, err = umop(*train)
    assert code == 1, "another machine may have room"
    assert err.splitlines()[-1] == (
        "error: There is no space left in runs/crammed. Nothing is saved yet: make room, and the "
        "same command goes on."
    )
    code, _, err = umop("data", "check", str(discs), "--html", "/dev/full")
    assert code == 2
    assert "/dev/full cannot be written: No space left on device" in err


def test_a_full_disk_in_a_dry_run_names_the_folder_that_is_full(
    umop: Umop, discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: OwnData) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OwnData, "write_annotations", full)
    train = ("train", "demo", "--run", "discs", "--data", str(discs), *SMALL)
    code, _, err = umop(*train, "--dry-run")
    assert code == 1
    assert f"There is no space left in {tempfile.gettempdir()}/" in err


def test_nodes_make_no_dry_run(umop: Umop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNODES", "2")
    code, _, err = umop("train", "demo", "--run", "discs", "--dry-run")
    assert code == 2
    assert "error: --dry-run tries one node: " in err


def test_a_full_disk_that_no_command_expects_is_the_machines() -> None:
    command = [sys.executable, "-m", "umop.cli", "config", "demo"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.endswith("cannot be read or written: No space left on device.\n")
