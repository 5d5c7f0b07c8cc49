"""A real S3 server, and a proxy before it that fails as it is told."""

from __future__ import annotations

import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep
from urllib.parse import unquote, urlsplit

import pytest

from serving.storage import Store
from tests.serving.running import free_ports
from tests.serving.waiting import wait_until

BUCKET = "umop"
_PYTHON = Path(__file__).parents[1] / ".venv-moto" / "bin" / "python"
_SERVER = """
import sys
from werkzeug.serving import WSGIRequestHandler, make_server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
WSGIRequestHandler.disable_nagle_algorithm = True
app = DomainDispatcherApplication(create_backend_app)
make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
"""

_STALL_SECONDS = 20


@dataclass
class Fault:
    """What the proxy does to a request.

    Attributes:
        status: It answers so itself.
        code: S3's name for why.
        modified: The time that it says the object is from, by a clock of its own.
        cut_after: It breaks the answer off behind so many bytes of its content.
        ends_early: It says that what it breaks off is all there is.
        stall_after: It sends no more behind so many bytes.
        delay: It waits for so many seconds.
        gives_parts: It heeds a range of bytes that is asked for.
        ignores: A header that it does not heed.
    """

    status: int | None = None
    code: str = ""
    modified: datetime | None = None
    cut_after: int | None = None
    ends_early: bool = False
    stall_after: int | None = None
    delay: float = 0
    gives_parts: bool = True
    ignores: str = ""


@dataclass
class Storage:
    """The server behind its proxy.

    Attributes:
        url: The proxy's address.
        behind: The server's own.
        fault: Says of a method and a path what is to go wrong.
        requests: Methods and paths that came.
        moved: Bytes of content that were answered.
    """

    url: str
    behind: str
    fault: Callable[[str, str], Fault | None] = lambda method, path: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    moved: int = 0

    def variables(self) -> dict[str, str]:
        """The variables by which a client finds it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "no_proxy": "127.0.0.1",
        }

    @contextmanager
    def direct(self) -> Iterator[None]:
        """Leaves the proxy out, for clients that are made inside the block."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", self.behind)
            yield

    def forget(self) -> None:
        """Counts from here on."""
        self.requests.clear()
        self.moved = 0

    def fetched(self) -> list[str]:
        """The objects whose content was asked for."""
        return [path for method, path in self.requests if method == "GET" and "?" not in path]


def _first(*limits: int | None) -> int | None:
    return next((each for each in limits if each is not None), None)


def _handler(storage: Storage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            path = unquote(self.path)
            storage.requests.append((self.command, path))
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = storage.fault(self.command, path) or Fault()
            sleep(fault.delay)
            if fault.status:
                body = f"<Error><Code>{fault.code}</Code></Error>".encode() if fault.code else b""
                self.send_response(fault.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body if self.command != "HEAD" else b"")
                return
            self.forward(content, fault)

        def forward(self, content: bytes, fault: Fault) -> None:
            server = HTTPConnection(urlsplit(storage.behind).netloc)
            if not fault.gives_parts:
                del self.headers["Range"]
            del self.headers[fault.ignores]
            server.request(self.command, self.path, content, dict(self.headers))
            answer = server.getresponse()
            body = answer.read()
            kept = body[: _first(fault.cut_after, fault.stall_after)]
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() == "last-modified" and fault.modified:
                    value = format_datetime(fault.modified, usegmt=True)
                if name.lower() == "content-length" and fault.ends_early:
                    value = str(len(kept))
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            if not answer.getheader("Content-Length"):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            storage.moved += len(kept)
            with suppress(OSError):  # the client was killed
                self.wfile.write(kept)
                self.wfile.flush()
            sleep(0 if fault.stall_after is None else _STALL_SECONDS)
            self.close_connection = len(kept) < len(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def storage_server() -> Iterator[Storage]:
    """Runs both while the context lasts, with an empty bucket."""
    if not _PYTHON.exists():
        pytest.skip("make test installs moto")
    [port] = free_ports(1)
    process = subprocess.Popen(
        [_PYTHON, "-c", _SERVER, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    storage = Storage("", f"http://127.0.0.1:{port}")
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(storage))
    storage.url = f"http://127.0.0.1:{proxy.server_port}"
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        wait_until(lambda: _makes_bucket(storage))
        yield storage
    finally:
        proxy.shutdown()
        proxy.server_close()
        process.kill()
        process.wait()


def _makes_bucket(storage: Storage) -> bool:
    request = urllib.request.Request(f"{storage.behind}/{BUCKET}", method="PUT")
    try:
        return bool(urllib.request.urlopen(request).status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def storage_session() -> Iterator[Storage]:
    with storage_server() as storage:
        yield storage


@pytest.fixture
def storage(storage_session: Storage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """The server, whose bucket other tests use, too; this process finds it."""
    for name, value in storage_session.variables().items():
        monkeypatch.setenv(name, value)
    storage_session.forget()
    yield storage_session
    storage_session.fault = lambda method, path: None


@pytest.fixture
def place(storage: Storage, request: pytest.FixtureRequest) -> str:
    """An address of the test's own, with nothing at it."""
    return f"s3://{BUCKET}/{request.node.nodeid.rpartition('::')[2].replace('[', '-').rstrip(']')}"


def upload(given: Path, place: str) -> None:
    """Writes a file, or those of a folder, to an address."""
    store = Store(place)
    files = [given] if given.is_file() else [each for each in given.rglob("*") if each.is_file()]
    for path in files:
        store.write("" if path == given else path.relative_to(given).as_posix(), path.read_bytes())
