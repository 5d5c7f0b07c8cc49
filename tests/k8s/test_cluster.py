"""The walk of ``make test-cluster``, with stand-ins for kubectl, curl and the service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.k8s.manifests import read

CLUSTER = Path(__file__).parent / "cluster"
KUBECTL = """#!/bin/sh
# Notes its calls; the log of the load grows by a line each time that it is read.
case "$1 $2" in
  "logs umop-load")
    tail -n 1 "$CALLS" | grep -q "$LOSES" && echo "50 3 2.5" >>"$LOG" || echo "50 0 0.1" >>"$LOG"
    cat "$LOG" && exit ;;
  "get deployment") echo registry/umop-api:1 ;;
  "get pods") echo pod/one && echo pod/two ;;
  "create secret" | "config view") echo made ;;
esac
echo "$*" >>"$CALLS"
if [ "$*" = "apply -f -" ]; then cat >>"$CALLS"; fi
"""


def walk(folder: Path, loses: str = "nothing") -> subprocess.CompletedProcess[str]:
    """Runs the walk; what is lost is lost in the steps that end with such a call."""
    for name, text in {"kubectl": KUBECTL, "curl": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    variables = {"CALLS": str(folder / "calls"), "LOG": str(folder / "log"), "LOSES": loses}
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        [CLUSTER / "walk.sh"],
        env={**os.environ, **variables, "PATH": path, "SETTLE": "0"},
        capture_output=True,
        text=True,
    )


def test_the_walk_does_what_the_docs_say_and_counts(tmp_path: Path) -> None:
    done = walk(tmp_path)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    steps = [
        "create namespace umop-cluster-test",
        "apply -k k8s/demo",
        "wait --for=condition=complete --timeout=30m job/umop-train",
        "create secret generic umop-api-keys --from-file=keys --dry-run=client -o yaml",
        "apply -k k8s/demo/serving",
        "rollout restart deployment/umop-api",
        "rollout restart deployment/umop-torchserve",
        "delete --force --grace-period=0 pod/one",
        "delete namespace umop-cluster-test --wait=false --ignore-not-found",
    ]
    assert sorted(steps, key=calls.index) == steps
    assert "      image: registry/umop-api:1" in calls
    table = re.findall(r"^(.+?) +50 asked +0 lost +0.1 s without an answer$", done.stdout, re.M)
    assert len(table) == 7


def test_a_restart_that_loses_requests_fails_the_walk(tmp_path: Path) -> None:
    done = walk(tmp_path, loses="deployment/umop-torchserve")
    assert done.returncode == 1
    assert re.search(r"^restart of the TorchServes +\d+ asked +3 lost", done.stdout, re.M)


def test_the_docs_have_the_commands_that_are_walked() -> None:
    script = (CLUSTER / "walk.sh").read_text()
    for section, block in re.findall(r'^walk "(.+?)" ?(\d?)$', script, re.M):
        [function] = re.findall(r"^commands\(\) \{.+?^\}", script, re.M | re.S)
        command = f"root={CLUSTER.parents[2]}\n{function}\ncommands '{section}' {block or 1}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        assert done.stdout


def test_the_load_is_confined_and_asks_the_front() -> None:
    [pod] = read(CLUSTER / "load.yaml")
    [container] = pod["spec"]["containers"]
    assert container["command"][2:] == ["http://umop-api/detect", "a long random key"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"]


class Service(BaseHTTPRequestHandler):
    """Answers every second request with 503."""

    count = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Service.count += 1
        self.send_response(200 if Service.count % 2 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/detect"
        server.shutdown()


def test_the_load_counts_what_is_lost(service: str) -> None:
    command = [sys.executable, str(CLUSTER / "load.py"), service, "key"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        lines = (line.split() for line in load.stdout)
        asked, lost, gap = next(line for line in lines if int(line[1]) > 0)
        load.kill()
    assert int(lost) < int(asked)
    assert 0 < float(gap) < 60
