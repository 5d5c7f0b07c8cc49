"""The components that the routes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.api.body import BodyReader
from serving.api.responses import ResponseRenderer
from serving.backends import Backend, NotReadyError
from serving.guards.admission import Admission
from serving.guards.keys import KeyRing, RateLimit
from serving.observability.metrics import Metrics
from serving.observability.tracing import Tracer
from serving.settings import Settings


@dataclass
class Services:
    """The components of the service, made when the app is built."""

    settings: Settings
    metrics: Metrics
    backend: Backend
    tracer: Tracer | None
    admission: Admission
    body: BodyReader
    renderer: ResponseRenderer
    keys: KeyRing
    admin_keys: KeyRing
    rate_limit: RateLimit
    draining: bool = False

    async def check(self) -> None:
        """Raises ``NotReadyError`` unless requests can be answered."""
        if self.draining:
            raise NotReadyError("the service is stopping")
        await self.backend.check()

    def observe(self, seconds: Mapping[str, float]) -> None:
        """Records the time that one image spent in each stage."""
        self.metrics.observe(seconds)
        if self.tracer:
            self.tracer.stages(seconds)
