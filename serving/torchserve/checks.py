"""What is checked before TorchServe's Java starts."""

from __future__ import annotations

import socket
import zipfile
from pathlib import Path

from serving.bundle import UNREADABLE_ZIP
from serving.server.process import StartError

MANIFEST = "MAR-INF/MANIFEST.json"
HINT = "make it with: umop archive RUN"


def require_archive(path: Path) -> None:
    """Checks that a file is a sound archive of TorchServe's.

    Raises:
        StartError: It is missing, damaged, or something else.
    """
    if not path.is_file():
        raise StartError(f"{path}: no such archive; {HINT}")
    try:
        with zipfile.ZipFile(path) as members:
            damaged = members.testzip()
            is_archive = MANIFEST in members.namelist()
    except UNREADABLE_ZIP as error:
        raise StartError(f"{path}: not a sound zip ({error}); {HINT}") from error
    if damaged:
        raise StartError(f"{path}: {damaged} in it is damaged; {HINT}")
    if not is_archive:
        raise StartError(f"{path}: not an archive: it has no {MANIFEST}; {HINT}")


def require_port(port: int) -> None:
    """Checks that a port exists and is free on the loopback address.

    Raises:
        StartError: It is taken, or not from 1 to 65535.
    """
    if not 1 <= port <= 65535:
        raise StartError(f"{port} is no port: they go from 1 to 65535")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise StartError(f"port {port} is taken") from error
