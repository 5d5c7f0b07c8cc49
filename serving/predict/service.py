"""A running service as what finds the objects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from serving.client import Client, ClientError
from serving.inference import draw
from serving.inference.pixels import Pixels
from serving.predict.found import Predicted
from serving.predict.inputs.errors import InputError, PredictError
from serving.schemas.options import DetectOptions


@contextmanager
def open_service(url: str, detect: DetectOptions) -> Iterator[ServiceModel]:
    """Connects to a service, whose key is ``UMOP_KEY``.

    Raises:
        PredictError: It cannot be reached, or refuses.
        UnknownClassError: Its model has no class of such a name.
    """
    try:
        with Client(url, key=os.environ.get("UMOP_KEY")) as client:
            yield ServiceModel(client, detect)
    except ClientError as error:
        raise PredictError(str(error)) from error


class ServiceModel:
    """A running service, which the images are sent to.

    Args:
        client: Knows the service.
        options: What is reported.

    Raises:
        ClientError: The service cannot be reached, or refuses.
        UnknownClassError: The model has no class of such a name.
    """

    threads = 4
    engine = "service"

    def __init__(self, client: Client, options: DetectOptions) -> None:
        self.manifest = client.model()
        options.class_ids(self.manifest.classes)
        self._client = client
        self._options = options

    def find(self, image: bytes | Pixels, pixels: Pixels | None) -> Predicted:
        """See ``Model``."""
        encoded = image if isinstance(image, bytes) else _as_png(image)
        try:
            answer = self._client.detect(encoded, **self._options.model_dump())
        except ClientError as error:
            raise InputError(str(error)) from error
        return Predicted(answer.image, answer.detections)


def _as_png(pixels: Pixels) -> bytes:
    return draw.encode(Image.fromarray(pixels), "image/png")
