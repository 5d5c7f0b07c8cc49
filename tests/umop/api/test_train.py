"""``umop.train`` does what ``umop train`` does, inside a program that lives on."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from threading import Thread
from typing import Any

import numpy as np
import pytest

import umop
from tests.umop.conftest import Umop
from tests.umop.training.results import metrics, result
from umop.api.train import written
from umop.system import processor

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP)
Train = Callable[..., umop.Run]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workplace")


@pytest.fixture
def umop_command(umop: Umop) -> Umop:
    """The command, by a name that leaves the module its own."""
    return umop


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])


@pytest.fixture
def train(configs: Path, discs: Path) -> Train:
    """Trains the tiny network."""

    def call(**options: Any) -> umop.Run:
        return umop.train(configs / "by_iteration.py", data=discs, size=64, **options)

    return call


def state() -> tuple[object, ...]:
    """What a program may have settled for itself."""
    return sys.stdout, [signal.getsignal(one) for one in SIGNALS]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_training_calls_back_and_leaves_the_program_as_it_was(
    train: Train, configs: Path, discs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stepped: dict[int, float] = {}
    evaluated: dict[int, float] = {}

    def on_step(iteration: int, losses: dict[str, float]) -> None:
        stepped[iteration] = losses["loss"]
        print("step", iteration)

    def on_evaluation(iteration: int, metrics: dict[str, float]) -> None:
        evaluated[iteration] = metrics["AP50"]

    before = state()
    run = train(name="main", lr=np.float64(0.001), on_step=on_step, on_evaluation=on_evaluation)
    assert state() == before
    lines = metrics(run)
    written = {line["iter"]: line["loss"] for line in lines if "loss" in line}
    assert capsys.readouterr().out.splitlines() == [f"step {iteration}" for iteration in written]
    losses = list(stepped.values())
    means = {iteration: mean(losses[:iteration]) for iteration in stepped}
    assert written == pytest.approx(means), "metrics.jsonl smooths over up to 20 iterations"
    assert evaluated == {line["iter"]: line["AP50"] for line in lines if "AP50" in line}
    assert run.metrics["AP50"] == max(evaluated.values())
    assert run.report.is_file()
    [start] = run.starts()
    assert start["command"] == (
        f"umop.train(config='{configs / 'by_iteration.py'}', data='{discs}', name='main', "
        "lr=0.001, size=64, on_step=on_step, on_evaluation=on_evaluation)"
    )
    again = train(name="main", lr=np.float64(0.001), on_step=on_step)
    assert (again, metrics(again)) == (run, lines), "a finished run stays as it is"
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_interrupt_saves_and_the_same_call_goes_on(train: Train) -> None:
    def interrupt(iteration: int, losses: dict[str, float]) -> None:
        if iteration == 6:
            os.kill(os.getpid(), signal.SIGINT)

    before = state()
    with pytest.raises(KeyboardInterrupt, match="Stopped after iteration 6 of 14, which is saved"):
        train(name="stopped", on_step=interrupt)
    assert state() == before
    resumed = train(name="stopped")
    assert [start["first_iteration"] for start in resumed.starts()] == [1, 7]

    undisturbed: list[umop.Run] = []
    thread = Thread(target=lambda: undisturbed.append(train(name="thread")))
    thread.start()
    thread.join()
    assert result(resumed) == result(undisturbed[0]), "no thread but the main one has signals"
    assert metrics(resumed) == metrics(undisturbed[0])


SCRIPT = """
import os, signal, sys

import umop

def state():
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP)]
    return os.environ.get("PYTHONPATH"), os.environ.get("OMP_NUM_THREADS"), handlers

before = state()
config, data = sys.argv[-2:]
run = umop.train(config, data=data, size=64, name="both", processes=2)
print(state() == before, [start["command"] for start in run.starts()])
try:
    umop.train(config, data=data, size=64, name="odd", processes=2, batch=3)
except umop.UserError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_train_for_a_script_without_a_guard(
    workplace: Path, configs: Path, discs: Path
) -> None:
    (workplace / "script.py").write_text(SCRIPT)
    config = str(configs / "by_iteration.py")
    done = subprocess.run(
        [sys.executable, "script.py", "-f", "kernel.json", config, discs],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    call = f"umop.train(config='{config}', data='{discs}', name='both', size=64, processes=2)"
    assert first == f"True {[call]}"
    assert second.startswith("A batch of 3 images cannot be divided into 2 × 1 parts")
    assert "2 × 2 = 4 images a step" in done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        (
            {"epochs": 0},
            ["--epochs", "0"],
            "--epochs must be a whole number from 1 to 1000000, not 0.",
        ),
        ({"size": 9000}, ["--size", "9000"], "--size must be a whole number from 32 to 8192"),
        ({"lr": 0.0}, ["--lr", "0"], "--lr must be a number from 1e-12 to 1000, not 0.0."),
        ({"time": "soon"}, ["--time", "soon"], "'soon' is not a valid time."),
        ({"name": "a b"}, ["--run", "a b"], "'a b' is not a valid name for a run."),
        ({"set": {"modle.x": 1}}, ["--set", "modle.x=1"], "Did you mean 'model'?"),
        ({"amp": "fp16"}, ["--amp", "fp16"], "--amp fp16 needs a GPU"),
    ],
)
def test_a_mistake_is_the_commands_line(
    umop_command: Umop,
    configs: Path,
    discs: Path,
    options: dict[str, Any],
    arguments: list[str],
    message: str,
) -> None:
    config = configs / "by_iteration.py"
    code, _, err = umop_command("train", str(config), "--data", str(discs), *arguments)
    assert code == 2
    with pytest.raises(umop.UserError) as raised:
        umop.train(config, data=discs, **options)
    assert message in str(raised.value)
    assert err.splitlines()[-1] == f"error: {raised.value}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Name a config, such as demo, or give your data"),
        (
            {"config": "demo", "epochs": "20"},
            "--epochs must be a whole number from 1 to 1000000, not '20'",
        ),
        (
            {"config": "demo", "batch": True},
            "--batch must be a whole number from 1 to 1000000, or auto, not True",
        ),
        (
            {"config": "demo", "accumulate": None},
            "--accumulate must be a whole number from 1 to 1000000, not None.",
        ),
        ({"config": "demo", "device": "gpu"}, "--device must be one of auto, cpu, not 'gpu'."),
        ({"config": "demo", "processes": 2, "on_step": print}, "Ask for processes=1"),
        ({"config": 5}, "config must be a config's name or a path, not 5."),
        ({"data": ["a", 2]}, r"data must be a path or a list of paths, not \['a', 2\]."),
        ({"config": "demo", "name": 5}, "name must be text, not 5."),
        ({"config": "demo", "time": 30}, "time must be text, such as '30m', not 30."),
        ({"config": "demo", "set": ["a=1"]}, "set must be a dictionary, such as"),
        ({"config": "demo", "dry_run": "no"}, "dry_run must be True or False, not 'no'."),
        ({"config": "demo", "on_step": 5}, "on_step must be a function, not 5."),
        ({"config": ""}, "config is empty."),
        ({"data": ["a", ""]}, r"data must be a path or a list of paths, not \['a', ''\]."),
        ({"config": "demo", "weights": ""}, "weights is empty."),
        ({"config": "demo", "mirror": ""}, "mirror is empty."),
        ({"config": "demo", "lr": np.ones(2)}, r"lr is an array of shape \(2,\); give a plain"),
        ({"config": "demo", "timeout": math.inf}, "--timeout must be a number from 10 to 1000000"),
        ({"config": "demo", "time": f"{'9' * 400}s"}, "is not a valid time. Write it as in"),
        ({"config": "demo", "processes": 10**6}, "1000000 processes need as many"),
        ({"config": "demo", "name": "a\nb"}, r"^'a\\nb' is not a valid name for a run"),
    ],
)
def test_what_no_command_can_say_is_a_mistake_too(options: Any, message: str) -> None:
    with pytest.raises(umop.UserError, match=message):
        umop.train(**options)


def test_gpus_that_were_set_aside_are_not_left_out_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv(processor.HIDES, "")
    monkeypatch.setattr(processor, "DRIVER", tmp_path / "none")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    processor.choose_processor(wanted=True)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    processor.choose_processor(wanted=False)
    monkeypatch.setattr(processor, "DRIVER", tmp_path)
    with pytest.raises(umop.UserError, match="has set its GPUs aside"):
        processor.choose_processor(wanted=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    with pytest.raises(umop.UserError, match="has looked at its GPUs already"):
        processor.choose_processor(wanted=True)


def test_several_folders_are_recorded_as_a_program_writes_them() -> None:
    assert written([Path("photos"), "corrected"]) == "['photos', 'corrected']"
    assert written([np.float64(1e-3), np.int64(3)]) == "[0.001, 3]"


def test_a_change_of_the_config_keeps_its_kind() -> None:
    change = {"lr": np.float64(1e-3), "scale": (640, np.int64(320)), "folder": [Path("photos")]}
    assert literal_eval(written(change)) == {"lr": 1e-3, "scale": (640, 320), "folder": ["photos"]}
    assert (written((1,)), written(())) == ("(1,)", "()")
