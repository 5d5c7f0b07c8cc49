"""A bundle and an engine that together find objects in pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.bundle.schema import Manifest, Size
from serving.inference.engines import Engine, open_engine
from serving.inference.postprocess import Detections, Options, select
from serving.inference.preprocess import Prepared, prepare, stack

__all__ = ["Detections", "Detector", "Options", "Prepared"]


class Detector:
    """Finds objects in pictures.

    Args:
        bundle: Says how pictures are prepared and candidates are selected.
        engine: Runs the bundle's network.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.manifest: Manifest = bundle.manifest
        self._engine = engine

    @classmethod
    def load(cls, path: str | Path, *, engine: str = "onnxruntime", threads: int = 0) -> Detector:
        """Opens a bundle and its network.

        Args:
            path: The bundle's folder or zip.
            engine: The engine's name, see `serving.inference.engines.open_engine`.
            threads: Threads of one run; 0 for one a core.

        Raises:
            BundleError: The bundle is missing, damaged, or not for this engine.
            EngineError: There is no such engine here.
        """
        bundle = Bundle.open(path)
        return cls(bundle, open_engine(bundle, engine, threads=threads))

    def detect(
        self,
        images: Sequence[NDArray[np.uint8]],
        options: Sequence[Options] | None = None,
    ) -> list[Detections]:
        """Finds objects in pictures of any sizes.

        Args:
            images: RGB, uint8, each of shape (height, width, 3).
            options: One for each image; the bundle's defaults if None.

        Returns:
            One `Detections` for each image, in the same order.

        Raises:
            EngineError: The engine failed.
        """
        return self.detect_prepared([self.prepare(image) for image in images], options)

    def prepare(self, image: NDArray[np.uint8]) -> Prepared:
        """Scales one picture (RGB, uint8, shape (height, width, 3)) for `detect_prepared`."""
        return prepare(image, self.manifest.input)

    def detect_prepared(
        self, pictures: Sequence[Prepared], options: Sequence[Options] | None = None
    ) -> list[Detections]:
        """Finds objects in prepared pictures; those of one input size run as one batch.

        Raises:
            EngineError: The engine failed.
        """
        options = options or [Options()] * len(pictures)
        places: dict[Size, list[int]] = defaultdict(list)
        for place, picture in enumerate(pictures):
            places[picture.canvas].append(place)
        found: dict[int, Detections] = {}
        for group in places.values():
            batch = stack([pictures[place] for place in group], self.manifest.input)
            candidates = zip(*self._engine.run(batch), strict=True)
            for place, (boxes, scores, labels) in zip(group, candidates, strict=True):
                picture, wish = pictures[place], options[place]
                found[place] = select(
                    boxes, scores, labels, picture, self.manifest.postprocess, wish
                )
        return [found[place] for place in range(len(pictures))]

    def check(self) -> None:
        """Raises `EngineError` unless the device that runs the network still works."""
        self._engine.check()

    def warm(self) -> None:
        """Runs the network once on an empty picture."""
        resize = self.manifest.input.resize
        self.detect([np.zeros((resize.height, resize.width, 3), np.uint8)])
