"""Says after each evaluation what more training usually adds."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook

from umop.engine.hooks.pace import Pace
from umop.engine.protocol import TrainingRunner
from umop.runs.evaluation import format_metric
from umop.runs.folder import RunFolder
from umop.system.console import duration, note

_FIRST_FOUND = 0.05
"""The AP below which a curve has not begun, so that it says nothing of how it goes on."""


class OutlookHook(Hook):
    """Notes how much AP the rest of training usually adds; at its end, what twice as much would.

    Each doubling of the iterations usually adds half of what the one before added:
    docs/benchmarks.md has the curves. One evaluation says nothing, hence there is no estimate
    before the second.
    """

    priority = "LOWEST"

    def __init__(self) -> None:
        self.pace = Pace()

    def before_train(self, runner: TrainingRunner) -> None:
        self.pace.restart()

    def after_train_iter(self, runner: TrainingRunner, *_: Any, **__: Any) -> None:
        self.pace.advance()

    def after_val(self, runner: TrainingRunner) -> None:
        self.pace.restart()

    @master_only
    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, float] | None = None
    ) -> None:
        lines = RunFolder(Path(runner.work_dir)).read_metrics()
        curve = {line["iter"]: line["AP"] for line in lines if line.get("AP", -1) >= 0}
        done, left = runner.iter, runner.max_iters - runner.iter
        gain = expected_gain(curve, done, runner.max_iters if left > 0 else 2 * done)
        more = self._more(left)
        if gain is None or more is None or runner.train_loop.stop_training:
            return
        note(f"AP {format_metric(curve[done])} so far: {more} {_range(gain, curve[done])}.")

    def _more(self, left: int) -> str | None:
        """What an estimate is about; None where the time is not known."""
        if left <= 0:
            return "training twice as long usually adds"
        if self.pace.seconds is None:
            return None
        return f"the {duration(left * self.pace.seconds)} left, and evaluations, usually add"


def _range(gain: float, ap: float) -> str:
    """From half of an estimate to twice as much, which most gains were; at most up to AP 1."""
    low, high = gain / 2, min(2 * gain, 1 - ap)
    if high < 0.02:
        return "less than 0.02"
    least, most = f"{low:.2f}", f"{high:.2f}"
    return f"{least} to {most}" if float(least) < float(most) else f"up to {most}"


def expected_gain(curve: Mapping[int, float], done: int, length: int) -> float | None:
    """How much more AP a longer training usually reaches.

    Args:
        curve: AP at each evaluation, by the iterations before it.
        done: Iterations before the newest evaluation.
        length: Iterations in all.

    Returns:
        Half of the last doubling's gain for each doubling to come, halved again for each further
        one: together ``gain * (1 - done / length)``. None where no evaluation lies at half of
        ``done`` or before it, or next to nothing is found yet.
    """
    half = _at(curve, done / 2)
    if half is None or curve[done] < _FIRST_FOUND:
        return None
    return max(0.0, curve[done] - half) * (1 - done / length)


def _at(curve: Mapping[int, float], iterations: float) -> float | None:
    """AP between two evaluations, on a line over the logarithm; None before the first."""
    before = max((known for known in curve if known <= iterations), default=None)
    after = min((known for known in curve if known >= iterations), default=None)
    if not before or not after:
        return None
    if before == after:
        return curve[before]
    share = log2(iterations / before) / log2(after / before)
    return curve[before] + share * (curve[after] - curve[before])
