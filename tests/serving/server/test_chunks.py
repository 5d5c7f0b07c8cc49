"""Bodies in chunks: tiny ones are refused, ordinary ones and slow networks are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from tests.serving.images import encode

PNG = encode(np.random.default_rng(0).integers(0, 256, (128, 160, 3), dtype=np.uint8))


def in_pieces(size: int) -> Iterator[bytes]:
    assert len(PNG) > 60_000
    return (PNG[place : place + size] for place in range(0, len(PNG), size))


@pytest.mark.parametrize("path", ["/detect", "/nothing"])
def test_a_body_in_tiny_chunks_is_refused(server: str, path: str) -> None:
    """At once, and not read to its end; also where the answer is known before the body."""
    url = httpx.URL(server)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as raw:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw.sendall(head.encode() + b"1\r\nx\r\n" * 300)
        answer = b""
        while part := raw.recv(4000):
            answer += part
    assert b"urn:umop:problem:invalid-http" in answer
    assert b"more than 256 chunks of less than 128 bytes" in answer


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
