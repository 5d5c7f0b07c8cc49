"""A server of MLflow that answers as it is told."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any, Literal

import pytest

from serving.bundle import Bundle, BundleError

ALIAS = "/api/2.0/mlflow/registered-models/alias"
PLACE = "/api/2.0/mlflow/model-versions/get-download-uri"
FILE = "/api/2.0/mlflow-artifacts/artifacts/1/bundle.zip"
ADDRESS = "models:/cells@champion"


class Dripping(BytesIO):
    """Sends byte by byte, so that no read takes long and all of them do."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection

    def write(self, content: Any) -> int:
        with suppress(OSError):  # the other side has enough
            for byte in content:
                self._connection.sendall(bytes([byte]))
                time.sleep(0.02)
        return len(content)


@dataclass
class Answer:
    """What the server says: a JSON value or bytes, how many of the bytes, and what comes slowly."""

    content: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    drips: Literal["", "head", "body"] = ""

    def body(self) -> bytes:
        return (
            self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()
        )


@dataclass
class Scripted:
    """The server.

    Attributes:
        url: Its address.
        answers: By path.
        requests: The paths and headers that came.
    """

    url: str = ""
    answers: dict[str, Answer | Callable[[dict[str, str]], Answer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def handler(server: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append((path, dict(self.headers)))
            found = server.answers.get(path, Answer({"error_code": "NONE"}, 404))
            answer = found if isinstance(found, Answer) else found(dict(self.headers))
            body = answer.body()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if answer.drips == "head":
                self.wfile = Dripping(self.connection)
            self.end_headers()
            if answer.drips == "body":
                self.wfile = Dripping(self.connection)
            self.wfile.write(body[: answer.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def version(content: bytes, **tags: str) -> dict[str, Any]:
    digest = {"umop.sha256": hashlib.sha256(content).hexdigest(), "umop.bytes": str(len(content))}
    listed = [{"key": key, "value": value} for key, value in {**digest, **tags}.items()]
    described = {"name": "cells", "version": "3", "creation_timestamp": 1796000000000}
    return {"model_version": {**described, "tags": listed}}


def refused(address: str = ADDRESS) -> str:
    """Why a bundle is not opened, in one line."""
    with pytest.raises(BundleError) as error:
        Bundle.open(address)
    assert "\n" not in str(error.value)
    return str(error.value)
