"""A server that fails is left alone, whatever its readiness probe says."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from serving.backends import NotReadyError
from serving.backends.breaker import Breaker
from serving.backends.torchserve import TorchServeBackend
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.settings import Settings
from tests.serving.images import TWO_SQUARES, encode

PNG = encode(TWO_SQUARES)


def test_a_probe_neither_closes_it_nor_takes_its_try(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("serving.backends.breaker.monotonic", lambda: now)
    breaker = Breaker("the server", failures=2, pause=2)
    for _ in range(2):
        breaker.enter()
        breaker.failed()
    with pytest.raises(NotReadyError, match="the server is down"):
        breaker.require_closed()
    now = 2.5
    breaker.require_closed()
    assert breaker.is_open
    breaker.enter()
    with pytest.raises(NotReadyError):
        breaker.enter()
    breaker.succeeded()
    breaker.enter()


async def front_of(url: str, bundle: Path, *, remote_timeout: float) -> TorchServeBackend:
    """A front with one connection."""
    settings = Settings(
        backend="torchserve",
        bundle=bundle,
        torchserve_url=url,
        remote_connections=1,
        remote_timeout=remote_timeout,
    )
    backend = TorchServeBackend(settings, Metrics())
    await backend.reload()
    return backend


def test_running_out_of_our_own_connections_is_not_its_failure(bundle_path: Path) -> None:
    """Four requests share one connection to a server that answers none in time for the pool."""

    async def main(url: str) -> tuple[list[str], bool]:
        backend = await front_of(url, bundle_path, remote_timeout=0.5)
        first = asyncio.create_task(backend.detect(PNG, DetectOptions()))
        await asyncio.sleep(0.1)
        rest = [backend.detect(PNG, DetectOptions()) for _ in range(3)]
        errors = await asyncio.gather(*rest, return_exceptions=True)
        first.cancel()
        is_open = backend._breaker.is_open
        await backend.stop()
        return [str(error) for error in errors], is_open

    with socket.create_server(("127.0.0.1", 0)) as silent:
        messages, is_open = asyncio.run(main(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert "all connections to TorchServe are in use" in messages
    assert not is_open


def test_an_image_with_windows_that_takes_long_is_not_its_failure(bundle_path: Path) -> None:
    async def main(url: str) -> list[bool]:
        backend = await front_of(url, bundle_path, remote_timeout=0.2)
        is_open: list[bool] = []
        for options in (DetectOptions(tiles=64), DetectOptions()):
            for _ in range(3):
                with pytest.raises(NotReadyError, match="did not answer in time"):
                    await backend.detect(PNG, options)
            is_open.append(backend._breaker.is_open)
        await backend.stop()
        return is_open

    with socket.create_server(("127.0.0.1", 0)) as silent:
        is_open = asyncio.run(main(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert is_open == [False, True]


def test_a_server_that_works_on_images_is_ready(bundle_path: Path) -> None:
    async def main(url: str) -> None:
        backend = await front_of(url, bundle_path, remote_timeout=10)
        only = asyncio.create_task(backend.detect(PNG, DetectOptions()))
        await asyncio.sleep(0.1)
        await backend.check()
        assert not only.done()
        only.cancel()
        await backend.stop()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(main(f"http://127.0.0.1:{silent.getsockname()[1]}"))
