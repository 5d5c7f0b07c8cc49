"""Pictures out of request bodies."""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from serving.api.problems import Problem

_RAW_TYPES = ("", "application/octet-stream")


async def read_picture(request: Request) -> bytes:
    """Returns the one encoded picture of a request.

    The body is the picture itself, a form with a `file`, or JSON with a base64 `image`.

    Raises:
        Problem: 415 for another type of body, 422 for one that holds no picture.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        return await _from_form(request)
    if media_type == "application/json":
        return _from_json(await request.body())
    if media_type in _RAW_TYPES or media_type.startswith("image/"):
        return _not_empty(await request.body())
    raise Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-body",
        f"send a picture, a form with a file, or JSON with a base64 image, not {media_type}",
    )


async def _from_form(request: Request) -> bytes:
    form = await _form(request)
    try:
        files = [part for name, part in form.multi_items() if name == "file"]
        if len(files) != 1 or not isinstance(files[0], UploadFile):
            raise _no_picture("the form needs exactly one file in its field 'file'")
        return _not_empty(await files[0].read())
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=1, max_fields=8)
    except HTTPException as error:
        raise _no_picture(f"the form cannot be read: {error.detail}") from error


def _from_json(body: bytes) -> bytes:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_picture("the body is not JSON") from error
    encoded = document.get("image") if isinstance(document, dict) else None
    if not isinstance(encoded, str):
        raise _no_picture("the JSON needs an 'image' with a picture in base64")
    try:
        return _not_empty(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _no_picture("'image' is not base64") from error


def _not_empty(picture: bytes) -> bytes:
    if not picture:
        raise _no_picture("the picture is empty")
    return picture


def _no_picture(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no-picture", detail)
