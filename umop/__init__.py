"""UMOP from Python: train, evaluate and export a detector, and predict with it.

What is named here is imported when it is first used: ``import umop`` itself imports nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.shared import Detector, Prediction
    from umop.api.run import Run
    from umop.api.train import train
    from umop.system.errors import Stopped, TrainingError, UserError

__version__ = "0.1.0"

__all__ = ["Detector", "Prediction", "Run", "Stopped", "TrainingError", "UserError", "train"]

_MODULES = {
    "Detector": "serving.shared",
    "Prediction": "serving.shared",
    "Run": "umop.api.run",
    "Stopped": "umop.system.errors",
    "TrainingError": "umop.system.errors",
    "UserError": "umop.system.errors",
    "train": "umop.api.train",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]
