"""``umop-serve try``: the real service, for as long as it takes to post a few images."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from serving.client.try_bundle import _OF_A_SERVICE, _serving
from tests.serving.images import TWO_SQUARES, encode


def try_bundle(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving", "try", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "squares.png"
    path.write_bytes(encode(TWO_SQUARES))
    return path


def test_it_prints_what_is_found_and_draws_it(
    bundle_path: Path, image: Path, tmp_path: Path
) -> None:
    result = try_bundle(bundle_path, image, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "POST http://127.0.0.1:" in result.stdout
    assert "squares.png: " in result.stdout
    drawn = Image.open(tmp_path / "out" / "squares.detected.jpg")
    original = Image.open(image).convert("RGB")
    assert drawn.size == original.size
    difference = np.abs(np.asarray(drawn, int) - np.asarray(original, int))
    assert (difference > 80).any()


@pytest.mark.slow
def test_settings_of_a_service_are_not_its_own(
    bundle_path: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_API_KEYS", "a-key-of-the-service")
    monkeypatch.setenv("UMOP_RATE_LIMIT", "1")
    monkeypatch.setenv("umop_max_pixels", "1")
    monkeypatch.setenv("UMOP_DRAIN_DELAY", "60")
    monkeypatch.setenv("UMOP_BACKEND", "torchserve")
    result = try_bundle(bundle_path, image, "--out", tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_bundle_is_tried_as_it_will_be_served(
    bundle_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMOP_VERIFY_KEY", "no.pem")
    result = try_bundle(bundle_path, image, "--out", image.parent)
    assert result.returncode == 2
    assert "no.pem" in result.stderr


@pytest.mark.parametrize("name", ["ENGINE", "DEVICE", "TRUST_PROGRAM", "VERIFY_KEY"])
def test_what_a_model_needs_is_kept(name: str) -> None:
    assert f"UMOP_{name}" not in _OF_A_SERVICE


@pytest.mark.slow
def test_a_service_that_does_not_stop_is_killed(
    bundle_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.client.try_bundle._SECONDS_TO_STOP", 0.1)
    before = set(psutil.Process().children())
    with _serving(bundle_path):
        [service] = set(psutil.Process().children()) - before
        service.send_signal(signal.SIGSTOP)
    assert not service.is_running()


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"no image"])
def test_an_image_that_is_none_is_one_line(
    bundle_path: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    result = try_bundle(bundle_path, path)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert "broken.png" in line


@pytest.mark.slow
def test_what_is_missing_is_named(bundle_path: Path, image: Path, tmp_path: Path) -> None:
    for arguments in ((tmp_path / "no.bundle", image), (bundle_path, tmp_path / "no.png")):
        result = try_bundle(*arguments)
        assert result.returncode == 2
        [line] = result.stderr.splitlines()
        assert "no." in line
