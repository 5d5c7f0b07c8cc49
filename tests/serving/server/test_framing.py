"""Long headers and bodies in tiny chunks or of two lengths are refused, slow networks are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import h11
import httpx
import numpy as np
import pytest

from serving.server.framing import FramingGuard
from tests.serving.images import encode

PNG = encode(np.random.default_rng(0).integers(0, 256, (128, 160, 3), dtype=np.uint8))


def in_pieces(size: int) -> Iterator[bytes]:
    assert len(PNG) > 60_000
    return (PNG[place : place + size] for place in range(0, len(PNG), size))


def answer_to(server: str, request: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    url = httpx.URL(server)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as raw:
        raw.sendall(request)
        answer = b""
        while part := raw.recv(4000):
            answer += part
    return answer


def header_of(size: int) -> bytes:
    start = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"


def first_event(data: bytes, piece: int) -> object:
    """What a connection says after the last piece."""
    guard = FramingGuard()
    event: object = None
    for place in range(0, len(data), piece):
        guard.receive_data(data[place : place + piece])
        event = guard.next_event()
    return event


@pytest.mark.parametrize("piece", [1000, 40_000, 2**18])
def test_a_header_has_at_most_64_kib_in_whatever_pieces_it_comes(piece: int) -> None:
    assert isinstance(first_event(header_of(2**16), piece), h11.Request)
    for size in (2**16 + 1, 200_000):
        with pytest.raises(h11.RemoteProtocolError, match="header has more than 65536 bytes"):
            first_event(header_of(size), piece)


def test_a_large_body_may_come_with_its_header() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    assert isinstance(first_event(head + bytes(200_000), 2**18), h11.Request)


def test_a_long_header_is_a_problem(server: str) -> None:
    assert answer_to(server, header_of(2**16)).startswith(b"HTTP/1.1 200 ")
    answer = answer_to(server, header_of(2**16 + 1))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"urn:umop:problem:invalid-http" in answer
    assert b"header has more than 65536 bytes" in answer


@pytest.mark.parametrize("path", ["/detect", "/nothing"])
def test_a_body_in_tiny_chunks_is_refused(server: str, path: str) -> None:
    """At once, and not read to its end; also where the answer is known before the body."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = answer_to(server, head.encode() + b"1\r\nx\r\n" * 300)
    assert b"urn:umop:problem:invalid-http" in answer
    assert b"more than 256 chunks of less than 128 bytes" in answer


def test_a_body_of_two_lengths_is_refused_and_ends_the_connection(server: str) -> None:
    """What a proxy that goes by the other length takes for the body is answered to nobody."""
    lengths = "Content-Length: 48\r\nTransfer-Encoding: chunked\r\n"
    head = f"POST /detect HTTP/1.1\r\nHost: x\r\n{lengths}\r\n"
    answer = answer_to(server, f"{head}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"urn:umop:problem:invalid-http" in answer
    assert b"a Content-Length and a Transfer-Encoding" in answer


@pytest.mark.parametrize("size", [200, 1024])
def test_ordinary_chunks_are_taken(server: str, size: int) -> None:
    answer = httpx.post(f"{server}/detect", content=in_pieces(size), timeout=30)
    assert answer.status_code == 200, answer.text


def test_few_tiny_chunks_are_taken(server: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (PNG[place : place + 1] for place in range(200))
        yield PNG[200:]

    assert httpx.post(f"{server}/detect", content=pieces(), timeout=30).status_code == 200


def test_a_body_with_a_length_may_come_in_any_pieces(server: str) -> None:
    length = {"Content-Length": str(len(PNG))}
    answer = httpx.post(f"{server}/detect", content=in_pieces(50), headers=length, timeout=30)
    assert answer.status_code == 200, answer.text
