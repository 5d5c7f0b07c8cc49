"""Finds objects in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from serving import image
from serving.backends import NotReadyError, Wish, class_indices
from serving.batching import Batcher
from serving.bundle import BundleError, Manifest
from serving.detector import Detections, Detector, Options, Prepared
from serving.engines import EngineError
from serving.schemas import Found, ModelRef, name_detections
from serving.settings import Settings

Job = tuple[Prepared, Options]
Outcome = tuple[Detections, float, float]


class EmbeddedBackend:
    """Decodes in a few threads, gathers pictures into batches and runs them in one more.

    Args:
        settings: Where the bundle is, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decoders = ThreadPoolExecutor(settings.decode_threads, thread_name_prefix="decode")
        self._model: _LoadedModel | None = None
        self._loading = asyncio.Lock()
        self._broken: EngineError | None = None

    async def start(self) -> None:
        """See `Backend.start`."""
        await self.reload()

    async def stop(self) -> None:
        """See `Backend.stop`."""
        if self._model:
            await self._model.batcher.drain()
        await asyncio.to_thread(self._decoders.shutdown)

    async def check(self) -> None:
        """See `Backend.check`."""
        self._current()
        if self._broken:
            raise NotReadyError(str(self._broken), retry_after=30)

    async def reload(self) -> None:
        """See `Backend.reload`."""
        async with self._loading:
            detector = await asyncio.to_thread(_load, self._settings)
            old, self._model = self._model, _LoadedModel(detector, self._settings)
            self._broken = None
        if old:
            await old.batcher.drain()

    def manifest(self) -> Manifest:
        """See `Backend.manifest`."""
        return self._current().detector.manifest

    async def detect(self, picture: bytes, wish: Wish) -> Found:
        """See `Backend.detect`."""
        model = self._current()
        manifest = model.detector.manifest
        classes = class_indices(wish.classes, manifest.classes)
        options = Options(wish.score_threshold, wish.max_detections, classes)
        started = perf_counter()
        prepared = await asyncio.get_running_loop().run_in_executor(
            self._decoders, self._decode, model.detector, picture
        )
        decoded = perf_counter()
        try:
            detections, began, ended = await model.batcher.submit((prepared, options))
        except EngineError as error:
            self._broken = error
            raise NotReadyError(str(error), retry_after=30) from error
        self._broken = None
        return Found(
            model=ModelRef(name=manifest.name, version=manifest.version),
            size=prepared.original,
            detections=name_detections(detections, manifest.classes),
            seconds={
                "decode": decoded - started,
                "queue": began - decoded,
                "inference": ended - began,
            },
        )

    def _current(self) -> _LoadedModel:
        if self._model is None:
            raise NotReadyError("the model is being loaded")
        return self._model

    def _decode(self, detector: Detector, picture: bytes) -> Prepared:
        return detector.prepare(image.decode(picture, self._settings.max_pixels))


class _LoadedModel:
    def __init__(self, detector: Detector, settings: Settings) -> None:
        self.detector = detector
        self.batcher: Batcher[Job, Outcome] = Batcher(
            self._run, size=settings.batch_size, delay=settings.batch_delay_ms / 1000
        )

    def _run(self, jobs: Sequence[Job]) -> list[Outcome]:
        began = perf_counter()
        found = self.detector.detect_prepared(
            [picture for picture, _ in jobs], [options for _, options in jobs]
        )
        ended = perf_counter()
        return [(detections, began, ended) for detections in found]


def _load(settings: Settings) -> Detector:
    if settings.bundle is None:
        raise BundleError("no model: give --bundle or UMOP_BUNDLE")
    detector = Detector.load(settings.bundle, engine=settings.engine, threads=settings.threads)
    detector.warm()
    return detector
