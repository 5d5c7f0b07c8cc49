"""Images a second of TorchServe, with batches of 1 and 8, beside the bare model's.

    python benchmarks/torchserve_throughput.py runs/demo/demo.bundle data/crowns/photo.png

The bare model is ``Detector`` in this process, decoding included, on the same images. TorchServe
runs one worker, and as many clients ask as a batch holds twice. Both use all cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import cv2
import httpx

from serving.inference.detector import Detector
from serving.torchserve.archive import WorkerOptions, write_archive

SIDE = 416
BATCHES = (1, 8)
MAX_PIXELS = 50_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--seconds", type=float, default=10, help="of each rate")
    options = parser.parse_args()
    bundle, seconds = options.bundle, options.seconds
    image = tile(options.photo)
    print(f"{SIDE} px squares of {options.photo.name}, {seconds:g} s each\n")
    print("| batch | engine | bare model | TorchServe | |")
    print("|---|---|---|---|---|")
    for engine in ("onnxruntime", "torch"):
        for batch in BATCHES:
            bare = bare_rate(bundle, engine, image, batch, seconds)
            served = torchserve_rate(bundle, engine, image, batch, seconds)
            share = f"{100 * served / bare:.0f} %"
            print(f"| {batch} | {engine} | {bare:.1f}/s | {served:.1f}/s | {share} |", flush=True)


def tile(photo: Path) -> bytes:
    """A square of the photograph, as JPEG."""
    pixels = cv2.imread(str(photo))
    assert pixels is not None, f"{photo} cannot be read"
    done, encoded = cv2.imencode(".jpg", pixels[:SIDE, :SIDE])
    assert done
    return encoded.tobytes()


def bare_rate(bundle: Path, engine: str, image: bytes, batch: int, seconds: float) -> float:
    """Images a second that the detector decodes and searches in this process."""
    detector = Detector.load(bundle, engine=engine, trust_program=True)

    def once() -> int:
        detector.detect([image.decode(image, MAX_PIXELS) for _ in range(batch)])
        return batch

    return rate(once, seconds)


def torchserve_rate(bundle: Path, engine: str, image: bytes, batch: int, seconds: float) -> float:
    """Images a second that TorchServe answers."""
    with TemporaryDirectory() as folder:
        options = WorkerOptions(batch, batch_delay_ms=20 if batch > 1 else 0, engine=engine)
        archive = write_archive(bundle, Path(folder) / "model.mar", options)
        with torchserving(archive) as url:
            return clients_rate(url, image, 2 * batch, seconds)


@contextmanager
def torchserving(archive: Path) -> Iterator[str]:
    """Serves an archive on TorchServe's own ports; gives the model's address."""
    options = ["--trust-program", "--drain-timeout", "1"]
    command = [sys.executable, "-m", "serving", "torchserve", str(archive), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        words = process.stdout.readline().split()
        if not words:
            sys.exit(process.wait())
        try:
            yield words[-1]
        finally:
            process.terminate()


def clients_rate(url: str, image: bytes, clients: int, seconds: float) -> float:
    """Images a second that so many clients get answered together."""

    def ask_again_and_again(_: int) -> float:
        with httpx.Client(timeout=60) as client:

            def once() -> int:
                client.post(url, content=image).raise_for_status()
                return 1

            return rate(once, seconds)

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(ask_again_and_again, range(clients)))


def rate(work: Callable[[], int], seconds: float) -> float:
    """What ``work`` counts, a second, after one warm-up."""
    work()
    started, done = monotonic(), 0
    while monotonic() - started < seconds:
        done += work()
    return done / (monotonic() - started)


if __name__ == "__main__":
    main()
