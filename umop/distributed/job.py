"""How many ranks a training run has, on one or several nodes."""

from __future__ import annotations

import contextlib
import os
from argparse import ArgumentError
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from torch.distributed.launcher.api import LaunchConfig
from torch.distributed.run import config_from_args, get_args_parser

from serving.shared import usable_cores
from umop.system.errors import UserError

_USUAL = ("MASTER_ADDR", "MASTER_PORT", "NNODES", "NODE_RANK")
"""Variables that are also taken without torchrun's ``PET_``."""

_LOGGING = ("PET_LOG_DIR", "PET_REDIRECTS", "PET_TEE")
"""Without these, torch elastic would make a folder for logs, write none and leave it."""


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
            UserError: One has a value that it cannot have, or this node's number is not among them.
        """
        options = [
            f"--{name.lower()}={os.environ[name]}"
            for name in _USUAL
            if name in os.environ and f"PET_{name}" not in os.environ
        ]
        if not os.environ.get("PET_NPROC_PER_NODE", "").isdecimal():
            options.append(f"--nproc_per_node={processes}")
        if not any(name in os.environ for name in _LOGGING):
            options.append(f"--log_dir={os.devnull}")
        parser = get_args_parser()
        parser.exit_on_error = False
        try:
            arguments = parser.parse_args([*options, "--module", "umop"])
            with set_environment(threads_of(int(arguments.nproc_per_node))):
                launch, *_ = config_from_args(arguments)
        except (ArgumentError, AssertionError, RuntimeError, ValueError) as error:
            raise UserError(
                "A variable of torchrun's, such as PET_NNODES or NNODES, has a wrong value: "
                f"{error}"
            ) from error
        if not 0 <= arguments.node_rank < launch.max_nodes:
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


def threads_of(processes: int) -> dict[str, str]:
    """The variable that shares the processors among several ranks, unless it is there."""
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(1, usable_cores() // processes))}


@contextlib.contextmanager
def set_environment(own: Mapping[str, str]) -> Iterator[None]:
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
