"""A run's folder in object storage: what a start on an empty disk resumes from.

The objects of files are named by their content and never written again. ``manifest.json`` names
those that belong together; it is replaced last, so that an upload that is killed leaves the one
before it.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import BinaryIO

from serving.shared import (
    ConflictError,
    StorageError,
    Store,
    StoredObject,
    Tag,
    receive_object,
    sha256_of,
    sha256_of_stream,
)
from umop.runs.checkpoints import checksum_file, is_whole, iteration_of
from umop.runs.folder import BEST, RunFolder
from umop.runs.manifest import MIRRORED_FILES, MirroredFile, MirrorManifest
from umop.runs.snapshot import Snapshot
from umop.system.console import note
from umop.system.errors import UserError
from umop.system.files import replace_text

_MANIFEST = "manifest.json"
_CONNECTIONS = 8
_MOST_READS = 5
"""How often a manifest is read that is replaced while its files are fetched."""


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
        self.manifest = MirrorManifest("", -1, (), {})

    def pull(self, here: int, needs_best: bool = False) -> None:
        """Brings what the mirror holds into the run's folder, unless that has come as far.

        A file whose content is not what the manifest says is left out, with a warning; of the
        checkpoints the newest is taken that is whole. A training that goes on deletes what its next
        manifest does not name, so the manifest is read again where something is lost.

        Args:
            here: Iterations done here; -1 where there is no checkpoint.
            needs_best: Whether the best checkpoint is what the run is brought for. To go on
                without it, only the newest is needed.

        Raises:
            StorageError: Storage does not answer, or its content changes too fast.
            UserError: Not one checkpoint is whole, or not the best one that is needed, or the
                mirror is another run's.
        """
        for _ in range(_MOST_READS):
            self._read()
            if here >= 0:
                self._require_same_run()
            if not self._is_further(here, needs_best):
                return
            note(f"Fetching iteration {self.manifest.iteration} of {self._store.address}")
            first = [BEST] if needs_best and BEST in self.manifest.files else []
            lost = [name for name in first if not self._fetched(name, Event())]
            lost = lost or self._bring_files()
            if not (lost and self._has_changed()):
                self._settle(lost, needs_best)
                return
        raise StorageError(
            f"{self._store.address}: was changed {_MOST_READS} times while it was fetched",
            is_temporary=True,
        )

    def _is_further(self, here: int, needs_best: bool) -> bool:
        """Whether the mirror holds more than the run's folder.

        At the same iteration it may have been evaluated since, which leaves a later best.
        """
        if self.manifest.iteration != here or not needs_best:
            return self.manifest.iteration > here
        if BEST not in self.manifest.files:
            return False
        mine, best = self._run.best, self._fetched(BEST, Event())
        if not is_whole(mine):
            return True
        if best is None:
            return False
        if iteration_of(best) > iteration_of(mine):
            return True
        if best != mine:
            best.unlink()
        return False

    def _bring_files(self) -> list[str]:
        """Brings all files, and the newest checkpoint that is whole; returns what is lost."""
        names = [each for each in self.manifest.files if each not in self.manifest.checkpoints]
        over = Event()
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            try:
                brought = list(pool.map(lambda name: self._bring(name, over), names))
            finally:
                over.set()
        lost = [name for name, whole in zip(names, brought, strict=True) if not whole]
        for name in self.manifest.checkpoints:
            if self._bring(name, Event()):
                break
            lost.append(name)
        return lost

    def _has_changed(self) -> bool:
        """Whether the manifest is another one by now."""
        now = self._store.look(_MANIFEST)
        return now is not None and now.tag != self._tag

    def _settle(self, lost: list[str], needs_best: bool) -> None:
        """Makes a run of what was brought, and says what is lost.

        Raises:
            UserError: What is needed is.
        """
        if needs_best and BEST in lost:
            raise UserError(
                f"{self._store.address} has no {BEST} that is whole, and no other checkpoint is "
                "taken in its place. Export the run where it was trained, without --mirror, or go "
                "on training: a better one is uploaded."
            )
        for name in lost:
            key = self.manifest.files[name].key(name)
            note(f"warning: {self._store.named(key)} is damaged or gone; left out")
            if name not in self.manifest.checkpoints:
                checksum_file(self._run.folder / name).unlink(missing_ok=True)
            if name.endswith(".sha256"):
                (self._run.folder / name).unlink(missing_ok=True)
        if BEST in lost or BEST not in self.manifest.files:
            self._put_aside_best()
        if BEST in lost:
            note(
                f"warning: {self._run.folder} goes on without its {BEST}: until an evaluation is "
                "better than that one, its newest checkpoint counts as the best"
            )
        newest = next((name for name in self.manifest.checkpoints if name not in lost), None)
        if newest is not None:
            replace_text(self._run.pointer, f"{newest}\n")
        elif self.manifest.checkpoints:
            raise UserError(f"{self._store.address} has no checkpoint that is whole.")

    def _put_aside_best(self) -> None:
        """Takes a best checkpoint out of the way that is not the mirror's, and keeps it."""
        checksum_file(self._run.best).unlink(missing_ok=True)
        if self._run.best.exists():
            aside = self._run.best.with_name(f".{BEST}.before")
            self._run.best.replace(aside)
            note(f"warning: the {BEST} that was here is not the mirror's, and is now {aside}")

    def _read(self) -> None:
        found = self._store.read(_MANIFEST)
        if found is None:
            return
        try:
            self.manifest, self._tag = MirrorManifest.parse(found[0]), found[1].tag
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
        whole, path = self._fetched(name, over), self._run.folder / name
        if whole is not None and whole != path:
            whole.replace(path)
        return whole is not None

    def _fetched(self, name: str, over: Event) -> Path | None:
        """Where on this disk a file is whole: in its place, or beside; None where it is lost.

        Args:
            name: Its path in the run's folder.
            over: Is set once nobody waits for it.
        """
        entry, path = self.manifest.files[name], self._run.folder / name
        part = path.with_name(f".{path.name}.part")
        for here in (path, part):
            if entry.is_content_of(here):
                return here
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"")
        wanted = self._store.look(entry.key(name))
        if wanted is not None and wanted.size == entry.bytes:
            self._receive(wanted, part, over)
        if entry.is_content_of(part):
            return part
        part.unlink()
        return None

    def _receive(self, wanted: StoredObject, part: Path, over: Event) -> None:
        """Fetches an object, which may be deleted meanwhile."""
        try:
            receive_object(self._store, wanted, part, over)
        except StorageError:
            if over.is_set() or self._store.look(wanted.name) is not None:
                raise

    def push(self, snapshot: Snapshot) -> None:
        """Uploads what the mirror does not hold yet, then the manifest, and deletes the rest.

        Raises:
            ConflictError: Another job writes this mirror.
            StorageError: Storage does not take it; the mirror holds what it held.
        """
        files = {name: self._upload(name, file) for name, file in snapshot.files.items()}
        manifest = MirrorManifest(self._writer, snapshot.iteration, snapshot.checkpoints, files)
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
        there = {each.name for each in self._store.objects(MIRRORED_FILES)}
        self._store.delete(sorted(there - self.manifest.keys()))

    def _upload(self, name: str, file: BinaryIO) -> MirroredFile:
        """Uploads a file unless it is there; what is written meanwhile is not part of it."""
        if not name.endswith(".pth"):
            content = file.read()
            entry = MirroredFile(hashlib.sha256(content).hexdigest(), len(content))
            if self.manifest.files.get(name) != entry:
                self._store.write(entry.key(name), content)
            return entry
        entry = self._measured(file)
        if self.manifest.files.get(name) != entry:
            file.seek(0)
            self._store.write(entry.key(name), file)
        return entry

    def _measured(self, file: BinaryIO) -> MirroredFile:
        """The sum of a checkpoint, which is never written again: computed once."""
        status = os.fstat(file.fileno())
        identity = (status.st_ino, status.st_mtime_ns, status.st_size)
        if identity not in self._sums:
            self._sums[identity] = sha256_of_stream(file)
        return MirroredFile(self._sums[identity], status.st_size)
