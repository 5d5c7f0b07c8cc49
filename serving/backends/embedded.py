"""Finds objects in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter

from serving.backends import NotReadyError, offered_manifest, require_bundle
from serving.backends.loaded import LoadedModel
from serving.backends.room import Room
from serving.bundle import Bundle
from serving.bundle.schema import Manifest
from serving.guards.admission import OverloadedError
from serving.guards.aside import aside
from serving.guards.threads import GuardedThreads
from serving.inference.detector import Detector
from serving.inference.engines import Engine, EngineError, open_engine
from serving.inference.postprocess import name_detections
from serving.inference.slots import RunSlots
from serving.observability.metrics import Metrics
from serving.schemas.detections import DetectionResult, ImageInfo, ModelRef
from serving.schemas.options import DetectOptions
from serving.settings import Settings


@dataclass(frozen=True)
class Resources:
    """What the models of one process share.

    Attributes:
        decoders: Threads that decode images.
        slots: The models' turns on the processors.
        tiled: Room for the pixels of images that stay in memory for their windows.
    """

    decoders: GuardedThreads
    slots: RunSlots
    tiled: Room

    @classmethod
    def of(cls, settings: Settings) -> Resources:
        """Makes what the settings allow."""
        threads = settings.decode_threads
        decoders = GuardedThreads(threads, settings.deadline, "decode")
        return cls(decoders, RunSlots(), Room(threads * settings.max_pixels))


class EmbeddedBackend:
    """Decodes images in a thread pool and runs them in batches, one or more at a time.

    Args:
        settings: Where the bundle is, and the limits.
        metrics: Records the queue, the batches and the model.
        resources: Shared with the backends of other models.
    """

    def __init__(self, settings: Settings, metrics: Metrics, resources: Resources) -> None:
        self._settings = settings
        self._metrics = metrics
        self._resources = resources
        self._decoders = resources.decoders
        self._model: LoadedModel | None = None

    async def stop(self) -> None:
        """See ``Backend.stop``."""
        if self._model:
            await self._model.retire()
        await asyncio.to_thread(self._decoders.close)

    async def check(self) -> None:
        """See ``Backend.check``."""
        try:
            self._decoders.require_thread()
            await asyncio.to_thread(self._current().detector.check)
        except (EngineError, OverloadedError) as error:
            raise NotReadyError(str(error), retry_after=10) from error

    async def reload(self) -> None:
        """See ``Backend.reload``."""
        bundle, detector = await asyncio.to_thread(self._load)
        old = self._model
        self._model = self._prepare(bundle, detector)
        self._record_model(old)
        if old:
            await old.retire()

    async def offered(self) -> Manifest:
        """See ``Backend.offered``."""
        return await offered_manifest(self._settings)

    def manifest(self) -> Manifest:
        """See ``Backend.manifest``."""
        return self._current().detector.manifest

    def bundle(self) -> Bundle:
        """See ``Backend.bundle``."""
        return self._current().bundle

    async def detect(self, image: bytes, options: DetectOptions) -> DetectionResult:
        """See ``Backend.detect``."""
        model = self._current()
        with model.in_use():
            return await self._detect(model, image, options)

    async def _detect(
        self, model: LoadedModel, image: bytes, options: DetectOptions
    ) -> DetectionResult:
        manifest = model.detector.manifest
        options.class_ids(manifest.classes)
        started = perf_counter()
        until = monotonic() + self._settings.deadline
        async with self._room(model.detector, image, options):
            prepared = await self._decoders.run(
                model.detector.inputs.prepare, image, options.tiles, self._settings.max_pixels
            )
            decoded = perf_counter()
            with self._metrics.queue.track_inprogress():
                detections, began, ended = await model.find(prepared, options, until)
        named = await aside(len(detections), name_detections, detections, manifest.classes)
        return DetectionResult(
            model=ModelRef(name=manifest.name, version=manifest.version),
            image=ImageInfo(width=prepared.original.width, height=prepared.original.height),
            detections=named,
            seconds={
                "decode": decoded - started,
                "queue": began - decoded,
                "inference": ended - began,
            },
            classes=manifest.classes,
        )

    @asynccontextmanager
    async def _room(
        self, detector: Detector, image: bytes, options: DetectOptions
    ) -> AsyncIterator[None]:
        """Waits until the pixels of an image that has windows may stay in memory."""
        pixels = 0
        if detector.inputs.may_tile(options.tiles):  # most images need no thread for this
            pixels = await self._decoders.run(
                detector.inputs.kept_pixels, image, options.tiles, self._settings.max_pixels
            )
        async with self._resources.tiled.take(pixels):
            yield

    def _load(self) -> tuple[Bundle, Detector]:
        bundle = Bundle.open(require_bundle(self._settings), verify_key=self._settings.verify_key)
        detector = Detector(
            bundle,
            self._open_engine(bundle),
            max_batch_pixels=self._settings.batch_pixels,
            reduced_decoding=self._settings.reduced_decoding,
        )
        self._warm(detector)
        return bundle, detector

    def _prepare(self, bundle: Bundle, detector: Detector) -> LoadedModel:
        return LoadedModel(bundle, detector, self._settings, self._metrics, self._resources.slots)

    def _open_engine(self, bundle: Bundle) -> Engine:
        settings = self._settings
        return open_engine(
            bundle,
            settings.engine,
            threads=settings.threads,
            device=settings.device,
            gpu_memory=settings.gpu_memory,
            trust_program=settings.trust_program,
        )

    def _warm(self, detector: Detector) -> None:
        detector.warm(detector.concurrent_runs)

    def _record_model(self, old: LoadedModel | None) -> None:
        if old:
            gone = old.detector.manifest
            self._metrics.model.labels(gone.name, gone.version).set(0)
        manifest = self.manifest()
        self._metrics.model.labels(manifest.name, manifest.version).set(1)

    def _current(self) -> LoadedModel:
        if self._model is None:
            raise NotReadyError("the model is being loaded")
        return self._model
