"""The loops evaluate when it is due, and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.umop.engine.toy import toy
from umop.engine.runner import Runner


def evaluations(runner: Runner) -> int:
    [metric] = runner.val_evaluator.metrics
    return int(metric.evaluations)


@pytest.mark.parametrize(
    ("loop", "expected"), [("epochs", 2), ("iterations", 3)], ids=["epochs", "iterations"]
)
def test_the_end_is_evaluated_beside_what_is_due(loop: str, expected: int, tmp_path: Path) -> None:
    runner = toy(tmp_path, loop)
    runner.train()
    assert evaluations(runner) == expected


@pytest.mark.parametrize("loop", ["epochs", "iterations"])
def test_what_was_evaluated_before_the_checkpoint_is_not_again(loop: str, tmp_path: Path) -> None:
    toy(tmp_path, loop).train()
    again = toy(tmp_path, loop)
    again.train()
    assert evaluations(again) == 0


def test_a_checkpoint_is_written_before_an_evaluation(tmp_path: Path) -> None:
    """What an evaluation takes is not lost with the steps before it."""
    runner = toy(tmp_path, "iterations")
    runner.checkpoints.interval = 100
    saved: list[int] = []
    runner.val_loop.run = lambda: saved.append(  # type: ignore[union-attr]
        runner.checkpoints.saved_iteration
    )
    runner.train()
    assert saved == [3, 6, 8]
