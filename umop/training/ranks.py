"""The processes that train together: what they agree on, and which of them is gone."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from umop.console import note
from umop.errors import LostRankError, Stopped, TrainingError
from umop.exit_codes import STOPPED, exit_code_of
from umop.training.signals import leave

Result = TypeVar("Result")
STOPPED_KEY = "stopped"
GO_ON = "The same command resumes from the newest checkpoint."
IS_STUCK = "Slow storage or a deadlock can be why; --timeout allows more time."
SECONDS_TO_ANSWER = 5.0
"""How long the ranks that live have to say so, once one seems to be gone."""
SECONDS_OF_WORK = 0.5
"""Of the processor: a process that hangs does not reach them between two steps."""
SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_BETWEEN_CHECKS = 1.0


def has_agent() -> bool:
    """Whether torch elastic started this process, and says of each of its ranks how it ended."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_rank() -> bool:
    """Whether this process is one of several, started by torchrun or as it does."""
    return {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys()


class Alone:
    """Training in one process."""

    rank = 0
    count = 1

    def on_first(self, work: Callable[[], Result]) -> Result:
        """Does something once, in the first rank; all get the result, or its error."""
        return work()

    def on_each_host(self, work: Callable[[], object]) -> None:
        """Does something once on each host; all wait for it."""
        work()

    def any(self, mine: bool) -> bool:
        """Whether this was true in any rank, as of the last call: the same answer in all."""
        return mine

    def tell_stopped(self) -> None:
        """Tells the other ranks that training stops for a signal."""

    def check_stopped(self) -> None:
        """Raises :class:`Stopped` where another rank has told so; it looks once a second."""

    def step(self, iteration: int) -> None:
        """Tells the watch over the ranks that this one has made a step."""

    def rest(self) -> None:
        """Tells the watch that no more steps are to come."""

    def translate(self, error: BaseException) -> BaseException:
        """What an error in training is, where it came of another rank."""
        return error


@dataclass(kw_only=True)
class Ranks(Alone):
    """Training in several processes, of which this is one.

    Attributes:
        rank: Number of this process.
        count: How many there are.
        hosts: The host of each rank.
        store: Where ranks can write to each other even if one of them is gone.
        group: Connects the processors; it carries what is no part of training itself.
        limit: Seconds without a step after which training is given up.
        leader: The rank that does something once, while the others wait for it; None otherwise.
    """

    rank: int
    count: int
    hosts: list[str]
    store: Store
    group: distributed.ProcessGroup
    limit: float
    iteration: int = 0
    rounds: int = 0
    last_look: float = 0.0
    last_step: float = field(default_factory=time.monotonic)
    leader: int | None = None
    worked: int = 0
    vote: tuple[distributed.Work, torch.Tensor] | None = None

    def on_first(self, work: Callable[[], Result]) -> Result:
        return self.on(0, work)

    def on_each_host(self, work: Callable[[], object]) -> None:
        self.on(self.rank - int(os.environ["LOCAL_RANK"]), work)

    def on(self, leader: int, work: Callable[[], Result]) -> Result:
        """Does something once, in one rank; others that name the same one wait for the result.

        They look for it again and again, because a signal reaches nobody who waits in gloo.
        """
        self.rounds += 1
        key = f"done/{leader}/{self.rounds}"
        self.leader = leader
        try:
            return self.lead(key, work) if self.rank == leader else self.await_result(key)
        finally:
            self.leader = None

    def lead(self, key: str, work: Callable[[], Result]) -> Result:
        """Does something, and lets the other ranks read what came of it."""
        try:
            result = work()
        except (Exception, Stopped) as error:
            self.write(key, (None, exit_code_of(error)))
            raise
        self.write(key, (result, 0))
        return result

    def await_result(self, key: str) -> Any:
        """Waits for what came of another rank's work."""
        while not self.store.check([key]):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        result, code = pickle.loads(self.store.get(key))
        if code == STOPPED:
            raise Stopped
        if code:  # the leader says why
            raise SystemExit(code)
        return result

    def write(self, key: str, value: object) -> None:
        """Lets the other ranks read a value; torch's types know of text only."""
        self.store.set(key, pickle.dumps(value))  # type: ignore[arg-type]

    def tell_stopped(self) -> None:
        with contextlib.suppress(distributed.DistError):
            self.store.set(STOPPED_KEY, "")

    def check_stopped(self) -> None:
        if time.monotonic() - self.last_look >= SECONDS_BETWEEN_CHECKS:
            self.last_look = time.monotonic()
            if self.store.check([STOPPED_KEY]):
                raise Stopped

    def leave(self) -> None:
        """Waits a little for the others to leave too, after training was stopped.

        Some may still be about to ask why their connection broke, and the answer is here.
        """
        with contextlib.suppress(distributed.DistError):
            if self.store.check([STOPPED_KEY]):
                self.all_in("left")

    def any(self, mine: bool) -> bool:
        """Whether this was true in any rank, as of the last call: the same answer in all.

        The ranks exchange it while they compute the next step, so none waits.
        """
        known = False
        if self.vote:
            work, voted = self.vote
            work.wait()
            known = bool(voted.item())
        flag = torch.tensor([mine], dtype=torch.uint8)
        work = distributed.all_reduce(flag, distributed.ReduceOp.MAX, self.group, async_op=True)
        self.vote = work, flag
        return known

    def step(self, iteration: int) -> None:
        self.iteration = iteration
        self.last_step = time.monotonic()

    def rest(self) -> None:
        self.last_step = math.inf

    def translate(self, error: BaseException) -> BaseException:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            return error
        try:
            if self.store.check([STOPPED_KEY]):
                return Stopped()
            reason = self.explain()
        except distributed.DistError:
            reason = self.lost_first()
        return reason if str(reason) else SystemExit(exit_code_of(reason))

    def explain(self, is_known: bool = True) -> TrainingError:
        """Says which rank is gone; without a word in all but one of those that are left.

        Args:
            is_known: The process that started this host's ranks knows of those that ended here,
                and says how.
        """
        answering = self.all_in("alive")
        speaks = self.rank == min(answering)
        where = f"at iteration {self.iteration}"
        missing = [rank for rank in range(self.count) if rank not in answering]
        if not missing:
            return TrainingError(self.stuck(where) if speaks else "")
        here = all(self.hosts[rank] == self.hosts[self.rank] for rank in missing)
        if not speaks or (here and is_known and has_agent()):
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
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        found = {self.rank}
        while len(found) < self.count and time.monotonic() < deadline:
            found = {rank for rank in range(self.count) if self.store.check([f"{state}/{rank}"])}
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return found | {self.rank}

    def watch(self) -> None:
        """Ends this process when no step was made for too long, and says which rank is why.

        A rank that waits for another hangs in the network's library, where nothing else ends it.
        """
        while time.monotonic() - self.last_step < self.limit:
            time.sleep(1.0)
            with contextlib.suppress(distributed.DistError):
                self.look_at_leader()
        try:
            reason = self.explain(is_known=False)
        except distributed.DistError:
            reason = self.lost_first()
        if str(reason):
            note(f"error: {reason}")
        leave(exit_code_of(reason))

    def look_at_leader(self) -> None:
        """Takes it for a step that the leader has computed for a while; one that hangs does not.

        So the check of much data, or a slow download, may take its time.
        """
        key, worked = f"work/{self.leader}", self.worked
        if self.leader == self.rank:
            worked = int(time.process_time() / SECONDS_OF_WORK)
            self.store.set(key, str(worked))
        elif self.leader is not None and self.store.check([key]):
            worked = int(self.store.get(key))
        if worked != self.worked:
            self.worked = worked
            self.last_step = time.monotonic()


@contextlib.contextmanager
def joined(limit: float) -> Iterator[Alone]:
    """Connects this process with the other ranks inside the block, where it is one of several.

    Args:
        limit: Seconds without a step after which training is given up.

    Raises:
        TrainingError: The others cannot be reached, or one is gone.
    """
    if not is_rank():
        yield Alone()
        return
    ranks = connect(limit)
    try:
        yield ranks
    except (Exception, Stopped) as error:
        reason = ranks.translate(error)
        if isinstance(reason, Stopped):
            ranks.tell_stopped()
        raise reason from error
    finally:
        distributed.destroy_process_group()
        ranks.leave()


def connect(limit: float) -> Ranks:
    """Connects this process with the other ranks, and starts to watch over them.

    Raises:
        TrainingError: They cannot be reached.
    """
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if on_gpu else "gloo"
    to_connect = timedelta(seconds=limit)
    no_limit = timedelta(days=1)  # the watch has one, and names the rank
    try:
        store, rank, count = next(rendezvous("env://", timeout=to_connect))
        distributed.init_process_group(
            backend, store=store, rank=rank, world_size=count, timeout=no_limit
        )
        group = distributed.new_group(backend="gloo", timeout=no_limit)
        own_store, *_ = next(rendezvous("env://", timeout=to_connect))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise TrainingError(f"The other ranks cannot be reached at {address}: {reason}") from error
    hosts = [""] * count
    distributed.all_gather_object(hosts, socket.gethostname(), group=group)
    ranks = Ranks(rank=rank, count=count, hosts=hosts, store=own_store, group=group, limit=limit)
    Thread(target=ranks.watch, daemon=True).start()
    return ranks
