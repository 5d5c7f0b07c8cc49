"""How nodes that train together wait for each other: as long as it takes, and not silently.

A cluster may have no room yet for one of them. torch's rendezvous would give up after a while, and
nodes that give up and come again in turn may never meet.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field

from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousParameters,
    registry,
)
from torch.distributed.elastic.rendezvous.static_tcp_rendezvous import StaticTCPRendezvous
from torch.distributed.elastic.rendezvous.utils import parse_rendezvous_endpoint
from torch.distributed.launcher.api import LaunchConfig

from umop.system.console import note

_COMPLETE = "umop/complete"
SECONDS_TO_COME = 300.0
"""How long ranks of nodes that have met may take to start, at least: a slow disk takes minutes."""
_SECONDS_TO_CONNECT = 5.0
_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_NOTES = 60.0
SECONDS_BEFORE_NOTES = 3.0


class WaitingRendezvous(StaticTCPRendezvous):
    """torch's rendezvous of nodes that know the first one's address, once all have come."""

    def next_rendezvous(self):  # type: ignore[no-untyped-def]  # as torch's
        waiting = Waiting(f"{self.master_addr}:{self.master_port}", self.world_size)
        self._store = self.receive(waiting) if self.rank == 0 else self.arrive(waiting)
        return super().next_rendezvous()

    def receive(self, waiting: Waiting) -> TCPStore:
        """The first node's part: keeps the store, and says when all have come."""
        store = self.connect()
        while missing := self.world_size - 1 - len(self.come(store)):
            waiting.say(str(missing))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        store.set(_COMPLETE, "")
        return store

    def arrive(self, waiting: Waiting) -> TCPStore:
        """The other nodes' part, again and again where the first one is gone meanwhile."""
        while True:
            try:
                return self.join(waiting)
            except (DistError, OSError):
                waiting.say("the first")
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def join(self, waiting: Waiting) -> TCPStore:
        """Says that this node has come, and waits for the others.

        Raises:
            OSError: The first node does not listen yet; torch would print how it failed to connect.
            DistError: It is gone again.
        """
        address = (self.master_addr, self.master_port)
        socket.create_connection(address, _SECONDS_TO_CONNECT).close()
        store = self.connect()
        while store.check([_COMPLETE]):  # what ends there is the run that this node was lost in
            waiting.say("the first")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        store.set(_key_of(self.rank), "")
        while not store.check([_COMPLETE]):
            waiting.say(str(self.world_size - 1 - len(self.come(store))))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return store

    def connect(self) -> TCPStore:
        return TCPStore(
            self.master_addr,
            self.master_port,
            is_master=self.rank == 0,
            wait_for_workers=False,
            timeout=self.timeout,
            multi_tenant=True,
        )

    def come(self, store: TCPStore) -> list[int]:
        """The nodes beside the first that have come."""
        return [node for node in range(1, self.world_size) if store.check([_key_of(node)])]


@dataclass
class Waiting:
    """Says which nodes are waited for: when that changes, and now and then.

    Attributes:
        address: Where they meet.
        count: How many there are in all.
    """

    address: str
    count: int
    said: str = ""
    next_time: float = field(default_factory=lambda: time.monotonic() + SECONDS_BEFORE_NOTES)

    def say(self, missing: str) -> None:
        """Prints a line, unless it repeats the last one, or all may come within a moment."""
        now = time.monotonic()
        if now < self.next_time and self.said in ("", missing):
            return
        self.said, self.next_time = missing, now + _SECONDS_BETWEEN_NOTES
        note(f"Waiting for {missing} of {self.count} nodes at {self.address}")


def _key_of(node: int) -> str:
    return f"umop/node/{node}"


def rendezvous_of(launch: LaunchConfig, limit: float) -> RendezvousHandler:
    """Where the nodes of a launch find each other.

    Args:
        launch: torchrun's settings.
        limit: Seconds that nodes wait for one that has come and gives no answer.
    """
    if launch.rdzv_backend == "static":
        host, port = parse_rendezvous_endpoint(launch.rdzv_endpoint, 29500)
        rank, timeout = int(launch.rdzv_configs["rank"]), int(max(limit, SECONDS_TO_COME))
        return WaitingRendezvous(host, port, rank, launch.max_nodes, launch.run_id, timeout)
    parameters = RendezvousParameters(
        backend=launch.rdzv_backend,
        endpoint=launch.rdzv_endpoint,
        run_id=launch.run_id,
        min_nodes=launch.min_nodes,
        max_nodes=launch.max_nodes,
        local_addr=launch.local_addr,
        **launch.rdzv_configs,
    )
    return registry.get_rendezvous_handler(parameters)
