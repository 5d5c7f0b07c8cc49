"""The minutes that training is said to take."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from umop.engine.hooks import pace
from umop.engine.hooks.estimate import EstimateHook


def test_evaluations_are_not_counted_into_the_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a clock: an iteration takes 1 s, the first 9 s, an evaluation after each ten 30 s."""
    clock = [0.0]
    monkeypatch.setattr(pace, "monotonic", lambda: clock[0])
    hook, runner = EstimateHook(), SimpleNamespace(iter=0, max_iters=120)
    hook.before_train(runner)
    for runner.iter in range(30):
        clock[0] += 1.0 if runner.iter else 9.0
        hook.after_train_iter(runner, 0)
        if (runner.iter + 1) % 10 == 0:
            clock[0] += 30.0
            hook.after_val(runner)
    said = "1.00 s an iteration: about 2.0 minutes, and the evaluations."
    assert capsys.readouterr().err.count(said) == 1
