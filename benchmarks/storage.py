"""How fast objects come from storage, beside the plain clients: with an S3 server on this machine.

    python benchmarks/storage.py            # in a clone whose tests have run once

A file of 200 MB is fetched by turns with ``umop``'s fetch, curl and boto3, without a proxy; then
10,000 objects of 1 kB, and the same once more, which moves no content.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving.storage import Objects, Store, fetch
from tests.storage import BUCKET, storage_server

MEGABYTES = 200
BOTO3 = """
import boto3, sys
boto3.client("s3").download_file(sys.argv[1], sys.argv[2], sys.argv[3])
"""
PYTHON = Path(__file__).parents[1] / ".venv-moto" / "bin" / "python"


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=10_000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as place, storage_server() as storage:
        os.environ |= {**storage.variables(), "AWS_ENDPOINT_URL": storage.behind}
        folder = Path(place)
        large(folder, storage.behind, arguments.rounds)
        small(folder, arguments.objects)


def large(folder: Path, server: str, rounds: int) -> None:
    address = f"s3://{BUCKET}/large.bin"
    Store(f"s3://{BUCKET}").write("large.bin", os.urandom(MEGABYTES * 10**6))
    target = folder / "large.bin"
    url = f"{server}/{BUCKET}/large.bin"
    clients: dict[str, Callable[[], object]] = {
        "umop": lambda: bring(address, folder / "own" / "large.bin"),
        "curl": lambda: subprocess.run(["curl", "-sfo", target, url], check=True),
        "boto3": lambda: subprocess.run(
            [PYTHON, "-c", BOTO3, BUCKET, "large.bin", target], check=True
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, client in clients.items():
            subprocess.run(["rm", "-rf", folder / "own", target], check=True)
            (folder / "own").mkdir()
            start = perf_counter()
            client()
            seconds[name].append(perf_counter() - start)
    for name, taken in seconds.items():
        rates = ", ".join(f"{MEGABYTES / each:.0f}" for each in taken)
        print(f"{name:6} {MEGABYTES / median(taken):5.0f} MB/s   ({rates})")


def small(folder: Path, count: int) -> None:
    address = f"s3://{BUCKET}/small"
    store = Store(address)
    for number in range(count):
        store.write(f"{number:05d}.jpg", os.urandom(1000))
    (folder / "few").mkdir()
    for what in ("first", "second"):
        start = perf_counter()
        moved = bring(address, folder / "few" / "small")
        print(f"{count} objects, {what} time: {perf_counter() - start:.1f} s, {moved} moved")


def bring(address: str, target: Path) -> int:
    store = Store(address)
    single = store.look()
    return len(fetch(Objects(store, [single] if single else store.objects()), target))


if __name__ == "__main__":
    main()
