"""The components that the routes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.api.body import BodyReader
from serving.api.responses import ResponseRenderer
from serving.backends import NotReadyError
from serving.backends.follower import Follower
from serving.backends.models import Models
from serving.capture import Capture
from serving.guards.admission import Admission
from serving.guards.keys import KeyRing, RateLimit
from serving.observability.metrics import Metrics
from serving.observability.tracing import Tracer
from serving.schemas.detections import DetectionResult
from serving.settings import Settings


@dataclass
class Services:
    """The components of the service, made when the app is built."""

    settings: Settings
    metrics: Metrics
    models: Models
    follower: Follower
    tracer: Tracer | None
    admission: Admission
    body: BodyReader
    renderer: ResponseRenderer
    keys: KeyRing
    admin_keys: KeyRing
    rate_limit: RateLimit
    capture: Capture | None
    draining: bool = False

    async def check(self) -> None:
        """Raises ``NotReadyError`` unless requests can be answered."""
        self.require_running()
        await self.models.check()

    def require_running(self) -> None:
        """Raises ``NotReadyError`` if the service is stopping."""
        if self.draining:
            raise NotReadyError("the service is stopping")

    def observe(self, model: str, seconds: Mapping[str, float]) -> None:
        """Records the time that one image spent in each stage.

        Args:
            model: The name of the model that answered.
            seconds: By the stages' names.
        """
        self.metrics.observe(seconds)
        self.metrics.models.labels(model).observe(sum(seconds.values()))
        if self.tracer:
            self.tracer.stages(seconds)

    def keep(self, image: bytes, result: DetectionResult) -> None:
        """Captures an image where the settings say so.

        Args:
            image: As it was sent.
            result: What was found in it.
        """
        if self.capture:
            self.capture.offer(image, result)
