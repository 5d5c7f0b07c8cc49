"""Hooks of the training loop: what a run shows and records while it trains."""

from umop.hooks.checkpoints import SafeCheckpointHook
from umop.hooks.estimate import EstimateHook
from umop.hooks.finite_loss import FiniteLossHook
from umop.hooks.focusing import FocusingHook
from umop.hooks.metrics import MetricsHook
from umop.hooks.patience import PatienceHook
from umop.hooks.progress import ProgressHook
from umop.hooks.time_budget import TimeBudgetHook

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
