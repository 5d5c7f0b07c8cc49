"""Answers a second and milliseconds an answer of ``umop-serve``, beside what people use instead.

    python benchmarks/serving_peers.py runs/demo data/crowns/photo.png

Every server has the same model, one worker and its own defaults. All are started first; then they
take turns, round after round, so that a busy minute hurts all of them. The others are stopped by
SIGSTOP meanwhile, because some of them are busy even when nobody asks. The bare loop is
``Detector`` without HTTP, decoding included. LitServe and BentoML are left out where they are not
installed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import cv2

from serving.inference.detector import Detector
from serving.inference.postprocess import name_detections
from serving.torchserve.archive import WorkerOptions, write_archive

PEERS = Path(__file__).parent / "peers"
SIZES = {"640x512": (640, 512), "1080p": (1920, 1080)}
MAX_PIXELS = 50_000_000
SECONDS_TO_START = 180
SECONDS_TO_STOP = 20
BARE = "bare loop, no HTTP"


@dataclass(frozen=True)
class Server:
    """A server to be measured.

    Attributes:
        command: Starts it, on ``port`` of the loopback address.
        path: Where images are posted.
        field: The form's field that takes the image; a raw body if None.
        behind: The server that this one asks, if any.
    """

    command: list[str]
    port: int
    path: str
    field: str | None = None
    behind: Server | None = None

    def request(self, image: bytes) -> tuple[bytes, dict[str, str]]:
        """The body and headers of a request."""
        if self.field is None:
            return image, {"Content-Type": "image/jpeg"}
        head = f'--b\r\nContent-Disposition: form-data; name="{self.field}"; filename="x.jpg"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + image + b"\r\n--b--\r\n"
        return body, {"Content-Type": "multipart/form-data; boundary=b"}


@dataclass
class Figures:
    """What was measured, over all rounds.

    Attributes:
        rates: Answers a second of each round.
        seconds: Time to each answer.
    """

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, clients: list[list[float]]) -> None:
        """Adds a round: the time to each answer, of each client."""
        self.rates.append(sum(len(times) / sum(times) for times in clients))
        self.seconds += [each for times in clients for each in times]

    @property
    def rate(self) -> float:
        """Answers a second, the median of the rounds."""
        return median(self.rates)

    def percentile(self, percent: int) -> float:
        """Milliseconds in which that many percent of the answers came."""
        return 1000 * quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def main() -> None:
    """Prints a table for each image size and number of clients."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # stops the servers
    images = {name: jpeg(options.image, SIZES[name]) for name in options.sizes}
    bundle = options.run / f"{options.run.name}.bundle"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = dict(contenders(options.run, bundle, folder))
        processes = {
            server.port: stack.enter_context(started(server)) for server in servers.values()
        }
        for server in servers.values():
            wait_until_ready(server, images[options.sizes[0]])
        stack.callback(pass_on, processes.values(), signal.SIGCONT)
        pass_on(processes.values(), signal.SIGSTOP)
        for name, image in images.items():
            for clients in options.clients:
                figures = measure(bundle, servers, processes, image, clients, options)
                show(f"{name}, clients: {clients}", figures)


def arguments() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="a run's folder, with its bundle")
    parser.add_argument("image", type=Path)
    parser.add_argument("--sizes", choices=SIZES, nargs="+", default=list(SIZES))
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of each server in each round")
    return parser.parse_args()


def jpeg(photo: Path, size: tuple[int, int]) -> bytes:
    """The photograph in that size (width, height), as JPEG."""
    pixels = cv2.imread(str(photo))
    assert pixels is not None, f"{photo} cannot be read"
    done, encoded = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    assert done
    return encoded.tobytes()


def contenders(run: Path, bundle: Path, folder: Path) -> Iterator[tuple[str, Server]]:
    """The servers that can be started here, by name."""
    umop_serve = [sys.executable, "-m", "serving", "--bundle", str(bundle), "--port"]
    port = free_port()
    yield "umop-serve", Server([*umop_serve, str(port)], port, "/detect")

    archive = write_archive(bundle, folder / "model.mar", WorkerOptions())
    torchserve = free_port()
    others = ("--management-port", "--metrics-port", "--grpc-port", "--worker-port")
    ports = [word for name in others for word in (name, str(free_port()))]
    command = [sys.executable, "-m", "serving", "torchserve", str(archive), *ports]
    command += ["--drain-timeout", "1", "--port", str(torchserve)]
    direct = Server(command, torchserve, "/predictions/model")
    yield "TorchServe", direct
    port = free_port()
    front = ["--backend", "torchserve", "--torchserve-url", f"http://127.0.0.1:{torchserve}"]
    command = [*umop_serve, str(port), *front, "--remote-model", "model"]
    yield "umop-serve in front of TorchServe", Server(command, port, "/detect", behind=direct)

    port = free_port()
    files = [str(run / "config.py"), str(run / "best.pth"), str(port)]
    command = [sys.executable, str(PEERS / "mmdet_server.py"), *files]
    yield "mmdet's inference_detector behind FastAPI", Server(command, port, "/predict")
    for module, name, form in (
        ("litserve", "LitServe", "request"),
        ("bentoml", "BentoML", "image"),
    ):
        if importlib.util.find_spec(module) is None:
            print(f"{name} is not installed", file=sys.stderr)
            continue
        port = free_port()
        command = [sys.executable, str(PEERS / f"{module}_server.py"), str(bundle), str(port)]
        yield name, Server(command, port, "/predict", form)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def started(server: Server) -> Iterator[int]:
    """Runs a server; yields the number of its group of processes."""
    with subprocess.Popen(server.command, stdout=sys.stderr, start_new_session=True) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_STOP)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def pass_on(groups: Iterable[int], number: signal.Signals) -> None:
    """Sends a signal to groups of processes."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)


def wait_until_ready(server: Server, image: bytes) -> None:
    """Waits until a server answers an image."""
    until = monotonic() + SECONDS_TO_START
    while monotonic() < until:
        try:
            post(http.client.HTTPConnection("127.0.0.1", server.port), server, image)
            return
        except (OSError, http.client.HTTPException, AssertionError) as error:
            reason = error
            sleep(0.5)
    sys.exit(f"it did not start: {' '.join(server.command)}: {reason}")


def measure(
    bundle: Path,
    servers: dict[str, Server],
    processes: dict[int, int],
    image: bytes,
    clients: int,
    options: argparse.Namespace,
) -> dict[str, Figures]:
    """Asks all servers in turn, each round; ``processes`` has the group of each port's server."""
    figures = {name: Figures() for name in (BARE, *servers)}
    bare = bare_loop(bundle, image)
    for _ in range(options.rounds):
        figures[BARE].add([repeat(bare, options.seconds)])
        for name, server in servers.items():
            groups = [processes[each.port] for each in (server, server.behind) if each]
            pass_on(groups, signal.SIGCONT)
            figures[name].add(ask(server, image, clients, options.seconds))
            pass_on(groups, signal.SIGSTOP)
    return figures


def bare_loop(bundle: Path, image: bytes) -> Callable[[], object]:
    """Decodes the image and finds its objects, in this process."""
    detector = Detector.load(bundle)

    def once() -> object:
        [found] = detector.detect([image.decode(image, MAX_PIXELS)])
        return name_detections(found, detector.manifest.classes)

    return once


def ask(server: Server, image: bytes, clients: int, seconds: float) -> list[list[float]]:
    """Lets that many clients ask again and again; returns the time to each answer, of each."""

    def client(_: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        return repeat(lambda: post(connection, server, image), seconds)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(client, range(clients)))


def repeat(work: Callable[[], object], seconds: float) -> list[float]:
    """Repeats ``work`` for that long after a first time; returns how long each time took."""
    work()
    times: list[float] = []
    begun = monotonic()
    while not times or monotonic() - begun < seconds:
        started = monotonic()
        work()
        times.append(monotonic() - started)
    return times


def post(connection: http.client.HTTPConnection, server: Server, image: bytes) -> None:
    """Sends one image and reads the answer."""
    body, headers = server.request(image)
    connection.request("POST", server.path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, f"{answer.status}: {content[:200]!r}"


def show(title: str, figures: dict[str, Figures]) -> None:
    """Prints a table."""
    bare = figures[BARE].rate
    print(
        f"\n{title}\n\n| | answers a second | of the bare loop | p50 | p99 |\n|---|---|---|---|---|"
    )
    for name, each in figures.items():
        times = f"{each.percentile(50):.1f} ms | {each.percentile(99):.1f} ms"
        print(f"| {name} | {each.rate:.1f} | {each.rate / bare:.2f} | {times} |", flush=True)


if __name__ == "__main__":
    main()
