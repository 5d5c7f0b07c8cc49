"""A client of the service.

from serving.client import Client

with Client("http://127.0.0.1:8000") as client:
    for found in client.detect("photo.jpg").detections:
        print(found.label, found.score, found.box)
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Annotated, TypeVar

import httpx
from pydantic import Field, TypeAdapter, ValidationError

from serving.bundle.schema import Manifest
from serving.client.answers import ClientError, ServiceAnswer, receive
from serving.schemas.detections import DetectResponse
from serving.schemas.options import Tiles

_Form = TypeVar("_Form")
_DETECTIONS = TypeAdapter(DetectResponse)
_PROXY = (
    "the proxy in ALL_PROXY, HTTPS_PROXY or HTTP_PROXY cannot be used: "
    "name one of http://, or install httpx[socks] for socks5://"
)
_MODELS = TypeAdapter(Annotated[list[Manifest], Field(min_length=1)])


class Client:
    """A client of the service. Threads may share it.

    Requests are repeated after the time that the service asks for: up to four times while it is
    busy (503), for up to ten minutes while it limits the rate (429).

    Args:
        url: The service's address, for example ``http://127.0.0.1:8000``.
        key: An API key, where the service needs one.
        timeout: Seconds to wait for an answer, and for the whole of it once it has begun; None for
            as long as it takes.

    Raises:
        ClientError: The address, the key or a proxy that the environment names is not valid.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout: float | None = 60) -> None:
        place = _parsed(url)
        self._address = str(place.copy_with(userinfo=b"")).rstrip("/")
        self._seconds = math.inf if timeout is None else timeout
        headers = {"X-API-Key": _checked(key)} if key else {}
        try:
            self._client = httpx.Client(base_url=place, headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ImportError, ValueError) as error:
            raise ClientError(_PROXY) from error
        self._turn = Lock()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def detect(
        self,
        image: str | Path | bytes,
        *,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        classes: Sequence[str] | None = None,
        tiles: Tiles | None = None,
    ) -> DetectResponse:
        """Finds objects in one image.

        Args:
            image: A file, or an encoded image.
            score_threshold: Lowest score to report; the model's default if None.
            max_detections: Most detections to report; the model's default if None.
            classes: Names of the classes to report; all if None.
            tiles: ``off`` to take a large image whole, or the side of the windows that it is cut
                into; as the model says if None.

        Raises:
            ClientError: The service refused the image, cannot be reached, or is not ``umop-serve``.
            OSError: The file cannot be read.
            ValueError: ``classes`` is empty, which a query cannot say.
        """
        classes = None if classes is None else list(classes)
        if classes == []:
            raise ValueError("classes names no class; leave it out for all of them")
        data = image if isinstance(image, bytes) else Path(image).read_bytes()
        given = {
            "score_threshold": score_threshold,
            "max_detections": max_detections,
            "classes": classes,
            "tiles": tiles,
        }
        parameters = {name: value for name, value in given.items() if value is not None}
        answer = self._request(
            "POST", "/detect", params=httpx.QueryParams(parameters), content=data
        )
        return self._read(_DETECTIONS, answer)

    def model(self) -> Manifest:
        """Returns the manifest of the model that answers.

        Raises:
            ClientError: The service refused, cannot be reached, or is not ``umop-serve``.
        """
        return self._read(_MODELS, self._request("GET", "/models"))[0]

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: httpx.QueryParams | None = None,
        content: bytes | None = None,
    ) -> ServiceAnswer:
        request = self._client.build_request(method, path, params=params, content=content)
        retries = _Retries()
        answer = self._send(request)
        while (wait := retries.wait(answer)) is not None:
            self._sleep(wait, answer)
            answer = self._send(request)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ClientError(answer.reason)
        return answer

    def _send(self, request: httpx.Request) -> ServiceAnswer:
        try:
            with closing(self._client.send(request, stream=True)) as response:
                return receive(response, self._address, self._seconds)
        except httpx.RequestError as error:
            raise ClientError(f"{self._address} cannot be reached: {error}") from error

    def _sleep(self, wait: float, answer: ServiceAnswer) -> None:
        """Sleeps; under a rate limit one thread after the other, so that they retry in turn."""
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            time.sleep(wait)
            return
        with self._turn:
            time.sleep(wait)

    def _read(self, form: TypeAdapter[_Form], answer: ServiceAnswer) -> _Form:
        try:
            return form.validate_json(answer.content)
        except ValidationError as error:
            reason = f"{self._address} is not umop-serve, or another version of it"
            raise ClientError(reason) from error


@dataclass
class _Retries:
    """How often and for how long one request is repeated."""

    tries: int = 4
    seconds: float = 600

    def wait(self, answer: ServiceAnswer) -> float | None:
        """Returns the seconds to wait before the next try, or None to give up."""
        match answer.status:
            case HTTPStatus.SERVICE_UNAVAILABLE:
                self.tries -= 1
                wait = answer.retry_after * random.uniform(0.5, 1)
            case HTTPStatus.TOO_MANY_REQUESTS:
                wait = answer.retry_after
            case _:
                return None
        self.seconds -= wait
        return wait if self.tries >= 0 and self.seconds >= 0 else None


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:  # which may quote a password
        shown = url.rpartition("@")[2]
        reason = f"{shown} is not a valid address, such as http://127.0.0.1:8000"
        raise ClientError(reason) from error


def _checked(key: str) -> str:
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise ClientError("the API key must be printable ASCII, without spaces around it")
    return key
