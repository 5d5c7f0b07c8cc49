"""A worker that hangs is replaced, as one that dies is, also where a start fails."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.serving import command
from tests.serving import running as servers
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import children, running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

IMPATIENT = """
from serving.cli import main
from serving.server import supervisor

supervisor._BEATS_MISSED_BY_A_HUNG_WORKER = 5
main()
"""


FAILING = """
import errno
import os
from multiprocessing.context import SpawnProcess

from serving.cli import main

fails = iter({fails})
start = SpawnProcess.start


def start_or_fail(process):
    if next(fails, False):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    start(process)


SpawnProcess.start = start_or_fail
main()
"""


def test_a_frozen_worker_is_killed_and_replaced(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "COMMAND", [servers.COMMAND[0], "-c", IMPATIENT])
    with running("--bundle", str(bundle_path), "--workers", "2") as server:
        frozen, _ = children(server)
        os.kill(frozen, signal.SIGSTOP)
        wait_until(lambda: frozen not in children(server), seconds=60)
        assert f"worker {frozen} hangs; killing it" in server.log()
        wait_until(lambda: len(children(server)) == 2, seconds=60)
        assert server.detect(encode(TWO_SQUARES)).status_code == 200
        loads = "the network runs on"
        wait_until(lambda: server.log().count(loads) == 3, seconds=120)


def test_a_worker_that_the_machine_cannot_start_is_started_later(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = FAILING.format(fails=[False, False, True])
    monkeypatch.setattr(servers, "COMMAND", [servers.COMMAND[0], "-c", failing])
    with running("--bundle", str(bundle_path), "--workers", "2") as server:
        killed, other = children(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len({*children(server)} - {killed}) == 2, seconds=60)
        reason = "a worker cannot be started: Resource temporarily unavailable"
        assert f"{reason}; starting another in 2 s" in server.log()
        assert other in children(server)
        assert server.detect(encode(TWO_SQUARES)).status_code == 200


def test_a_worker_that_the_machine_cannot_start_at_first_is_one_line(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = FAILING.format(fails=[False, True])
    monkeypatch.setattr(command, "COMMAND", [command.COMMAND[0], "-c", failing])
    done = command.run("--bundle", str(bundle_path), "--port", "0", "--workers", "2")
    command.assert_one_line(done, "a worker cannot be started: Resource temporarily unavailable")
