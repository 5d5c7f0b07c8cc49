"""``umop doctor``: what it says of this environment, and of broken ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.umop.conftest import Umop
from umop.doctor import Diagnosis, examine, software, storage, verdict_of
from umop.doctor.machine import why_not
from umop.system import hardware

CHECKS = [
    *("machine", "versions", "torch", "mmcv", "mmdet", "apex"),
    *("GPU", "shared memory", "runs", "data", "cache", "weights"),
]
KERNEL_MODULES = {
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n": "535.183.01",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (x@y)\n"
    "GCC version:  gcc version 13.2.0\n": "580.65.06",
}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_training_works_in_this_environment(umop: Umop) -> None:
    code, out, err = umop("doctor")
    assert code == 0, out + err
    lines = out.splitlines()
    assert [name for name in CHECKS if not any(name in line for line in lines)] == []
    assert "torch 2.11.0" in out
    assert lines[-1].startswith("Training works here")


def test_programs_get_json(umop: Umop) -> None:
    code, out, _ = umop("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["verdict"] in ("ok", "warn")
    assert [check["check"] for check in report["checks"]] == CHECKS
    assert all(set(check) == {"check", "verdict", "found", "advice"} for check in report["checks"])


def test_operators_that_do_not_run_are_a_failure(
    umop: Umop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mmcv.ops", None)
    code, out, _ = umop("doctor")
    assert code == 2
    assert "fail  mmcv           its operators do not run" in out
    assert "requirements/mmcv_wheel.py" in out
    assert out.splitlines()[-1].startswith("Training does not work here")


def test_a_broken_torch_is_named_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open')")
    script = (
        "from umop.cli import main; import sys; sys.argv = ['umop', 'doctor', '--json']; main()"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert list(checks) == CHECKS
    assert checks["torch"]["verdict"] == "fail"
    assert "libcudart.so.13: cannot open" in checks["torch"]["found"]
    assert "runs/ can be written" in checks["runs"]["found"]
    assert checks["shared memory"]["verdict"] != "fail"


def test_other_versions_than_pinned_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"torch": "2.12.0", "onedl-mmcv": "2.2.0"}
    kept = software.installed
    monkeypatch.setattr(software, "installed", lambda name: there.get(name) or kept(name))
    diagnosis = software.versions()
    assert diagnosis.verdict == "warn"
    assert "torch 2.12.0 instead of ==2.11.0" in diagnosis.advice
    assert "onedl-mmcv 2.2.0 instead of ==2.3.6" in diagnosis.advice
    monkeypatch.setattr(software, "installed", lambda name: None if name == "timm" else kept(name))
    assert software.versions().verdict == "fail"
    assert "timm is missing" in software.versions().advice


def test_wrong_answers_of_an_operator_are_noticed() -> None:
    import torch

    with pytest.raises(ValueError, match=r"nms on cpu keeps \[1\] instead of \[0, 2\]"):
        software.check_nms(lambda *_: torch.tensor([1]), "cpu")


def test_little_shared_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "gpu_count", lambda: 100_000)
    diagnosis = storage.shared_memory()
    assert diagnosis.verdict == "warn"
    assert "docker run --shm-size=200000g" in diagnosis.advice


def test_a_folder_that_cannot_be_written_fails(umop: Umop, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    code, out, _ = umop("doctor")
    assert code == 2
    assert "fail  runs           runs/ cannot be written" in out


def test_data_and_weights_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data" / "coco").mkdir(parents=True)
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    (tmp_path / "cache" / "weights" / "resnet50.pth").touch()
    assert storage.data().found == "data/ holds coco"
    assert storage.weights().found.startswith("resnet50.pth;")
    assert storage.cache().found.startswith(f"{tmp_path}/cache can be written")


@pytest.mark.parametrize(("text", "version"), KERNEL_MODULES.items())
def test_the_driver_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, version: str
) -> None:
    monkeypatch.setattr(hardware, "KERNEL_MODULE", tmp_path / "version")
    assert hardware.driver() is None
    (tmp_path / "version").write_text(text)
    assert hardware.driver() == version


@pytest.mark.parametrize(
    ("wanted", "newest", "reason"),
    [
        (None, (13, 0), "built for processors only"),
        ("13.0", (12, 4), "torch is built for CUDA 13.0: update the driver"),
        ("12.8", (13, 0), "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_why_torch_finds_no_gpu(wanted: str | None, newest: tuple[int, int], reason: str) -> None:
    assert reason in why_not(wanted, newest)


def test_a_check_that_breaks_is_a_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Diagnosis:
        raise OSError("no such\ndevice")

    monkeypatch.setattr("umop.doctor.checks.CHECKS", {"GPU": broken})
    assert list(examine()) == [Diagnosis("GPU", "fail", "OSError: no such device")]
    assert verdict_of(examine()) == "fail"
