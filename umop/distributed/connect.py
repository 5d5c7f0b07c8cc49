"""Connects the processes that train together."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import torch
from torch import distributed
from torch.distributed import DistNetworkError, DistStoreError
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from umop.distributed import heartbeat
from umop.distributed.ranks import Ranks, SingleProcess
from umop.distributed.rendezvous import SECONDS_TO_COME
from umop.distributed.watchdog import Watchdog
from umop.system.errors import LostRankError, Stopped, TrainingError


def is_rank() -> bool:
    """Whether this process is one of several, started by torchrun or as it does."""
    return {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys()


@contextlib.contextmanager
def connected(limit: float) -> Iterator[SingleProcess]:
    """Connects this process with the other ranks inside the block, where it is one of several.

    Args:
        limit: Seconds without a step after which training is given up.

    Raises:
        TrainingError: The others cannot be reached, or one is gone.
    """
    if not is_rank():
        yield SingleProcess()
        return
    heartbeat.start_heartbeat()
    ranks = _connect(limit)
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


def _connect(limit: float) -> Ranks:
    """Connects this process with the other ranks, and starts to watch over them.

    Raises:
        LostRankError: One of them does not come, or is gone again.
        TrainingError: They cannot be connected.
    """
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if on_gpu else "gloo"
    to_connect = timedelta(seconds=limit)
    no_limit = timedelta(days=1)  # the watchdog has one, and names the rank
    try:
        store, rank, count = next(rendezvous("env://", timeout=to_connect))
        _await_all(store, rank, count, max(limit, SECONDS_TO_COME))
        distributed.init_process_group(
            backend, store=store, rank=rank, world_size=count, timeout=no_limit
        )
        group = distributed.new_group(backend="gloo", timeout=no_limit)
        own_store, *_ = next(rendezvous("env://", timeout=to_connect))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        is_lost = isinstance(error, DistStoreError | DistNetworkError)
        kind = LostRankError if is_lost else TrainingError
        raise kind(f"The other ranks cannot be reached at {address}: {reason}") from error
    hosts = [""] * count
    distributed.all_gather_object(hosts, socket.gethostname(), group=group)
    watchdog = Watchdog(rank=rank, hosts=hosts, store=own_store, limit=limit)
    Thread(target=watchdog.run, daemon=True).start()
    return Ranks(rank=rank, count=count, store=own_store, group=group, watchdog=watchdog)


def _await_all(store: Store, rank: int, count: int, limit: float) -> None:
    """Waits until each rank has come; gloo and NCCL would wait for one that ended before.

    Raises:
        DistStoreError: One did not come in time.
    """
    store.set(f"come/{rank}", "")
    store.wait([f"come/{each}" for each in range(count)], timedelta(seconds=limit))
