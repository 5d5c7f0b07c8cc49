"""Hooks of the training loop: what a run shows and records while it trains."""

from umop.engine.checkpoints import SafeCheckpointHook
from umop.engine.hooks.estimate import EstimateHook
from umop.engine.hooks.finite_loss import FiniteLossHook
from umop.engine.hooks.focusing import FocusingHook
from umop.engine.hooks.metrics import MetricsHook
from umop.engine.hooks.patience import PatienceHook
from umop.engine.hooks.progress import ProgressHook
from umop.engine.hooks.time_budget import TimeBudgetHook

__all__ = [
    "EstimateHook",
    "FiniteLossHook",
    "FocusingHook",
    "MetricsHook",
    "PatienceHook",
    "ProgressHook",
    "SafeCheckpointHook",
    "TimeBudgetHook",
]
