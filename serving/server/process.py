"""Running the service in one process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI

from serving.api.services import Services
from serving.bundle import BundleError
from serving.capture import CaptureError
from serving.inference.engines import EngineError
from serving.observability import logs
from serving.observability.metrics import MetricsError
from serving.observability.tracing import TracingError
from serving.server.app import build_app, build_internal_app
from serving.server.protocol import guarded_protocol
from serving.server.resources import (
    BACKLOG,
    TooFewDescriptorsError,
    end_within,
    reserve_descriptors,
)
from serving.settings import Settings

BEAT_SECONDS = 1.0
"""How often the event loop says that it runs."""

_log = logging.getLogger(__name__)


class StartError(Exception):
    """The service cannot start; the message is one line that says why."""


class Server(uvicorn.Server):
    """Serves the app until SIGINT or SIGTERM, reloads its model on SIGHUP.

    Args:
        app: The service.
        on_ready: Called with the models' names once they are warm.
        on_beat: Called every second in the event loop, to tell that it runs.

    Attributes:
        failure: Why it ended, if it ended because the model could not be loaded.
    """

    def __init__(
        self,
        app: FastAPI,
        on_ready: Callable[[str], None],
        on_beat: Callable[[], None] | None = None,
    ) -> None:
        self.failure: StartError | None = None
        self._services: Services = app.state.services
        self._app = app
        self._on_ready = on_ready
        self._on_beat = on_beat
        self._tasks: set[asyncio.Task[None]] = set()
        self._internal: uvicorn.Server | None = None
        backlog = reserve_descriptors(self._services.settings.max_connections)
        super().__init__(_config(app, self._services.settings, backlog))

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on bound sockets until told to stop."""
        beating = asyncio.create_task(self._beat())
        try:
            await super().serve(sockets)
        finally:
            beating.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the public port and the internal one, then waits for the model."""
        public, *internal = sockets or []
        await super().startup([public])
        if internal:
            internal_app = build_internal_app(self._app)
            backlog = self.config.backlog
            self._internal = _Internal(
                _config(internal_app, self._services.settings, backlog, "off")
            )
            self._in_background(self._internal.serve(internal))
        self._in_background(self._wait_for_model())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers what was accepted, then ends."""
        await super().shutdown(sockets)
        if self._internal:
            self._internal.should_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles signals in the event loop while the server runs."""
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGINT: self._interrupt,
            signal.SIGTERM: lambda: self._in_background(self._drain()),
            signal.SIGHUP: lambda: self._in_background(self._reload()),
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end_in_time)  # also where the event loop hangs
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    async def _beat(self) -> None:
        while self._on_beat:
            self._on_beat()
            await asyncio.sleep(BEAT_SECONDS)

    def _end_in_time(self, number: int, frame: FrameType | None) -> None:
        if not self._services.draining:
            end_within(self._services.settings.drain_delay + self._services.settings.drain_timeout)

    async def _wait_for_model(self) -> None:
        try:
            await asyncio.shield(self._app.state.loading)
        except (BundleError, EngineError) as error:
            self._end_with(str(error))
            return
        except Exception as error:
            _log.exception("the model could not be loaded")
            self._end_with(f"the model cannot be loaded: {type(error).__name__}: {error}")
            return
        self._on_ready(",".join(each.name for each in self._services.models.manifests()))

    def _end_with(self, reason: str) -> None:
        self.failure = StartError(reason)
        self.should_exit = True

    def _interrupt(self) -> None:
        self.force_exit = self._services.draining  # the second Ctrl+C does not wait
        self._in_background(self._drain())

    async def _drain(self) -> None:
        self._services.draining = True
        if self._services.models.is_empty:
            os._exit(0)  # there is nothing to answer, and the thread that loads cannot be ended
        await asyncio.sleep(self._services.settings.drain_delay)
        self.should_exit = True

    async def _reload(self) -> None:
        try:
            await self._services.models.reload()
        except (BundleError, EngineError) as error:
            _log.error("the model was not reloaded: %s", error)
            return
        except Exception:
            _log.exception("the model was not reloaded")
            return
        for manifest in self._services.models.manifests():
            _log.info("reloaded: %s %s answers now", manifest.name, manifest.version)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Internal(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the public server's


def run(
    settings: Settings,
    sockets: list[socket.socket],
    on_ready: Callable[[str], None],
    on_beat: Callable[[], None] | None = None,
) -> None:
    """Serves on bound sockets, the public one first, until told to stop.

    Args:
        settings: What to serve, and how.
        sockets: The public port's, then the internal port's if there is one.
        on_ready: Called with the models' names once they are warm.
        on_beat: Called every second while the event loop runs.

    Raises:
        StartError: The service cannot start, or its model cannot be loaded.
    """
    logs.configure(settings)
    try:
        app = build_app(settings)
        server = Server(app, on_ready, on_beat)
    except (CaptureError, TracingError, TooFewDescriptorsError, MetricsError) as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(f"the keys' file cannot be read: {error}") from error
    except ValueError as error:
        raise StartError(f"the API keys cannot be used: {error}") from error
    server.run(sockets)
    if server.failure:
        raise server.failure


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket bound to an address.

    Raises:
        StartError: The address is taken, or not one of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio sets TCP_NODELAY only on connections of a socket that names its protocol.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # until then, another process could bind the same address
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listener


def address(listener: socket.socket) -> str:
    """Returns a socket's address as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(
    app: FastAPI, settings: Settings, backlog: int, lifespan: Literal["auto", "off"] = "auto"
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan=lifespan,
        http=guarded_protocol(
            settings.header_timeout, settings.write_timeout, settings.max_connections
        ),
        backlog=backlog,
        access_log=False,
        log_config=None,
        server_header=False,
        # uvicorn would trust the loopback address, and so whatever a local caller says.
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
        timeout_graceful_shutdown=round(settings.drain_timeout),
        ws="none",
    )
