"""UMOP from Python: train, evaluate and export a detector, and predict with it.

What is named here is imported when it is first used: ``import umop`` itself imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "Detector",
    "ImageError",
    "Prediction",
    "Run",
    "Stopped",
    "TrainingError",
    "UserError",
    "train",
]

if TYPE_CHECKING:
    from serving.shared import BundleError, Detector, ImageError, Prediction
    from umop.api.run import Run
    from umop.api.train import train
    from umop.system.errors import Stopped, TrainingError, UserError
else:
    _HOMES = {
        "serving.shared": ("BundleError", "Detector", "ImageError", "Prediction"),
        "umop.api.run": ("Run",),
        "umop.api.train": ("train",),
        "umop.system.errors": ("Stopped", "TrainingError", "UserError"),
    }
    _HOME = {name: module for module, names in _HOMES.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME})
