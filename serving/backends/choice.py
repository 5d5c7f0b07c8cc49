"""The backend that the settings name."""

from __future__ import annotations

from serving.backends import Backend
from serving.observability.metrics import Metrics
from serving.settings import Settings


def choose_backend(settings: Settings, metrics: Metrics) -> Backend:
    """Makes the backend that the settings name."""
    match settings.backend:
        case "embedded":
            from serving.backends.embedded import EmbeddedBackend

            return EmbeddedBackend(settings, metrics)
        case "openinference":
            from serving.backends.openinference import OpenInferenceBackend

            return OpenInferenceBackend(settings, metrics)
        case "torchserve":
            from serving.backends.torchserve import TorchServeBackend

            return TorchServeBackend(settings, metrics)
