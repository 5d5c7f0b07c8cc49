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


def evaluated(folder: Path, length: int, *, done: int, seconds: float | None = None) -> None:
    """Calls the hook after an evaluation, the iterations before it taking some seconds each."""
    runner: Any = SimpleNamespace(iter=done, max_iters=length, work_dir=str(folder))
    hook = OutlookHook()
    hook.before_train(runner)
    if seconds:
        hook.pace.durations.extend([seconds] * 5)
    hook.after_val_epoch(runner)


def kept(folder: Path, **curve: float) -> None:
    """Writes metrics.jsonl with an evaluation for each, named i100 and the like."""
    lines = [{"iter": int(name[1:]), "AP": ap} for name, ap in curve.items()]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_time_left_has_its_gain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path, i100=0.2, i200=0.6)
    evaluated(tmp_path, 400, done=200, seconds=3.0)
    assert capsys.readouterr().err == "AP 0.600 so far: the 10 min left usually add about 0.20.\n"


def test_the_end_says_what_twice_the_time_would_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, i100=0.599, i200=0.6)
    evaluated(tmp_path, 200, done=200)
    said = capsys.readouterr().err
    assert said == "AP 0.600 so far: training twice as long usually adds less than 0.01.\n"


def test_the_first_evaluation_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, i100=0.5)
    evaluated(tmp_path, 400, done=100)
    assert not capsys.readouterr().err
