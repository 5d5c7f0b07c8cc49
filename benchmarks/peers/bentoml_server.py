"""A bundle behind BentoML: python benchmarks/peers/bentoml_server.py BUNDLE PORT."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bentoml

from serving.inference.detector import Detector
from serving.inference.postprocess import name_detections

MAX_PIXELS = 50_000_000
BUNDLE = "BENCHMARK_BUNDLE"


@bentoml.service(workers=1, traffic={"timeout": 120})
class DetectorService:
    """The same ``Detector`` as in ``umop-serve``."""

    def __init__(self) -> None:
        self.detector = Detector.load(os.environ[BUNDLE])

    @bentoml.api
    def predict(self, image: Path) -> list[dict[str, Any]]:
        [found] = self.detector.detect([image.decode(image.read_bytes(), MAX_PIXELS)])
        named = name_detections(found, self.detector.manifest.classes)
        return [each.model_dump() for each in named]


if __name__ == "__main__":
    os.environ[BUNDLE] = str(Path(sys.argv[1]).resolve())
    os.environ["BENTOML_DO_NOT_TRACK"] = "1"
    os.chdir(Path(__file__).parent)
    command = ["serve", "bentoml_server:DetectorService", "--host", "127.0.0.1", "--port"]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *command, sys.argv[2]])
