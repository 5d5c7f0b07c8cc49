"""What a model trains on, and what that means for its batch and learning rate."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from serving.shared import usable_cores
from umop.config.load import load_config
from umop.distributed.devices import choose_processes, plan
from umop.distributed.job import threads_of
from umop.system.errors import UserError
from umop.system.exit_codes import FAILURE, exit_code_of


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


@pytest.mark.parametrize("gpus", [0], indirect=True)
def test_a_gpu_that_is_lost_is_no_mistake(gpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Job tries it again, on another node."""
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "GPU-2f6c1a")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("r50", "small"):
        with pytest.raises(UserError, match="No GPU was found") as lost:
            choose_processes(load_config(name))
        assert exit_code_of(lost.value) == FAILURE
    assert choose_processes(load_config("small"), on_cpu=True) == 1
    monkeypatch.setenv("NVIDIA_VISIBLE_DEVICES", "all")  # as images have it that were given none
    assert choose_processes(load_config("small")) == 1


@pytest.mark.parametrize("gpus", [0, 4], indirect=True)
def test_the_processor_on_request(gpus: int) -> None:
    assert choose_processes(load_config("swin_s"), on_cpu=True) == 1
    assert choose_processes(load_config("r50"), on_cpu=True, wanted=2) == 2


@pytest.mark.parametrize("gpus", [0], indirect=True)
def test_a_containers_quota_limits_the_ranks_and_their_threads(
    gpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many cores the machine has."""
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    monkeypatch.setattr(usable_cores, "__defaults__", (tmp_path,))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_of(2) == {"OMP_NUM_THREADS": "1"}
    with pytest.raises(UserError, match="2 processes need as many cores; this process may use 1"):
        choose_processes(load_config("demo"), wanted=2)


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
