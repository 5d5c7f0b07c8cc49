"""Keeps the evaluation of the best checkpoint."""

from __future__ import annotations

from mmengine.config import Config
from mmengine.hooks import Hook

from umop.engine.protocol import TrainingRunner
from umop.evaluation import result_of
from umop.evaluation.keep import write_evaluation
from umop.runs.folder import RunFolder


class EvaluationHook(Hook):
    """Writes ``evaluation.json`` for ``best.pth`` where validation and test data are the same.

    So training ends with what ``umop eval`` would find, without evaluating again. Registered on the
    first rank alone.

    Args:
        run: The run.
    """

    priority = "LOWEST"

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    def after_val_epoch(
        self, runner: TrainingRunner, metrics: dict[str, float] | None = None
    ) -> None:
        result = result_of(runner.val_evaluator)
        is_best = runner.checkpoints.best_iteration == runner.iter
        if result is not None and is_best and _tests_on_validation_data(runner.cfg):
            write_evaluation(self.run.evaluation, result, runner.cfg, self.run.best)


def _tests_on_validation_data(config: Config) -> bool:
    """Whether the test is the validation."""
    return all(
        config[f"val_{part}"] == config[f"test_{part}"] for part in ("dataloader", "evaluator")
    )
