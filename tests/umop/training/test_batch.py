"""``--batch auto`` finds the largest batch; the GPU's memory is made up where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config

from tests.umop.conftest import Umop
from umop.config.load import load_config
from umop.config.settings import leaves
from umop.runs.folder import RunFolder
from umop.system.errors import UserError
from umop.training import batch
from umop.training.batch import choose_batch, largest, require_gpu
from umop.training.options import TrainOptions
from umop.training.precision import use_full
from umop.training.size import canvas, resize


@pytest.fixture
def config(configs: Path) -> Config:
    config = load_config(str(configs / "by_iteration.py"))
    resize(config, 64)
    use_full(config)
    return config


class Gpu:
    """A GPU that holds some images of 64 × 64 pixels.

    Args:
        images: So many fill it.
    """

    def __init__(self, images: int) -> None:
        self.images = images
        self.steps: list[int] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stands in for what torch and the model ask of a GPU; the steps are real."""
        from mmdet.models import SingleStageDetector

        step = SingleStageDetector.train_step

        def train_step(model: Any, data: dict[str, Any], optimizer: Any) -> Any:
            self.steps.append(len(data["inputs"]))
            assert {tuple(image.shape) for image in data["inputs"]} == {(3, 64, 64)}
            if len(data["inputs"]) > self.images:
                raise torch.OutOfMemoryError("out of memory")
            return step(model, data, optimizer)

        monkeypatch.setattr(SingleStageDetector, "train_step", train_step)
        monkeypatch.setattr(SingleStageDetector, "cuda", lambda model: model)
        monkeypatch.setattr(batch, "_reset_peak", lambda: None)
        monkeypatch.setattr(batch, "_peak", lambda: self.steps[-1] / self.images)


@pytest.mark.parametrize(
    ("holds", "most", "expected"), [(0, 9, 0), (1, 9, 1), (5, 9, 4), (8, 9, 8), (99, 9, 8)]
)
def test_the_largest_power_of_two(holds: int, most: int, expected: int) -> None:
    assert largest(lambda count: count <= holds, most) == expected


def test_the_real_model_makes_steps_with_growing_batches(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    gpu = Gpu(images=6)
    gpu.install(monkeypatch)
    before = leaves(config)
    found = choose_batch(config, RunFolder(tmp_path), parts=2, images=100, boxes=5)
    assert found == 8, "four in each of two parts"
    assert leaves(config) == before, "a resumed run has the same config"
    assert gpu.steps == [1, 1, 1, 2, 2, 2, 4, 4, 4, 8]
    assert "The GPU holds 4 images of 64 × 64 pixels" in capfd.readouterr().err


def test_some_memory_is_left(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Gpu(images=4).install(monkeypatch)
    assert choose_batch(config, RunFolder(tmp_path), parts=1, images=100, boxes=5) == 2


def test_no_more_than_there_are_images(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Gpu(images=64).install(monkeypatch)
    assert choose_batch(config, RunFolder(tmp_path), parts=1, images=5, boxes=0) == 4


def test_one_image_that_is_too_large(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Gpu(images=0).install(monkeypatch)
    with pytest.raises(UserError, match="does not hold one image of 64 × 64 pixels"):
        choose_batch(config, RunFolder(tmp_path), parts=1, images=5, boxes=1)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("model.backbone", "depth", 51), ("optim_wrapper.optimizer", "betas", 3)],
)
def test_what_cannot_be_built_is_the_users_mistake(
    config: Config,
    section: str,
    key: str,
    value: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Gpu(images=4).install(monkeypatch)
    outer, inner = section.split(".")
    config[outer][inner][key] = value
    with pytest.raises(UserError, match=r"The config cannot be built: "):
        choose_batch(config, RunFolder(tmp_path), parts=1, images=5, boxes=1)


def test_a_run_keeps_its_batch(config: Config, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    config.train_dataloader.batch_size = 3
    config.dump(run.config)
    assert choose_batch(config, run, parts=2, images=100, boxes=5) == 6


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("small", (416, 416)),
        ("rtmdet_tiny", (640, 640)),
        ("r50", (1344, 800)),
        ("swin_s", (1344, 960)),
        ("demo", (320, 320)),
    ],
)
def test_the_largest_image(name: str, size: tuple[int, int]) -> None:
    assert canvas(load_config(name)) == size


def test_a_processor_has_none(umop: Umop, discs: Path) -> None:
    code, _, err = umop(
        "train", "small", "--data", str(discs), "--device", "cpu", "--batch", "auto"
    )
    assert code == 2
    assert "--batch auto measures the memory of a GPU" in err


def test_several_processes_are_refused() -> None:
    options = TrainOptions(config="r50", batch="auto")
    require_gpu(options, on_gpu=True, processes=1)
    with pytest.raises(UserError, match=r"--processes 1 --batch auto --dry-run, .* 8 times"):
        require_gpu(options, on_gpu=True, processes=8)


@pytest.mark.parametrize("batch", ["many", "-1", "--5", "0", "1.5", "", "9" * 5000])
def test_what_is_no_batch(umop: Umop, batch: str) -> None:
    code, _, err = umop("train", "demo", f"--batch={batch}")
    assert code == 2
    assert "--batch must be a whole number from 1 to 1000000, or auto" in err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_measured(config: Config, tmp_path: Path) -> None:
    assert choose_batch(config, RunFolder(tmp_path), parts=1, images=16, boxes=5) == 16
