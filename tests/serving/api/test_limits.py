from __future__ import annotations

import base64
import gzip
import io
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.serving.images import TWO_BOXES, TWO_SQUARES, encode, paint
from tests.serving.problems import assert_problem
from tests.serving.running import RunningServer, running
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.serial
PNG = encode(TWO_SQUARES)


@pytest.fixture(scope="module")
def slow(slow_bundle_path: Path) -> Iterator[RunningServer]:
    options = ("--max-queue", "3", "--threads", "1", "--deadline", "2")
    with running("--bundle", str(slow_bundle_path), *options) as server:
        yield server


@pytest.fixture(scope="module")
def small(bundle_path: Path) -> Iterator[RunningServer]:
    options = ("--max-body-bytes", "100000", "--max-pixels", "400000", "--max-images", "3")
    more = ("--header-timeout", "0.5", "--deadline", "1", "--max-connections", "20")
    with running("--bundle", str(bundle_path), *options, *more) as server:
        yield server


def test_a_batch_is_answered_in_order(server: str) -> None:
    images = [PNG, encode(paint(90, 40)), encode(paint(320, 256, ("green", 64, 64, 32)))]
    as_form = httpx.post(
        f"{server}/detect/batch",
        params={"score_threshold": 0.95},
        files=[("files", (f"{place}.png", data)) for place, data in enumerate(images)],
    )
    as_json = httpx.post(
        f"{server}/detect/batch",
        params={"score_threshold": 0.95},
        json={"images": [{"image": base64.b64encode(data).decode()} for data in images]},
    )
    for answer in (as_form, as_json):
        labels = [
            [each["label"] for each in result["detections"]] for result in answer.json()["results"]
        ]
        assert labels == [["red", "blue"], [], ["green"]]


def test_a_batch_has_a_limit(small: RunningServer) -> None:
    files = [("files", encode(paint(9, 9)))] * 4
    answer = httpx.post(f"{small.url}/detect/batch", files=files)
    assert_problem(answer, 422, "no-image")


def test_a_batch_that_could_never_fit_is_not_asked_to_come_again(slow: RunningServer) -> None:
    files = [("files", PNG)] * 4
    answer = httpx.post(f"{slow.url}/detect/batch", files=files)
    assert_problem(answer, 422, "no-image")


@pytest.mark.parametrize("path", ["/detect", "/detect/batch", "/v2/models/squares/infer"])
def test_a_large_body_is_refused_while_it_streams(small: RunningServer, path: str) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    json = {"Content-Type": "application/json"}
    known = httpx.post(small.url + path, content=bytes(100_001), headers=json)
    assert_problem(known, 413, "body-too-large")
    chunked = httpx.post(small.url + path, content=body(), headers=json)
    assert_problem(chunked, 413, "body-too-large")


@pytest.mark.parametrize("path", ["/detect", "/detect/batch", "/v2/models/squares/infer"])
def test_a_compressed_body_is_refused(small: RunningServer, path: str) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = httpx.post(small.url + path, content=gzip.compress(PNG), headers=headers)
    assert_problem(answer, 415, "unsupported-body")
    assert "without Content-Encoding: gzip" in answer.json()["detail"]


def test_a_large_form_is_refused_before_it_is_parsed(small: RunningServer) -> None:
    answer = httpx.post(f"{small.url}/detect", files={"file": bytes(10**6)})
    assert_problem(answer, 413, "body-too-large")


def test_a_refusal_reaches_a_client_that_sends_on(small: RunningServer) -> None:
    with socket.create_connection(address(small)) as raw:
        raw.sendall(b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        for _ in range(90):
            raw.sendall(bytes(100_000))
        assert receive(raw).startswith(b"HTTP/1.1 413")


def test_a_bomb_is_refused_by_its_header_and_memory_stays_flat(bundle_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(buffer, "PNG")
    bomb = buffer.getvalue()
    assert len(bomb) < 200_000
    with running("--bundle", str(bundle_path)) as server:
        server.detect(PNG)
        before = server.memory()
        for _ in range(20):
            answer = httpx.post(f"{server.url}/detect", content=bomb)
            assert_problem(answer, 413, "image-too-large")
        assert server.memory() < before + 20_000_000


def test_a_full_house_turns_away_and_recovers(slow: RunningServer) -> None:
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: slow.detect(PNG), range(12)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 3
    refused = answers[statuses.index(503)]
    assert_problem(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert slow.detect(PNG).status_code == 200


def test_the_deadline_ends_a_request(slow_bundle_path: Path) -> None:
    options = ("--threads", "1", "--deadline", "1.5", "--max-queue", "80")
    with running("--bundle", str(slow_bundle_path), *options) as server:
        assert server.detect(PNG).status_code == 200
        with ThreadPoolExecutor(60) as threads:
            started = time.monotonic()
            answers = list(threads.map(lambda _: server.detect(PNG), range(60)))
            took = time.monotonic() - started
        late = [answer for answer in answers if answer.status_code == 503]
        assert 0 < len(late) < 60
        assert_problem(late[0], 503, "deadline-passed")
        assert took < 5
        wait_until(lambda: server.metrics()["umop_queue_pictures"] == 0)


def test_a_client_that_hangs_up_frees_its_place(slow: RunningServer) -> None:
    head = f"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: {len(PNG)}\r\n\r\n".encode()
    connections = [socket.create_connection(address(slow)) for _ in range(3)]
    for connection in connections:
        connection.sendall(head + PNG)
    wait_until(lambda: slow.metrics()["umop_admitted_pictures"] == 3)
    before = slow.metrics()["umop_batch_pictures_sum"]
    for connection in connections:
        connection.close()
    wait_until(lambda: slow.metrics()["umop_admitted_pictures"] == 0)
    assert slow.detect(PNG).status_code == 200
    assert slow.metrics()["umop_batch_pictures_sum"] <= before + 2, "the others never ran"


def test_slow_uploads_take_no_place_from_others(slow: RunningServer) -> None:
    with ExitStack() as held:
        for _ in range(12):
            raw = held.enter_context(socket.create_connection(address(slow)))
            raw.sendall(b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n123")
        assert slow.detect(PNG).status_code == 200


def test_all_bodies_together_have_a_limit(bundle_path: Path) -> None:
    options = ("--max-queue", "2", "--max-body-bytes", "100000")
    head = b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    with running("--bundle", str(bundle_path), *options) as server, ExitStack() as held:
        uploads = [held.enter_context(socket.create_connection(address(server))) for _ in range(3)]
        for raw in uploads[:2]:
            raw.sendall(head + bytes(99_999))
        time.sleep(0.3)
        uploads[2].sendall(head + bytes(99_999))
        assert receive(uploads[2]).startswith(b"HTTP/1.1 503")
        for raw in uploads:
            raw.close()
        wait_until(lambda: server.detect(PNG).status_code == 200)


def test_bytes_that_are_dropped_take_no_room_from_others(bundle_path: Path) -> None:
    """After an answer that needs no body, what still arrives is read for a while."""
    options = ("--max-queue", "1", "--max-body-bytes", "100000")
    with running("--bundle", str(bundle_path), *options) as server, ExitStack() as held:
        raw = held.enter_context(socket.create_connection(address(server)))
        raw.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        assert receive(raw).startswith(b"HTTP/1.1 404")
        raw.sendall(bytes(1_000_000))
        assert server.detect(PNG).status_code == 200


def test_a_slow_upload_ends(small: RunningServer) -> None:
    with socket.create_connection(address(small)) as raw:
        raw.sendall(b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n123")
        answer = receive(raw)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:umop:problem:slow-upload" in answer


def test_a_slow_header_ends(small: RunningServer) -> None:
    for first in (b"", b"GET / HT"):
        with socket.create_connection(address(small)) as raw:
            raw.sendall(first)
            answer = receive(raw)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"urn:umop:problem:slow-header" in answer


def test_a_slow_header_ends_on_a_kept_connection_too(small: RunningServer) -> None:
    with socket.create_connection(address(small)) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert receive(raw).startswith(b"HTTP/1.1 200")
        raw.sendall(b"GET /healthz HT")
        assert receive(raw).startswith(b"HTTP/1.1 408")


def test_slowloris_is_held_off(small: RunningServer) -> None:
    stop = threading.Event()
    served: list[int] = []

    def drip() -> None:
        while not stop.is_set():
            try:
                with socket.create_connection(address(small), timeout=2) as raw:
                    raw.sendall(b"GET / HTTP/1.1\r\n")
                    for _ in range(20):
                        time.sleep(0.1)
                        raw.sendall(b"X-a: b\r\n")
            except OSError:
                continue

    droppers = [threading.Thread(target=drip) for _ in range(40)]
    for thread in droppers:
        thread.start()

    def is_answered_once_it_was_full() -> bool:
        try:
            served.append(httpx.get(f"{small.url}/healthz", timeout=2).status_code)
        except httpx.TransportError:
            served.append(0)
        refused = [number for number, status in enumerate(served) if status != 200]
        return bool(refused) and 200 in served[refused[0] :]

    try:
        wait_until(is_answered_once_it_was_full)
    finally:
        stop.set()
        for thread in droppers:
            thread.join()
    wait_until(lambda: httpx.get(f"{small.url}/healthz").status_code == 200)


def test_malformed_http_is_a_problem(small: RunningServer) -> None:
    for head in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 10**6):
        with socket.create_connection(address(small)) as raw:
            raw.sendall(head)
            answer = receive(raw)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"urn:umop:problem:invalid-http" in answer


def test_orientation_and_transparency_reach_the_answer(server: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned = encode(np.ascontiguousarray(np.rot90(TWO_SQUARES)), "PNG", exif=exif)
    answer = httpx.post(f"{server}/detect", params={"score_threshold": 0.95}, content=turned)
    found = {each["label"]: list(each["box"].values()) for each in answer.json()["detections"]}
    assert found == TWO_BOXES


def receive(raw: socket.socket) -> bytes:
    """Reads one answer whose body is a JSON object."""
    raw.settimeout(5)
    answer = b""
    while not answer.endswith(b"}") and (part := raw.recv(4000)):
        answer += part
    return answer


def address(server: RunningServer) -> tuple[str, int]:
    url = httpx.URL(server.url)
    return url.host, url.port or 80
