"""Starts the ranks of a training run on this node, by torch elastic."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from torch.distributed import DistError
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.rendezvous import RendezvousError

from umop.distributed import heartbeat
from umop.distributed.agent import SECONDS_TO_STOP, Agent, make_agent, silence_torch_elastic
from umop.distributed.job import Job, set_environment, threads_of
from umop.distributed.orders import ORDER, Reasons, write_order
from umop.distributed.signals import ignore_signals, in_main_thread, kept_handlers
from umop.distributed.watchdog import GO_ON, IS_STUCK
from umop.system.console import note
from umop.system.errors import FailedRankError, LostRankError, Stopped, TrainingError
from umop.system.exit_codes import STOPPED

_TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Signals that torch elastic and this module handle while ranks run."""

_SECONDS_TO_EXPLAIN = 15
"""How long the ranks that live have, beyond the limit, to say which one is frozen."""


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
        TrainingError: A rank was killed, or is frozen, or failed without a word; or another node is
            gone.
    """
    silence_torch_elastic()
    with (
        TemporaryDirectory(prefix="umop-", ignore_cleanup_errors=True) as folder,
        set_environment(_variables_for(job, folder)),
        kept_handlers(*_TAKEN),
    ):
        write_order(Path(folder), order)
        agent = make_agent(job.launch, ("-m", module, f"{folder}/{ORDER}"), limit)
        agent.limit = limit + _SECONDS_TO_EXPLAIN
        if in_main_thread():
            signal.signal(signal.SIGTSTP, agent.pause)
        try:
            agent.run()
        except SignalException as signalled:
            ignore_signals()
            _stopped(agent, signalled.sigval, Reasons(Path(folder)))
        except (DistError, RendezvousError) as error:
            address, reason = job.launch.rdzv_endpoint, str(error).splitlines()[0]
            raise LostRankError(
                f"The nodes did not meet at {address}: {reason}. {GO_ON}"
            ) from error
        ignore_signals()
        if agent.frozen is not None:
            raise TrainingError(
                f"Rank {agent.frozen} on {socket.gethostname()} gave no sign of life for "
                f"{agent.limit:.0f} s, and was ended. {IS_STUCK} {GO_ON}"
            )
        if agent.failed:
            _fail(*agent.failed, Reasons(Path(folder)))
    return any(worker.global_rank == 0 for worker in agent.get_worker_group().workers)


def _variables_for(job: Job, folder: str) -> dict[str, str]:
    """What the environment of ranks has beside this process's own.

    Args:
        job: The ranks.
        folder: Where they give signs of life.
    """
    path = os.pathsep.join(filter(None, sys.path))
    return {heartbeat.HEARTBEATS_VARIABLE: folder, "PYTHONPATH": path, **threads_of(job.processes)}


def _stopped(agent: Agent, number: int, reasons: Reasons) -> None:
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


def _fail(rank: int, code: int, reasons: Reasons) -> NoReturn:
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
