"""Metrics for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
WORKER = "PROMETHEUS_WORKER"
"""The variable with a worker's number, which its files have in their names."""
_FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
_FILE_BYTES = 2**18
"""More than all labels take: routes, statuses, stages and models are few."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _identifier() -> str:
    return os.environ.get(WORKER) or str(os.getpid())


if SHARED_FOLDER in os.environ:
    values.ValueClass = values.MultiProcessValue(_identifier)  # type: ignore[no-untyped-call]


class MetricsError(Exception):
    """The metrics have no place; the message is one line that says why."""


class Metrics:
    """The service's metrics in a registry of their own.

    With several workers they are summed over all of them, through files in the folder that
    the variable ``PROMETHEUS_MULTIPROC_DIR`` names. A worker in the place of one that died has the
    same number, and so goes on with its files.

    Raises:
        MetricsError: There is no space for the files.
    """

    def __init__(self) -> None:
        if folder := os.environ.get(SHARED_FOLDER):
            _reserve(Path(folder))
        self._registry = registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, registry=registry)
        gauge = partial(Gauge, registry=registry, multiprocess_mode="livesum")
        self.requests = counter("umop_requests", "Requests answered.", ["route", "status"])
        self.latency = histogram(
            "umop_request_seconds",
            "From a request's arrival to the start of its answer.",
            ["route"],
            buckets=_SECONDS,
        )
        self._stages = histogram(
            "umop_stage_seconds", "Time of one image in each stage.", ["stage"], buckets=_SECONDS
        )
        self.models = histogram(
            "umop_model_seconds",
            "Time of one image in all stages, by its model.",
            ["model"],
            buckets=_SECONDS,
        )
        self.batch = histogram(
            "umop_batch_pictures", "Images that ran together.", buckets=(1, 2, 4, 8, 16, 32, 64)
        )
        self.queue = gauge("umop_queue_pictures", "Images that wait for an inference.")
        self.admitted = gauge("umop_admitted_pictures", "Images in progress.")
        self.model = gauge(
            "umop_model_info",
            "1 for the model that answers.",
            ["name", "version"],
            multiprocess_mode="livemax",
        )
        self.bundle_failing = gauge(
            "umop_bundle_failing",
            "Models whose newest bundle cannot be had or loaded; the one before answers.",
            multiprocess_mode="livemax",
        )
        self.captured = counter(
            "umop_captured",
            "Images that were to be captured: kept, alike, too large, failed, or queue full.",
            ["outcome"],
        )

    def observe(self, seconds: Mapping[str, float]) -> None:
        """Counts the time that one image spent in each stage."""
        for stage, spent in seconds.items():
            self._stages.labels(stage).observe(spent)

    def page(self) -> bytes:
        """Returns all metrics in Prometheus's text format."""
        if os.environ.get(SHARED_FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry)


def _reserve(folder: Path) -> None:
    """Takes the space of this process's files before they are mapped into memory.

    Those of the worker whose place it takes have theirs.

    Writing to a page that a full disk has no space for would end the process (SIGBUS). The other
    workers read all files with their names, which none without its space may have.
    """
    files = [folder / f"{kind}_{_identifier()}.db" for kind in _FILES]
    drafts = [file.with_suffix(".draft") for file in files if not file.exists()]
    try:
        for draft in drafts:
            with draft.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
        for draft in drafts:
            draft.rename(draft.with_suffix(".db"))
    except OSError as error:
        for draft in drafts:
            draft.unlink(missing_ok=True)
        raise MetricsError(
            f"the workers' metrics need some space in {folder.parent}: {error.strerror}"
        ) from error
