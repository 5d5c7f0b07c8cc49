"""Uploads a run's saves behind its training, one at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Condition, Thread

from serving.shared import ConflictError, Store
from umop.runs.folder import RunFolder
from umop.runs.lease import Lease
from umop.runs.mirror import Mirror
from umop.runs.snapshot import Snapshot
from umop.system.console import note
from umop.system.errors import FetchError, UserError
from umop.system.storage import patiently, readable_errors

_IN_STORAGE = re.compile(r"(s3|gs|az)://[^/]", re.IGNORECASE)
"""The beginning of an address that names a bucket."""
_GRACE = 90.0
"""Seconds that a stop waits for its upload; a rank is killed 100 s after it is told to stop."""
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BETWEEN_TRIES = 5.0


def mirror_of(run: RunFolder, address: str) -> Store:
    """Where a run is mirrored.

    Raises:
        StorageError: The address is not valid.
        UserError: It is one that cannot be written so that two jobs notice each other.
    """
    if not _IN_STORAGE.match(address):
        raise UserError(
            f"--mirror must be an address in object storage (s3://, gs:// or az://), not {address}."
        )
    return Store(f"{address.rstrip('/')}/{run.name}")


def bring(run: RunFolder, address: str, here: int, needs_best: bool = False) -> None:
    """Brings a run from its mirror, unless it has come as far here.

    Args:
        run: Its folder.
        address: Of all runs.
        here: Iterations done here; -1 where there is no checkpoint.
        needs_best: Whether the best checkpoint is what the run is brought for.

    Raises:
        FetchError: Storage does not answer.
        UserError: Not one checkpoint is whole, or not the best one that is needed, or storage
            refuses.
    """
    patiently(lambda: Mirror(run, mirror_of(run, address)).pull(here, needs_best))


def require_mirror(run: RunFolder, address: str) -> None:
    """Checks the address of a run's mirror, without asking storage.

    Raises:
        UserError: It is none that a run can be mirrored to.
    """
    with readable_errors():
        mirror_of(run, address)


@contextmanager
def mirrored(run: RunFolder, address: str, here: Callable[[], int]) -> Iterator[Uploads]:
    """Holds a run's mirror, brings what it has, and uploads what is saved inside the block.

    Args:
        run: Its folder.
        address: Of all runs, such as ``s3://bucket/runs``.
        here: Says how many iterations are done here; -1 where there is no checkpoint.

    Raises:
        FetchError: Storage does not answer.
        UserError: Another job holds the mirror, or storage refuses.
    """
    with ExitStack() as held:
        with readable_errors():
            store = mirror_of(run, address)
        lease = Lease(store)
        patiently(lambda: held.enter_context(lease.held()))
        mirror = Mirror(run, store, lease.writer)
        done = here()
        patiently(lambda: mirror.pull(done))
        patiently(mirror.clear)
        uploads = Uploads(run, mirror, lease, max(done, mirror.manifest.iteration))
        try:
            yield uploads
        except BaseException:
            uploads.finish(_GRACE)
            raise
        uploads.finish()
        uploads.require_done()


class Uploads:
    """Uploads snapshots of a run: a newer one takes the place of one that waits.

    Args:
        run: Its folder.
        mirror: Where to.
        lease: Keeps other jobs from it.
        iteration: Iterations done so far.
    """

    def __init__(self, run: RunFolder, mirror: Mirror, lease: Lease, iteration: int) -> None:
        self._run = run
        self._mirror = mirror
        self._lease = lease
        self._iteration = iteration
        self._waiting: Snapshot | None = None
        self._failure: Exception | None = None
        self._is_ending = False
        self._tries_until = 0.0
        self._changed = Condition()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Uploads what there is; one that is refused is a mistake that is said before training.

        Raises:
            FetchError: Storage does not answer.
            UserError: Storage refuses.
        """
        patiently(lambda: self._push(Snapshot.of(self._run, self._iteration)))
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def offer(self, iteration: int) -> None:
        """Has the run uploaded as it is now; returns at once.

        Args:
            iteration: Iterations done.

        Raises:
            UserError: Another job has taken the mirror.
        """
        self.require_ours()
        self._iteration = iteration
        self._hand_over()

    def _hand_over(self, is_last: bool = False) -> None:
        """Has the thread upload the run as it is now, in place of what waits.

        Args:
            is_last: Whether nothing comes after it.
        """
        snapshot = Snapshot.of(self._run, self._iteration)
        with self._changed:
            before, self._waiting = self._waiting, snapshot
            if is_last:
                self._tries_until = time.monotonic() + _GRACE
                self._is_ending = True
            self._changed.notify()
        if before is not None:
            before.close()

    def require_ours(self) -> None:
        """Raises ``UserError`` where another job has taken the mirror."""
        if self._lease.is_lost:
            raise UserError(
                f"Another job has taken the mirror of {self._run.folder}, because this one could "
                "not reach it for too long. What is saved here stays here."
            )

    def finish(self, seconds: float | None = None) -> None:
        """Uploads the last state and waits for that.

        Args:
            seconds: Most seconds to wait; None for as long as it takes.
        """
        if self._thread is None or self._lease.is_lost:
            return
        self._hand_over(is_last=True)
        until = None if seconds is None else time.monotonic() + seconds
        while self._thread.is_alive() and (until is None or time.monotonic() < until):
            self._thread.join(_SECONDS_BETWEEN_LOOKS)  # a signal is handled in between
        if self._thread.is_alive():
            note(
                f"warning: the mirror of {self._run.folder} has not got iteration {self._iteration}"
            )

    def require_done(self) -> None:
        """Raises ``FetchError`` where the last state is not uploaded."""
        self.require_ours()
        if self._failure is not None:
            raise FetchError(f"{self._run.folder} is not mirrored: {self._failure}.")

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_ending)
                snapshot, self._waiting = self._waiting, None
            if snapshot is None or self._lease.is_lost:
                return
            try:
                self._push(snapshot)
                self._failure = None
            except ConflictError:
                self._lease.is_lost = True
            except Exception as error:  # whatever it is, training goes on and its end says so
                self._failure = error
                note(f"warning: {error}: the mirror stays as it is until the next upload")
                if self._is_ending and time.monotonic() < self._tries_until:
                    time.sleep(_SECONDS_BETWEEN_TRIES)
                    self._waiting = self._waiting or Snapshot.of(self._run, self._iteration)

    def _push(self, snapshot: Snapshot) -> None:
        try:
            self._mirror.push(snapshot)
        finally:
            snapshot.close()
