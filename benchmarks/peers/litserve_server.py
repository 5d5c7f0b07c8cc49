"""A bundle behind LitServe: python benchmarks/peers/litserve_server.py BUNDLE PORT.

LitServe reads annotations as they are, so none may be postponed.
"""

import sys
from typing import Any

import litserve as ls
from fastapi import UploadFile

from serving.inference.detector import Detector
from serving.inference.postprocess import name_detections

MAX_PIXELS = 50_000_000


class DetectorAPI(ls.LitAPI):
    """The same ``Detector`` as in ``umop-serve``."""

    def setup(self, device: str) -> None:
        self.detector = Detector.load(sys.argv[1])

    def decode_request(self, request: UploadFile) -> bytes:
        return request.file.read()

    def predict(self, image: bytes) -> list[dict[str, Any]]:
        [found] = self.detector.detect([image.decode(image, MAX_PIXELS)])
        named = name_detections(found, self.detector.manifest.classes)
        return [each.model_dump() for each in named]

    def encode_response(self, output: list[dict[str, Any]]) -> dict[str, Any]:
        return {"detections": output}


if __name__ == "__main__":
    server = ls.LitServer(DetectorAPI(), accelerator="cpu", timeout=120)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning"
    )
