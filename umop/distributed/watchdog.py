"""Which of the processes that train together is gone, or hangs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from torch import distributed
from torch.distributed.distributed_c10d import Store

from umop.distributed.signals import exit_now
from umop.system.console import note
from umop.system.errors import LostRankError, TrainingError
from umop.system.exit_codes import exit_code_of

GO_ON = "The same command resumes from the newest checkpoint."
IS_STUCK = "Slow storage or a deadlock can be why; --timeout allows more time."
_SECONDS_TO_ANSWER = 5.0
"""How long the ranks that live have to say so, once one seems to be gone."""
_SECONDS_OF_WORK = 0.5
"""Of the processor: a process that hangs does not reach them between two steps."""
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_BETWEEN_SIGNS = 1.0


def _has_agent() -> bool:
    """Whether torch elastic started this process, and says of each of its ranks how it ended."""
    return "TORCHELASTIC_RUN_ID" in os.environ


@dataclass(kw_only=True)
class Watchdog:
    """Notices that training makes no step, and says which rank is why.

    Attributes:
        rank: Number of this process.
        hosts: The host of each rank.
        store: Where ranks can write to each other even if one of them is gone.
        limit: Seconds without a step after which training is given up; a pause of all that runs
            here, as of a suspended machine, does not count.
        iteration: The last step.
        leader: The rank that does something once, while the others wait for it; None otherwise.
        signs: Changes with each sign that training goes on.
        is_over: Whether no more steps are to come.
    """

    rank: int
    hosts: list[str]
    store: Store
    limit: float
    iteration: int = 0
    leader: int | None = None
    worked: int = 0
    signs: int = 0
    is_over: bool = False

    def step(self, iteration: int) -> None:
        """Notes that this rank has made a step."""
        self.iteration = iteration
        self.signs += 1

    def rest(self) -> None:
        """Notes that no more steps are to come."""
        self.is_over = True

    @contextlib.contextmanager
    def led_by(self, leader: int) -> Iterator[None]:
        """Knows inside the block that all wait for one rank."""
        self.leader = leader
        try:
            yield
        finally:
            self.leader = None

    def run(self) -> None:
        """Ends this process when no step was made for too long, and says which rank is why.

        A rank that waits for another hangs in the network's library, where nothing else ends it.
        """
        signs, idle = self.signs, 0.0
        while idle < self.limit or self.is_over:
            time.sleep(_SECONDS_BETWEEN_SIGNS)
            with contextlib.suppress(distributed.DistError):
                self.look_at_leader()
            idle = idle + _SECONDS_BETWEEN_SIGNS if self.signs == signs else 0.0
            signs = self.signs
        reason = self.explain(is_known=False)
        if str(reason):
            note(f"error: {reason}")
        exit_now(exit_code_of(reason))

    def look_at_leader(self) -> None:
        """Takes it for a step that the leader has computed for a while; one that hangs does not.

        So the check of much data, or a slow download, may take its time.
        """
        key, worked = f"work/{self.leader}", self.worked
        if self.leader == self.rank:
            worked = int(time.process_time() / _SECONDS_OF_WORK)
            self.store.set(key, str(worked))
        elif self.leader is not None and self.store.check([key]):
            worked = int(self.store.get(key))
        if worked != self.worked:
            self.worked = worked
            self.signs += 1

    def explain(self, is_known: bool = True) -> TrainingError:
        """Says which rank is gone; without a word in all but one of those that are left.

        Args:
            is_known: The process that started this host's ranks knows of those that ended here,
                and says how.
        """
        try:
            answering = self.all_in("alive")
        except distributed.DistError:
            return self.lost_first()
        speaks = self.rank == min(answering)
        where = f"at iteration {self.iteration}"
        missing = sorted(set(range(len(self.hosts))) - answering)
        if not missing:
            with contextlib.suppress(distributed.DistError):
                self.all_in("agreed")  # the store ends with its rank, which the others still ask
            return TrainingError(self.stuck(where) if speaks else "")
        here = all(self.hosts[rank] == self.hosts[self.rank] for rank in missing)
        if not speaks or (here and is_known and _has_agent()):
            return LostRankError("")
        named = ", ".join(f"rank {rank} on {self.hosts[rank]}" for rank in missing)
        return LostRankError(f"Training lost {named} {where}. {GO_ON}")

    def stuck(self, where: str) -> str:
        """What all wait for, though each answers."""
        if self.leader is None:
            return (
                f"No rank made a step in {self.limit:.0f} s {where}, though all answer. {IS_STUCK}"
            )
        return (
            f"Rank {self.leader} on {self.hosts[self.leader]}, which the others wait for, did "
            f"nothing for {self.limit:.0f} s {where}. {IS_STUCK}"
        )

    def lost_first(self) -> TrainingError:
        """Says that the store is gone, which is where the first rank is; once on each host."""
        speaks = os.environ["LOCAL_RANK"] == "0"
        message = f"Training lost the first rank's host, {self.hosts[0]}. {GO_ON}"
        return LostRankError(message if speaks else "")

    def all_in(self, state: str) -> set[int]:
        """Says that this rank is in a state; returns those that are too, within some seconds."""
        self.store.set(f"{state}/{self.rank}", "")
        deadline = time.monotonic() + _SECONDS_TO_ANSWER
        found = {self.rank}
        while len(found) < len(self.hosts) and time.monotonic() < deadline:
            found = {
                rank for rank in range(len(self.hosts)) if self.store.check([f"{state}/{rank}"])
            }
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return found | {self.rank}
