"""TorchServe's handler: encoded images in, the JSON of ``/detect`` out.

``serving.torchserve.archive`` packs it into the archive, with the modules of ``serving`` beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from serving.bundle import Bundle
from serving.inference.detector import Detector
from serving.inference.engines import Engine, open_engine
from serving.inference.postprocess import Detections
from serving.torchserve import predictions
from serving.torchserve.config import PIXEL_LIMIT, REDUCED_DECODING, TRUST_PROGRAM, VERIFY_KEY
from serving.torchserve.predictions import Answer, Request

_SHARE = 0.8
"""What windows may take of the time for an answer: TorchServe kills the worker behind its own, and
a caller leaves when it said."""


class DetectionHandler:
    """Answers TorchServe's batches; a request that fails does not fail the others."""

    def initialize(self, context: Any) -> None:
        """Opens the archive's bundle and runs its network once, as a warm-up.

        The variables ``UMOP_VERIFY_KEY``, ``UMOP_TRUST_PROGRAM``, ``UMOP_REDUCED_DECODING`` and
        ``UMOP_MAX_PIXELS`` are those of ``umop-serve``.

        Args:
            context: TorchServe's.

        Raises:
            BundleError: The bundle is damaged, not trusted, or has no network for the engine.
            EngineError: The engine cannot run here.
        """
        folder = Path(context.system_properties["model_dir"])
        key = os.environ.get(VERIFY_KEY)
        bundle = Bundle.open(
            folder / context.manifest["model"]["serializedFile"],
            verify_key=Path(key) if key else None,
        )
        options = context.model_yaml_config["handler"]
        self._max_pixels = int(os.environ.get(PIXEL_LIMIT) or options["max_pixels"])
        self._batch_size: int = context.model_yaml_config["batchSize"]
        self._seconds: float = context.model_yaml_config["responseTimeout"]
        gpu: int | None = context.system_properties["gpu_id"]
        engine = _engine(bundle, options, gpu)
        self._detector = Detector(bundle, engine, reduced_decoding=_is_on(REDUCED_DECODING))
        self._detector.warm()

    def handle(self, batch: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """Answers each request of a batch.

        Args:
            batch: Bodies, or forms' fields, by name.
            context: TorchServe's; takes the answers' statuses and headers.
        """
        started, began = perf_counter(), monotonic()
        requests = [self._read(batch[place], context, place) for place in range(len(batch))]
        answers = self._answer(requests, perf_counter() - started, began)
        for place, answer in enumerate(answers):
            context.set_response_status(answer.status.value, answer.status.phrase, place)
            for name, value in answer.headers.items():
                context.set_response_header(place, name, value)
        return [answer.body for answer in answers]

    def _read(self, parts: Mapping[str, Any], context: Any, place: int) -> Request | Answer:
        given = context.get_all_request_header(place)
        headers = {name.lower(): value for name, value in given.items() if isinstance(value, str)}
        try:
            return predictions.read_prediction(parts, headers, self._detector, self._max_pixels)
        except predictions.EXPECTED as error:
            return predictions.refuse(error)

    def _answer(
        self, requests: Sequence[Request | Answer], reading: float, began: float
    ) -> list[Answer]:
        answers = {place: each for place, each in enumerate(requests) if isinstance(each, Answer)}
        readable = {place: each for place, each in enumerate(requests) if isinstance(each, Request)}
        for places in _together(readable):
            group = [readable[place] for place in places]
            until = began + _SHARE * min([self._seconds, *(each.seconds for each in group)])
            answers.update(zip(places, self._answer_group(group, reading, until), strict=True))
        return [answers[place] for place in range(len(requests))]

    def _answer_group(
        self, requests: Sequence[Request], reading: float, until: float
    ) -> list[Answer]:
        started = perf_counter()
        try:
            found = iter(self._detect(requests, until))
        except predictions.EXPECTED as error:
            return [predictions.refuse(error)] * len(requests)
        seconds = {"decode": reading, "inference": perf_counter() - started}
        manifest = self._detector.manifest
        return [
            predictions.write_prediction(
                each, [next(found) for _ in each.images], manifest, seconds
            )
            for each in requests
        ]

    def _detect(self, requests: Sequence[Request], until: float) -> list[Detections]:
        """Runs the images of all requests together, in batches of the size that was set."""
        jobs = [(image, each.options) for each in requests for image in each.images]
        found: list[Detections] = []
        for start in range(0, len(jobs), self._batch_size):
            images, options = zip(*jobs[start : start + self._batch_size], strict=True)
            found.extend(self._detector.detect_prepared(images, options, until=until))
        return found


def _together(requests: Mapping[int, Request]) -> list[list[int]]:
    """Places of requests that run together: those without windows; then each other, short first."""
    windows = {place: each.windows for place, each in requests.items()}
    whole = [place for place, count in windows.items() if count == 0]
    tiled = sorted((place for place, count in windows.items() if count), key=windows.__getitem__)
    return [whole, *([place] for place in tiled)]


def _engine(bundle: Bundle, options: Mapping[str, Any], gpu: int | None) -> Engine:
    """The engine that the archive's config names; ``auto`` is PyTorch where it can use a GPU."""
    name = options["engine"]
    if name == "auto":
        on_gpu = gpu is not None and "model.pt2" in bundle.manifest.files
        name = "torch" if on_gpu else "onnxruntime"
    # TorchServe gives each worker a GPU, also where ONNX Runtime is that for the CPU.
    kind = "cuda" if name == "torch" else "auto"
    device = "cpu" if gpu is None else f"{kind}:{gpu}"
    return open_engine(
        bundle,
        name,
        threads=options["threads"],
        device=device,
        trust_program=_is_on(TRUST_PROGRAM),
    )


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in {"1", "true", "yes", "on"}
