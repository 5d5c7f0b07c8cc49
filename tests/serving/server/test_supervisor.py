"""A worker that hangs is replaced, as one that dies is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

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
