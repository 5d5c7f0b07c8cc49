"""Keeps two jobs from one mirrored run, where no file system is common to both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from serving.shared import ConflictError, StorageError, Store, StoredObject, Tag
from umop.runs.lock import holder
from umop.system.console import note
from umop.system.errors import UserError

_LEASE = "lease.json"
_CLOCK = "lease.clock"
_BEATS = 6
"""How often a holder writes within the time after which it counts as gone."""
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_RELEASE = 5.0
_MOST_TRIES = 5
"""A job that is not first learns who was with the next try."""
_MOST_SECONDS = 86400.0


class _Content(BaseModel):
    """What a lease says of its holder.

    Attributes:
        holder: Who it is, for people.
        writer: Tells it from all others.
        beat: Is another number in each write.
        seconds: After how many without a write it counts as gone.
    """

    holder: str
    writer: str
    beat: int
    seconds: Annotated[float, Field(ge=1, le=_MOST_SECONDS)]

    @classmethod
    def parse(cls, text: bytes) -> _Content | None:
        """Reads a lease; None where it is none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None


def _lease_seconds() -> float:
    """Seconds after which a job that does not write counts as gone: ``UMOP_MIRROR_LEASE``, or 60.

    Raises:
        UserError: The variable has something else.
    """
    text = os.environ.get("UMOP_MIRROR_LEASE", "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _MOST_SECONDS:
        raise UserError(f"UMOP_MIRROR_LEASE must be seconds from 1 to 86400, not {text!r}.")
    return seconds


def _seconds_to_watch(lease: _Content, age: float) -> float:
    """How long a lease must not change until its holder counts as gone."""
    two_beats = 2 * lease.seconds / _BEATS
    return min(max(lease.seconds - age, two_beats), lease.seconds) + _SECONDS_BETWEEN_LOOKS


class Lease:
    """An object that its holder keeps changing; each write is conditional on the one before.

    No clock of this machine counts. How old a lease is, storage's own times say; they may be of
    several machines, too, so two beats are waited for in any case.

    Args:
        store: The run's mirror.

    Attributes:
        writer: Tells this holder from all others.
        is_lost: Another job holds it, because this one could not write for too long.
    """

    def __init__(self, store: Store) -> None:
        self.writer = uuid4().hex
        self.is_lost = False
        self._store = store
        self._seconds = _lease_seconds()
        self._holder = holder()
        self._beat = 0
        self._tag: Tag | None = None
        self._released = Event()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the lease inside the block.

        Raises:
            StorageError: Storage cannot be asked.
            UserError: Another job holds it, or the server cannot keep two jobs apart.
        """
        self._acquire()
        beating = Thread(target=self._keep, daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._released.set()
            beating.join(_SECONDS_TO_RELEASE)
            if beating.is_alive():
                self._warn(f"{self._store.address} does not answer")

    def _acquire(self) -> None:
        """Takes the lease.

        Raises:
            StorageError: Storage cannot be asked.
            UserError: Another job holds it, or the server cannot keep two jobs apart.
        """
        for _ in range(_MOST_TRIES):
            try:
                self._tag = self._take()
                break
            except ConflictError:  # another job was first
                sleep(_SECONDS_BETWEEN_LOOKS)
        if self._tag is None:
            raise self._unusable(
                "its server refuses each write on a condition, also one that holds"
            )
        try:
            self._require_conditions(self._tag)
        except BaseException:
            self._release()
            self._tag = None
            raise

    def _take(self) -> Tag:
        try:
            return self._write(None)
        except ConflictError:
            return self._write(self._expired())

    def _require_conditions(self, first: Tag) -> None:
        """Tries what a server must refuse that keeps two jobs apart: to create, and a stale tag.

        Google Cloud Storage takes a write of one object a second.

        Args:
            first: The tag with which the lease was taken.

        Raises:
            ConflictError: Another job has taken it since.
            StorageError: Storage cannot be asked.
            UserError: The server writes all the same.
        """
        sleep(_SECONDS_BETWEEN_LOOKS)
        self._tag = self._write(first)
        for stale in (None, first):
            try:
                self._write(stale)
            except StorageError as error:
                if isinstance(error, ConflictError) or error.is_temporary:
                    continue
                raise
            raise self._unusable(
                "its server ignores If-None-Match or If-Match, so two jobs would overwrite each "
                "other"
            )

    def _unusable(self, reason: str) -> UserError:
        return UserError(
            f"{self._store.address} cannot be a mirror: {reason}. Name a server that heeds "
            "If-None-Match and If-Match, or leave --mirror out."
        )

    def _expired(self) -> Tag | None:
        """Waits for a lease to be given up; returns the tag of one that is not kept.

        Raises:
            UserError: It is kept, or damaged.
        """
        found = self._store.read(_LEASE)
        if found is None:
            return None
        lease, tag = _Content.parse(found[0]), found[1].tag
        if lease is None:
            raise UserError(
                f"{self._store.named(_LEASE)} is damaged. Delete it, once no job trains this run."
            )
        if lease.writer == self.writer:  # the answer to its write was lost
            return tag
        note(f"looking whether {lease.holder} still trains {self._store.address}")
        until = monotonic() + _seconds_to_watch(lease, self._age(found[1]))
        while monotonic() < until:
            sleep(_SECONDS_BETWEEN_LOOKS)
            now = self._store.look(_LEASE)
            if now is None:
                return None
            if now.tag != tag:
                raise self._held_by(lease)
        return tag

    def _age(self, lease: StoredObject) -> float:
        """Seconds since the lease was written, by storage's clock."""
        self._store.write(_CLOCK, self.writer.encode())
        now = self._store.look(_CLOCK)
        return 0.0 if now is None else (now.modified - lease.modified).total_seconds()

    def _held_by(self, lease: _Content) -> UserError:
        return UserError(
            f"{self._store.address} is being trained by {lease.holder}. Wait for it or stop it, "
            "or give this run another name with --run."
        )

    def _write(self, before: Tag | None) -> Tag:
        self._beat += 1
        lease = _Content(
            holder=self._holder, writer=self.writer, beat=self._beat, seconds=self._seconds
        )
        return self._store.replace(_LEASE, lease.model_dump_json().encode(), before)

    def _keep(self) -> None:
        while not self._released.wait(self._seconds / _BEATS):
            try:
                self._tag = self._write(self._tag)
            except ConflictError:
                if not self._is_ours():
                    self.is_lost = True
                    return
            except StorageError:
                continue  # the next beat tries it again
        self._release()

    def _is_ours(self) -> bool:
        """Whether a write whose answer was lost is what stands there now."""
        try:
            found = self._store.read(_LEASE)
        except StorageError:
            return True  # the next beat finds out
        lease = None if found is None else _Content.parse(found[0])
        if found is None or lease is None or lease.writer != self.writer:
            return False
        self._tag = found[1].tag
        return True

    def _release(self) -> None:
        try:
            if self._is_ours():
                self._store.delete([_LEASE, _CLOCK])
        except StorageError as error:
            self._warn(str(error))

    def _warn(self, reason: str) -> None:
        note(f"warning: {reason}: the next start waits {self._seconds:.0f} s for this one")
