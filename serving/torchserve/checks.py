"""Checks before TorchServe's Java starts."""

from __future__ import annotations

import json
import socket
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from serving.bundle import Bundle, BundleError
from serving.server.process import StartError
from serving.torchserve.archive import BUNDLE, PACKAGE
from serving.zips import UNREADABLE_ZIP

_MANIFEST = "MAR-INF/MANIFEST.json"
_HINT = "make it with: umop archive RUN"
_PARTS = {
    "serializedFile": BUNDLE,
    "handler": "handler.py",
    "requirementsFile": "requirements.txt",
    "configFile": "model-config.yaml",
}


def require_archive(path: Path) -> None:
    """Checks that a file is a valid archive of TorchServe's.

    Raises:
        StartError: It is missing, damaged, or something else.
    """
    if not path.is_file():
        raise StartError(f"{path}: no such archive; {_HINT}")
    try:
        with zipfile.ZipFile(path) as members:
            damaged = members.testzip()
            is_archive = _MANIFEST in members.namelist()
    except UNREADABLE_ZIP as error:
        raise StartError(f"{path}: not a valid zip ({error}); {_HINT}") from error
    if damaged:
        raise StartError(f"{path}: {damaged} in it is damaged; {_HINT}")
    if not is_archive:
        raise StartError(f"{path}: not an archive: it has no {_MANIFEST}; {_HINT}")


def require_signed(path: Path, key: Path) -> None:
    """Checks that an archive holds a bundle signed with a key, and no code but this version's.

    The signature is the bundle's. It says nothing about the modules beside it, which TorchServe
    runs, so those must be the installed ones.

    Args:
        path: A valid archive, see ``require_archive``.
        key: The public key.

    Raises:
        StartError: It holds other code, or its bundle is not signed with the key.
    """
    with zipfile.ZipFile(path) as members:
        if unexpected := _unexpected(members):
            raise StartError(
                f"{path}: {unexpected} in it is not what this version packs, "
                f"and no signature covers it; {_HINT}"
            )
        with TemporaryDirectory() as folder:
            try:
                Bundle.open(members.extract(BUNDLE, folder), verify_key=key)
            except BundleError as error:
                reason = str(error).removeprefix(f"{Path(folder) / BUNDLE}: ")
                raise StartError(f"{path}: {reason}") from error


def _unexpected(members: zipfile.ZipFile) -> str | None:
    """A member that is missing, or differs from what ``umop archive`` of this version writes."""
    own = {"handler.py": PACKAGE / "torchserve" / "handler.py", **dict(_modules())}
    names = Counter(members.namelist())
    expected = Counter({_MANIFEST, *_PARTS.values(), *own})
    if names != expected:
        return min((names - expected) or (expected - names))
    for name, path in own.items():
        if members.read(name) != path.read_bytes():
            return name
    return None if _names_own_parts(members.read(_MANIFEST)) else _MANIFEST


def _names_own_parts(manifest: bytes) -> bool:
    """Whether the archive's manifest names our handler and our bundle, and nothing else."""
    try:
        model = json.loads(manifest)["model"]
        return dict(model, modelName=None, modelVersion=None) == {
            **_PARTS,
            "modelName": None,
            "modelVersion": None,
        }
    except (ValueError, KeyError, TypeError):
        return False


def _modules() -> Iterator[tuple[str, Path]]:
    """The modules of ``serving``, by their names in an archive."""
    for path in PACKAGE.rglob("*.py"):
        yield f"serving/{path.relative_to(PACKAGE).as_posix()}", path


def require_port(port: int) -> None:
    """Checks that a port exists and is free on the loopback address.

    Raises:
        StartError: It is taken, or not from 1 to 65535.
    """
    if not 1 <= port <= 65535:
        raise StartError(f"{port} is not a port: ports are 1 to 65535")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise StartError(f"port {port} is taken") from error
