"""Starts the ranks of a training run on this node, by torch elastic."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NoReturn
from uuid import uuid4

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing.api import SignalException, SubprocessContext
from torch.distributed.elastic.rendezvous import RendezvousParameters, registry
from torch.distributed.launcher.api import LaunchConfig
from torch.distributed.run import config_from_args, get_args_parser

from umop.distributed import heartbeat
from umop.distributed.heartbeat import HeartbeatMonitor
from umop.distributed.orders import ORDER, Reasons, write_order
from umop.distributed.signals import ignore_signals, in_main_thread, kept_handlers
from umop.distributed.watchdog import GO_ON, IS_STUCK
from umop.system.console import note
from umop.system.errors import FailedRankError, Stopped, TrainingError, UserError
from umop.system.exit_codes import FAILURE, STOPPED

USUAL = ("MASTER_ADDR", "MASTER_PORT", "NNODES", "NODE_RANK")
"""Variables that are also taken without torchrun's ``PET_``."""

LOGGING = ("PET_LOG_DIR", "PET_REDIRECTS", "PET_TEE")
"""Without these, torch elastic would make a folder for logs, write none and leave it."""

TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Signals that torch elastic and this module handle while ranks run."""

SECONDS_TO_STOP = 100
"""How long ranks have to save where training is: a slow disk takes as long for Swin-L's 2.4 GB."""

SECONDS_TO_END = 10
"""How long ranks have to say what training lost, once one of them failed."""

SECONDS_TO_EXPLAIN = 15
"""How long the ranks that live have, beyond the limit, to say which one is frozen."""


@dataclass(frozen=True)
class Job:
    """A training run on one or several nodes.

    Attributes:
        launch: torchrun's settings.
        nodes: How many nodes.
        processes: How many ranks on each of them.
    """

    launch: LaunchConfig
    nodes: int
    processes: int

    @classmethod
    def from_environment(cls, processes: int) -> Job:
        """Reads torchrun's variables, ``PET_NNODES`` and the like.

        Args:
            processes: How many ranks on this node, where ``PET_NPROC_PER_NODE`` says no number.

        Raises:
            UserError: This node's number is not among them.
        """
        options = [
            f"--{name.lower()}={os.environ[name]}"
            for name in USUAL
            if name in os.environ and f"PET_{name}" not in os.environ
        ]
        if not os.environ.get("PET_NPROC_PER_NODE", "").isdecimal():
            options.append(f"--nproc_per_node={processes}")
        if not any(name in os.environ for name in LOGGING):
            options.append(f"--log_dir={os.devnull}")
        arguments = get_args_parser().parse_args([*options, "--module", "umop"])
        with variables(threads_of(int(arguments.nproc_per_node))):
            launch, *_ = config_from_args(arguments)
        if arguments.node_rank >= launch.max_nodes:
            raise UserError(
                f"This is node {arguments.node_rank}, counted from 0, of {launch.max_nodes}. Set "
                "PET_NNODES to the number of nodes; in k8s/train-job.yaml, NODES stands twice."
            )
        if launch.max_nodes == 1 and launch.rdzv_backend == "static":
            launch = replace(
                launch, rdzv_backend="c10d", rdzv_endpoint="localhost:0", run_id=str(uuid4())
            )
        return cls(launch, launch.max_nodes, launch.nproc_per_node)

    @property
    def ranks(self) -> int:
        return self.nodes * self.processes


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


def launch(job: Job, module: str, order: object, limit: float) -> bool:
    """Runs a module in each rank of this node, and waits.

    Args:
        job: The ranks.
        module: Runs as ``python -m``, and reads its order from the file that it is given.
        order: What the ranks are to do.
        limit: Seconds without a sign of life after which one of them is given up.

    Returns:
        Whether the first rank was among them.

    Raises:
        Stopped: A signal stopped training, and it is saved.
        Exception: What a rank said before it failed.
        TrainingError: A rank was killed, or is frozen, or failed without a word.
    """
    silence_torch_elastic()
    with (
        TemporaryDirectory(prefix="umop-", ignore_cleanup_errors=True) as folder,
        variables(variables_for(job, folder)),
        kept_handlers(*TAKEN),
    ):
        write_order(Path(folder), order)
        agent = make_agent(job.launch, ("-m", module, f"{folder}/{ORDER}"))
        agent.limit = limit + SECONDS_TO_EXPLAIN
        if in_main_thread():
            signal.signal(signal.SIGTSTP, agent.pause)
        try:
            agent.run()
        except SignalException as signalled:
            ignore_signals()
            stopped(agent, signalled.sigval, Reasons(Path(folder)))
        ignore_signals()
        if agent.frozen is not None:
            raise TrainingError(
                f"Rank {agent.frozen} on {socket.gethostname()} gave no sign of life for "
                f"{agent.limit:.0f} s, and was ended. {IS_STUCK} {GO_ON}"
            )
        if agent.failed:
            fail(*agent.failed, Reasons(Path(folder)))
    return any(worker.global_rank == 0 for worker in agent.get_worker_group().workers)


def variables_for(job: Job, folder: str) -> dict[str, str]:
    """What the environment of ranks has beside this process's own.

    Args:
        job: The ranks.
        folder: Where they give signs of life.
    """
    path = os.pathsep.join(filter(None, sys.path))
    return {heartbeat.FOLDER: folder, "PYTHONPATH": path, **threads_of(job.processes)}


def threads_of(processes: int) -> dict[str, str]:
    """The variable that shares the processors among several ranks, unless it is there."""
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes))}


@contextlib.contextmanager
def variables(own: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment inside the block."""
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def silence_torch_elastic() -> None:
    """Drops the log lines of torch elastic: the ranks say what went wrong."""
    logger = logging.getLogger("torch.distributed.elastic")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def make_agent(launch: LaunchConfig, arguments: tuple[str, ...]) -> Agent:
    """torchrun's agent, for ranks that run Python with some arguments.

    No rank is restarted: the same command resumes.
    """
    rendezvous = RendezvousParameters(
        backend=launch.rdzv_backend,
        endpoint=launch.rdzv_endpoint,
        run_id=launch.run_id,
        min_nodes=launch.min_nodes,
        max_nodes=launch.max_nodes,
        local_addr=launch.local_addr,
        **launch.rdzv_configs,
    )
    address, port = None, None
    if launch.rdzv_backend == "static":
        address, _, port = launch.rdzv_endpoint.rpartition(":")
    spec = WorkerSpec(
        role=launch.role,
        local_world_size=launch.nproc_per_node,
        entrypoint=sys.executable,
        args=arguments,
        rdzv_handler=registry.get_rendezvous_handler(rendezvous),
        max_restarts=0,
        monitor_interval=launch.monitor_interval,
        master_addr=address,
        master_port=int(port) if port else None,
        local_addr=launch.local_addr,
    )
    assert launch.logs_specs is not None
    return Agent(spec, launch.logs_specs)


def stopped(agent: Agent, number: int, reasons: Reasons) -> None:
    """Ends as the ranks did that got a signal.

    Args:
        agent: Started them.
        number: The signal.
        reasons: What they said.

    Raises:
        Stopped: Where training was is saved, or it had not begun.
        FailedRankError: It is not saved.
    """
    codes = {rank.returncode for rank in agent.ranks()}
    if codes == {0}:
        return
    if codes <= {STOPPED, -signal.SIGTERM, -signal.SIGINT}:
        raise reasons.first(Stopped) or Stopped()
    if -signal.SIGKILL in codes:
        note(f"warning: training did not stop in {SECONDS_TO_STOP} s, and was killed")
    name = signal.Signals(number).name
    raise FailedRankError(f"{name} ended training before it was saved. {GO_ON}", 128 + number)


def fail(rank: int, code: int, reasons: Reasons) -> NoReturn:
    """Ends as the first rank that failed did.

    Args:
        rank: Its number.
        code: Its exit code; negative for a signal.
        reasons: What the ranks said.

    Raises:
        Exception: What one of them said.
        TrainingError: None said anything here.
    """
    if code > 0:
        raise reasons.first() or FailedRankError(
            f"Rank {rank} on {socket.gethostname()} failed and has said why (exit code {code}).",
            code,
        )
    name = signal.Signals(-code).name
    memory = " If you did not end it, the machine ran out of memory." if code == -9 else ""
    raise TrainingError(
        f"Rank {rank} on {socket.gethostname()} was ended by {name}.{memory} {GO_ON}"
    )
