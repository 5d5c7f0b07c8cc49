"""Finds objects in images with a bundle's network."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from serving.bundle import MANIFEST, Bundle, BundleError
from serving.bundle.schema import Manifest, Size
from serving.inference import decoding
from serving.inference.decoding import ImageError
from serving.inference.engines import Candidates, Engine, EngineError, open_engine
from serving.inference.postprocess import Detections, name_detections, select
from serving.inference.prediction import Prediction
from serving.inference.preprocess import (
    Prepared,
    input_size,
    preprocess,
    smallest_canvas,
    stack,
    usual_canvas,
)
from serving.inference.sources import MAX_PIXELS, AnyImage, AnyPath, ImageSource, several
from serving.inference.tiles import TiledImage, TooSlowError, choose, options_of_windows
from serving.schemas.names import EngineName
from serving.schemas.options import DetectOptions, Options, Tiles, parse_options
from serving.storage import is_address

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["DetectOptions", "Detections", "Detector", "Prepared", "name_detections"]

_MAX_BATCH_PIXELS = 8_000_000

ModelInput = Prepared | TiledImage
"""An image that is ready for ``detect_prepared``."""


class Detector:
    """Finds objects in images.

    Args:
        bundle: Says how images are prepared and candidates are selected.
        engine: Runs the bundle's network.
        max_batch_pixels: Most pixels of input in one run; a larger image runs alone.
        reduced_decoding: Whether ``decode`` decodes large JPEGs at a part of their size.
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
        self._class_thresholds = np.array(self.manifest.lowest_scores(), np.float32)
        self._engine = engine
        self._max_batch_pixels = max_batch_pixels
        self._reduced_decoding = reduced_decoding

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
        verify_key: Path | None = None,
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
            ValueError: ``threads`` is not a whole number from 0.
        """
        if type(threads) is not int or threads < 0:
            raise ValueError(f"threads: {threads!r} is not a whole number from 0")
        bundle = Bundle.open(_bundle_at(path), verify_key=verify_key)
        opened = open_engine(bundle, engine, threads=threads, trust_program=trust_program)
        return cls(bundle, opened)

    @overload
    def predict(
        self, source: bytes | PillowImage.Image | NDArray[Any], **options: Unpack[Options]
    ) -> Prediction: ...

    @overload
    def predict(self, source: AnyPath, **options: Unpack[Options]) -> Any: ...

    @overload
    def predict(
        self, source: Sequence[AnyImage] | Iterator[AnyImage], **options: Unpack[Options]
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
            prepared = self._prepare(source.load(), options.tiles)
        except ImageError as error:
            raise type(error)(f"{source.name}: {error}") from error
        [found] = self.detect_prepared([prepared], [options])
        return Prediction(source, prepared.original, found, self.manifest)

    def _prepare(self, image: bytes | NDArray[np.uint8], tiles: Tiles | None) -> ModelInput:
        if isinstance(image, bytes):
            return self.decode(image, MAX_PIXELS, tiles)
        return self.prepare(image, tiles)

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
            self.prepare(image, each.tiles) for image, each in zip(images, options, strict=True)
        ]
        return self.detect_prepared(prepared, options)

    def decode(self, data: bytes, max_pixels: int, tiles: Tiles | None = None) -> ModelInput:
        """Decodes one image for ``detect_prepared``, and scales it where it is taken whole.

        Args:
            data: An encoded image, see ``serving.inference.decoding.decode``.
            max_pixels: Most pixels (width × height) allowed; checked before decoding.
            tiles: Whether it is looked at in windows; as the bundle says if None.

        Raises:
            ImageError: As ``serving.inference.decoding.decode`` raises it.
            ImageTooLargeError: It has too many windows.
        """
        if self.may_tile(tiles) and self.is_tiled(data, max_pixels, tiles):
            return self.prepare(decoding.decode(data, max_pixels), tiles)
        if not self._reduced_decoding:
            return preprocess(decoding.decode(data, max_pixels), self.manifest.input)
        pixels, (width, height) = decoding.decode_reduced(data, max_pixels, self._input_size)
        return preprocess(pixels, self.manifest.input, Size(width=width, height=height))

    def _input_size(self, size: decoding.WidthHeight) -> decoding.WidthHeight:
        width, height = size
        scaled, _ = input_size(Size(width=width, height=height), self.manifest.input)
        return scaled.width, scaled.height

    def may_tile(self, tiles: Tiles | None) -> bool:
        """Whether a large enough image is looked at in windows."""
        return tiles != "off" and (isinstance(tiles, int) or self.manifest.tiles is not None)

    def is_tiled(self, data: bytes, max_pixels: int, tiles: Tiles | None) -> bool:
        """Whether ``decode`` keeps an image's pixels, for its windows; reads its header only.

        Args:
            data: An encoded image.
            max_pixels: Most pixels (width × height) allowed.
            tiles: As ``decode`` takes it.

        Raises:
            ImageError: As ``decode`` raises it for the header.
        """
        header = decoding.read_header(data, max_pixels)
        size = Size(width=header.width, height=header.height)
        return choose(self.manifest.tiles, tiles, size) is not None

    def prepare(self, image: NDArray[np.uint8], tiles: Tiles | None = None) -> ModelInput:
        """Makes one image ready for ``detect_prepared``.

        Args:
            image: RGB, uint8, shape (height, width, 3).
            tiles: Whether it is looked at in windows; as the bundle says if None.

        Raises:
            ImageTooLargeError: It has too many windows.
        """
        size = Size(width=image.shape[1], height=image.shape[0])
        spec = choose(self.manifest.tiles, tiles, size)
        if spec is None:
            return preprocess(image, self.manifest.input)
        return TiledImage(image, spec, self.manifest.input)

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
            images: From ``decode`` or ``prepare``.
            options: One for each image; the bundle's defaults if None.
            exclusive: Whether no other call goes on at the same time.
            until: By ``time.monotonic``, when no further window is begun.

        Raises:
            EngineError: The engine failed.
            TooSlowError: The windows of an image were not done in time.
        """
        options = options or [DetectOptions()] * len(images)
        whole = [index for index, each in enumerate(images) if isinstance(each, Prepared)]
        found = iter(
            self._detect_whole(
                [each for each in images if isinstance(each, Prepared)],
                [options[index] for index in whole],
                exclusive,
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
        found: list[Detections] = []
        for window in image.windows:
            if monotonic() > until:
                count = len(image.windows)
                raise TooSlowError(f"{len(found)} of {count} windows were done in time")
            found += self._detect_whole([image.part(window)], [wanted], exclusive)
        return image.merged(found, options)

    def _detect_whole(
        self, images: Sequence[Prepared], options: Sequence[DetectOptions], exclusive: bool
    ) -> list[Detections]:
        class_ids = [each.class_ids(self.manifest.classes) for each in options]
        detections: dict[int, Detections] = {}
        for indices in self._batches(images):
            batch = stack([images[index] for index in indices], self.manifest.input)
            candidates = zip(*self._run(batch, exclusive=exclusive), strict=True)
            for index, (boxes, scores, labels) in zip(indices, candidates, strict=True):
                detections[index] = select(
                    boxes,
                    scores,
                    labels,
                    images[index],
                    self.manifest.postprocess,
                    options[index],
                    class_ids[index],
                    self._class_thresholds,
                )
        return [detections[index] for index in range(len(images))]

    def _batches(self, images: Sequence[Prepared]) -> Iterator[Sequence[int]]:
        """Indices of the images that run together."""
        by_canvas: dict[Size, list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            by_canvas[image.canvas].append(index)
        for canvas, indices in by_canvas.items():
            most = max(1, self._max_batch_pixels // (canvas.width * canvas.height))
            for start in range(0, len(indices), most):
                yield indices[start : start + most]

    def check(self) -> None:
        """Raises ``EngineError`` unless the device that runs the network still works."""
        self._engine.check()

    def warm(self, concurrent_runs: int = 1) -> None:
        """Runs the network once on an empty input of a usual size.

        The largest size would leave the service holding memory that few requests need.

        Args:
            concurrent_runs: Calls at the same time that are to come; the network is opened for
                them too.
        """
        spec = self.manifest.input
        self._run_empty(usual_canvas(spec), exclusive=True)
        if concurrent_runs > 1:
            self._run_empty(smallest_canvas(spec), exclusive=False)

    def _run_empty(self, canvas: Size, *, exclusive: bool) -> None:
        empty = np.zeros((1, 3, canvas.height, canvas.width), np.float32)
        self._run(empty, exclusive=exclusive)

    def _run(self, batch: NDArray[np.float32], *, exclusive: bool) -> Candidates:
        boxes, scores, labels = self._engine.run(batch, exclusive=exclusive)
        found = scores > 0  # the other rows are empty
        named = (labels >= 0) & (labels < len(self.manifest.classes))
        if labels.dtype.kind != "i" or np.any(found & ~named):
            raise EngineError("the network finds a class that the bundle does not name")
        if np.any(scores.round(5) > 1):
            raise EngineError("the network gives a score beyond 1")
        return boxes, scores, labels


def _bundle_at(given: AnyPath) -> str | Path:
    """The bundle at a path or an address: in the folder of a run it has the run's name.

    Raises:
        BundleError: It is neither.
    """
    if not isinstance(given, str | os.PathLike):
        taken = "the path of a folder or zip, an address or a run"
        raise BundleError(f"a bundle is {taken}, not {type(given).__name__}")
    if isinstance(given, str) and is_address(given):
        return given
    path = Path(given)
    is_run = (path / "config.py").is_file() and not (path / MANIFEST).is_file()
    return path / f"{path.resolve().name}.bundle" if is_run else path
