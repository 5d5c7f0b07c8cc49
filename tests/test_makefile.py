"""What ``make`` runs, with commands in their place that only write down how they were called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
FILES = ("demo.mar", "demo.bundle/manifest.json", "demo.bundle/model.sig")
COMMAND = '#!/bin/sh\necho "$(basename "$0") $*" >> calls\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile and an environment that is ready."""
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "requirements").mkdir()
    needed = ["requirements/train.txt", "requirements/mmcv.txt", "requirements/mmcv_wheel.py"]
    needed += ["requirements/torchserve.txt", "pyproject.toml"]
    for order, name in enumerate([*needed, ".venv/.ready", ".venv/.ready-for-torchserve"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (order, order))
    for name in ("python", "umop", "umop-serve"):
        command = tmp_path / ".venv" / "bin" / name
        command.write_text(COMMAND)
        command.chmod(0o755)
    return tmp_path


def make(clone: Path, *arguments: str) -> list[str]:
    """Runs make; returns the commands that it called."""
    subprocess.run(["make", "-C", clone, *arguments], check=True, capture_output=True)
    return (clone / "calls").read_text().splitlines()


def test_help_lists_every_target_that_has_a_description(clone: Path) -> None:
    described = re.findall(r"^(\S+):.* ## ", MAKEFILE.read_text(), re.MULTILINE)
    page = subprocess.run(["make", "-C", clone, "help"], check=True, capture_output=True, text=True)
    listed = [line.split()[1] for line in page.stdout.splitlines() if line.startswith("  make ")]
    assert listed == described


def test_a_folder_of_a_targets_name_does_not_keep_it_from_running(clone: Path) -> None:
    targets = re.findall(r"^([a-z0-9-]+):.* ## ", MAKEFILE.read_text(), re.MULTILINE)
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text(), re.MULTILINE)
    assert set(targets) <= set(phony.split())


def test_commands_may_write_bytecode(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    seen = clone / ".venv" / "bin" / "umop"
    seen.write_text('#!/bin/sh\necho "${PYTHONDONTWRITEBYTECODE-unset}" >> calls\n')
    assert set(make(clone, "train")) == {"unset"}


def test_bench_trains_the_demo_where_there_is_none(clone: Path) -> None:
    run = clone / "runs" / "demo"
    run.mkdir(parents=True)
    training = [
        "umop data demo",
        "umop train demo",
        "umop export demo",
        "umop export demo-int8 --precision int8",
    ]
    assert [call for call in make(clone, "bench") if call in training] == training
    for made in (
        "data/crowns/photo.png",
        "runs/demo/demo.bundle",
        "runs/demo-int8/demo-int8.bundle",
    ):
        (clone / made).mkdir(parents=True)
    (clone / "calls").unlink()
    calls = make(clone, "bench")
    assert not set(training) & set(calls)
    assert all((MAKEFILE.parent / call.split()[1]).is_file() for call in calls if "python" in call)


def test_manifests_get_the_name_of_a_registry(clone: Path) -> None:
    shutil.copytree(MAKEFILE.parent / "k8s", clone / "k8s")
    for prefix in ("registry.example.com:5000/vision", "ghcr.io/umop"):
        command = ["make", "-C", clone, "manifests", f"IMAGE_PREFIX={prefix}"]
        subprocess.run(command, check=True, capture_output=True)
        names = {
            name
            for file in (clone / "k8s").rglob("*.[py]*")
            for name in re.findall(
                r"[ \"]([^ {\"]+/umop-(?:api|model|torchserve|train))\b", file.read_text()
            )
            if not name.startswith(("arn:", "deployment/", "service/"))
        }
        images = ("api", "model", "torchserve", "train")
        assert names == {f"{prefix}/umop-{image}" for image in images}
    for file in (clone / "k8s").rglob("*.[py]*"):
        assert file.read_bytes() == (MAKEFILE.parent / file.relative_to(clone)).read_bytes()


def test_a_config_file_names_its_run(clone: Path) -> None:
    assert make(clone, "train", "CONFIG=own/mine.py") == ["umop train own/mine.py --run mine"]


def test_data_of_ones_own_takes_the_config_for_it(clone: Path) -> None:
    assert make(clone, "train", "DATA=/my") == ["umop train small --run small --data /my"]


@pytest.mark.parametrize("target", ["check", "train", "eval"])
def test_a_folder_of_data_may_have_spaces_in_its_name(clone: Path, target: str) -> None:
    (clone / "my photos").mkdir()
    asked = ["make", "-n", "-C", str(clone), target, "DATA=my photos"]
    shown = subprocess.run(asked, check=True, capture_output=True, text=True)
    assert '"my photos"' in shown.stdout


def test_several_folders_of_data_are_joined(clone: Path) -> None:
    (clone / "photos").mkdir()
    data = "DATA=photos s3://bucket/corrected"
    [called] = make(clone, "train", data)
    assert called == "umop train small --run small --data photos --data s3://bucket/corrected"
    assert make(clone, "check", data)[1:] == ["umop data check photos s3://bucket/corrected"]


@pytest.mark.parametrize(
    ("data", "handed_on"),
    [
        ("s3://b/my photos", ['"s3://b/my photos"']),
        ("photos s3://b/my photos", ['"photos"', '"s3://b/my photos"']),
        ("s3://b/one photos gs://c/other", ['"s3://b/one photos"', '"gs://c/other"']),
    ],
)
def test_an_address_may_have_spaces(clone: Path, data: str, handed_on: list[str]) -> None:
    (clone / "photos").mkdir()
    assert f"umop data check {' '.join(handed_on)}" in shown(clone, "check", data).stdout
    options = " ".join(f"--data {each}" for each in handed_on)
    assert f"--run small {options}" in shown(clone, "train", data).stdout


@pytest.mark.parametrize("target", ["check", "train"])
def test_of_several_folders_none_may_have_spaces(clone: Path, target: str) -> None:
    for name in ("photos", "my corrected"):
        (clone / name).mkdir()
    done = shown(clone, target, "photos my corrected")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert 'DATA="photos my corrected": there is no my; folders with spaces in' in line


def shown(clone: Path, target: str, data: str) -> subprocess.CompletedProcess[str]:
    """What make would run."""
    asked = ["make", "-n", "-C", str(clone), target, f"DATA={data}"]
    return subprocess.run(asked, capture_output=True, text=True)


@pytest.mark.parametrize("data", ["{clone}/my photos", "my photos"])
def test_containers_mount_a_folder_with_spaces_in_its_name(clone: Path, data: str) -> None:
    (clone / "my photos").mkdir()
    done = in_docker(clone, data.format(clone=clone))
    assert done.returncode == 0, done.stderr
    assert (clone / "calls").read_text() == f"{clone}/my photos\n"


def test_containers_take_one_folder(clone: Path) -> None:
    done = in_docker(clone, "photos corrected")
    assert "IN=docker takes one folder of data that is there, not photos corrected" in done.stderr
    assert not (clone / "calls").exists()


def in_docker(clone: Path, data: str) -> subprocess.CompletedProcess[str]:
    """Trains in a container; the folder that it mounts is written to ``calls``."""
    docker = clone / "docker"
    docker.write_text('#!/bin/sh\necho "$DATA_PATH" >> calls\n')
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{clone}:{os.environ['PATH']}"}
    asked = ["make", "-C", clone, "train", f"DATA={data}", "IN=docker", f"UMOP_CACHE={clone}/cache"]
    return subprocess.run(asked, capture_output=True, text=True, env=environment)


def test_what_a_user_asks_of_training_is_handed_on(clone: Path) -> None:
    asked = ["EPOCHS=9", "BATCH=8", "ACCUMULATE=2", "LR=1e-4", "SIZE=512", "TILES=auto", "TIME=30m"]
    more = ["DATA=/my", "DEVICE=cpu", "PATIENCE=3", "WEIGHTS=demo"]
    [called] = make(clone, "train", *more, *asked)
    options = "--device cpu --epochs 9 --batch 8 --accumulate 2 --lr 1e-4 --size 512 --tiles auto"
    assert called.endswith(f"--data /my {options} --time 30m --patience 3 --weights demo")


def test_without_data_the_demo_is_trained(clone: Path) -> None:
    assert make(clone, "train") == ["umop train demo --run demo"]


@pytest.mark.parametrize(
    "newer", ["demo.mar", "demo.bundle/manifest.json", "demo.bundle/model.sig"]
)
def test_an_archive_is_packed_only_where_it_is_out_of_date(clone: Path, newer: str) -> None:
    run = clone / "runs" / "demo"
    (run / "demo.bundle").mkdir(parents=True)
    for name in FILES:
        (run / name).touch()
        os.utime(run / name, (2, 2) if name == newer else (1, 1))
    packed = [] if newer == "demo.mar" else ["umop archive demo"]
    served = "umop-serve torchserve runs/demo/demo.mar --port 8080 --trust-program"
    assert make(clone, "torchserve", "RUN=demo") == [*packed, served]
