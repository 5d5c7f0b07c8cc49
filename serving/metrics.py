"""What Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The service's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "umop_requests", "Answered requests.", ["route", "status"], registry=self.registry
        )
        self.latency = Histogram(
            "umop_request_seconds",
            "From a request's arrival to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "umop_stage_seconds",
            "Time of one picture in each stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch_size = Histogram(
            "umop_batch_pictures",
            "Pictures that ran together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self.registry,
        )
        self.model = Gauge(
            "umop_model_info", "The model that answers.", ["name", "version"],
            registry=self.registry,
        )  # fmt: skip

    def watch(self, name: str, help: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is read when scraped."""
        Gauge(name, help, registry=self.registry).set_function(value)
