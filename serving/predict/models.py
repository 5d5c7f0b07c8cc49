"""What finds the objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Protocol

from serving.bundle.schema import Manifest
from serving.inference.detector import Detector
from serving.inference.pixels import Pixels
from serving.inference.postprocess import name_detections
from serving.predict.found import Predicted
from serving.predict.inputs.errors import PredictError
from serving.predict.inputs.web import is_url
from serving.schemas.detections import ImageInfo
from serving.schemas.names import EngineName
from serving.schemas.options import DetectOptions, UnknownClassError


class Model(Protocol):
    """Finds objects in images. Threads share it.

    Attributes:
        manifest: The bundle's.
        threads: How many of them keep it busy.
        engine: What runs the network.
    """

    manifest: Manifest
    threads: int
    engine: str

    def find(self, image: bytes | Pixels, pixels: Pixels | None) -> Predicted:
        """Finds objects in an image.

        Args:
            image: The image, encoded where it is a file.
            pixels: The same decoded, where that is done already.

        Raises:
            ImageError: It is not an image.
            InputError: A service does not take it.
        """


@dataclass(frozen=True)
class ModelOptions:
    """How a bundle is opened.

    Attributes:
        engine: What runs the network.
        verify_key: The public key that the bundle must be signed with.
    """

    engine: EngineName = "onnxruntime"
    verify_key: Path | None = None


@contextmanager
def open_model(path: str, detect: DetectOptions, options: ModelOptions) -> Iterator[Model]:
    """Opens a bundle, or a service.

    Args:
        path: A bundle or its address (over https a zip, named so), the folder of a run, or the
            address of a service, whose key is ``UMOP_KEY``.
        detect: What is reported.
        options: How a bundle is opened.

    Raises:
        BundleError: The bundle is missing, damaged, not trusted, or not for this engine.
        EngineError: There is no such engine here.
        PredictError: The service cannot be reached, or the model has no such class.
    """
    try:
        if is_url(path) and not path.endswith(".zip"):
            from serving.predict.service import open_service  # its client takes time to import

            with open_service(path, detect) as service:
                yield service
        else:
            engine, key = options.engine, options.verify_key
            yield _LocalModel(Detector.load(path, engine=engine, verify_key=key), detect, engine)
    except UnknownClassError as error:
        raise PredictError(str(error)) from error


class _LocalModel:
    """A bundle's network.

    While it runs, the threads beyond its concurrent runs decode the next images and write the last.

    Args:
        detector: The network.
        options: What is reported.
        engine: What runs it.

    Raises:
        UnknownClassError: The model has no class of such a name.
    """

    def __init__(self, detector: Detector, options: DetectOptions, engine: EngineName) -> None:
        options.class_ids(detector.manifest.classes)
        self.manifest = detector.manifest
        self.threads = detector.concurrent_runs + 2
        self.engine: str = engine
        self._detector = detector
        self._options = options
        self._runs = BoundedSemaphore(detector.concurrent_runs)
        self._present = 0
        self._lock = Lock()

    def find(self, image: bytes | Pixels, pixels: Pixels | None) -> Predicted:
        """See ``Model``."""
        given = image if pixels is None else pixels
        prepared = self._detector.inputs.prepare(given, self._options.tiles)
        with self._turn() as is_alone:
            [found] = self._detector.detect_prepared(
                [prepared], [self._options], exclusive=is_alone
            )
        size = ImageInfo(width=prepared.original.width, height=prepared.original.height)
        return Predicted(size, name_detections(found, self.manifest.classes))

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Waits until the network is free; yields whether no other image waits for it."""
        with self._counted(), self._runs:
            yield self._present == 1 or self._detector.concurrent_runs == 1

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._present += 1
        try:
            yield
        finally:
            with self._lock:
                self._present -= 1
