"""What a model trains on, and what that means for its batch and learning rate."""

from __future__ import annotations

import pytest
import torch

from umop.config.load import load_config
from umop.distributed.devices import choose_processes, plan
from umop.system.errors import UserError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    """A machine with so many GPUs."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: request.param)
    return int(request.param)


@pytest.mark.parametrize("gpus", [0], indirect=True)
def test_without_a_gpu_a_published_model_says_what_to_type(gpus: int) -> None:
    with pytest.raises(UserError, match=r"No GPU was found.*--device cpu"):
        choose_processes(load_config("swin_l"))
    assert choose_processes(load_config("demo")) == 1


@pytest.mark.parametrize("gpus", [0, 4], indirect=True)
def test_the_processor_on_request(gpus: int) -> None:
    assert choose_processes(load_config("swin_s"), on_cpu=True) == 1
    assert choose_processes(load_config("r50"), on_cpu=True, wanted=2) == 2


@pytest.mark.parametrize("gpus", [4], indirect=True)
def test_one_process_for_each_gpu(gpus: int) -> None:
    config = load_config("swin_s")
    assert choose_processes(config) == 4
    assert choose_processes(config, wanted=2) == 2
    with pytest.raises(UserError, match="5 processes need as many GPUs; this machine has 4"):
        choose_processes(config, wanted=5)


@pytest.mark.parametrize(
    ("name", "processes", "expected"),
    [
        ("r50", 8, "8 × 2 = 16 images a step. Learning rate: 0.01 (0.01 for 16"),
        ("r50", 1, "1 × 2 = 2 images a step. Learning rate: 0.00125 (0.01 for 16"),
        ("swin_l", 4, "4 × 2 = 8 images a step. Learning rate: 5e-05 (0.0001 for 16"),
    ],
)
def test_the_learning_rate_follows_the_batch(name: str, processes: int, expected: str) -> None:
    assert expected in plan(load_config(name), processes)


def test_scaling_can_be_turned_off() -> None:
    config = load_config("r50")
    config.auto_scale_lr.enable = False
    assert plan(config, 1) == "Batch: 1 × 2 = 2 images a step. Learning rate: 0.01."
