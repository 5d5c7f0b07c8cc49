"""Starts the ranks of a training run on this node, by torch elastic."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import uuid4

from torch.distributed.elastic.agent.server.api import WorkerSpec
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing.api import SignalException, SubprocessContext
from torch.distributed.elastic.rendezvous import RendezvousParameters, registry
from torch.distributed.launcher.api import LaunchConfig
from torch.distributed.run import config_from_args, get_args_parser

from umop.errors import Stopped, TrainingError, UserError
from umop.exit_codes import STOPPED

USUAL = ("MASTER_ADDR", "MASTER_PORT", "NNODES", "NODE_RANK")
"""Variables that are also taken without torchrun's ``PET_``."""

SECONDS_TO_STOP = 20


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
        arguments = get_args_parser().parse_args([*options, "--module", "umop.cli"])
        threads = max(1, (os.cpu_count() or 1) // int(arguments.nproc_per_node))
        if int(arguments.nproc_per_node) > 1:
            os.environ.setdefault("OMP_NUM_THREADS", str(threads))
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
    """torch elastic's agent, which knows how its ranks ended when a signal stopped them."""

    def _shutdown(self, death_sig: signal.Signals = signal.SIGTERM) -> None:
        if self._pcontext is not None:
            try:
                self._pcontext.close(death_sig, timeout=SECONDS_TO_STOP)
            except SignalException:  # a second one
                self._pcontext.close(signal.SIGKILL)
                raise
        super()._shutdown(death_sig)

    def exit_codes(self) -> set[int]:
        """The exit codes of this node's ranks, after they have ended."""
        if not isinstance(self._pcontext, SubprocessContext):  # none was started yet
            return set()
        return {rank.proc.returncode for rank in self._pcontext.subprocess_handlers.values()}


def launch(job: Job) -> None:
    """Runs this process's own command in each rank, and waits.

    Raises:
        Stopped: A signal stopped training, and it is saved.
        SystemExit: A rank failed that has said why; with its exit code.
        TrainingError: A rank was killed.
    """
    silence_torch_elastic()
    agent = make_agent(job.launch)
    try:
        result = agent.run()
    except SignalException as stopped:
        if agent.exit_codes() <= {STOPPED, -signal.SIGTERM, -signal.SIGINT}:
            raise Stopped from None
        raise SystemExit(128 + stopped.sigval) from None
    if result.is_failed():
        first = next(iter(result.failures))
        fail(first, result.failures[first].exitcode)


def silence_torch_elastic() -> None:
    """Drops the log lines of torch elastic: the ranks say what went wrong."""
    logger = logging.getLogger("torch.distributed.elastic")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def make_agent(launch: LaunchConfig) -> Agent:
    """torchrun's agent, for ranks that run this process's own command.

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
        args=("-m", "umop.cli", *sys.argv[1:]),
        rdzv_handler=registry.get_rendezvous_handler(rendezvous),
        max_restarts=0,
        monitor_interval=launch.monitor_interval,
        master_addr=address,
        master_port=int(port) if port else None,
        local_addr=launch.local_addr,
    )
    assert launch.logs_specs is not None
    return Agent(spec, launch.logs_specs)


def fail(rank: int, code: int) -> NoReturn:
    """Ends as the first rank that failed did."""
    if code > 0:
        raise SystemExit(code)
    name = signal.Signals(-code).name
    memory = " If you did not end it, the machine ran out of memory." if code == -9 else ""
    raise TrainingError(
        f"Rank {rank} on {socket.gethostname()} was ended by {name}.{memory} The same command goes "
        "on from the newest checkpoint."
    )
