"""Mistakes in starting TorchServe are one line and exit code 2."""

from __future__ import annotations

import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from serving.torchserve.archive import WorkerOptions, write_archive
from tests.serving.command import COMMAND, assert_one_line
from tests.serving.torchserving import port_options, torchserving

pytestmark = pytest.mark.slow

TORCHSERVE = [sys.executable, "-m", "serving", "torchserve"]


def test_without_its_extra(tmp_path: Path) -> None:
    without = "import sys; sys.modules['psutil'] = None; "
    command = [sys.executable, "-c", without + COMMAND[-1], "torchserve", str(tmp_path / "x.mar")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert_one_line(result, "psutil is not installed", "umop[torchserve]")


def test_a_missing_archive(tmp_path: Path) -> None:
    done = subprocess.run([*TORCHSERVE, str(tmp_path / "x.mar")], capture_output=True, text=True)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.endswith("x.mar: no such archive; make it with: umop archive RUN")


def test_a_port_that_is_taken(bundle_path: Path, tmp_path: Path) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*TORCHSERVE, str(archive), "--port", port], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"umop-serve: port {port} is taken"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
@pytest.mark.parametrize("port", ["0", "-1", "65536", "70000"])
def test_a_port_that_there_is_not(
    bundle_path: Path, tmp_path: Path, option: str, port: str
) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar")
    assert refusal(str(archive), option, port) == f"{port} is not a port: ports are 1 to 65535"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_archive(bundle_path: Path, tmp_path: Path, share: float) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    assert "x.mar: not a valid zip (" in refusal(str(archive))


def test_a_damaged_archive(bundle_path: Path, tmp_path: Path) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar")
    content = bytearray(archive.read_bytes())
    content[content.index(b"squares")] ^= 1
    archive.write_bytes(content)
    assert "in it is damaged; make it with: umop archive RUN" in refusal(str(archive))


def test_a_zip_that_is_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("model.onnx", "")
    assert "not an archive: it has no MAR-INF/MANIFEST.json" in refusal(str(tmp_path / "x.zip"))


def test_a_model_that_cannot_load_says_why(bundle_path: Path, tmp_path: Path) -> None:
    archive = write_archive(bundle_path, tmp_path / "x.mar", WorkerOptions(engine="onnxruntime"))
    broken = tmp_path / "broken.mar"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "model-config.yaml":
                content = content.replace(b"onnxruntime", b"abacus")
            target.writestr(name, content)
    done = subprocess.run(
        [*TORCHSERVE, str(broken), *port_options()], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "umop-serve: the model cannot be loaded: "
        "unknown engine 'abacus'; choose one of onnxruntime, openvino, torch"
    )
    assert "Traceback" not in done.stderr


def test_a_folder_may_have_any_letters(
    bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    store = tmp_path / "tést"
    store.mkdir()
    with torchserving(write_archive(bundle_path, store / "x.mar")) as running:
        assert len(running.workers()) == 1


@pytest.mark.parametrize("option", ["--log-level", "--port"])
def test_a_wrong_option(tmp_path: Path, option: str) -> None:
    done = subprocess.run([*TORCHSERVE, "x.mar", option, "much"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def refusal(*arguments: str) -> str:
    """The one line with which the command ends at once."""
    done = subprocess.run([*TORCHSERVE, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    return line.removeprefix("umop-serve: ")
