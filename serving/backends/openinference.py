"""Finds objects with the network in another server of the Open Inference Protocol."""

from __future__ import annotations

from serving.backends.embedded import EmbeddedBackend
from serving.backends.remote_engine import OpenInferenceEngine
from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.inference.engines import Engine


class OpenInferenceBackend(EmbeddedBackend):
    """Does in this process what ``EmbeddedBackend`` does, all but running the network."""

    def _open_engine(self, bundle: Bundle) -> Engine:
        settings = self._settings
        model = settings.remote_model or bundle.manifest.name
        return OpenInferenceEngine(settings.openinference_url, model, timeout=settings.remote_limit)

    def _warm(self, detector: Detector) -> None:
        """The other server warms itself, and may come up later."""
