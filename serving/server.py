"""Running the service."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from serving.app import build_app
from serving.bundle import BundleError
from serving.engines import EngineError
from serving.settings import Settings


class StartError(Exception):
    """The service cannot start; the message is one line that says why."""


class Server(uvicorn.Server):
    """Says when the service is ready, and ends when its model cannot be loaded.

    Attributes:
        failure: Why it ended, if it ended because of the model.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False))
        self.failure: StartError | None = None
        self._app = app
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the service, then waits for its model in the background."""
        await super().startup(sockets)
        if sockets and not self.should_exit:
            self._announcing = asyncio.create_task(self._announce(sockets[0]))

    async def _announce(self, listener: socket.socket) -> None:
        try:
            await asyncio.shield(self._app.state.loading)
        except (BundleError, EngineError) as error:
            self.failure = StartError(str(error))
            self.should_exit = True
            return
        host, port = listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        name = self._app.state.backend.manifest().name
        print(f"serving {name} on http://{host}:{port}", flush=True)


def serve(settings: Settings) -> None:
    """Serves until told to stop by SIGINT or SIGTERM.

    Raises:
        StartError: The address is taken, or the model cannot be loaded.
    """
    with _listen(settings.host, settings.port) as listener:
        server = Server(build_app(settings), settings)
        server.run([listener])
    if server.failure:
        raise server.failure


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listener
