"""Reads images from request bodies."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from serving.api.problems import Problem
from serving.guards.budget import Held
from serving.guards.fetch import Fetcher
from serving.schemas.validation import first_error

Json = TypeVar("Json", bound=BaseModel)
_RAW_TYPES = ("", "application/octet-stream")


@dataclass(frozen=True)
class Image:
    """An encoded image as it was sent.

    Attributes:
        name: Its file name, or ``image`` where it has none.
        data: The encoded image.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class ImageAddress:
    """An image that a request gives by its URL."""

    name: str
    url: str


Sent = Image | ImageAddress


class JsonImage(BaseModel):
    """An image in JSON, in base64 or by its URL."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[str | None, Field(description="The encoded image in base64.")] = None
    url: Annotated[str | None, Field(description="An https URL, where UMOP_ALLOW_URLS is on.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> JsonImage:
        if (self.image is None) == (self.url is None):
            raise ValueError("needs an 'image' in base64 or a 'url'")
        return self


class JsonImages(BaseModel):
    """Several images in JSON."""

    model_config = ConfigDict(extra="forbid")

    images: Annotated[list[JsonImage], Field(min_length=1)]


class BodyReader:
    """Reads the images of requests.

    Args:
        max_images: Most images in one request.
        fetcher: Fetches images given by their URLs; None to refuse them.
    """

    def __init__(self, max_images: int, fetcher: Fetcher | None) -> None:
        self._max_images = max_images
        self._fetcher = fetcher

    async def read_one(self, request: Request) -> Sent:
        """Returns the image of a request: its body, the form's ``file``, or JSON.

        Raises:
            Problem: 415 for another type of body, 422 for one that holds no image.
        """
        match _media_type(request):
            case "multipart/form-data":
                [image] = await self._from_form(request, "file", most=1)
                return image
            case "application/json":
                return self._from_json(_parse(JsonImage, await request.body()), "image")
            case media_type if media_type in _RAW_TYPES or media_type.startswith("image/"):
                return _image("image", await request.body())
            case media_type:
                raise _unsupported(media_type)

    async def read_several(self, request: Request) -> list[Sent]:
        """Returns the images of a request: the form's ``files``, or JSON.

        Raises:
            Problem: 415 for another type of body, 422 for one that holds no or too many images.
        """
        match _media_type(request):
            case "multipart/form-data":
                return [*await self._from_form(request, "files", most=self._max_images)]
            case "application/json":
                wanted = _parse(JsonImages, await request.body()).images
                if len(wanted) > self._max_images:
                    raise _no_image(f"a batch has at most {self._max_images} images")
                return [self._from_json(each, f"image{index}") for index, each in enumerate(wanted)]
            case media_type:
                raise _unsupported(media_type)

    async def fetch(self, request: Request, sent: Sequence[Sent]) -> list[Image]:
        """Returns all images of a request; fetches those given by their URLs.

        Call it once the request is admitted.

        Raises:
            ImageFetchError: One cannot be fetched.
            OverloadedError: All requests together hold too much.
            Problem: 422, one is empty.
        """
        return [
            each if isinstance(each, Image) else await self._fetch(each, request.state.held)
            for each in sent
        ]

    async def _fetch(self, address: ImageAddress, held: Held) -> Image:
        assert self._fetcher is not None, "URLs are refused without one"
        return _image(address.name, await self._fetcher.fetch(address.url, held))

    async def close(self) -> None:
        """Closes the fetcher's connections."""
        if self._fetcher:
            await self._fetcher.close()

    async def _from_form(self, request: Request, field: str, *, most: int) -> list[Image]:
        try:
            form = await request.form(max_files=most, max_fields=8)
        except HTTPException as error:
            raise _no_image(f"the form cannot be read: {error.detail}") from error
        try:
            files = [part for part in form.getlist(field) if isinstance(part, UploadFile)]
            if not files:
                raise _no_image(f"the form has no file in its field '{field}'")
            return [_image(file.filename or "image", await file.read()) for file in files]
        finally:
            await form.close()

    def _from_json(self, image: JsonImage, name: str) -> Sent:
        if image.url is not None:
            if self._fetcher is None:
                raise _no_image("this service does not fetch URLs; send the image itself")
            return ImageAddress(name, image.url)
        try:
            return _image(name, base64.b64decode(image.image or "", validate=True))
        except (binascii.Error, ValueError) as error:
            raise _no_image("'image' is not base64") from error


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _parse(kind: type[Json], body: bytes) -> Json:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _no_image(first_error(error, "the body")) from error


def _image(name: str, data: bytes) -> Image:
    if not data:
        raise _no_image("the image is empty")
    return Image(name, data)


def _no_image(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no-image", detail)


def _unsupported(media_type: str) -> Problem:
    detail = f"send an image, a form with files, or JSON with base64, not {media_type or 'bytes'}"
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body", detail)
