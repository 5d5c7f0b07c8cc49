"""Makes a run this process's own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from umop.engine.checkpoints import reached_by
from umop.runs.checkpoints import newest_whole
from umop.runs.folder import RunFolder
from umop.runs.lock import locked
from umop.runs.uploads import Uploads, mirrored, require_mirror
from umop.system.errors import UserError
from umop.training.options import TrainOptions


@dataclass
class Claim:
    """What keeps others from a run while it trains.

    Attributes:
        run: Its folder.
        options: Name its mirror.
        held: Keeps the claim until it is closed.
        uploads: Uploads to the mirror; None without one, and before the claim is made.
    """

    run: RunFolder
    options: TrainOptions
    held: ExitStack
    uploads: Uploads | None = None

    def make(self) -> None:
        """Locks the folder and the mirror, and brings what the mirror has.

        A dry run only checks the mirror's address.

        Raises:
            FetchError: Storage does not answer.
            UserError: Another process trains the run.
        """
        self.held.enter_context(locked(self.run))
        if not self.options.mirror:
            return
        if self.options.dry_run:
            require_mirror(self.run, self.options.mirror)
            return
        opened = mirrored(self.run, self.options.mirror, lambda: done_here(self.run))
        self.uploads = self.held.enter_context(opened)


def done_here(run: RunFolder) -> int:
    """Iterations of a run that are done on this disk; -1 where there is no whole checkpoint."""
    try:
        checkpoint = newest_whole(run)
    except UserError:
        return -1
    return -1 if checkpoint is None else reached_by(checkpoint).iteration
