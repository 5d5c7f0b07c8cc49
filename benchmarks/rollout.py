"""Requests that a rolling restart loses: two fronts and two TorchServes, in containers.

    IMAGE_PREFIX=ghcr.io/umop VERSION=0.1.0 python benchmarks/rollout.py   # after make images

The containers are those of ``k8s/serving``: the same commands, settings, user and mounts. What a
cluster does is done here as its documentation says. A balancer in front of each Deployment opens
connections only to pods in its list. A new pod is in it once it is ready; one that goes is taken
out, has 10 s (``preStop``), and gets SIGTERM. Connections that are open stay open. Clients keep
theirs, and what does not answer 200 is lost. Each time, both Deployments go at once to the model of
another run, as the pipeline rolls out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.docker.containers import Container, image, inspect, started
from tests.docker.test_serving_pods import KEY, has_loaded, is_ready, write_volumes
from tests.k8s.manifests import containers
from tests.k8s.pods import as_container
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.make_bundle import make_bundle
from tests.serving.waiting import wait_until

RUNS = ("r50", "other")
CLIENTS = 4
PAUSE = 0.05
"""Seconds between two requests of a client."""
SECONDS_OF_PRESTOP = 10


class Balancer:
    """A Service: passes connections on to one of the pods in its list."""

    def __init__(self, host: str, port: int) -> None:
        self.pods: list[tuple[str, int]] = []
        self._loop = asyncio.new_event_loop()
        listening = asyncio.start_server(self._serve, host, port)
        self.port = self._loop.run_until_complete(listening).sockets[0].getsockname()[1]
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(*random.choice(self.pods))
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes bytes on until one side ends."""
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Clients:
    """Ask without a pause to speak of, each over a connection that it keeps."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[str] = Counter()
        self._url = url
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        body = encode(TWO_SQUARES)
        with httpx.Client(headers={"X-API-Key": KEY}, timeout=30) as client:
            while not self._is_over.wait(PAUSE):
                try:
                    answer = client.post(self._url, content=body)
                    self.answers[str(answer.status_code)] += 1
                except httpx.TransportError as error:
                    self.answers[type(error).__name__] += 1

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


class Deployment:
    """Two pods of one kind behind a balancer, which are replaced one by one."""

    def __init__(
        self,
        start: Callable[[str], Container],
        ready: Callable[[Container], bool],
        to: Balancer,
        port: int,
    ) -> None:
        self._start, self._ready, self._balancer, self._port = start, ready, to, port
        self._pods = [self._started(RUNS[0]) for _ in range(2)]

    def _started(self, run: str) -> Container:
        pod = self._start(run)
        wait_until(lambda: self._ready(pod), seconds=300)
        [network] = inspect(pod.id)["NetworkSettings"]["Networks"].values()
        self._balancer.pods.append((network["IPAddress"], self._port))
        return pod

    def roll_out(self, run: str) -> None:
        for old in list(self._pods):
            self._pods.append(self._started(run))
            self._pods.remove(old)
            del self._balancer.pods[0]
            sleep(SECONDS_OF_PRESTOP)
            old.stop()


def bundle(run: str) -> str:
    """Where pods find a run's bundle."""
    return f"/models/{run}/{run}.bundle"


def main() -> None:
    """Rolls out one run after the other until enough was asked, and prints what was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    wanted = parser.parse_args().requests
    with TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        volumes = write_volumes(Path(folder))
        make_bundle(volumes["model"] / RUNS[1] / f"{RUNS[1]}.bundle", name=RUNS[1])
        gateway = inspect("bridge")["IPAM"]["Config"][0]["Gateway"]
        front, back = sorted(containers("serving"), key=lambda each: each.image)
        to_torchserve, to_fronts = Balancer(gateway, 0), Balancer("127.0.0.1", 0)
        url = f"http://{gateway}:{to_torchserve.port}"

        def start_back(run: str) -> Container:
            words = as_container(back, image("torchserve"), volumes, UMOP_BUNDLE=bundle(run))
            return stack.enter_context(started(*words))

        def start_front(run: str) -> Container:
            variables = {"UMOP_BUNDLE": bundle(run), "UMOP_TORCHSERVE_URL": url}
            words = as_container(front, image("api"), volumes, **variables)
            return stack.enter_context(started("--publish=127.0.0.1::9000", *words))

        deployments = (
            Deployment(start_back, has_loaded, to_torchserve, 8080),
            Deployment(start_front, is_ready, to_fronts, 8000),
        )
        clients = Clients(f"http://127.0.0.1:{to_fronts.port}/detect?score_threshold=0.9")
        try:
            for run in cycle(reversed(RUNS)):
                before, start = clients.answers.copy(), monotonic()
                with ThreadPoolExecutor() as both:
                    list(both.map(lambda each: each.roll_out(run), deployments))  # noqa: B023
                answers = clients.answers - before
                lost = answers.total() - answers["200"]
                took = f"{monotonic() - start:4.0f} s"
                print(f"{run:8} {took}: {answers.total():5} asked, {lost} lost", flush=True)
                if clients.answers.total() >= wanted:
                    break
        finally:
            clients.end()
        print(dict(clients.answers))


if __name__ == "__main__":
    main()
