"""Hooks of the training loop: what a run shows and keeps while it goes on."""

from umop.hooks.checkpoints import SafeCheckpointHook
from umop.hooks.finite_loss import FiniteLossHook
from umop.hooks.focusing import FocusingHook
from umop.hooks.metrics import MetricsHook
from umop.hooks.progress import ProgressHook

__all__ = [
    "FiniteLossHook",
    "FocusingHook",
    "MetricsHook",
    "ProgressHook",
    "SafeCheckpointHook",
]
