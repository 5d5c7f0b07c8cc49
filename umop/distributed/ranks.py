"""The processes that train together, and what they agree on."""

from __future__ import annotations

import contextlib
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.distributed.distributed_c10d import Store

from umop.distributed.watchdog import Watchdog
from umop.system.errors import Stopped
from umop.system.exit_codes import STOPPED, exit_code_of

_Result = TypeVar("_Result")
_STOPPED_KEY = "stopped"
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_BETWEEN_CHECKS = 1.0


class SingleProcess:
    """Training in one process."""

    rank = 0
    count = 1

    def on_first(self, work: Callable[[], _Result]) -> _Result:
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
        """Tells the watchdog that this one has made a step."""

    def rest(self) -> None:
        """Tells the watchdog that no more steps are to come."""

    def translate(self, error: BaseException) -> BaseException:
        """What an error in training is, where it came of another rank."""
        return error


@dataclass(kw_only=True)
class Ranks(SingleProcess):
    """Training in several processes, of which this is one.

    Attributes:
        rank: Number of this process.
        count: How many there are.
        store: Where ranks can write to each other even if one of them is gone.
        group: Connects the processors; it carries what is no part of training itself.
        watchdog: Notices a rank that is gone, or hangs.
    """

    rank: int
    count: int
    store: Store
    group: distributed.ProcessGroup
    watchdog: Watchdog
    rounds: int = 0
    last_look: float = 0.0
    vote: tuple[distributed.Work, torch.Tensor] | None = None

    def on_first(self, work: Callable[[], _Result]) -> _Result:
        return self.on(0, work)

    def on_each_host(self, work: Callable[[], object]) -> None:
        self.on(self.rank - int(os.environ["LOCAL_RANK"]), work)

    def on(self, leader: int, work: Callable[[], _Result]) -> _Result:
        """Does something once, in one rank; others that name the same one wait for the result.

        They look for it again and again, because a signal reaches nobody who waits in gloo.
        """
        self.rounds += 1
        key = f"done/{leader}/{self.rounds}"
        with self.watchdog.led_by(leader):
            return self.lead(key, work) if self.rank == leader else self.await_result(key)

    def lead(self, key: str, work: Callable[[], _Result]) -> _Result:
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
            time.sleep(_SECONDS_BETWEEN_LOOKS)
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
            self.store.set(_STOPPED_KEY, "")

    def check_stopped(self) -> None:
        if time.monotonic() - self.last_look >= _SECONDS_BETWEEN_CHECKS:
            self.last_look = time.monotonic()
            if self.store.check([_STOPPED_KEY]):
                raise Stopped

    def leave(self) -> None:
        """Waits a little for the others to leave too, after training was stopped.

        Some may still be about to ask why their connection broke, and the answer is here.
        """
        with contextlib.suppress(distributed.DistError):
            if self.store.check([_STOPPED_KEY]):
                self.watchdog.all_in("left")

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
        self.watchdog.step(iteration)

    def rest(self) -> None:
        self.watchdog.rest()

    def translate(self, error: BaseException) -> BaseException:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            return error
        with contextlib.suppress(distributed.DistError):
            if self.store.check([_STOPPED_KEY]):
                return Stopped()
        reason = self.watchdog.explain()
        return reason if str(reason) else SystemExit(exit_code_of(reason))
