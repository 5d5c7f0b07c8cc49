"""What torchrun's variables say about a job's nodes."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from umop.distributed.agent import free
from umop.distributed.job import Job
from umop.system.errors import UserError


@pytest.mark.parametrize("prefix", ["", "PET_"])
def test_a_job_has_the_nodes_that_are_named(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    variables = {"NNODES": "2", "NODE_RANK": "1", "MASTER_ADDR": "first", "MASTER_PORT": "29500"}
    for name, value in variables.items():
        monkeypatch.setenv(f"{prefix}{name}", value)
    job = Job.from_environment(4)
    assert (job.nodes, job.ranks) == (2, 8)
    assert job.launch.rdzv_endpoint == "first:29500"


def test_a_node_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PET_NODE_RANK", "1")
    monkeypatch.setenv("PET_NNODES", "1")
    with pytest.raises(UserError, match="This is node 1, counted from 0, of 1"):
        Job.from_environment(1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("NNODES", "two"), ("NNODES", "0"), ("PET_NNODES", "1:2:3"), ("NODE_RANK", "first")],
)
def test_a_value_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"A variable of torchrun's.* has a wrong value: .*"):
        Job.from_environment(1)


def test_a_rank_is_waited_for_after_a_signal_in_poll() -> None:
    with subprocess.Popen(["true"]) as rank:
        rank._waitpid_lock.acquire()  # type: ignore[attr-defined]
        assert rank.poll() is None, "poll gives up where another has the lock"
        free(rank)
        assert rank.wait(timeout=60) == 0


def test_no_folder_for_logs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Job.from_environment(2)
    assert not list(tmp_path.iterdir())
