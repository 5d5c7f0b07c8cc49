"""``umop train`` on two nodes: torch elastic's agent on each, and one rank under it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.serving.running import free_ports
from tests.umop.distributed.starter import Started, Starter
from tests.umop.training.results import metrics
from umop.runs.folder import RunFolder
from umop.system.exit_codes import FAILURE, STOPPED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NODES = (f"umop-{os.getpid()}-node0", f"umop-{os.getpid()}-node1")
ENDS = ("node0", "node1")
ADDRESSES = ("10.213.7.1", "10.213.7.2")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextmanager
def namespace(name: str) -> Iterator[None]:
    ip("netns", "add", name)
    try:
        yield
    finally:
        ip("netns", "delete", name)


@pytest.fixture
def nodes() -> Iterator[tuple[str, ...]]:
    """Two hosts: network namespaces, joined by a cable."""
    with ExitStack() as stack:
        try:
            for name in NODES:
                stack.enter_context(namespace(name))
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"network namespaces are not allowed here: {error}")
        cable = ["link", "add", ENDS[0], "type", "veth", "peer", ENDS[1], "netns", NODES[1]]
        ip("-n", NODES[0], *cable)
        for name, end, address in zip(NODES, ENDS, ADDRESSES, strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", end)
            for device in ("lo", end):
                ip("-n", name, "link", "set", device, "up")
        yield NODES


def start_nodes(
    starts: Starter, nodes: tuple[str, ...], folder: Path, command: list[str]
) -> list[Started]:
    return [
        starts.start(
            folder,
            *command,
            environment={
                "PET_NNODES": "2",
                "PET_NODE_RANK": str(number),
                "PET_MASTER_ADDR": ADDRESSES[0],
                "PET_MASTER_PORT": "29500",
                "GLOO_SOCKET_IFNAME": ENDS[number],
            },
            node=node,
        )
        for number, node in enumerate(nodes)
    ]


def test_two_nodes_stop_together_and_resume(
    starts: Starter, nodes: tuple[str, ...], workplace: Path, configs: Path, discs: Path
) -> None:
    data = ["--data", str(discs), "--size", "64", "--run", "x"]
    command = ["train", str(configs / "pausing.py"), *data]
    run = RunFolder(workplace / "runs" / "x")
    held = workplace / "runs" / "pause"

    held.touch()
    started = start_nodes(starts, nodes, workplace, command)
    wait_for_pause(run, started)
    started[1].kill(signal.SIGTERM)
    started[1].wait_until(lambda: "Stopping after this step" in started[1].printed)
    held.unlink()
    assert [node.wait() for node in started] == [STOPPED, STOPPED]
    assert "Stopped after iteration 8 of 14, which is saved." in started[0].printed

    held.touch()
    started = start_nodes(starts, nodes, workplace, command)
    wait_for_pause(run, started)
    rank_of(started[1]).send_signal(signal.SIGKILL)
    held.unlink()
    assert [node.wait() for node in started] == [STOPPED, FAILURE]
    [message] = errors(started[0])
    assert message.startswith(f"error: Training lost rank 1 on {NODES[1]} at iteration 1")
    [message] = errors(started[1])
    assert message.startswith(f"error: Rank 1 on {NODES[1]} was ended by SIGKILL.")
    assert all("Stopping after this step" not in node.printed for node in started)

    held.touch()
    started = start_nodes(starts, nodes, workplace, [*command, "--timeout", "10"])
    wait_for_pause(run, started)
    rank_of(started[1]).send_signal(signal.SIGSTOP)
    held.unlink()
    assert [node.wait() for node in started] == [STOPPED, FAILURE]
    [message] = errors(started[0])
    assert message.startswith(f"error: Training lost rank 1 on {NODES[1]} at iteration 1")
    [message] = errors(started[1])
    assert message.startswith(f"error: Rank 1 on {NODES[1]} gave no sign of life for 25 s")

    started = start_nodes(starts, nodes, workplace, command)
    assert [node.wait() for node in started] == [0, 0]
    iterations = [line["iter"] for line in metrics(run) if "loss" in line]
    assert iterations == list(range(1, 15))


def wait_for_pause(run: RunFolder, started: list[Started]) -> None:
    for number, node in enumerate(started):
        node.wait_until((run.folder / f"paused-{number}").exists)


def rank_of(node: Started) -> psutil.Process:
    """The one rank of a node, which has processes of its own that load data."""
    return next(child for child in node.children() if "RANK" in child.environ())


def errors(started: Started) -> list[str]:
    return [line for line in started.printed.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(("number", "missing"), [("0", "1"), ("1", "the first")])
def test_a_node_that_waits_for_another_says_so_and_stops(
    starts: Starter, workplace: Path, configs: Path, discs: Path, number: str, missing: str
) -> None:
    command = ["train", str(configs / "pausing.py"), "--data", str(discs), "--size", "64"]
    [port] = free_ports(1)
    node = {
        "PET_NNODES": "2",
        "PET_NODE_RANK": number,
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(port),
    }
    started = starts.start(workplace, *command, "--run", "x", environment=node)
    line = f"Waiting for {missing} of 2 nodes at 127.0.0.1:{port}"
    started.wait_until(lambda: line in started.printed)
    started.kill(signal.SIGTERM)
    assert started.wait() == STOPPED
    assert "Traceback" not in started.printed


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a path that is short enough for sockets."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_one_node_pauses_and_stops_its_ranks(
    starts: Starter, workplace: Path, configs: Path, discs: Path, temporary: Path
) -> None:
    command = ["train", str(configs / "pausing.py"), "--data", str(discs), "--size", "64"]
    (workplace / "runs" / "pause").touch()
    command = [*command, "--run", "x", "--processes", "2"]
    started = starts.start(workplace, *command, environment={"TMPDIR": str(temporary)})
    wait_for_pause(RunFolder(workplace / "runs" / "x"), [started, started])
    assert list(temporary.glob("pymp-*/listener-*"))
    processes = started.children()
    os.killpg(started.pid, signal.SIGTSTP)  # as Ctrl-Z
    started.wait_until(lambda: {each.status() for each in processes} == {psutil.STATUS_STOPPED})
    os.killpg(started.pid, signal.SIGCONT)  # as fg
    started.wait_until(lambda: psutil.STATUS_STOPPED not in {each.status() for each in processes})
    os.killpg(started.pid, signal.SIGINT)  # as Ctrl-C
    started.wait_until(lambda: "Stopping after this step" in started.printed)
    (workplace / "runs" / "pause").unlink()
    assert started.wait() == STOPPED
    assert "Stopped after iteration 8 of 14, which is saved." in started.printed
    assert psutil.wait_procs(processes, timeout=60)[1] == []
    assert not list(temporary.glob("pymp-*"))
