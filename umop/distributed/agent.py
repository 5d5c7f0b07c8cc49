"""torch elastic's agent, which gives its ranks the time to end by themselves."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from operator import itemgetter
from threading import Lock
from typing import Any

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing.api import SignalException, SubprocessContext
from torch.distributed.launcher.api import LaunchConfig

from umop.distributed.heartbeat import HeartbeatMonitor
from umop.distributed.rendezvous import rendezvous_of
from umop.system.exit_codes import FAILURE, STOPPED

SECONDS_TO_STOP = 100
"""How long ranks have to save where training is: a slow disk takes as long for Swin-L's 2.4 GB."""

SECONDS_TO_END = 10
"""How long ranks have to say what training lost, once one of them failed."""


class Agent(LocalElasticAgent):
    """torch elastic's agent, which gives its ranks the time to end by themselves.

    Attributes:
        limit: Seconds without a sign of life after which a rank is ended.
        failed: Number and exit code of the first rank that failed.
        frozen: Number of the rank that was ended because it gave no sign of life.
    """

    limit: float
    failed: tuple[int, int] | None = None
    frozen: int | None = None
    monitors: Sequence[HeartbeatMonitor] = ()

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        count = len(worker_group.workers)
        self.monitors = [HeartbeatMonitor(number, self.limit) for number in range(count)]
        started: dict[int, Any] = super()._start_workers(worker_group)
        return started

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        """Looks for a rank that failed.

        torch would end the others at once; they find out themselves, and say what training lost.
        """
        self.end_frozen(worker_group)
        self.failed = self.first_failure()
        if self.failed:
            hanging, (rank, code) = self.end_ranks(), self.failed
            self.failed = rank, FAILURE if hanging and code == STOPPED else code
        result: RunResult = super()._monitor_workers(worker_group)
        self.failed = self.failed or self.first_failure()
        return result

    def end_frozen(self, worker_group: WorkerGroup) -> None:
        """Kills the first rank that gives no sign of life: it takes no other signal."""
        for worker, rank, monitor in zip(
            worker_group.workers, self.ranks(), self.monitors, strict=True
        ):
            if rank.poll() is None and monitor.has_stopped():
                self.frozen = worker.global_rank
                rank.kill()
                rank.wait()
                return

    def first_failure(self) -> tuple[int, int] | None:
        """Number and exit code of a rank that failed: of one that a signal ended, if any."""
        numbers = [worker.global_rank for worker in self.get_worker_group().workers]
        codes = [rank.poll() for rank in self.ranks()]
        failed = [(number, code) for number, code in zip(numbers, codes, strict=True) if code]
        return min(failed, key=itemgetter(1), default=None)

    def _shutdown(self, death_sig: signal.Signals = signal.SIGTERM) -> None:
        if self._pcontext is not None:
            try:
                self.free_ranks()
                self._pcontext.close(death_sig, timeout=SECONDS_TO_STOP)
            except SignalException:  # a second one
                self.free_ranks()
                self._pcontext.close(signal.SIGKILL)
                raise
        super()._shutdown(death_sig)

    def free_ranks(self) -> None:
        """Lets ranks be waited for, whatever a signal has broken off."""
        for rank in self.ranks():
            free(rank)

    def pause(self, *_: object) -> None:
        """Pauses the ranks and this process, as Ctrl-Z asks, until it is told to go on.

        The ranks have sessions of their own, which a terminal's signals do not reach.
        """
        self.signal_ranks(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self.signal_ranks(signal.SIGCONT)

    def signal_ranks(self, number: signal.Signals) -> None:
        """Sends a signal to all processes of the ranks, those that load data included."""
        for rank in self.ranks():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(rank.pid, number)

    def end_ranks(self) -> bool:
        """Waits for this node's ranks to end; kills those that hang, and says whether any did."""
        deadline = time.monotonic() + SECONDS_TO_END
        for rank in self.ranks():
            with contextlib.suppress(subprocess.TimeoutExpired):
                rank.wait(max(0.0, deadline - time.monotonic()))
        hanging = [rank for rank in self.ranks() if rank.poll() is None]
        for rank in hanging:
            rank.kill()
        return bool(hanging)

    def ranks(self) -> list[subprocess.Popen[bytes]]:
        """The processes of this node's ranks; none before they are started."""
        if not isinstance(self._pcontext, SubprocessContext):
            return []
        return [rank.proc for rank in self._pcontext.subprocess_handlers.values()]


def free(process: subprocess.Popen[bytes]) -> None:
    """Gives a process a new lock for ``wait``.

    torch elastic's handler of signals raises wherever the program is: in ``poll`` too, behind which
    the old lock would stay taken, and ``wait`` would wait for ever.
    """
    process._waitpid_lock = Lock()  # type: ignore[attr-defined]


def silence_torch_elastic() -> None:
    """Drops the log lines of torch elastic: the ranks say what went wrong."""
    logger = logging.getLogger("torch.distributed.elastic")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def make_agent(launch: LaunchConfig, arguments: tuple[str, ...], limit: float) -> Agent:
    """torchrun's agent, for ranks that run Python with some arguments.

    No rank is restarted: the same command resumes.

    Args:
        launch: torchrun's settings.
        arguments: Of Python.
        limit: Seconds that nodes wait for one that has come and gives no answer.
    """
    address, port = None, None
    if launch.rdzv_backend == "static":
        address, _, port = launch.rdzv_endpoint.rpartition(":")
    spec = WorkerSpec(
        role=launch.role,
        local_world_size=launch.nproc_per_node,
        entrypoint=sys.executable,
        args=arguments,
        rdzv_handler=rendezvous_of(launch, limit),
        max_restarts=0,
        monitor_interval=launch.monitor_interval,
        master_addr=address,
        master_port=int(port) if port else None,
        local_addr=launch.local_addr,
    )
    assert launch.logs_specs is not None
    return Agent(spec, launch.logs_specs)
