"""Runs a bundle's network on prepared images, in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.bundle.schema import Manifest, Size
from serving.inference.engines import Candidates, Engine, EngineError
from serving.inference.postprocess import Detections, select
from serving.inference.preprocess import Prepared, smallest_canvas, stack, usual_canvas
from serving.schemas.options import DetectOptions


class Network:
    """A bundle's network in its engine, whose answers are checked.

    Args:
        manifest: Says how inputs are made and candidates are selected.
        engine: Runs the network.
        max_batch_pixels: Most pixels of input in one run; a larger image runs alone.
    """

    def __init__(self, manifest: Manifest, engine: Engine, max_batch_pixels: int) -> None:
        self._manifest = manifest
        self._engine = engine
        self._max_batch_pixels = max_batch_pixels
        self._class_thresholds = np.array(manifest.lowest_scores(), np.float32)

    def detect(
        self, images: Sequence[Prepared], options: Sequence[DetectOptions], *, exclusive: bool
    ) -> list[Detections]:
        """Finds objects in images; those of one input size run together.

        Args:
            images: None of them in windows.
            options: One for each image.
            exclusive: Whether no other call goes on at the same time.

        Raises:
            EngineError: The engine failed.
        """
        class_ids = [each.class_ids(self._manifest.classes) for each in options]
        detections: dict[int, Detections] = {}
        for indices in self._batches(images):
            batch = stack([images[index] for index in indices], self._manifest.input)
            candidates = zip(*self._run(batch, exclusive=exclusive), strict=True)
            for index, (boxes, scores, labels) in zip(indices, candidates, strict=True):
                detections[index] = select(
                    boxes,
                    scores,
                    labels,
                    images[index],
                    self._manifest.postprocess,
                    options[index],
                    class_ids[index],
                    self._class_thresholds,
                )
        return [detections[index] for index in range(len(images))]

    def warm(self, concurrent_runs: int = 1) -> None:
        """Runs the network once on an empty input of a usual size.

        The largest size would leave the service holding memory that few requests need.

        Args:
            concurrent_runs: Calls at the same time that are to come; the network is opened for
                them too.
        """
        spec = self._manifest.input
        self._run_empty(usual_canvas(spec), exclusive=True)
        if concurrent_runs > 1:
            self._run_empty(smallest_canvas(spec), exclusive=False)

    def _batches(self, images: Sequence[Prepared]) -> Iterator[Sequence[int]]:
        """Indices of the images that run together."""
        by_canvas: dict[Size, list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            by_canvas[image.canvas].append(index)
        for canvas, indices in by_canvas.items():
            most = max(1, self._max_batch_pixels // (canvas.width * canvas.height))
            for start in range(0, len(indices), most):
                yield indices[start : start + most]

    def _run_empty(self, canvas: Size, *, exclusive: bool) -> None:
        empty = np.zeros((1, 3, canvas.height, canvas.width), np.float32)
        self._run(empty, exclusive=exclusive)

    def _run(self, batch: NDArray[np.float32], *, exclusive: bool) -> Candidates:
        boxes, scores, labels = self._engine.run(batch, exclusive=exclusive)
        found = scores > 0  # the other rows are empty
        named = (labels >= 0) & (labels < len(self._manifest.classes))
        if labels.dtype.kind != "i" or np.any(found & ~named):
            raise EngineError("the network finds a class that the bundle does not name")
        if np.any(scores.round(5) > 1):
            raise EngineError("the network gives a score beyond 1")
        return boxes, scores, labels
