"""Addresses of objects, and of all objects whose names begin so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from serving.storage.errors import StorageError
from serving.storage.variables import is_server

_REGISTRY = "models:/"
_ADDRESS = re.compile(rf"{_REGISTRY}|[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEMES = ("s3", "gs", "az", "https", "file")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_address(place: object) -> bool:
    """Whether a path that a user gave is an address, such as ``s3://bucket/trees.bundle``.

    ``models:/cells@champion`` is one, too: of MLflow's registry, which ``serving.registry`` reads.
    """
    return isinstance(place, str) and _ADDRESS.match(place) is not None


def is_model(place: object) -> bool:
    """Whether an address is one of MLflow's registry."""
    return isinstance(place, str) and place.startswith(_REGISTRY)


class Address(NamedTuple):
    """An address in its parts.

    Attributes:
        root: Such as ``s3://bucket``.
        path: Without slashes around it; empty for all that there is.
    """

    root: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads an address.

        Raises:
            StorageError: It is not one of object storage.
        """
        if is_model(text):
            raise StorageError(f"{text}: MLflow's registry has only bundles")
        scheme, _, rest = text.partition("://")
        scheme = scheme.lower()
        if scheme not in _SCHEMES:
            known = ", ".join(f"{each}://" for each in _SCHEMES)
            raise StorageError(f"{text}: {scheme}:// is not known here; addresses begin {known}")
        place, _, path = rest.partition("/")
        if not place and scheme != "file":
            raise StorageError(f"{text}: the address names no {_named_first(scheme)}")
        if "@" in place:
            raise StorageError(f"{scheme}://…: an address has no place for a user or a key")
        if scheme in ("https", "az") and ("?" in path or "#" in path):
            shown = re.split("[?#]", text)[0]  # what follows may be a signature
            raise StorageError(f"{shown}: the address cannot have a query here")
        if scheme == "https":
            path = unquote(path)
        path = path.strip("/")
        if not _is_place(scheme, place) or not _is_path(path):
            raise StorageError(f"{text!r}: there can be no such address")
        return cls(f"{scheme}://{place}", path)

    @property
    def scheme(self) -> str:
        """Such as ``s3``."""
        return self.root.partition("://")[0]


def _is_place(scheme: str, place: str) -> bool:
    if scheme == "file":
        return True
    return is_server(f"https://{place}") if scheme == "https" else bool(_BUCKET.fullmatch(place))


def _is_path(path: str) -> bool:
    """Whether obstore can ask for it."""
    parts = path.split("/") if path else []
    return path.isprintable() and not {"", ".", ".."} & set(parts)


def _named_first(scheme: str) -> str:
    return {"https": "server", "az": "container"}.get(scheme, "bucket")


def local_path(place: str) -> Path | None:
    """The path of a ``file://`` address; None for another.

    Raises:
        StorageError: It names another machine.
    """
    scheme, _, path = place.partition("://")
    if scheme.lower() != "file":
        return None
    if not path.startswith("/"):
        raise StorageError(f"{place}: write file:///, with three slashes and the whole path")
    return Path(unquote(path))
