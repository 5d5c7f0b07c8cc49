"""Reads images from request bodies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from serving.api.form import FormError, FormPart, read_form
from serving.api.formats import FormatName
from serving.api.problems import Problem
from serving.guards.budget import Held
from serving.guards.fetch import Fetcher
from serving.schemas.base64_text import decode_base64
from serving.schemas.options import DetectOptions
from serving.schemas.validation import TooManyValuesError, first_error, require_few_values

_Json = TypeVar("_Json", bound=BaseModel)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_SMALL_BODY = 2**16
"""Most bytes that are parsed at once: the way to a thread and back would take longer."""
_RAW_TYPES = ("", "application/octet-stream")


@dataclass(frozen=True)
class SentImage:
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


Sent = SentImage | ImageAddress


@dataclass(frozen=True)
class Received:
    """What a request's body holds.

    Attributes:
        images: The images.
        fields: A form's other fields, each with its values.
    """

    images: Sequence[Sent]
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def options(self, query: DetectOptions, format: str | None) -> tuple[DetectOptions, str | None]:
        """Returns the request's options and its format: those of its query and its form's fields.

        Args:
            query: The query's options.
            format: The query's format.

        Raises:
            Problem: 422, a field is unknown, not valid, or given in both.
        """
        if not self.fields:
            return query, format
        asked = _Asked(**query.model_dump(), format=format).model_dump(exclude_none=True)
        twice = self.fields.keys() & asked.keys()
        if twice:
            raise _invalid(f"{min(twice)}: is in the query and in the form")
        given = {name: _value(name, values) for name, values in self.fields.items()}
        try:
            both = _Asked.model_validate({**asked, **given})
        except ValidationError as error:
            raise _invalid(f"the form's field {first_error(error, 'of options')}") from error
        return DetectOptions(**both.model_dump(exclude={"format"})), both.format


class _Asked(DetectOptions):
    format: FormatName | None = None


class JsonImage(BaseModel):
    """An image in JSON, in base64 or by its URL."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[str | None, Field(description="The encoded image in base64.")] = None
    url: Annotated[
        str | None, Field(max_length=8192, description="An https URL, where UMOP_ALLOW_URLS is on.")
    ] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> JsonImage:
        if (self.image is None) == (self.url is None):
            raise ValueError("needs an 'image' in base64 or a 'url'")
        return self


class JsonImages(BaseModel):
    """Several images in JSON."""

    model_config = ConfigDict(extra="forbid")

    images: Annotated[list[JsonImage], Field(min_length=1), FailFast()]


class BodyReader:
    """Reads the images of requests.

    Args:
        max_images: Most images in one request.
        fetcher: Fetches images given by their URLs; None to refuse them.
    """

    def __init__(self, max_images: int, fetcher: Fetcher | None) -> None:
        self._max_images = max_images
        self._fetcher = fetcher

    async def read_one(self, request: Request) -> Received:
        """Returns what a request sends: its body, the form's ``file``, or JSON.

        Raises:
            Problem: 415 for another type of body, 422 for one that holds no image, or a file in
                another field.
        """
        match _media_type(request):
            case "multipart/form-data":
                return await self._from_form(request, "file", most=1)
            case "application/json":
                body = await read_body(request)
                return Received([await parsed(body, self._one_from_json, body)])
            case media_type if media_type in _RAW_TYPES or media_type.startswith("image/"):
                return Received([_image("image", await read_body(request))])
            case media_type:
                raise _unsupported(media_type)

    async def read_several(self, request: Request) -> Received:
        """Returns what a request sends: the form's ``files``, or JSON.

        Raises:
            Problem: 415 for another type of body, 422 for one that holds no or too many images, or
                a file in another field.
        """
        match _media_type(request):
            case "multipart/form-data":
                return await self._from_form(request, "files", most=self._max_images)
            case "application/json":
                body = await read_body(request)
                return Received(await parsed(body, self._several_from_json, body))
            case media_type:
                raise _unsupported(media_type)

    async def fetch(self, request: Request, sent: Sequence[Sent]) -> list[SentImage]:
        """Returns all images of a request; fetches those given by their URLs.

        Call it once the request is admitted.

        Raises:
            ImageFetchError: One cannot be fetched.
            OverloadedError: All requests together hold too much.
            Problem: 422, one is empty.
        """
        return [
            each if isinstance(each, SentImage) else await self._fetch(each, request.state.held)
            for each in sent
        ]

    async def _fetch(self, address: ImageAddress, held: Held) -> SentImage:
        assert self._fetcher is not None, "URLs are refused without one"
        return _image(address.name, await self._fetcher.fetch(address.url, held))

    async def close(self) -> None:
        """Closes the fetcher's connections."""
        if self._fetcher:
            await self._fetcher.close()

    async def _from_form(self, request: Request, name: str, *, most: int) -> Received:
        body = await read_body(request)
        try:
            parts = await parsed(
                body, read_form, body, request.headers.get("content-type", ""), most
            )
        except FormError as error:
            raise _no_image(f"the form cannot be read: {error}") from error
        files = [part for part in parts if part.filename or (part.filename == "" and part.data)]
        images = [
            _image(part.filename or "image", part.data) for part in files if part.field == name
        ]
        if not images:
            raise _no_image(f"the form has no file in its field '{name}'")
        other = next((part.field for part in files if part.field != name), None)
        if other is not None:
            raise _invalid(f"the form's field {other}: is a file; files are sent as '{name}'")
        return Received(images, _by_name(part for part in parts if part.filename is None))

    def _one_from_json(self, body: bytes) -> Sent:
        return self._from_json(_parse(JsonImage, body), "image")

    def _several_from_json(self, body: bytes) -> list[Sent]:
        wanted = _parse(JsonImages, body).images
        if len(wanted) > self._max_images:
            raise _no_image(f"a batch has at most {self._max_images} images")
        return [self._from_json(each, f"image{index}") for index, each in enumerate(wanted)]

    def _from_json(self, image: JsonImage, name: str) -> Sent:
        if image.url is not None:
            if self._fetcher is None:
                raise _no_image("this service does not fetch URLs; send the image itself")
            return ImageAddress(name, image.url)
        try:
            return _image(name, decode_base64(image.image or ""))
        except ValueError as error:
            raise _no_image(f"'image' is not base64: {error}") from error


async def read_body(request: Request) -> bytes:
    """The whole body; unlike ``request.body()`` the request does not keep it."""
    return b"".join([part async for part in request.stream()])


async def parsed(
    body: bytes,
    parse: Callable[_Arguments, _Result],
    *arguments: _Arguments.args,
    **options: _Arguments.kwargs,
) -> _Result:
    """What a body is parsed to, in a thread where it is large.

    Args:
        body: Decides by its length; to be parsed, it must be among ``arguments`` as well.
        parse: Parses it.
        arguments: What ``parse`` is given.
        options: What ``parse`` is given by name.
    """
    if len(body) <= _SMALL_BODY:
        return parse(*arguments, **options)
    return await asyncio.to_thread(parse, *arguments, **options)


def _value(name: str, values: Sequence[str]) -> object:
    return values if name == "classes" else values[-1]


def _by_name(parts: Iterable[FormPart]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        fields[part.field].append(part.text)
    return fields


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _parse(kind: type[_Json], body: bytes) -> _Json:
    try:
        require_few_values(body)
        return kind.model_validate_json(body)
    except TooManyValuesError as error:
        raise _no_image(str(error)) from error
    except ValidationError as error:
        raise _no_image(first_error(error, "the body")) from error


def _image(name: str, data: bytes) -> SentImage:
    if not data:
        raise _no_image("the image is empty")
    return SentImage(name, data)


def _no_image(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no-image", detail)


def _invalid(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail)


def _unsupported(media_type: str) -> Problem:
    detail = f"send an image, a form with files, or JSON with base64, not {media_type or 'bytes'}"
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body", detail)
