"""After an evaluation, a run says what more training usually adds."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from umop.engine.hooks.outlook import OutlookHook, expected_gain


def test_each_doubling_adds_half_of_the_one_before() -> None:
    curve = {100: 0.2, 200: 0.6}
    assert expected_gain(curve, 200, 400) == pytest.approx(0.2)
    assert expected_gain(curve, 200, 800) == pytest.approx(0.2 + 0.1)


def test_half_of_the_way_lies_between_two_evaluations() -> None:
    curve = {100: 0.2, 200: 0.6, 300: 0.7}
    at_150 = 0.2 + 0.4 * 0.585  # log2(1.5)
    assert expected_gain(curve, 300, 600) == pytest.approx((0.7 - at_150) / 2, abs=1e-3)


def test_a_fall_adds_nothing() -> None:
    assert expected_gain({100: 0.6, 200: 0.5}, 200, 400) == 0.0


@pytest.mark.parametrize("curve", [{100: 0.5}, {80: 0.4, 100: 0.5}, {0: 0.0, 100: 0.5}])
def test_there_is_no_estimate_without_half_of_the_way(curve: dict[int, float]) -> None:
    assert expected_gain(curve, 100, 400) is None


def test_there_is_no_estimate_before_anything_is_found() -> None:
    assert expected_gain({50: 0.0, 100: 0.0}, 100, 400) is None
    assert expected_gain({50: 0.02, 100: 0.04}, 100, 400) is None


def evaluated(
    folder: Path, length: int, *, done: int, seconds: float | None = None, stopped: bool = False
) -> None:
    """Calls the hook after an evaluation, the iterations before it taking some seconds each."""
    loop = SimpleNamespace(stop_training=stopped)
    runner: Any = SimpleNamespace(
        iter=done, max_iters=length, work_dir=str(folder), train_loop=loop
    )
    hook = OutlookHook()
    hook.before_train(runner)
    if seconds:
        hook.pace.durations.extend([seconds] * 5)
    hook.after_val_epoch(runner)


def kept(folder: Path, **curve: float) -> None:
    """Writes metrics.jsonl with an evaluation for each, named i100 and the like."""
    lines = [{"iter": int(name[1:]), "AP": ap} for name, ap in curve.items()]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_no_estimate_is_beyond_all_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, i300=0.3, i600=0.95)
    evaluated(tmp_path, 1200, done=600, seconds=1.0)
    assert "usually add up to 0.05." in capsys.readouterr().err
    kept(tmp_path, i300=0.3, i600=0.99)
    evaluated(tmp_path, 1200, done=600, seconds=1.0)
    assert "usually add less than 0.02." in capsys.readouterr().err


def test_the_time_left_has_its_gain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path, i100=0.2, i200=0.6)
    evaluated(tmp_path, 400, done=200, seconds=3.0)
    assert (
        capsys.readouterr().err
        == "AP 0.600 so far: the 10 min left, and evaluations, usually add 0.10 to 0.40.\n"
    )


def test_the_end_says_what_twice_the_time_would_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, i100=0.599, i200=0.6)
    evaluated(tmp_path, 200, done=200)
    said = capsys.readouterr().err
    assert said == "AP 0.600 so far: training twice as long usually adds less than 0.02.\n"


@pytest.mark.parametrize(
    ("curve", "seconds", "stopped"),
    [
        pytest.param({"i200": 0.5}, 3.0, False, id="the first evaluation"),
        pytest.param({"i100": 0.4, "i200": 0.5}, None, False, id="no pace yet"),
        pytest.param({"i100": 0.4, "i200": 0.5}, 3.0, True, id="ended early"),
        pytest.param({"i100": -1.0, "i200": -1.0}, 3.0, False, id="no boxes"),
    ],
)
def test_nothing_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    curve: dict[str, float],
    seconds: float | None,
    stopped: bool,
) -> None:
    kept(tmp_path, **curve)
    evaluated(tmp_path, 400, done=200, seconds=seconds, stopped=stopped)
    assert not capsys.readouterr().err
