"""UMOP from Python: train, evaluate and export a detector, and predict with it.

What is named here is imported when it is first used: ``import umop`` itself imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "Comparison",
    "Detector",
    "EngineError",
    "Evaluation",
    "FetchError",
    "ImageError",
    "Prediction",
    "Run",
    "Stopped",
    "TooSlowError",
    "TrainingError",
    "UnknownClassError",
    "UserError",
    "train",
]

if TYPE_CHECKING:
    from serving.shared import (
        BundleError,
        Detector,
        EngineError,
        ImageError,
        Prediction,
        TooSlowError,
        UnknownClassError,
    )
    from umop.api.run import Run
    from umop.api.train import train
    from umop.evaluation.compare import Comparison
    from umop.runs.evaluation import Evaluation
    from umop.system.errors import FetchError, Stopped, TrainingError, UserError
else:
    _HOMES = {
        "serving.shared": (
            *("BundleError", "Detector", "EngineError", "ImageError", "Prediction"),
            *("TooSlowError", "UnknownClassError"),
        ),
        "umop.api.run": ("Run",),
        "umop.api.train": ("train",),
        "umop.evaluation.compare": ("Comparison",),
        "umop.runs.evaluation": ("Evaluation",),
        "umop.system.errors": ("FetchError", "Stopped", "TrainingError", "UserError"),
    }
    _HOME = {name: module for module, names in _HOMES.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME})
