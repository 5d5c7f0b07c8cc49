"""Containers of the images that ``make images`` builds, with every right taken away."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
IMAGES = ("api", "api-sign", "torchserve", "train")


def image(name: str) -> str:
    """An image's name and tag, as ``make`` exports them; ``api-sign`` is a variant of ``api``."""
    prefix, version = os.environ["IMAGE_PREFIX"], os.environ["VERSION"]
    name, _, variant = name.partition("-")
    return f"{prefix}/umop-{name}:{version}-" + "-".join(filter(None, ["cpu", variant]))


def docker(*arguments: str, **options: Any) -> str:
    """Runs ``docker``; returns what it prints."""
    done = subprocess.run(
        ["docker", *arguments], text=True, capture_output=True, timeout=600, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def inspect(thing: str) -> dict[str, Any]:
    """What the engine knows about a container or an image."""
    [found] = json.loads(docker("inspect", thing))
    return dict(found)


@dataclass
class Container:
    """A running container.

    Attributes:
        id: Its id.
    """

    id: str

    def url(self, port: int) -> str:
        """Where this machine reaches a port of it."""
        return "http://" + docker("port", self.id, str(port)).splitlines()[0]

    def state(self) -> dict[str, Any]:
        """The engine's words for whether it runs, is healthy, and how it ended."""
        return dict(inspect(self.id)["State"])

    def log(self) -> str:
        """What it printed."""
        done = subprocess.run(
            ["docker", "logs", self.id], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.stdout

    def stop(self) -> int:
        """Stops it with SIGTERM; returns its exit code."""
        docker("stop", "--time=60", self.id)
        return self.wait()

    def wait(self) -> int:
        """Waits until it has ended; returns its exit code."""
        return int(docker("wait", self.id))

    def is_healthy(self) -> bool:
        """Whether its health check passes; fails where the container has ended."""
        state = self.state()
        assert state["Running"], self.log()
        return bool(state["Health"]["Status"] == "healthy")


@contextmanager
def running(name: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[Container]:
    """Runs a container of an image, hardened; removes it at the end."""
    with started(*HARDENED, *options, image(name), *command) as container:
        yield container


@contextmanager
def started(*words: str) -> Iterator[Container]:
    """Runs a container, from the words after ``docker run``; removes it at the end."""
    container = Container(docker("run", "--detach", *words))
    try:
        yield container
    finally:
        docker("rm", "--force", "--volumes", container.id)


@contextmanager
def files(name: str) -> Iterator[tarfile.TarFile]:
    """Every file of an image."""
    created = docker("create", image(name), "nothing")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "files.tar"
        try:
            docker("export", f"--output={target}", created)
        finally:
            docker("rm", created)
        with tarfile.open(target) as archive:
            yield archive
