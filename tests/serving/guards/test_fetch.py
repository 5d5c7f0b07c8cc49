from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import trustme

from serving.guards.admission import OverloadedError
from serving.guards.budget import ByteBudget, Held
from serving.guards.fetch import Fetcher, ImageFetchError, is_public
from tests.serving.images import TWO_SQUARES, encode
from tests.serving.running import running

PNG = encode(TWO_SQUARES)
AUTHORITY = trustme.CA()


class Web(BaseHTTPRequestHandler):
    """An image, redirects, and servers that misbehave."""

    def do_GET(self) -> None:
        match self.path:
            case "/image.png":
                self.answer(200, PNG)
            case "/host":
                self.answer(200, self.headers["Host"].encode())
            case "/large":
                self.answer(200, bytes(200_000))
            case "/slow":
                time.sleep(3)
            case "/missing":
                self.answer(404, b"")
            case "/loop":
                self.answer(302, b"", "/loop")
            case "/hop":
                self.answer(302, b"", "/image.png")
            case "/to-http":
                self.answer(302, b"", "http://example.org/")
            case "/nowhere":
                self.answer(302, b"", "https://[::1")
            case "/inside":
                port = self.server.server_address[1]
                self.answer(302, b"", f"https://127.0.0.2:{port}/image.png")

    def answer(self, status: int, body: bytes, location: str | None = None) -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("0.0.0.0", 0), Web) as server:
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("127.0.0.1", "127.0.0.2", "localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def fetch(url: str, allowed: str | None = "127.0.0.1", held: Held | None = None) -> bytes:
    """Fetches where ``allowed`` stands for the public internet; None for the real rule."""

    async def main() -> bytes:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        allow = is_public if allowed is None else lambda address: str(address) == allowed
        fetcher = Fetcher(100_000, 1, allow=allow, context=context)
        try:
            return await fetcher.fetch(url, held or Held(ByteBudget(10**9)))
        finally:
            await fetcher.close()

    return asyncio.run(main())


@pytest.mark.parametrize("path", ["/image.png", "/hop"])
def test_an_image_is_fetched(web: str, path: str) -> None:
    assert fetch(web + path) == PNG


def test_the_server_is_told_its_own_name(web: str) -> None:
    assert f"https://{fetch(web + '/host').decode()}" == web


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/large", "over 100000 bytes"),
        ("/slow", "in time"),
        ("/missing", "answered 404"),
        ("/loop", "redirects more than 3 times"),
        ("/to-http", "must be https"),
        ("/inside", "not on the public internet"),
        ("/nowhere", "not valid"),
    ],
)
def test_what_misbehaves_is_refused(web: str, path: str, reason: str) -> None:
    with pytest.raises(ImageFetchError, match=reason):
        fetch(web + path)


def test_certificates_are_checked(web: str) -> None:
    async def main() -> None:
        fetcher = Fetcher(100_000, 2, allow=lambda address: True)
        try:
            await fetcher.fetch(f"{web}/image.png", Held(ByteBudget(10**9)))
        finally:
            await fetcher.close()

    with pytest.raises(ImageFetchError, match="cannot be reached"):
        asyncio.run(main())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433"]
)
def test_this_machine_is_not_the_public_internet(web: str, host: str) -> None:
    port = web.rpartition(":")[2]
    with pytest.raises(ImageFetchError, match=r"public internet|no such host"):
        fetch(f"https://{host}:{port}/image.png", allowed=None)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.png",
        "file:///etc/passwd",
        "https://user:password@example.org/",
        "https://:password@example.org/",
        "https://@example.org/",
        "https://",
        "https://[::1",
        "gopher://example.org/",
        "https://example.org:99999/",
        "https://exämple.org/",
        "https://a..b/",
        f"https://{'a' * 64}.org/",
        "https://a.org/\x00",
        f"https://{'a.' * 4000}org/",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ImageFetchError):
        fetch(url)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
        *("127.0.0.1", "0.0.0.0", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::1", "2001:0:a00:1::", "::127.0.0.1", "::8.8.8.8"),
        *("192.0.0.8", "192.0.0.10", "2001:30::1", "2001:4:112::1"),
        *("fec0::1", "64:ff9b:1::a00:1", "3fff::1", "5f00::1", "4000::1", "::ffff:0:8.8.8.8"),
        *("192.88.99.1", "168.63.129.16", "::ffff:168.63.129.16", "100::1", "2001:10::1"),
    ],
)
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_outer_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_addresses_are_fetched_only_where_allowed(server: str, bundle_path: Path) -> None:
    wanted = {"url": "https://127.0.0.1/image.png"}
    off = httpx.post(f"{server}/detect", json=wanted)
    assert (off.status_code, off.json()["type"]) == (422, "urn:umop:problem:no-image")
    with running("--bundle", str(bundle_path), "--allow-urls") as allowing:
        on = httpx.post(f"{allowing.url}/detect", json=wanted)
    assert (on.status_code, on.json()["type"]) == (422, "urn:umop:problem:unreachable-image")
    assert "public internet" in on.json()["detail"]


def test_what_is_fetched_counts_with_the_body(web: str) -> None:
    budget = ByteBudget(10**9)
    with budget.hold() as held:
        held.add(100_000 - 10)
        with pytest.raises(ImageFetchError, match="the request and its images"):
            fetch(f"{web}/image.png", held=held)
    assert budget.left == 10**9


def test_all_requests_together_fetch_no_more_than_is_left(web: str) -> None:
    with pytest.raises(OverloadedError, match="too much"):
        fetch(f"{web}/image.png", held=Held(ByteBudget(10)))
