from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from serving.cli import app
from serving.client import Client, ClientError
from tests.serving.pictures import TWO_BOXES, TWO_SQUARES, encode, paint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, picture in (("a", TWO_SQUARES), ("b", paint(100, 80))):
        (tmp_path / "in" / place).mkdir(parents=True)
        (tmp_path / "in" / place / "picture.png").write_bytes(encode(picture))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
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


def test_the_clients_errors_are_one_line(server: str) -> None:
    with Client(server) as client, pytest.raises(ClientError, match="not a JPEG"):
        client.detect(b"hello")
    with Client("http://127.0.0.1:9") as client, pytest.raises(ClientError, match="be reached"):
        client.model()


def test_the_command_sends_folders(server: str, folder: Path) -> None:
    out = folder / "out"
    arguments = ["detect", str(folder / "in"), "--url", server, "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--score-threshold", "0.95"])
    assert result.exit_code == 0, result.output
    found = json.loads((out / "detections.json").read_text())
    counts = {Path(name).parent.name: len(each["detections"]) for name, each in found.items()}
    assert counts == {"a": 2, "b": 0}
    pictures = sorted((out / "pictures").rglob("*.jpg"))
    assert [Image.open(path).size for path in pictures] == [(640, 512), (100, 80)]


def test_the_command_writes_coco(server: str, folder: Path) -> None:
    out = folder / "out"
    arguments = ["detect", str(folder / "in" / "a"), "--url", server, "--out", str(out)]
    arguments += ["--format", "coco", "--no-draw", "--class", "blue", "--score-threshold", "0.95"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    coco = json.loads((out / "detections.json").read_text())
    assert [each["bbox"] for each in coco["annotations"]] == [[320, 320, 64, 64]]
    assert not (out / "pictures").exists()


def test_one_broken_picture_does_not_stop_the_others(server: str, folder: Path) -> None:
    (folder / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["detect", str(folder / "in"), "--url", server, "--out", str(folder / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "broken.png: the picture's header is damaged" in result.stderr
    assert "2 of 3 pictures" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["--url", "http://127.0.0.1:9", "."], "cannot be reached"),
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
