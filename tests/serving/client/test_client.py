from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from typer.testing import CliRunner

from serving.cli import app
from serving.client import Client, ClientError
from serving.client.folder import annotated_paths, find_images
from tests.serving.images import (
    SMALL_BOXES,
    SMALL_SQUARES,
    TWO_BOXES,
    TWO_SQUARES,
    encode,
    paint,
)
from tests.serving.running import running


@contextmanager
def another_server(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """The address of a server that is not umop-serve: it answers everything with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, image in (("a", TWO_SQUARES), ("b", paint(100, 80))):
        (tmp_path / "in" / place).mkdir(parents=True)
        (tmp_path / "in" / place / "image.png").write_bytes(encode(image))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    return tmp_path


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


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"{}", b"\xff"])
def test_another_server_is_called_one(body: bytes) -> None:
    with another_server(200, body) as url, Client(url) as client:
        with pytest.raises(ClientError, match="is not umop-serve"):
            client.model()
        with pytest.raises(ClientError, match="is not umop-serve"):
            client.detect(b"image")


def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(ClientError, match="is not a valid address"):
        Client("http://127.0.0.1:port")


def test_a_folder_larger_than_the_rate_limit_gets_through(
    bundle_path: Path, tmp_path: Path
) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(encode(paint(9, 9)))
    arguments = ["detect", str(tmp_path), "--out", str(tmp_path / "out"), "--no-draw"]
    with running("--bundle", str(bundle_path), "--threads", "1", "--rate-limit", "12") as limited:
        result = CliRunner().invoke(app, [*arguments, "--url", limited.url])
    assert result.exit_code == 0, result.stderr
    assert "12 of 12 images" in result.stdout


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


def test_no_annotated_image_overwrites_another(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"here/x/t.1.png": 10, "here/x/t.2.png": 20, "here/x/t.1.webp": 30, "x/t.1.png": 40}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        format = Path(name).suffix[1:].upper()
        (tmp_path / name).write_bytes(encode(paint(size, size), format))
    monkeypatch.chdir(tmp_path / "here")
    result = CliRunner().invoke(app, ["detect", "x", "../x", "--url", server, "--out", "out"])
    assert result.exit_code == 0, result.output
    drawn = [Image.open(path).width for path in Path("out/images").rglob("*.jpg")]
    assert sorted(drawn) == sorted(sizes.values())


def test_an_image_is_a_file_and_sent_once(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    image = tmp_path / "folder.png" / "a.png"
    image.write_bytes(encode(paint(9, 9)))
    assert find_images([tmp_path, image]) == [image]


def test_the_command_sends_folders(server: str, folder: Path) -> None:
    out = folder / "out"
    arguments = ["detect", str(folder / "in"), "--url", server, "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--score-threshold", "0.95"])
    assert result.exit_code == 0, result.output
    found = json.loads((out / "detections.json").read_text())
    assert "detect will go; it is now: umop predict http" in result.stderr
    counts = {Path(name).parent.name: len(each["detections"]) for name, each in found.items()}
    assert counts == {"a": 2, "b": 0}
    images = sorted((out / "images").rglob("*.jpg"))
    assert [Image.open(path).size for path in images] == [(640, 512), (100, 80)]


def test_the_command_writes_coco(server: str, folder: Path) -> None:
    out = folder / "out"
    arguments = ["detect", str(folder / "in" / "a"), "--url", server, "--out", str(out)]
    arguments += ["--format", "coco", "--no-draw", "--class", "blue", "--score-threshold", "0.95"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    coco = json.loads((out / "detections.json").read_text())
    assert [each["bbox"] for each in coco["annotations"]] == [[320, 320, 64, 64]]
    assert not (out / "images").exists()


def test_one_broken_image_does_not_stop_the_others(server: str, folder: Path) -> None:
    (folder / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["detect", str(folder / "in"), "--url", server, "--out", str(folder / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "broken.png: the image's header is damaged" in result.stderr
    assert "2 of 3 images" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["--url", "http://127.0.0.1:9", "."], "cannot be reached"),
        (["--url", "http://127.0.0.1:port", "."], "is not a valid address"),
    ],
)
def test_what_cannot_work_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(encode(paint(9, 9)))
    result = CliRunner().invoke(app, ["detect", *arguments])
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert message in line


def test_the_command_says_in_one_line_that_a_server_is_another(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(paint(9, 9)))
    with another_server(200, b"<html>hello</html>") as url:
        result = CliRunner().invoke(app, ["detect", str(tmp_path), "--url", url])
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert "is not umop-serve" in line
