"""A model that answers requests of this process, until another takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter

from serving.backends.turns import FewestFirst, in_turn
from serving.bundle import Bundle
from serving.inference.batching import Batcher
from serving.inference.detector import Detector
from serving.inference.inputs import ModelInput
from serving.inference.pace import WindowPace
from serving.inference.postprocess import Detections
from serving.inference.preprocess import Prepared
from serving.inference.slots import RunSlots
from serving.inference.windows import Window
from serving.observability.metrics import Metrics
from serving.schemas.options import DetectOptions
from serving.settings import Settings

_Job = tuple[Prepared, DetectOptions]
RunOutcome = tuple[Detections, float, float]
"""What was found, and when the run began and ended that found it."""


class LoadedModel:
    """A model and its batcher, kept until its last request is answered.

    Args:
        bundle: The model's bundle.
        detector: What runs it.
        settings: Size and delay of batches.
        metrics: Where runs are counted.
        slots: What batches wait for before they run.
    """

    def __init__(
        self,
        bundle: Bundle,
        detector: Detector,
        settings: Settings,
        metrics: Metrics,
        slots: RunSlots,
    ) -> None:
        self.bundle = bundle
        self.detector = detector
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._at_a_time = settings.batch_size * detector.concurrent_runs
        self._asked = self._at_a_time + 1  # one waits, so that no run does
        self._turns = FewestFirst(self._asked)
        self._batcher: Batcher[_Job, RunOutcome] = Batcher(
            partial(_run, detector, metrics),  # not a method: a cycle would outlive a reload
            size=settings.batch_size,
            delay=settings.batch_delay_ms / 1000,
            concurrent_runs=detector.concurrent_runs,
            slots=slots,
        )

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps it while the context lasts."""
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                self._unused.set()

    async def find(self, image: ModelInput, options: DetectOptions, until: float) -> RunOutcome:
        """Finds objects in an image; its windows queue a few at a time, between other images.

        Args:
            image: The image.
            options: The request's options.
            until: By ``time.monotonic``, when the answer must be there.

        Raises:
            TooSlowError: The windows would take much longer.
        """
        if isinstance(image, Prepared):
            return await self._batcher.submit((image, options))
        wanted = self.detector.options_of_windows(options)
        windows = image.windows
        pace = WindowPace(len(windows), until, self._at_a_time)

        async def find(window: Window) -> RunOutcome:
            async with self._turns.turn(pace.left):
                part = await asyncio.to_thread(image.part, window)
                outcome = await self._batcher.submit((part, wanted))
            _, began, ended = outcome
            pace.step(ended - began)
            return outcome

        found = await in_turn(windows, find, self._asked)
        detections, begins, ends = zip(*found, strict=True)
        merged = await asyncio.to_thread(image.merged, detections, options)
        return merged, min(begins), max(ends)

    async def retire(self) -> None:
        """Waits until its last request is answered, then ends its threads."""
        await self._unused.wait()
        await self._batcher.drain()


def _run(
    detector: Detector, metrics: Metrics, jobs: Sequence[_Job], exclusive: bool
) -> list[RunOutcome]:
    began = perf_counter()
    found = detector.detect_prepared(
        [image for image, _ in jobs], [options for _, options in jobs], exclusive=exclusive
    )
    ended = perf_counter()
    metrics.batch.observe(len(jobs))
    return [(detections, began, ended) for detections in found]
