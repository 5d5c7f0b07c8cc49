"""Threads follow a container's limit, not the machine's cores."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime as ort
import pytest

from serving.bundle import Bundle
from serving.cpu_limit import cpu_limit, usable_cores
from serving.inference import engines
from serving.inference.engines import open_engine


@pytest.fixture(autouse=True)
def all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may use each of eight cores, whatever these tests are run on."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))


@pytest.mark.parametrize(
    ("content", "limit"),
    [("200000 100000\n", 2), ("150000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 0)],
)
def test_version_2(tmp_path: Path, content: str, limit: int) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert cpu_limit(tmp_path) == limit


@pytest.mark.parametrize(("quota", "limit"), [("300000\n", 3), ("-1\n", 0)])
def test_version_1(tmp_path: Path, quota: str, limit: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_limit(tmp_path) == limit


def test_there_is_no_limit_without_control_groups(tmp_path: Path) -> None:
    assert cpu_limit(tmp_path) == 0


@pytest.mark.parametrize(("quota", "limit"), [("max", 3), ("200000", 2), ("800000", 3)])
def test_the_smaller_of_quota_and_affinity_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, limit: int
) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota} 100000\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(3)))
    assert cpu_limit(tmp_path) == usable_cores(tmp_path) == limit


def test_all_cores_are_no_limit(tmp_path: Path) -> None:
    assert (cpu_limit(tmp_path), usable_cores(tmp_path)) == (0, 8)


@pytest.mark.parametrize(("asked", "got"), [(0, 3), (1, 1)])
def test_an_engine_has_so_many_threads(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int, got: int
) -> None:
    threads = []
    session = ort.InferenceSession

    def watched(model: bytes, options: ort.SessionOptions, **rest: object) -> object:
        threads.append(options.intra_op_num_threads)
        return session(model, options, **rest)

    monkeypatch.setattr(engines, "cpu_limit", lambda: 3)
    monkeypatch.setattr(ort, "InferenceSession", watched)
    open_engine(Bundle.open(bundle_path), device="cpu", threads=asked)
    assert threads == [got]
