"""A TorchServe handler that keeps to what `serving.backends.torchserve` expects of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving import image
from serving.backends import OPTIONS_HEADER, class_indices
from serving.bundle import Size
from serving.detector import Detector, Options
from serving.image import ImageError
from serving.schemas import Found, ModelRef, name_detections


class SquaresHandler:
    """Answers with the JSON of `/detect`; a broken picture is a 422 with a `detail`."""

    def initialize(self, context: Any) -> None:
        """Opens the bundle that the archive carries."""
        folder = Path(context.system_properties["model_dir"])
        self.detector = Detector.load(folder / "squares.bundle.zip", threads=1)

    def handle(self, requests: list[dict[str, Any]], context: Any) -> list[str]:
        """Answers each request of a batch."""
        answers = []
        for place, request in enumerate(requests):
            try:
                wanted = context.get_request_header(place, OPTIONS_HEADER)
                answers.append(self.answer(bytes(request["body"]), json.loads(wanted or "{}")))
            except ImageError as error:
                context.set_response_status(422, "Unprocessable Content", place)
                answers.append(json.dumps({"detail": str(error)}))
        return answers

    def answer(self, picture: bytes, wanted: dict[str, Any]) -> str:
        """Answers one request."""
        manifest = self.detector.manifest
        pixels = image.decode(picture, 10**8)
        classes = class_indices(wanted.pop("classes", None), manifest.classes)
        [found] = self.detector.detect([pixels], [Options(**wanted, classes=classes)])
        detections = name_detections(found, manifest.classes)
        size = Size(width=pixels.shape[1], height=pixels.shape[0])
        model = ModelRef(name=manifest.name, version=manifest.version)
        return Found(model, size, detections, {"inference": 0}).response().model_dump_json()
