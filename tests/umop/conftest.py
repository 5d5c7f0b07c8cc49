"""What the tests of training share: registered modules, and a small data set made here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.utils import register_all_modules

import umop.data.pipeline.transforms
import umop.data.pipeline.windows
import umop.engine.hooks
import umop.evaluation
import umop.evaluation.windows
import umop.losses
import umop.models
from tests.umop import tiny
from tests.umop.distributed.starter import Starter, starter
from umop.cli import main
from umop.data.coco import LabelledImage, write_coco
from umop.runs.checkpoints import checksum_file

SIDE = 128
Umop = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True, scope="session")
def _registered() -> None:
    """mmdet's modules can be built by name."""
    register_all_modules()


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO data set in the demo's layout: bright discs on a dark, noisy ground."""
    root = tmp_path_factory.mktemp("discs")
    random = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 3)):
        (root / split).mkdir()
        images = [draw_discs(root / split / f"{i}.png", random) for i in range(count)]
        write_coco(root / f"{split}.json", images, ["tree"])
    return root


def draw_discs(path: Path, random: np.random.Generator) -> LabelledImage:
    """Draws one image of four discs that do not touch."""
    pixels = random.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    boxes = []
    for left, top in ((0, 0), (64, 0), (0, 64), (64, 64)):
        radius = int(random.integers(12, 28))
        cv2.circle(pixels, (left + 32, top + 32), radius, (40, 220, 90), -1)
        boxes.append([left + 32 - radius, top + 32 - radius, left + 33 + radius, top + 33 + radius])
    cv2.imwrite(str(path), pixels)
    corners = np.array(boxes, dtype=np.float64)
    return LabelledImage(path.name, SIDE, SIDE, corners, np.zeros(len(corners), np.int64))


@pytest.fixture(scope="session")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configs of a tiny network: ``by_iteration``, ``by_epoch`` and ``pausing``.

    The last one waits behind iterations 7 and 11 as long as ``runs/pause`` exists, and in
    evaluation as long as ``runs/pause-evaluation`` does.
    """
    folder = tmp_path_factory.mktemp("configs")
    for name, text in tiny.TEXTS.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture(scope="session")
def starts() -> Iterator[Starter]:
    with starter() as started:
        yield started


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder to train in, where ``runs/`` is there already."""
    (tmp_path / "runs").mkdir()
    return tmp_path


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, which remembers nothing."""
    monkeypatch.setenv("UMOP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def umop(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Umop:
    """Runs the command; returns exit code, stdout and stderr, those of its processes included."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["umop", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capfd.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


def rot(data: Path) -> None:
    """Spoils the content of all images; their sizes and times stay, by which the check knows."""
    for path in data.rglob("*.png"):
        status = path.stat()
        path.write_bytes(path.read_bytes()[:99].ljust(status.st_size, b"\0"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def lively(checkpoint: Path) -> None:
    """Shifts the class scores of a barely trained model, so that it detects something."""
    content = torch.load(checkpoint, weights_only=False)
    content["state_dict"]["bbox_head.atss_cls.bias"] += 3.0
    torch.save(content, checkpoint)
    checksum_file(checkpoint).unlink(missing_ok=True)
