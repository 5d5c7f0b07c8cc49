"""The file of a version of a model: in object storage, or kept by MLflow's server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from serving.registry.server import MlflowServer, seconds_for
from serving.storage import StorageError, Store, StoredObject

ARTIFACT = "bundle.zip"
_STORAGE = ("s3", "gs", "az")
_OWN = "mlflow-artifacts"


class Artifact:
    """A file that MLflow's server keeps; ``serving.storage.fetch`` takes it.

    Args:
        server: The server.
        path: Below the root of what it keeps.
        address: What messages name.
    """

    def __init__(self, server: MlflowServer, path: str, address: str) -> None:
        self.address = address
        self._server = server
        self._path = path
        self._deadline: float | None = None

    def named(self, name: str) -> str:
        """What messages name."""
        return self.address

    def stream(self, wanted: StoredObject, start: int) -> Iterator[bytes]:
        """Yields the content from a byte on, and never more than is wanted.

        All calls together have the time of one.

        Raises:
            StorageError: The server has less or more, the transfer broke off, or time is over.
        """
        left = wanted.size - start
        for part in self._server.download(self._path, start, self._seconds_left(wanted.size)):
            left -= len(part)
            if left < 0:
                raise StorageError(f"{self.address}: more than {wanted.size} bytes came")
            yield part
        if left:
            raise StorageError(
                f"{self.address}: {left} of {wanted.size} bytes are missing", is_temporary=True
            )

    def _seconds_left(self, size: int) -> float:
        now = monotonic()
        self._deadline = self._deadline or now + seconds_for(size)
        if now > self._deadline:
            raise StorageError(f"{self.address}: {size} bytes take too long")
        return self._deadline - now


def source(server: MlflowServer, place: str, address: str) -> Artifact | Store:
    """Where the file of a version is.

    Args:
        server: MLflow's.
        place: The URI of the version's artifacts.
        address: What messages name.

    Raises:
        StorageError: It is where this program does not look.
    """
    if path := _path_on_server(place):
        return Artifact(server, f"{path}/{ARTIFACT}", address)
    return Store(f"{_in_storage(place)}/{ARTIFACT}")


def put_artifact(server: MlflowServer, place: str, file: Path) -> None:
    """Writes the file of a version that is to be.

    Args:
        server: MLflow's.
        place: The URI of the version's artifacts.
        file: What to write.

    Raises:
        StorageError: It is where this program does not write, or it is not taken.
    """
    with file.open("rb") as content:
        if path := _path_on_server(place):
            server.upload(f"{path}/{ARTIFACT}", content)
        else:
            Store(_in_storage(place)).write(ARTIFACT, content)


def _path_on_server(place: str) -> str | None:
    """The path below what the server keeps; another server gets no credentials."""
    parts = urlsplit(place)
    return parts.path.strip("/") if (parts.scheme, parts.netloc) == (_OWN, "") else None


def _in_storage(place: str) -> str:
    if place.partition("://")[0] not in _STORAGE:
        known = ", ".join(f"{each}://" for each in _STORAGE)
        raise StorageError(
            f"artifacts at {place} cannot be reached: they have to be at {known}, or with MLflow's "
            f"server ({_OWN}:/)"
        )
    return place.rstrip("/")
