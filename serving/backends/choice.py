"""The backends that the settings name, one for each bundle."""

from __future__ import annotations

from dataclasses import replace

from serving.backends import Backend
from serving.backends.models import Models
from serving.inference.slots import RunSlots
from serving.observability.metrics import Metrics
from serving.settings import Settings


def choose_models(settings: Settings, metrics: Metrics) -> Models:
    """Makes a backend of the kind that the settings name for each of their bundles."""
    each = [settings.model_copy(update={"bundle": (path,)}) for path in settings.bundle]
    return Models(_backends(each or [settings], metrics))


def _backends(settings: list[Settings], metrics: Metrics) -> list[Backend]:
    match settings[0].backend:
        case "embedded":
            from serving.backends.embedded import EmbeddedBackend, Resources

            shared = Resources.of(settings[0])
            return [EmbeddedBackend(each, metrics, shared) for each in settings]
        case "openinference":
            from serving.backends.embedded import Resources
            from serving.backends.openinference import OpenInferenceBackend

            shared = Resources.of(settings[0])
            return [  # the other server shares its processors by itself
                OpenInferenceBackend(each, metrics, replace(shared, slots=RunSlots()))
                for each in settings
            ]
        case "torchserve":
            from serving.backends.torchserve import TorchServeBackend

            return [TorchServeBackend(each, metrics) for each in settings]
