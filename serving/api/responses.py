"""Responses in the format that the request accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from serving.api.body import Image
from serving.api.problems import Problem
from serving.backends import Backend
from serving.guards.crew import Crew
from serving.inference import decoding, draw
from serving.schemas import formats
from serving.schemas.detections import DetectionResult


class ResponseFormat(str, Enum):
    """A format of the response, by its name in ``?format=``."""

    json = "json"
    coco = "coco"
    csv = "csv"
    jpeg = "jpeg"
    png = "png"


ALL_FORMATS = tuple(ResponseFormat)
BATCH_FORMATS = (ResponseFormat.json, ResponseFormat.coco, ResponseFormat.csv)
_BY_MEDIA_TYPE = {
    "application/json": ResponseFormat.json,
    "text/csv": ResponseFormat.csv,
    "image/jpeg": ResponseFormat.jpeg,
    "image/png": ResponseFormat.png,
}
_WILDCARDS = {
    "*/*": ResponseFormat.json,
    "application/*": ResponseFormat.json,
    "text/*": ResponseFormat.csv,
    "image/*": ResponseFormat.jpeg,
}


def negotiate(
    request: Request,
    wanted: ResponseFormat | None,
    offers: Collection[ResponseFormat] = ALL_FORMATS,
) -> ResponseFormat:
    """Picks the response's format: ``?format=`` if given, else by ``Accept`` (RFC 9110, 12.5.1).

    Args:
        request: The request.
        wanted: The format that ``?format=`` names.
        offers: Formats that the response can have.

    Raises:
        Problem: 406, the request accepts none of ``offers``.
    """
    accept = request.headers.get("accept", "*/*")
    for form in [wanted] if wanted else _by_preference(accept):
        if form in offers:
            return form
    media_types = ", ".join(name for name, form in _BY_MEDIA_TYPE.items() if form in offers)
    names = ", ".join(form.value for form in offers)
    detail = f"the response can be: {media_types}; or with ?format=: {names}"
    raise Problem(HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", detail)


def _by_preference(accept: str) -> Iterator[ResponseFormat]:
    for media_type, quality in sorted(_accepted(accept), key=lambda pair: -pair[1]):
        form = _BY_MEDIA_TYPE.get(media_type) or _WILDCARDS.get(media_type)
        if form and quality > 0:
            yield form


def _accepted(header: str) -> list[tuple[str, float]]:
    accepted = []
    for entry in header.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        accepted.append((media_type, _quality(parameters)))
    return accepted


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0
    return 1


def present_all(
    form: ResponseFormat, found: Sequence[tuple[str, DetectionResult]], backend: Backend
) -> Response:
    """Returns the response to a request with several images.

    Args:
        form: One of ``BATCH_FORMATS``.
        found: Images' names and what was found in them.
        backend: The backend that found it.
    """
    match form:
        case ResponseFormat.csv:
            return Response(formats.to_csv(found), media_type="text/csv")
        case ResponseFormat.coco:
            classes = backend.manifest().classes
            return JSONResponse(formats.to_coco(found, classes).model_dump())
        case _:
            return JSONResponse({"results": [each.response().model_dump() for _, each in found]})


class ResponseRenderer:
    """Renders responses; draws images in a thread pool.

    Args:
        threads: Draw images.
        max_pixels: Most pixels in one image.
    """

    def __init__(self, threads: Crew, max_pixels: int) -> None:
        self._threads = threads
        self._max_pixels = max_pixels

    async def present(
        self, form: ResponseFormat, found: DetectionResult, image: Image, backend: Backend
    ) -> Response:
        """Returns the response to a request with one image."""
        match form:
            case ResponseFormat.json:
                return JSONResponse(found.response().model_dump())
            case ResponseFormat.csv | ResponseFormat.coco:
                return present_all(form, [(image.name, found)], backend)
            case ResponseFormat.jpeg | ResponseFormat.png:
                media_type = f"image/{form.value}"
                drawn = await self._threads.run(self._draw, found, image.data, media_type)
                return Response(drawn, media_type=media_type)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()

    def _draw(self, found: DetectionResult, image: bytes, media_type: str) -> bytes:
        pixels = decoding.decode(image, self._max_pixels)
        return draw.encode(draw.annotate(pixels, found.detections), media_type)
