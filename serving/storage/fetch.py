"""Brings objects into a folder: in parallel, resumed where it broke off, held to size and ETag."""

from __future__ import annotations

import errno
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from pathlib import Path, PurePosixPath
from threading import Event, Lock
from typing import Protocol

from serving.storage.errors import StorageError
from serving.storage.store import StoredObject

_CONNECTIONS = 16
_TRIES = 5
"""Most tries in a row that bring no byte of an object."""
_FIRST_PAUSE = 0.2
_NEVER = Event()


class Source(Protocol):
    """Where objects are: a ``Store``, or what gives objects as it does."""

    address: str

    def named(self, name: str) -> str:
        """See ``Store.named``."""

    def stream(self, wanted: StoredObject, start: int) -> Iterator[bytes]:
        """See ``Store.stream``."""


@dataclass(frozen=True)
class Objects:
    """What is to be brought.

    Attributes:
        store: Where it is.
        found: Its objects.
    """

    store: Source
    found: list[StoredObject]

    @property
    def version(self) -> str:
        """A digest that changes whenever an object does."""
        lines = (f"{each.name}\0{each.etag}\0{each.size}\n" for each in self.found)
        return blake2b("".join(lines).encode(), digest_size=16).hexdigest()


def fetch(
    objects: Objects, folder: Path, advance: Callable[[StoredObject], object] = lambda _: None
) -> list[StoredObject]:
    """Makes a folder hold these objects and nothing else; those that it holds are not moved.

    What is known of them stands in a file beside the folder. Another process that fills the same
    folder is waited for.

    Args:
        objects: What it is to hold; one without a name becomes the file at ``folder`` itself.
        folder: Inside a folder of its own.
        advance: Called in threads with each object that has come.

    Returns:
        What was moved.

    Raises:
        StorageError: An object cannot be had, its name cannot be a file's, there is no space, or
            the folder cannot be written.
    """
    for each in objects.found:
        _require_safe(objects.store, each.name)
    with _writing(folder), _exclusive(folder.parent / ".lock"):
        journal = _Journal(folder)
        missing = [each for each in objects.found if not journal.has(each)]
        came = sum(part.stat().st_size for part in _parts(folder).glob("*"))
        _require_space(folder.parent, sum(each.size for each in missing) - came)
        _remove_others(folder, {each.name for each in objects.found})

        over = Event()

        def bring(wanted: StoredObject) -> None:
            _bring(objects.store, wanted, folder, over)
            journal.add(wanted)
            advance(wanted)

        with journal.open(objects.found), ThreadPoolExecutor(_CONNECTIONS) as pool:
            try:
                for _ in pool.map(bring, missing):
                    pass
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)
        shutil.rmtree(_parts(folder), ignore_errors=True)
    return missing


class _Journal:
    """What a folder holds, as it was when it came: a line for each file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder.with_name(f"{folder.name}.journal")
        self._lock = Lock()
        self._known = dict(self._read())

    def _read(self) -> Iterator[tuple[str, list[object]]]:
        if not self._path.is_file():
            return
        for line in self._path.read_text("utf-8").splitlines():
            try:
                name, *state = json.loads(line)
            except ValueError:  # a kill cut it off
                continue
            yield name, state

    def has(self, wanted: StoredObject) -> bool:
        """Whether a file is the object, and was not touched since."""
        state = self._state(wanted)
        return state is not None and self._known.get(wanted.name) == state

    def _state(self, wanted: StoredObject) -> list[object] | None:
        try:
            status = (self._folder / wanted.name).stat()
        except OSError:
            return None
        return [wanted.etag, wanted.size, status.st_size, status.st_mtime_ns]

    @contextmanager
    def open(self, wanted: list[StoredObject]) -> Iterator[None]:
        """Takes lines inside the block; those of other objects are dropped."""
        names = {each.name for each in wanted}
        kept = {name: state for name, state in self._known.items() if name in names}
        scratch = self._path.with_suffix(".new")
        scratch.write_text("".join(_line(name, state) for name, state in kept.items()), "utf-8")
        scratch.replace(self._path)
        with self._path.open("a", encoding="utf-8", buffering=1) as self._file:
            yield

    def add(self, came: StoredObject) -> None:
        """Remembers a file."""
        state = self._state(came) or []
        with self._lock:
            self._file.write(_line(came.name, state))


def _line(name: str, state: list[object]) -> str:
    return json.dumps([name, *state]) + "\n"


def _bring(store: Source, wanted: StoredObject, folder: Path, over: Event) -> None:
    """Brings one object, from where an earlier try broke off."""
    target = folder / wanted.name
    state = f"{wanted.name}\0{wanted.etag}".encode()
    part = _parts(folder) / blake2b(state, digest_size=16).hexdigest()
    with _writing(target):
        part.parent.mkdir(exist_ok=True)
        part.touch()
        receive_object(store, wanted, part, over)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)


def receive_object(store: Source, wanted: StoredObject, part: Path, over: Event = _NEVER) -> None:
    """Appends to a file until it is the object, which what it holds must be the start of.

    Args:
        store: Where the object is.
        wanted: The object.
        part: The file, which exists.
        over: Is set once nobody waits for it.

    Raises:
        StorageError: The object cannot be had.
    """
    failures = 0
    while (start := part.stat().st_size) < wanted.size:
        if over.is_set():
            raise StorageError(f"{store.named(wanted.name)}: was left at byte {start}")
        try:
            with part.open("ab") as file:
                chunks = store.stream(wanted, start)
                file.writelines(takewhile(lambda _: not over.is_set(), chunks))
            _require_whole(store, wanted, part)
        except StorageError as error:
            failures = 0 if part.stat().st_size > start else failures + 1
            if not error.is_temporary or failures == _TRIES:
                raise
            over.wait(_FIRST_PAUSE * 2**failures)
    if (size := part.stat().st_size) != wanted.size:
        part.unlink()
        raise StorageError(
            f"{store.named(wanted.name)}: {size} bytes came in place of {wanted.size}"
        )


def _require_whole(store: Source, wanted: StoredObject, part: Path) -> None:
    """Raises a temporary error where a stream ended before the object did."""
    if (size := part.stat().st_size) < wanted.size:
        raise StorageError(
            f"{store.named(wanted.name)}: it broke off after {size} of {wanted.size} bytes",
            is_temporary=True,
        )


def _parts(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.parts")


def _require_safe(store: Source, name: str) -> None:
    """Refuses a name that would leave the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or str(path) != (name or "."):
        raise StorageError(f"{store.address}: the name {name!r} cannot be a file's")


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"{folder}: {needed} bytes are to be fetched and {free} are free; make room, or name "
            "another disk with UMOP_CACHE",
            is_temporary=True,  # another machine may have more
        )


def _remove_others(folder: Path, names: set[str]) -> None:
    """Removes files that are no objects any more."""
    if not folder.is_dir():
        return
    for path in folder.rglob("*"):
        if not path.is_dir() and path.relative_to(folder).as_posix() not in names:
            path.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises ``StorageError`` where a disk does not take what is written at a path or below."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}",
            is_temporary=error.errno in (errno.ENOSPC, errno.EDQUOT),  # as in _require_space
        ) from error


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # filelock comes only with training
        yield
