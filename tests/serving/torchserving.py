"""A real TorchServe on loopback, in which nothing of training can be imported."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import psutil

from tests.serving.running import free_ports

# Python imports `sitecustomize` at its start. In the worker it lets `serving` come from nowhere
# but the unpacked archive.
SITECUSTOMIZE = """
import sys
from importlib.machinery import PathFinder


class Block:
    training = {"umop", "mmdet", "mmcv", "mmengine"}
    front = {"fastapi", "uvicorn", "httpx", "typer"}
    is_worker = any("model_service_worker" in word for word in sys.orig_argv)

    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        if package in self.training | (self.front if self.is_worker else set()):
            raise ImportError(f"{name} must not be imported here")
        if self.is_worker and name == "serving":
            origin = PathFinder.find_spec(name).origin
            if "torchserve-" not in origin:
                raise ImportError(f"serving comes from {origin}, not from the archive")


sys.meta_path.insert(0, Block())
"""


@dataclass
class RunningTorchServe:
    """A TorchServe whose model is ready.

    Attributes:
        url: Its inference API.
        management: Its management API.
        metrics: Its metrics API.
        process: The launcher; TorchServe and its workers are below it.
    """

    url: str
    management: str
    metrics: str
    process: subprocess.Popen[str]

    def workers(self) -> list[psutil.Process]:
        """The processes that run the model."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in below if "model_service_worker" in " ".join(each.cmdline())]


def port_options(port: int | None = None) -> list[str]:
    """Options that give TorchServe free ports, ``port`` to its inference API if it is not None."""
    names = ("--port", "--management-port", "--metrics-port", "--grpc-port", "--worker-port")
    ports = free_ports(len(names))
    ports[0] = port or ports[0]
    return [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]


@contextmanager
def torchserving(
    archive: Path, *arguments: str, port: int | None = None
) -> Iterator[RunningTorchServe]:
    """Serves an archive on free ports; stops it with SIGTERM and checks that it obeys."""
    options = port_options(port)
    ports = options[1::2]
    command = [sys.executable, "-m", "serving", "torchserve", str(archive), *options, *arguments]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        log = stack.enter_context(TemporaryFile())
        (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout
        line = process.stdout.readline()
        if not re.fullmatch(r"serving \S+ on http://\S+\n", line):
            process.wait(20)
            log.seek(0)
            raise AssertionError(f"it did not start: {line}{log.read().decode()[-4000:]}")
        server, management, metrics = (f"http://127.0.0.1:{port}" for port in ports[:3])
        try:
            yield RunningTorchServe(server, management, metrics, process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        assert code == 0
