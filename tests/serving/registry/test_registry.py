"""What MLflow's server may answer that it should not, from a server that answers as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pytest

from serving.bundle import Bundle, BundleError
from serving.bundle.remote import version_of
from serving.registry import MlflowServer
from serving.storage import StorageError
from serving.torchserve.archive import archived
from tests.serving.command import assert_one_line, run

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


@pytest.fixture
def zipped(bundle_path: Path, tmp_path: Path) -> bytes:
    return Bundle.open(bundle_path).pack(tmp_path / "squares.zip").read_bytes()


@pytest.fixture
def mlflow(zipped: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A server that has the squares bundle, as version 3 of cells."""
    scripted = Scripted()
    scripted.answers = {
        ALIAS: Answer(version(zipped)),
        PLACE: Answer({"artifact_uri": "mlflow-artifacts:/1"}),
        FILE: Answer(zipped),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(scripted))
    scripted.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scripted.url)
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))
    for name in ("USERNAME", "PASSWORD", "TOKEN", "SERVER_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    yield scripted
    server.shutdown()
    server.server_close()


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


def test_a_second_start_asks_for_the_alias_and_moves_no_byte(mlflow: Scripted) -> None:
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert mlflow.paths() == [ALIAS, PLACE, FILE], "which version came is asked with it"
    assert Bundle.open(ADDRESS).origin == version_of(ADDRESS)
    mlflow.requests.clear()
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert FILE not in mlflow.paths()


def test_torchserve_starts_from_an_alias(mlflow: Scripted) -> None:
    with archived(ADDRESS) as archive:
        assert archive.name == "squares.mar"


def test_a_look_is_one_request_and_tells_an_alias_that_moved(
    mlflow: Scripted, zipped: bytes
) -> None:
    before = version_of(ADDRESS)
    assert version_of(ADDRESS) == before
    mlflow.answers[ALIAS] = Answer(version(zipped + b"0"))
    assert version_of(ADDRESS) != before
    assert mlflow.paths() == [ALIAS] * 3


@pytest.mark.parametrize("understands_ranges", [True, False])
def test_a_transfer_that_breaks_off_goes_on(
    mlflow: Scripted, zipped: bytes, understands_ranges: bool
) -> None:
    half = len(zipped) // 2

    def answer(headers: dict[str, str]) -> Answer:
        start = int(headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        if not start:
            return Answer(zipped, cut_after=half)
        return Answer(zipped[start:], 206) if understands_ranges else Answer(zipped)

    mlflow.answers[FILE] = answer
    Bundle.open(ADDRESS)
    assert [headers.get("Range") for path, headers in mlflow.requests if path == FILE] == [
        None,
        f"bytes={half}-",
    ]


def test_no_more_is_taken_than_was_registered(
    mlflow: Scripted, zipped: bytes, tmp_path: Path
) -> None:
    mlflow.answers[FILE] = Answer(zipped + bytes(50 * 2**20))
    assert refused() == f"{ADDRESS}: more than {len(zipped)} bytes came"
    held = [path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sum(held) <= len(zipped)


def test_another_file_than_was_registered_is_refused_and_not_kept(
    mlflow: Scripted, zipped: bytes, tmp_path: Path
) -> None:
    mlflow.answers[FILE] = Answer(zipped[:-1] + b"x")
    assert refused().startswith(f"{ADDRESS}: version 3 is not what was registered")
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_a_file_that_is_larger_than_the_disk_is_not_asked_for(
    mlflow: Scripted, zipped: bytes
) -> None:
    mlflow.answers[ALIAS] = Answer(version(zipped, **{"umop.bytes": str(10**18)}))
    assert "1000000000000000000 bytes are to be fetched" in refused()
    assert FILE not in mlflow.paths()


def test_a_redirect_is_named_and_not_followed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    mlflow.answers[ALIAS] = Answer({}, 302, {"Location": f"{mlflow.url}/login?next=%2F"})
    assert refused().endswith(
        f"redirects to {mlflow.url}/login: set MLFLOW_TRACKING_URI to where it is"
    )
    assert mlflow.paths() == [ALIAS]


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_one_line_that_names_the_variables(
    mlflow: Scripted, status: int
) -> None:
    mlflow.answers[ALIAS] = Answer(b"<html>", status)
    assert f"denies access ({status}): set MLFLOW_TRACKING_USERNAME" in refused()


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({"USERNAME": "ada", "PASSWORD": "key", "TOKEN": "abc"}, "Basic YWRhOmtleQ=="),
        ({"TOKEN": "abc"}, "Bearer abc"),
        ({"USERNAME": "ada"}, None),
    ],
)
def test_credentials_are_those_of_mlflows_variables(
    mlflow: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    sent: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    Bundle.open(ADDRESS)
    assert {headers.get("Authorization") for _, headers in mlflow.requests} == {sent}


def test_a_password_in_the_address_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.url.replace("//", "//ada:secret@"))
    Bundle.open(ADDRESS)
    mlflow.answers.clear()
    assert "secret" not in refused()


@pytest.mark.parametrize(
    "address",
    [
        "https://me:s3cr3t/x@mlflow.example.com",
        "https://me:53237/x@mlflow.example.com",
        "https://me:s3cr3t?x@mlflow.example.com",
        "https://mlflow.example.com/?token=s3cr3t",
        "https://mlflow.example.com/#s3cr3t",
        "https://me:s3cr3t\udcff@mlflow.example.com",
    ],
)
def test_an_address_that_is_not_valid_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    said = refused()
    assert said.startswith(f"{ADDRESS}: MLFLOW_TRACKING_URI must name MLflow's server")
    assert not re.search("s3cr3t|53237", said)


def test_a_proxy_that_is_not_valid_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cr3t/x@proxy.example.com")
    assert refused() == f"{ADDRESS}: a variable of MLflow or of a proxy is not valid"


def test_a_token_may_end_with_the_line_of_its_file(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t\n")
    Bundle.open(ADDRESS)
    assert {headers["Authorization"] for _, headers in mlflow.requests} == {"Bearer s3cr3t"}


@pytest.mark.parametrize("token", ["s3cr3t\nX: y", "s3cr3t\u00e9", "s3cr3t\x7f"])
def test_a_token_that_cannot_be_one_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    assert refused() == f"{ADDRESS}: MLFLOW_TRACKING_TOKEN has characters that no token has"


def test_a_header_that_the_client_refuses_is_not_printed(
    mlflow: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"headers": {"Authorization": "Bearer s3cr3t\n"}}
    monkeypatch.setattr("serving.registry.server._entry", lambda _: entry)
    with pytest.raises(StorageError, match=r"does not answer: LocalProtocolError$") as error:
        MlflowServer().get("registered-models/alias")
    assert not error.value.is_temporary


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_has_an_end(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("serving.registry.server._SECONDS", 0.3)
    mlflow.answers[ALIAS] = Answer(version(zipped), drips=part)
    assert refused().endswith("does not answer: no whole answer came in 0 s")


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_file_that_drips_has_an_end_and_is_gone_on_with(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    mlflow.answers[FILE] = Answer(zipped, drips=part)
    with monkeypatch.context() as hurried:
        hurried.setattr("serving.registry.artifacts.seconds_for", lambda size: 0.3)
        assert refused() == f"{ADDRESS}: {len(zipped)} bytes take too long"
    mlflow.answers[FILE] = Answer(zipped)
    assert Bundle.open(ADDRESS).manifest.name == "squares"
    assert ("Range" in mlflow.requests[-1][1]) == (part == "body")


def test_a_file_whose_every_transfer_breaks_off_has_an_end(
    mlflow: Scripted, zipped: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_byte(headers: dict[str, str]) -> Answer:
        start = int(headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        return Answer(zipped[start:], 206 if start else 200, cut_after=1)

    monkeypatch.setattr("serving.registry.artifacts.seconds_for", lambda size: 1.0)
    mlflow.answers[FILE] = a_byte
    assert refused() == f"{ADDRESS}: {len(zipped)} bytes take too long"


@pytest.mark.parametrize(
    "content", [b"<html>", [], {}, {"model_version": []}, b"[" * 100_000, bytes(2**21)]
)
def test_a_server_that_is_not_mlflows_is_said_to_be_none(mlflow: Scripted, content: Any) -> None:
    mlflow.answers[ALIAS] = Answer(content)
    assert "does not answer as MLflow does" in refused()


@pytest.mark.parametrize(
    ("tag", "value"), [("umop.sha256", "../../../x"), ("umop.sha256", ""), ("umop.bytes", "-1")]
)
def test_a_version_without_valid_tags_is_refused(
    mlflow: Scripted, zipped: bytes, tag: str, value: str
) -> None:
    mlflow.answers[ALIAS] = Answer(version(zipped, **{tag: value}))
    assert (
        refused()
        == f"{ADDRESS}: version 3 has no valid tag {tag}: umop register makes such versions"
    )


@pytest.mark.parametrize(
    "place",
    ["file:///etc", "/etc", "https://example.com/x", "mlflow-artifacts://example.com/1", "dbfs:/x"],
)
def test_artifacts_elsewhere_are_refused(mlflow: Scripted, place: str) -> None:
    mlflow.answers[PLACE] = Answer({"artifact_uri": place})
    assert f"artifacts at {place} cannot be reached" in refused()


@pytest.mark.parametrize("address", ["models:/cells", "models:/cells/3", "models:/a/b@c"])
def test_only_an_alias_is_an_address(mlflow: Scripted, address: str) -> None:
    assert refused(address) == f"{address}: an address of a model is models:/NAME@ALIAS"


@pytest.mark.parametrize("server", ["", "sqlite:///mlflow.db"])
def test_the_server_has_to_be_named(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert refused().startswith(f"{ADDRESS}: MLFLOW_TRACKING_URI must name MLflow's server")


def test_umop_serve_says_in_one_line_that_mlflow_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert_one_line(run("--bundle", ADDRESS), f"{ADDRESS}: MLflow at http://127.0.0.1:9 does not")
