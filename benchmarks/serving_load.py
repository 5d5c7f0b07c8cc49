"""Mixed load on a running service, at a multiple of what it can answer.

    umop-serve --bundle runs/demo/demo.bundle --deadline 2 --max-queue 32 &
    python benchmarks/serving_load.py http://127.0.0.1:8000 IMAGE --seconds 600

Requests arrive on a fixed schedule, whether those before them are answered or not (an open loop),
so a service that slows down is not spared. One in twenty is hung up on, one in twenty is broken,
one in ten asks for the annotated image, one in ten sends four images.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import random
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

KINDS = ("detect", "draw", "batch", "broken", "hang up")
WEIGHTS = (14, 2, 2, 1, 1)
FOUR = 4


@dataclass
class Report:
    """How the requests ended.

    Attributes:
        capacity: Requests a second that the service answered when asked by a few clients.
        rate: Requests a second that were sent.
        statuses: How many answers had each status; 0 for those that were lost.
        seconds: Time to each answer of 200.
        hung_up: Requests that were given up on purpose.
    """

    capacity: float
    rate: float
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    seconds: list[float] = field(default_factory=list)
    hung_up: int = 0

    def percentile(self, percent: float) -> float:
        """Seconds in which that many percent of the answers of 200 came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]

    def summary(self) -> dict[str, object]:
        """The figures to print."""
        return {
            "capacity_per_second": round(self.capacity, 1),
            "sent_per_second": round(self.rate, 1),
            "statuses": dict(sorted(self.statuses.items())),
            "hung_up": self.hung_up,
            "p50_ms": round(1000 * self.percentile(50)),
            "p99_ms": round(1000 * self.percentile(99)),
            "max_ms": round(1000 * max(self.seconds)),
        }


async def load(url: str, image: bytes, seconds: float, factor: float) -> Report:
    """Measures the service's capacity and sends ``factor`` times that for ``seconds``."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        capacity = await measure_capacity(client, image)
        report = Report(capacity, factor * capacity)
        chance = random.Random(5)
        started = time.monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number in range(int(seconds * report.rate)):
            await asyncio.sleep(started + number / report.rate - time.monotonic())
            [kind] = chance.choices(KINDS, WEIGHTS)
            task = asyncio.create_task(send(client, image, kind, report))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return report


async def measure_capacity(client: httpx.AsyncClient, image: bytes) -> float:
    """Requests a second that eight patient clients get answered."""
    answered = 0
    until = time.monotonic() + 5

    async def ask() -> None:
        nonlocal answered
        while time.monotonic() < until:
            answer = await client.post("/detect", content=image)
            answered += answer.status_code == HTTPStatus.OK

    await asyncio.gather(*(ask() for _ in range(8)))
    return answered / 5


async def send(client: httpx.AsyncClient, image: bytes, kind: str, report: Report) -> None:
    """Sends one request and notes how it ended."""
    started = time.monotonic()
    try:
        timeout = 0.02 if kind == "hang up" else None
        answer = await asyncio.wait_for(request(client, image, kind), timeout)
    except asyncio.TimeoutError:
        report.hung_up += 1
        return
    except httpx.TransportError:
        report.statuses[0] += 1
        return
    report.statuses[answer.status_code] += 1
    if answer.status_code == 200:
        report.seconds.append(time.monotonic() - started)


async def request(client: httpx.AsyncClient, image: bytes, kind: str) -> httpx.Response:
    """Sends a request of one kind."""
    match kind:
        case "draw":
            return await client.post("/detect?format=jpeg", content=image)
        case "batch":
            files = [("files", (f"{place}.png", image)) for place in range(FOUR)]
            return await client.post("/detect/batch", files=files)
        case "broken":
            return await client.post("/detect", content=image[: len(image) // 2])
        case _:
            return await client.post("/detect", content=image)


def main() -> None:
    """Prints the report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url")
    parser.add_argument("image", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--factor", type=float, default=2)
    options = parser.parse_args()
    image = options.image.read_bytes()
    report = asyncio.run(load(options.url, image, options.seconds, options.factor))
    print(json.dumps(report.summary(), indent=2))


if __name__ == "__main__":
    main()
