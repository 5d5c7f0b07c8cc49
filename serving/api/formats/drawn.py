"""The image with boxes drawn on it."""

from __future__ import annotations

from functools import partial

from serving.api.formats.output import DetectAnswer, OutputFormat
from serving.inference import decoding, draw


def _draw(media_type: str, answer: DetectAnswer) -> bytes:
    [found] = answer.found
    pixels = decoding.decode(found.image, answer.max_pixels)
    return draw.encode(draw.annotate(pixels, found.result.detections), media_type)


def _format(name: str) -> OutputFormat:
    media_type = f"image/{name}"
    return OutputFormat(name, media_type, partial(_draw, media_type), batch=None, draws=True)


JPEG = _format("jpeg")
PNG = _format("png")
