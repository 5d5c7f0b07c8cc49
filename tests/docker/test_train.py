"""Training in its container, stopped and taken up again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.docker.containers import Container, docker, image, running
from tests.serving.pictures import encode, paint
from tests.serving.waiting import wait_until
from umop.exit_codes import STOPPED

USER = os.getuid() or 10001
CONFIG = """
_base_ = "demo"

model = dict(backbone=dict(pretrained=False), neck=dict(out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32, stacked_convs=1))
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_iters=100, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=50))
custom_hooks = [dict(type="MetricsHook", interval=1)]
"""
COMMAND = ("train", "data/squares.py", "--run", "squares", "--data", "data", "--device", "cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Data that every user may read, and a folder for runs that every user may write."""
    folder = tmp_path_factory.mktemp("training")
    folder.chmod(0o755)
    data, runs = folder / "data", folder / "runs"
    for split in ("train", "val"):
        write_pictures(data, split)
    (data / "squares.py").write_text(CONFIG)
    runs.mkdir()
    runs.chmod(0o777)
    return data, runs


def write_pictures(data: Path, split: str) -> None:
    """Four pictures of a square, in COCO's layout."""
    (data / split).mkdir(parents=True)
    images, annotations = [], []
    for number in range(4):
        left = 64 * number
        (data / split / f"{number}.png").write_bytes(
            encode(paint(320, 320, ("red", left, left, 64)))
        )
        images.append({"id": number, "file_name": f"{number}.png", "width": 320, "height": 320})
        box = {"bbox": [left, left, 64, 64], "area": 4096, "iscrowd": 0, "category_id": 1}
        annotations.append({"id": number + 1, "image_id": number, **box})
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "square"}],
    }
    (data / f"{split}.json").write_text(json.dumps(document))


def test_the_doctor_finds_nothing_wrong() -> None:
    assert "mmcv" in docker("run", "--rm", "--network=none", image("train"), "doctor")


def test_a_stopped_training_goes_on(folders: tuple[Path, Path]) -> None:
    data, runs = folders
    mounts = (f"--volume={data}:/workspace/data:ro", f"--volume={runs}:/workspace/runs")
    options = (
        *mounts,
        f"--user={USER}:{USER}",
        "--tmpfs=/workspace/cache",
        "--env=OMP_NUM_THREADS=1",
    )
    with running("train", *options, command=COMMAND) as container:
        wait_until(lambda: iterations(container, runs) >= 2, seconds=240)
        assert container.stop() == STOPPED, container.log()
        done = iterations(container, runs)
        assert done < 100
        docker("start", container.id)
        wait_until(lambda: not container.state()["Running"], seconds=240)
        assert container.state()["ExitCode"] == 0, container.log()
        assert iterations(container, runs) == 100
    assert {path.stat().st_uid for path in runs.rglob("*")} == {USER}


def iterations(container: Container, runs: Path) -> int:
    """How far training is."""
    metrics = runs / "squares" / "metrics.jsonl"
    if not metrics.exists():
        assert container.state()["Running"], container.log()
        return 0
    return max((json.loads(line).get("iter", 0) for line in metrics.open()), default=0)
