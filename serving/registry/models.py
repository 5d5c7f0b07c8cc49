"""Bundles in MLflow's registry: ``models:/name@alias``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, PositiveInt, ValidationError

from serving.registry.artifacts import Artifact, source
from serving.registry.server import MlflowServer
from serving.storage import Objects, StorageError, Store, StoredObject

_ADDRESS = re.compile(r"models:/([^/@:]+)@([^/@:]+)")


class BundleTags(BaseModel):
    """What a version says of its bundle, in tags.

    Attributes:
        sha256: Of the file.
        size: Of the file, in bytes.
    """

    SHA256: ClassVar = "umop.sha256"
    BYTES: ClassVar = "umop.bytes"

    sha256: Annotated[str, Field(alias=SHA256, pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[PositiveInt, Field(alias=BYTES)]


class _Tag(BaseModel):
    key: str
    value: str = ""


class _Version(BaseModel):
    name: str
    version: str
    creation_timestamp: datetime
    tags: list[_Tag] = []


@dataclass(frozen=True)
class Registered:
    """The version of a model that an alias names.

    Attributes:
        address: Such as ``models:/cells@champion``.
        server: MLflow's.
        version: The version, as the server describes it.
        tags: Its tags that say what its file is.
    """

    address: str
    server: MlflowServer
    version: _Version
    tags: BundleTags

    def objects(self) -> Objects:
        """Its file, to be fetched.

        Raises:
            StorageError: It is not there, or is not as large as the version says.
        """
        with _named(self.address):
            answer = self.server.get(
                "model-versions/get-download-uri",
                name=self.version.name,
                version=self.version.version,
            )
            found = source(self.server, str(answer.get("artifact_uri")), self.address)
            return Objects(found, [self._described(found)])

    def _described(self, found: Artifact | Store) -> StoredObject:
        size = self.tags.size
        if isinstance(found, Artifact):
            return StoredObject("", size, self.tags.sha256, self.version.creation_timestamp)
        described = found.look()
        if described is None:
            raise StorageError(f"{found.address} is gone")
        if described.size != size:
            raise StorageError(f"{found.address} has {described.size} bytes in place of {size}")
        return described


def find(address: str) -> Registered:
    """Asks which version of a model an alias names.

    Raises:
        StorageError: The address is not valid, there is no such alias, the version is not one of
            ``umop register``, or MLflow does not answer.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise StorageError(f"{address}: an address of a model is models:/NAME@ALIAS")
    with _named(address):
        server = MlflowServer()
        answer = server.get("registered-models/alias", name=match[1], alias=match[2])
        version = _version(server, answer)
        return Registered(address, server, version, _tags(version))


def _tags(version: _Version) -> BundleTags:
    try:
        return BundleTags.model_validate({each.key: each.value for each in version.tags})
    except ValidationError as error:
        raise StorageError(
            f"version {version.version} has no valid tag {error.errors()[0]['loc'][0]}: "
            "umop register makes such versions"
        ) from error


def _version(server: MlflowServer, answer: dict[str, Any]) -> _Version:
    try:
        return _Version.model_validate(answer.get("model_version"))
    except ValidationError as error:
        raise StorageError(f"{server.url} does not answer as MLflow does") from error


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Puts the address before what went wrong."""
    try:
        yield
    except StorageError as error:
        raise StorageError(f"{address}: {error}", is_temporary=error.is_temporary) from error
