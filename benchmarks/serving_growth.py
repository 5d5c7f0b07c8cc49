"""How ``umop-serve`` grows: with workers, with idle connections, and with the requests it answered.

    python benchmarks/serving_growth.py runs/demo/demo.bundle --requests 100000

Images are small, so that the service around the network is what is measured. Memory is what all
of its processes hold.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import cv2
import numpy as np

WORKERS = (1, 2, 4)
CLIENTS = 8
IDLE = 990
"""Ten less than ``UMOP_MAX_CONNECTIONS``, beyond which the service answers 503."""
FEW = 1000
SIDE = 32
SECONDS_TO_START = 180


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
        port: Where it listens, on loopback.
        process: Its first process.
    """

    port: int
    process: int

    def memory(self) -> float:
        """MiB that its processes hold."""
        return sum(map(resident, family(self.process))) / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    image = cv2.imencode(".jpg", np.zeros((SIDE, SIDE, 3), np.uint8))[1].tobytes()
    few = min(FEW, options.requests // 2)
    print("| workers | answers a second | memory |\n|---|---|---|")
    for workers in WORKERS:
        with started(options.bundle, workers) as service:
            rate = few / seconds(lambda: ask(service, image, few))
            print(f"| {workers} | {rate:.0f} | {service.memory():.0f} MiB |", flush=True)
    with started(options.bundle, 1) as service:
        print(f"\n| after | memory | answer |\n|---|---|---|\n{row('the start', service, image)}")
        with ExitStack() as held:
            for _ in range(IDLE):
                held.enter_context(closing(connect(service)))
            print(row(f"opening {IDLE} idle connections", service, image), flush=True)
        for count in (few, options.requests - few):
            ask(service, image, count)
            total = few if count == few else options.requests
            print(row(f"{total} requests", service, image), flush=True)


def row(after: str, service: Service, image: bytes) -> str:
    """What is held, and the median time of an answer to one client."""
    client = http.client.HTTPConnection("127.0.0.1", service.port)
    times = [seconds(lambda: post(client, image)) for _ in range(50)]
    return f"| {after} | {service.memory():.0f} MiB | {1000 * median(times):.1f} ms |"


@contextmanager
def started(bundle: Path, workers: int) -> Iterator[Service]:
    """Runs the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--bundle", str(bundle), "--port", str(port), "--workers", str(workers)]
    command = [sys.executable, "-m", "serving", *options, "--log-level", "warning"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            service = Service(port, process.pid)
            wait_until_ready(service)
            yield service
        finally:
            process.terminate()


def wait_until_ready(service: Service) -> None:
    """Waits until the service says again and again that it is ready, so that all workers are."""
    until = monotonic() + SECONDS_TO_START
    answered = 0
    while monotonic() < until:
        try:
            client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
            client.request("GET", "/readyz")
            answered = answered + 1 if client.getresponse().status == 200 else 0
        except OSError:
            answered = 0
        if answered == 10 * max(WORKERS):
            return
        sleep(0.05)
    sys.exit("The service did not start.")


def connect(service: Service) -> http.client.HTTPConnection:
    """A connection that has been used, and is kept."""
    client = http.client.HTTPConnection("127.0.0.1", service.port)
    client.request("GET", "/healthz")
    client.getresponse().read()
    return client


def ask(service: Service, image: bytes, count: int) -> None:
    """Sends so many images, several clients at a time."""

    def some(_: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", service.port)
        for _ in range(-(-count // CLIENTS)):
            post(client, image)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(some, range(CLIENTS)))


def post(client: http.client.HTTPConnection, image: bytes) -> None:
    """Sends one image and reads the answer."""
    client.request("POST", "/detect", image, {"Content-Type": "image/jpeg"})
    answer = client.getresponse()
    content = answer.read()
    assert answer.status == 200, f"{answer.status}: {content[:200]!r}"


def seconds(work: Callable[[], object]) -> float:
    started = monotonic()
    work()
    return monotonic() - started


def family(process: int) -> Iterator[int]:
    """A process and all that it started."""
    yield process
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        for child in listed.read_text().split():
            yield from family(int(child))


def resident(process: int) -> int:
    """KiB that a process holds, shared pages by its share."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0])


if __name__ == "__main__":
    main()
