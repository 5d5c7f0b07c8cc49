"""The handler's reader and writer behind HTTP, for fronts that need no Java."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from fastapi.testclient import TestClient

from serving.inference.detector import Detector
from serving.server.app import build_app
from serving.settings import Settings
from serving.torchserve import predictions
from serving.torchserve.predictions import Answer
from tests.serving.waiting import wait_until


@contextmanager
def handling(bundle: Path, *, max_pixels: int = 1_000_000) -> Iterator[str]:
    """Answers as TorchServe with an archive of the bundle does, at the address it yields."""
    detector = Detector.load(bundle, threads=1)

    def answer(body: bytes, headers: dict[str, str]) -> Answer:
        try:
            request = predictions.read_prediction({"body": body}, headers, detector, max_pixels)
            found = detector.detect_prepared(request.images, [request.options])
            return predictions.write_prediction(request, found, detector.manifest, {})
        except predictions.EXPECTED as error:
            return predictions.refuse(error)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(200, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answered = answer(body, headers)
            self.send(answered.status.value, answered.body)

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def fronting(url: str, bundle: Path) -> Iterator[TestClient]:
    """A client of a front with the bundle, whose TorchServe is at the address."""
    settings = Settings(
        backend="torchserve", bundle=bundle, torchserve_url=url, remote_model="detector"
    )
    with TestClient(build_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client
