"""Bundles that have an address: kept in the cache by their objects' ETags."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from serving.bundle.errors import BundleError, SignatureError, UnreachableError
from serving.bundle.schema import MANIFEST
from serving.registry import ARTIFACT, find
from serving.storage import Objects, StorageError, Store, fetch, is_address, is_model, local_path
from serving.storage.cache import cache_folder
from serving.storage.digest import sha256_of

_MOST_FILES = 100
_KEPT = 2
"""Versions of one bundle in the cache: the one that serves, and the one that follows it."""


class Fetched(NamedTuple):
    """A bundle on this machine.

    Attributes:
        path: Where it is.
        origin: What ``version_of`` says of where it comes from, as long as this bundle is there.
    """

    path: Path
    origin: str


@contextmanager
def fetched_bundle(place: str | Path) -> Iterator[Fetched]:
    """Yields a bundle on this machine; one that turns out to be damaged is not kept.

    Args:
        place: A path, or the address of a zip, of a folder of objects, or of MLflow's registry.

    Raises:
        UnreachableError: It cannot be had.
    """
    address = str(place)
    try:
        path = _here(place)
        found = _fetch(address) if path is None else Fetched(path, _state(path))
    except (StorageError, OSError) as error:
        raise UnreachableError(str(error)) from error
    try:
        yield found
    except BundleError as error:
        if not is_address(place):
            raise
        if path is None and not isinstance(error, SignatureError):  # another key may be meant
            shutil.rmtree(found.path.parent, ignore_errors=True)  # another process may do it, too
        raise type(error)(str(error).replace(str(found.path), address)) from error


def version_of(place: str | Path) -> str:
    """Returns a text that changes whenever the bundle at a place does.

    Raises:
        UnreachableError: It cannot be looked at.
    """
    address = str(place)
    try:
        if is_model(place):
            return find(address).tags.sha256
        path = _here(place)
        return _found(Store(address), address).version if path is None else _state(path)
    except (StorageError, OSError) as error:
        raise UnreachableError(str(error)) from error


def _here(place: str | Path) -> Path | None:
    """Where a bundle of this machine is; None where it has to be fetched."""
    return local_path(str(place)) if is_address(place) else Path(place)


def _state(path: Path) -> str:
    if path.is_dir() and not (path / MANIFEST).is_file():
        return "no bundle"  # any folder may be named, the root of all files too
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    stats = [(str(each), each.stat()) for each in files]
    return str([(name, each.st_ino, each.st_size, each.st_mtime_ns) for name, each in stats])


def _fetch(address: str) -> Fetched:
    if is_model(address):
        return _fetch_model(address)
    found = _found(Store(address), address)
    path = _kept(address, found, found.version, address.rstrip("/").rpartition("/")[2])
    return Fetched(path, found.version)


def _fetch_model(address: str) -> Fetched:
    """Fetches a version of MLflow's registry, which is held to the SHA-256 that its tag says."""
    model = find(address)
    path = _kept(address, model.objects(), model.tags.sha256, ARTIFACT)
    if sha256_of(path) != model.tags.sha256:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise BundleError(
            f"{address}: version {model.version.version} is not what was registered: its SHA-256 "
            "is another than its tag says"
        )
    return Fetched(path, model.tags.sha256)


def _kept(address: str, found: Objects, version: str, name: str) -> Path:
    """Fetches a version of a bundle into the cache, and drops versions from before the last."""
    digest = blake2b(address.encode(), digest_size=8).hexdigest()
    versions = cache_folder("bundles") / digest
    path = versions / version / name
    fetch(found, path)
    path.parent.touch()
    _drop_old(versions, path.parent)
    return path


def _drop_old(versions: Path, current: Path) -> None:
    """Drops versions from before the last, as other processes may do at the same time."""
    used: dict[Path, int] = {}
    for each in versions.iterdir():
        with suppress(FileNotFoundError):
            used[each] = each.stat().st_mtime_ns
    used.pop(current, None)  # the clock may go back
    for old in sorted(used, key=lambda each: -used[each])[_KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _found(store: Store, address: str) -> Objects:
    """The objects of a bundle: a zip's one, or those of a folder."""
    if zipped := store.look():
        return Objects(store, [zipped])
    found = store.objects(most=_MOST_FILES)
    if not found:
        raise StorageError(f"{address}: there is no such bundle")
    return Objects(store, found)
