"""Finds objects in images with a bundle's network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from serving.bundle import Bundle
from serving.bundle.location import bundle_at
from serving.bundle.schema import Manifest
from serving.inference.decoding import ImageError
from serving.inference.engines import Engine, open_engine
from serving.inference.inputs import InputPreparer, ModelInput
from serving.inference.network import Network
from serving.inference.pace import WindowPace
from serving.inference.postprocess import Detections
from serving.inference.prediction import Prediction
from serving.inference.preprocess import Prepared
from serving.inference.sources import AnyBytes, AnyImage, AnyPath, ImageSource, several
from serving.inference.tiles import TiledImage, TooSlowError, options_of_windows
from serving.schemas.names import EngineName
from serving.schemas.options import DetectOptions, Options, parse_options

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MAX_BATCH_PIXELS = 8_000_000
_MOST_THREADS = 1024


class Detector:
    """Finds objects in images.

    Args:
        bundle: Says how images are prepared and candidates are selected.
        engine: Runs the bundle's network.
        max_batch_pixels: Most pixels of input in one run; a larger image runs alone.
        reduced_decoding: Whether large JPEGs are decoded at a part of their size.

    Attributes:
        manifest: The bundle's.
        inputs: Makes images ready for ``detect_prepared``.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        *,
        max_batch_pixels: int = _MAX_BATCH_PIXELS,
        reduced_decoding: bool = False,
    ) -> None:
        self.manifest: Manifest = bundle.manifest
        self.inputs = InputPreparer(self.manifest, reduced_decoding=reduced_decoding)
        self._engine = engine
        self._network = Network(self.manifest, engine, max_batch_pixels)

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Detector: {manifest.name} {manifest.version}, {len(manifest.classes)} classes>"

    @property
    def concurrent_runs(self) -> int:
        """Calls of ``detect_prepared`` that are faster at the same time than one after another."""
        return self._engine.concurrent_runs

    @classmethod
    def load(
        cls,
        path: AnyPath,
        *,
        engine: EngineName = "onnxruntime",
        threads: int = 0,
        verify_key: AnyPath | None = None,
        trust_program: bool = False,
    ) -> Detector:
        """Opens a bundle and its network.

        Args:
            path: The bundle's folder or zip, or its address; or a run's folder with a bundle in it.
            engine: The engine's name, see ``serving.inference.engines.open_engine``.
            threads: Threads of one run; 0 for one a core that may be used.
            verify_key: The public key that the bundle must be signed with.
            trust_program: Whether the engine ``torch`` runs a program that was not verified.

        Raises:
            BundleError: The bundle is missing, damaged, not trusted, or not for this engine.
            EngineError: There is no such engine here.
            ValueError: ``threads`` is not a whole number from 0 to 1024.
        """
        if type(threads) is not int or not 0 <= threads <= _MOST_THREADS:
            limits = f"a whole number from 0 to {_MOST_THREADS}"
            raise ValueError(f"threads: {threads!r} is not {limits}")
        key = None if verify_key is None else Path(verify_key)
        bundle = Bundle.open(bundle_at(path), verify_key=key)
        opened = open_engine(bundle, engine, threads=threads, trust_program=trust_program)
        return cls(bundle, opened)

    @overload
    def predict(
        self, source: AnyBytes | PillowImage.Image | NDArray[Any], **options: Unpack[Options]
    ) -> Prediction: ...

    @overload
    def predict(self, source: AnyPath, **options: Unpack[Options]) -> Any: ...

    @overload
    def predict(
        self,
        source: Sequence[AnyImage] | AbstractSet[AnyImage] | Iterator[AnyImage],
        **options: Unpack[Options],
    ) -> Iterator[Prediction]: ...

    def predict(self, source: Any, **options: Unpack[Options]) -> Prediction | Iterator[Prediction]:
        """Finds what ``POST /detect`` of this bundle finds, in an image or in many.

        Args:
            source: A file's path, an encoded image, a Pillow image, or RGB pixels (uint8, shape
                (height, width, 3)); or several of these, or a folder of images.
            options: ``score_threshold``, the lowest score to report, of all classes in place of
                the bundle's own; ``max_detections``, the most detections; ``classes``, names of the
                classes to report; ``tiles``, ``"off"`` to take a large image whole, or the side of
                the windows that it is cut into.

        Returns:
            What was found. For several images or a folder an iterator, which reads an image when
            its turn comes.

        Raises:
            ImageError: An image cannot be read, or a folder has none.
            OSError: A file cannot be read.
            UnknownClassError: The model has no class of such a name.
            ValueError: There is no such option, or it has a value that it cannot have.
            EngineError: The engine failed.
        """
        asked = parse_options(options)
        asked.class_ids(self.manifest.classes)
        images = several(source)
        if images is None:
            return self._predict(ImageSource(source), asked)
        return (self._predict(ImageSource(image), asked) for image in images)

    def _predict(self, source: ImageSource, options: DetectOptions) -> Prediction:
        try:
            prepared = self.inputs.prepare(source.load(), options.tiles)
        except ImageError as error:
            raise type(error)(f"{source.name}: {error}") from error
        [found] = self.detect_prepared([prepared], [options])
        return Prediction(source, prepared.original, found, self.manifest)

    def detect(
        self,
        images: Sequence[NDArray[np.uint8]],
        options: Sequence[DetectOptions] | None = None,
    ) -> list[Detections]:
        """Finds objects in images of any sizes.

        Args:
            images: RGB, uint8, each of shape (height, width, 3).
            options: One for each image; the bundle's defaults if None.

        Returns:
            One ``Detections`` for each image, in the same order.

        Raises:
            EngineError: The engine failed.
        """
        options = options or [DetectOptions()] * len(images)
        prepared = [
            self.inputs.prepare(image, each.tiles)
            for image, each in zip(images, options, strict=True)
        ]
        return self.detect_prepared(prepared, options)

    def detect_prepared(
        self,
        images: Sequence[ModelInput],
        options: Sequence[DetectOptions] | None = None,
        *,
        exclusive: bool = True,
        until: float = inf,
    ) -> list[Detections]:
        """Finds objects in prepared images.

        Those of one input size run together, as many at a time as ``max_batch_pixels`` allows.
        Windows of an image run one after the other.

        Args:
            images: From ``inputs``.
            options: One for each image; the bundle's defaults if None.
            exclusive: Whether no other call goes on at the same time.
            until: By ``time.monotonic``, when no further window is begun; an image whose windows
                would take much longer is given up before.

        Raises:
            EngineError: The engine failed.
            TooSlowError: The windows of an image were not done in time.
        """
        options = options or [DetectOptions()] * len(images)
        whole = [index for index, each in enumerate(images) if isinstance(each, Prepared)]
        found = iter(
            self._network.detect(
                [each for each in images if isinstance(each, Prepared)],
                [options[index] for index in whole],
                exclusive=exclusive,
            )
        )
        return [
            self._detect_tiled(image, each, exclusive, until)
            if isinstance(image, TiledImage)
            else next(found)
            for image, each in zip(images, options, strict=True)
        ]

    def options_of_windows(self, options: DetectOptions) -> DetectOptions:
        """Returns the options for each window of an image that has these."""
        return options_of_windows(options, self.manifest.postprocess.max_detections)

    def _detect_tiled(
        self, image: TiledImage, options: DetectOptions, exclusive: bool, until: float
    ) -> Detections:
        wanted = self.options_of_windows(options)
        windows = image.windows
        pace = WindowPace(len(windows), until)
        found: list[Detections] = []
        for window in windows:
            began = monotonic()
            if began > until:
                raise TooSlowError(f"{len(found)} of {len(windows)} windows were done in time")
            found += self._network.detect([image.part(window)], [wanted], exclusive=exclusive)
            pace.step(monotonic() - began)
        return image.merged(found, options)

    def check(self) -> None:
        """Raises ``EngineError`` unless the device that runs the network still works."""
        self._engine.check()

    def warm(self, concurrent_runs: int = 1) -> None:
        """See ``serving.inference.network.Network.warm``."""
        self._network.warm(concurrent_runs)
