"""``umop-serve try``: serves a bundle and posts a few images to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from serving.bundle import Bundle
from serving.server.process import StartError
from serving.settings import Settings

_SECONDS_TO_STOP = 10
_OF_A_MODEL = {"engine", "device", "trust_program", "verify_key"}
"""Settings by which the bundle is tried as it will be served."""
_OF_A_SERVICE = {f"UMOP_{name.upper()}" for name in Settings.model_fields.keys() - _OF_A_MODEL}


def try_bundle(bundle: str | Path, images: Sequence[Path], folder: Path) -> None:
    """Starts the service on a free loopback port, posts images to ``/detect``, and stops it.

    Prints what was found and writes each image with its boxes as ``<name>.detected.jpg``.

    Args:
        bundle: The bundle to serve.
        images: The images to post.
        folder: Where the annotated images go.

    Raises:
        BundleError: The bundle is missing or damaged.
        OSError: An image cannot be read, or an annotated one cannot be written.
        StartError: The service did not start or refused an image.
    """
    Bundle.open(bundle)
    contents = [path.read_bytes() for path in images]
    folder.mkdir(parents=True, exist_ok=True)
    with _serving(bundle) as url, httpx.Client(base_url=url, timeout=60) as client:
        print(f"POST {url}/detect")
        for path, content in zip(images, contents, strict=True):
            _report(path, _post(client, path, content, "application/json").json())
            annotated = folder / f"{path.stem}.detected.jpg"
            annotated.write_bytes(_post(client, path, content, "image/jpeg").content)
            print(f"  image with boxes: {annotated}")


@contextmanager
def _serving(bundle: str | Path) -> Iterator[str]:
    """Runs the service in a process of its own; yields its URL once it is ready."""
    command = [sys.executable, "-m", "serving", "--bundle", str(bundle), "--backend", "embedded"]
    command += ["--host", "127.0.0.1", "--port", "0", "--log-level", "warning"]
    own = {name: value for name, value in os.environ.items() if name.upper() not in _OF_A_SERVICE}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own)
    assert process.stdout is not None
    try:
        announcement = process.stdout.readline()
        if not announcement:
            raise StartError("the service did not start; see its message above")
        yield announcement.split()[-1]
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _post(client: httpx.Client, path: Path, content: bytes, accept: str) -> httpx.Response:
    """Posts one image.

    Raises:
        StartError: The service refused it.
    """
    response = client.post("/detect", content=content, headers={"Accept": accept})
    if response.is_error:
        raise StartError(f"{path}: {response.json().get('detail', response.reason_phrase)}")
    return response


def _report(path: Path, answer: dict[str, Any]) -> None:
    """Prints the best detections in one image, and how many there are."""
    detections = answer["detections"]
    counts = Counter(detection["label"] for detection in detections)
    found = ", ".join(f"{count} × {label}" for label, count in counts.items()) or "nothing"
    total = sum(answer["timing_ms"].values())
    print(f"  {path}: {found} in {total:.0f} ms; the best:")
    for detection in detections[:5]:
        box = detection["box"]
        corners = ", ".join(f"{box[side]:.0f}" for side in ("x1", "y1", "x2", "y2"))
        print(f"    {detection['label']} {detection['score']:.2f} at ({corners})")
