"""A run's folder in object storage: what a start on an empty disk resumes from.

The objects of files are named by their content and never written again. ``manifest.json`` names
those that belong together; it is replaced last, so that an upload that is killed leaves the one
before it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath, PurePosixPath
from threading import Event
from typing import BinaryIO, NamedTuple

from pydantic import TypeAdapter

from serving.shared import (
    ConflictError,
    StorageError,
    Store,
    Tag,
    receive_object,
    sha256_of,
    sha256_of_stream,
)
from umop.runs.checkpoints import by_age, checksum_file
from umop.runs.folder import POINTER, RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.system.files import replace_text

_MANIFEST = "manifest.json"
_FILES = "files"
_NOT_MIRRORED = (".bundle", ".mar", ".part", ".tmp")
_CONNECTIONS = 8


class _Entry(NamedTuple):
    """A file's SHA-256 and size."""

    sha256: str
    bytes: int

    def key(self, name: str) -> str:
        """The name of its object."""
        return f"{_FILES}/{self.sha256[:32]}/{name}"


@dataclass(frozen=True)
class _Manifest:
    """What a mirror holds.

    Attributes:
        writer: Of the lease under which it was written.
        iteration: Iterations done.
        checkpoints: Names, the newest first.
        files: All files by their paths in the run's folder.
    """

    writer: str
    iteration: int
    checkpoints: tuple[str, ...]
    files: dict[str, _Entry]

    @classmethod
    def parse(cls, text: bytes) -> _Manifest:
        """Reads a manifest.

        Raises:
            ValueError: It is none, or names what is not in a run's folder.
        """
        manifest = TypeAdapter(cls).validate_json(text)
        if not all(map(_is_inside, manifest.files)):
            raise ValueError("a path leaves the folder")
        if not manifest.files.keys() >= set(manifest.checkpoints):
            raise ValueError("a checkpoint is not among the files")
        return manifest

    def keys(self) -> set[str]:
        """The names of all objects."""
        return {entry.key(name) for name, entry in self.files.items()}


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and str(path) == name != "."


@dataclass
class Snapshot:
    """A run's files as they are now: opened, so that none is gone before it is uploaded.

    Attributes:
        iteration: Iterations done.
        checkpoints: Names, the newest first.
        files: By their paths in the run's folder.
    """

    iteration: int
    checkpoints: tuple[str, ...]
    files: dict[str, BinaryIO]

    @classmethod
    def of(cls, run: RunFolder, iteration: int) -> Snapshot:
        """Opens the files; that takes about a millisecond, however large they are."""
        newest = run.latest_checkpoint()
        names = [] if newest is None else [newest, *(p for p in by_age(run) if p != newest)]
        files = dict(_opened(run.folder))
        kept = tuple(path.name for path in names if path.name in files)
        return cls(iteration, kept, files)

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def _opened(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Opens the files of a run; other commands may remove theirs meanwhile."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, each) for each in names):
            name = path.relative_to(folder)
            if _is_mirrored(name) and path.is_file():
                with suppress(FileNotFoundError):
                    yield name.as_posix(), path.open("rb")


def _is_mirrored(name: PurePath) -> bool:
    is_left_out = any(part.startswith(".") or part.endswith(_NOT_MIRRORED) for part in name.parts)
    return not is_left_out and str(name) != POINTER


class Mirror:
    """The mirror of a run.

    Args:
        run: Its folder.
        store: The mirror's address.
        writer: Of the lease; none for a mirror that is only read.
    """

    def __init__(self, run: RunFolder, store: Store, writer: str = "") -> None:
        self._run = run
        self._store = store
        self._writer = writer
        self._tag: Tag | None = None
        self._sums: dict[tuple[int, int, int], str] = {}
        self.manifest = _Manifest("", -1, (), {})

    def pull(self, here: int) -> None:
        """Brings what the mirror holds into the run's folder, unless that has come as far.

        A file whose content is not what the manifest says is left out, with a warning; of the
        checkpoints the newest is taken that is whole.

        Args:
            here: Iterations done here; -1 where there is no checkpoint.

        Raises:
            StorageError: Storage does not answer.
            UserError: Not one checkpoint is whole, or the mirror is another run's.
        """
        self._read()
        if here >= 0:
            self._require_same_run()
        if self.manifest.iteration <= here:
            return
        note(f"Fetching iteration {self.manifest.iteration} of {self._store.address}")
        names = [each for each in self.manifest.files if each not in self.manifest.checkpoints]
        over = Event()
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            try:
                brought = list(pool.map(lambda name: self._bring(name, over), names))
            finally:
                over.set()
        for name in (name for name, whole in zip(names, brought, strict=True) if not whole):
            checksum_file(self._run.folder / name).unlink(missing_ok=True)  # of the file left out
        for name in self.manifest.checkpoints:
            if self._bring(name, Event()):
                replace_text(self._run.pointer, f"{name}\n")
                return
        if self.manifest.checkpoints:
            raise UserError(f"{self._store.address} has no checkpoint that is whole.")

    def _read(self) -> None:
        found = self._store.read(_MANIFEST)
        if found is None:
            return
        try:
            self.manifest, self._tag = _Manifest.parse(found[0]), found[1].tag
        except ValueError as error:
            raise StorageError(
                f"{self._store.named(_MANIFEST)} is damaged: name another run with --run, or "
                "delete it to begin again"
            ) from error

    def _require_same_run(self) -> None:
        """Refuses to put one of two runs in the other's place that only have the same name.

        A run's config is written once.
        """
        mine = self._run.config
        other = self.manifest.files.get(mine.name)
        if other and mine.is_file() and sha256_of(mine) != other.sha256:
            raise UserError(
                f"{self._run.folder} and {self._store.address} are two runs, of different configs. "
                "Give this run another name with --run, or delete the one that is not wanted."
            )

    def _bring(self, name: str, over: Event) -> bool:
        """Brings one file; returns whether it is what it should be.

        Args:
            name: Its path in the run's folder.
            over: Is set once nobody waits for it.
        """
        entry, path = self.manifest.files[name], self._run.folder / name
        if path.is_file() and (path.stat().st_size, sha256_of(path)) == (entry.bytes, entry.sha256):
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        wanted = self._store.look(entry.key(name))
        part.unlink(missing_ok=True)
        part.touch()
        if wanted is not None and wanted.size == entry.bytes:
            receive_object(self._store, wanted, part, over)
        if wanted is None or sha256_of(part) != entry.sha256:
            part.unlink()
            note(f"warning: {self._store.named(entry.key(name))} is damaged or gone; left out")
            return False
        part.replace(path)
        return True

    def push(self, snapshot: Snapshot) -> None:
        """Uploads what the mirror does not hold yet, then the manifest, and deletes the rest.

        Raises:
            ConflictError: Another job writes this mirror.
            StorageError: Storage does not take it; the mirror holds what it held.
        """
        files = {name: self._upload(name, file) for name, file in snapshot.files.items()}
        manifest = _Manifest(self._writer, snapshot.iteration, snapshot.checkpoints, files)
        if manifest == self.manifest:
            return
        text = json.dumps(asdict(manifest), indent=1).encode()
        try:
            self._tag = self._store.replace(_MANIFEST, text, self._tag)
        except ConflictError:
            self._read()
            if self.manifest.writer != self._writer:
                raise
            self._tag = self._store.replace(_MANIFEST, text, self._tag)
        gone, self.manifest = self.manifest.keys() - manifest.keys(), manifest
        self._store.delete(sorted(gone))

    def clear(self) -> None:
        """Deletes what uploads that were killed have left."""
        there = {each.name for each in self._store.objects(_FILES)}
        self._store.delete(sorted(there - self.manifest.keys()))

    def _upload(self, name: str, file: BinaryIO) -> _Entry:
        """Uploads a file unless it is there; what is written meanwhile is not part of it."""
        if not name.endswith(".pth"):
            content = file.read()
            entry = _Entry(hashlib.sha256(content).hexdigest(), len(content))
            if self.manifest.files.get(name) != entry:
                self._store.write(entry.key(name), content)
            return entry
        entry = self._measured(file)
        if self.manifest.files.get(name) != entry:
            file.seek(0)
            self._store.write(entry.key(name), file)
        return entry

    def _measured(self, file: BinaryIO) -> _Entry:
        """The sum of a checkpoint, which is never written again: computed once."""
        status = os.fstat(file.fileno())
        identity = (status.st_ino, status.st_mtime_ns, status.st_size)
        if identity not in self._sums:
            self._sums[identity] = sha256_of_stream(file)
        return _Entry(self._sums[identity], status.st_size)
