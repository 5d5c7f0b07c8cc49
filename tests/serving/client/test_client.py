"""The client, which Python programs import."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from serving.client import Client, ClientError
from serving.client.folder import annotated_paths, find_images
from tests.serving.client.other_server import another_server
from tests.serving.images import (
    SMALL_BOXES,
    SMALL_SQUARES,
    TWO_BOXES,
    TWO_SQUARES,
    encode,
    paint,
)
from tests.serving.running import running


def test_the_client_detects(server: str, tmp_path: Path) -> None:
    path = tmp_path / "two.png"
    path.write_bytes(encode(TWO_SQUARES))
    with Client(server) as client:
        from_file = client.detect(path, score_threshold=0.95, classes=["red"])
        from_bytes = client.detect(path.read_bytes(), max_detections=1)
        assert client.model().name == "squares"
    [found] = from_file.detections
    assert [found.box.x1, found.box.y1, found.box.x2, found.box.y2] == TWO_BOXES["red"]
    assert len(from_bytes.detections) == 1


def test_the_client_says_whether_a_large_image_is_cut(tiled_bundle_path: Path) -> None:
    image = encode(SMALL_SQUARES)
    with (
        running("--bundle", str(tiled_bundle_path), "--threads", "1") as tiled,
        Client(tiled.url) as client,
    ):
        by_model = client.detect(image, score_threshold=0.95)
        whole = client.detect(image, score_threshold=0.95, tiles="off")
        other = client.detect(image, score_threshold=0.5, tiles=336)
    found = sorted(
        [each.label, each.box.x1, each.box.y1, each.box.x2, each.box.y2]
        for each in by_model.detections
    )
    assert found == SMALL_BOXES
    assert whole.detections == []
    assert len(other.detections) >= len(SMALL_BOXES)


def test_the_clients_errors_are_one_line(server: str) -> None:
    with Client(server) as client, pytest.raises(ClientError, match="not a JPEG"):
        client.detect(b"hello")
    with Client("http://127.0.0.1:9") as client, pytest.raises(ClientError, match="be reached"):
        client.model()


@pytest.mark.parametrize("classes", [[], np.array([])])
def test_no_class_at_all_is_not_every_class(classes: Sequence[str]) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ValueError, match="names no class"):
        client.detect(b"", classes=classes)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"{}", b"\xff"])
def test_another_server_is_called_one(body: bytes) -> None:
    with another_server(200, body) as url, Client(url) as client:
        with pytest.raises(ClientError, match="is not umop-serve"):
            client.model()
        with pytest.raises(ClientError, match="is not umop-serve"):
            client.detect(b"image")


def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(ClientError, match=r"^127\.0\.0\.1:port is not a valid address"):
        Client("http://user:pass/word@127.0.0.1:port")


def test_a_password_in_an_address_is_not_said() -> None:
    with (
        Client("http://user:password@127.0.0.1:9") as client,
        pytest.raises(ClientError, match=r"^http://127\.0\.0\.1:9 cannot be reached"),
    ):
        client.model()


@pytest.mark.parametrize("key", ["ключ", "secret\nb", "secret "])
def test_a_key_that_cannot_be_sent_is_an_error(key: str) -> None:
    with pytest.raises(ClientError, match="key must be printable ASCII") as raised:
        Client("http://127.0.0.1:9", key=key)
    assert key not in str(raised.value)


@pytest.mark.parametrize("proxy", ["socks9://127.0.0.1:9", "http://user:pass/word@127.0.0.1"])
def test_a_proxy_that_cannot_be_used_is_an_error(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ClientError, match=r"proxy in ALL_PROXY, .* cannot be used"):
        Client("http://127.0.0.1:9")


def test_without_its_package_a_socks_proxy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ClientError, match=r"install httpx\[socks\]"):
        Client("http://127.0.0.1:9")


def test_an_address_that_is_no_service_is_not_advised() -> None:
    with (
        another_server(302, b"", Location="https://detect.example/login") as url,
        Client(url, timeout=None) as client,
        pytest.raises(ClientError, match=r"another address, https://detect\.example/login$"),
    ):
        client.model()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_where_another_address_is_told_it_is_said(status: int) -> None:
    place = "https://user:password@detect.example/umop/models?a=1"
    with (
        another_server(status, b"", Location=place) as url,
        Client(url) as client,
        pytest.raises(ClientError, match=r"give https://detect\.example/umop in place"),
    ):
        client.model()


def test_an_answer_that_comes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(step=100)
    monkeypatch.setattr("serving.client.answers.monotonic", lambda: next(seconds))
    with (
        another_server(200, b" ") as url,
        Client(url) as client,
        pytest.raises(ClientError, match="did not answer to the end in 60 s"),
    ):
        client.model()


def test_an_answer_that_unpacks_to_far_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.client.answers._MOST_BYTES", 2**16)
    body = gzip.compress(bytes(2**20))
    with (
        another_server(200, body, Content_Encoding="gzip") as url,
        Client(url) as client,
        pytest.raises(ClientError, match="its answer is too large"),
    ):
        client.model()


def test_an_error_nested_without_end_is_told_by_its_number() -> None:
    with (
        another_server(404, b"[" * 100_000) as url,
        Client(url) as client,
        pytest.raises(ClientError, match="the service answered 404"),
    ):
        client.model()


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_does_not_wait_for_ever(status: int) -> None:
    detail = json.dumps({"detail": "come back tomorrow"}).encode()
    with (
        another_server(status, detail, Retry_After="86400") as url,
        Client(url) as client,
        pytest.raises(ClientError, match="come back tomorrow"),
    ):
        client.model()


def test_a_retry_after_that_is_a_date_is_no_surprise() -> None:
    date = "Fri, 31 Dec 2027 23:59:59 GMT"
    with (
        another_server(503, b"", Retry_After=date) as url,
        Client(url) as client,
        pytest.raises(ClientError, match="answered 503"),
    ):
        client.model()


def test_every_annotated_image_has_a_file_of_its_own(tmp_path: Path) -> None:
    names = (
        *("tile.1.jpg", "tile.2.jpg", "same.png", "same.jpg", "same.webp", "same.png.jpg"),
        *("x/a.png", "../x/a.png", "/x/a.png", "x/a.JPG", "x/a.2.jpg"),
    )
    images = [Path(name) for name in names]
    paths = annotated_paths(images, tmp_path)
    assert len(set(paths)) == len(names)
    assert paths == annotated_paths(images, tmp_path)
    assert all(place.suffix.lower() == ".jpg" for place in paths)
    assert all(".." not in place.relative_to(tmp_path).parts for place in paths)
    assert paths[:3] == [tmp_path / each for each in ("tile.1.jpg", "tile.2.jpg", "same.png.jpg")]


def test_an_image_is_a_file_and_sent_once(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    image = tmp_path / "folder.png" / "a.png"
    image.write_bytes(encode(paint(9, 9)))
    assert find_images([tmp_path, image]) == [image]
