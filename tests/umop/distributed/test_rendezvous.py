"""Nodes that come at different times, go while they wait, and come again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from torch.distributed import DistStoreError

from tests.serving.running import free_ports
from tests.serving.waiting import wait_until
from umop.distributed import launch, rendezvous
from umop.distributed.agent import Agent
from umop.distributed.job import Job
from umop.distributed.rendezvous import WaitingRendezvous
from umop.system.errors import LostRankError


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "SECONDS_BEFORE_NOTES", 0.0)


@pytest.fixture
def port() -> int:
    [free] = free_ports(1)
    return free


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def node(rank: int, port: int, count: int = 2) -> WaitingRendezvous:
    return WaitingRendezvous("127.0.0.1", port, rank, count, "none", timeout=20)


def ranks(*meetings: Future[object]) -> list[int]:
    return [each.result(60).rank for each in meetings]  # type: ignore[attr-defined]


def test_the_first_node_says_whom_it_waits_for(
    port: int, threads: ThreadPoolExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = Printed(capfd)
    first = threads.submit(node(0, port, 3).next_rendezvous)
    wait_until(lambda: printed.has(f"Waiting for 2 of 3 nodes at 127.0.0.1:{port}"))
    second = threads.submit(node(1, port, 3).next_rendezvous)
    wait_until(lambda: printed.has("Waiting for 1 of 3 nodes"))
    assert not first.done()
    assert ranks(first, second, threads.submit(node(2, port, 3).next_rendezvous)) == [0, 1, 2]


def test_another_node_waits_for_the_first_beyond_its_timeout(
    port: int, threads: ThreadPoolExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = Printed(capfd)
    second = threads.submit(
        WaitingRendezvous("127.0.0.1", port, 1, 2, "none", timeout=1).next_rendezvous
    )
    wait_until(lambda: printed.has(f"Waiting for the first of 2 nodes at 127.0.0.1:{port}"))
    assert ranks(threads.submit(node(0, port).next_rendezvous), second) == [0, 1]


def test_a_node_that_comes_again_waits_for_the_next_meeting(
    port: int, threads: ThreadPoolExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = Printed(capfd)
    first, second = node(0, port), node(1, port)
    assert ranks(*(threads.submit(each.next_rendezvous) for each in (first, second))) == [0, 1]
    again = threads.submit(node(1, port).next_rendezvous)
    wait_until(lambda: printed.has("Waiting for the first of 2 nodes"))
    assert not again.done()
    first._store = second._store = None  # as when that run ends
    assert ranks(threads.submit(node(0, port).next_rendezvous), again) == [0, 1]


def test_nodes_that_part_again_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(self: Agent) -> None:
        raise DistStoreError("wait timeout after 600000ms\nwith a long trace")

    for name, value in {"NNODES": "2", "NODE_RANK": "1", "MASTER_ADDR": "node0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Agent, "run", part)
    with pytest.raises(
        LostRankError, match=r"did not meet at node0\S*: wait timeout after 600000ms"
    ):
        launch.launch(Job.from_environment(1), "none", None, 600.0)


class Printed:
    """What has been printed so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def has(self, part: str) -> bool:
        self._text += self._capture.readouterr().err
        return part in self._text
