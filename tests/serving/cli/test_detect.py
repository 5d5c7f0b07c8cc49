"""``umop-serve detect``, the old name of ``umop predict URL``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from serving.cli import app
from tests.serving.client.other_server import another_server
from tests.serving.images import TWO_SQUARES, encode, paint
from tests.serving.running import running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, image in (("a", TWO_SQUARES), ("b", paint(100, 80))):
        (tmp_path / "in" / place).mkdir(parents=True)
        (tmp_path / "in" / place / "image.png").write_bytes(encode(image))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    return tmp_path


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
