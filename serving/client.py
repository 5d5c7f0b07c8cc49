"""A client of the service.

from serving.client import Client

with Client("http://127.0.0.1:8000") as client:
    for found in client.detect("photo.jpg").detections:
        print(found.label, found.score, found.box)
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

import httpx

from serving.manifest import Manifest
from serving.schemas import DetectResponse

_TRIES = 5


class ClientError(Exception):
    """The service refused or cannot be reached; the message is one line that says why."""


class Client:
    """Asks the service for the objects in pictures. Threads may share it.

    A service that is busy is asked again, a few times, when it says to.

    Args:
        url: The service's address, for example `http://127.0.0.1:8000`.
        key: An API key, where the service needs one.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 60) -> None:
        headers = {"X-API-Key": key} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def detect(
        self,
        picture: str | Path | bytes,
        *,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        classes: Sequence[str] | None = None,
    ) -> DetectResponse:
        """Finds objects in one picture.

        Args:
            picture: A file, or an encoded picture.
            score_threshold: Lowest score to report; the model's default if None.
            max_detections: Most detections to report; the model's default if None.
            classes: Names of the classes to report; all if None.

        Raises:
            ClientError: The service refused the picture or cannot be reached.
            OSError: The file cannot be read.
        """
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        wishes = {
            "score_threshold": score_threshold,
            "max_detections": max_detections,
            "classes": list(classes) if classes is not None else None,
        }
        parameters = {name: wish for name, wish in wishes.items() if wish is not None}
        answer = self._ask("POST", "/detect", params=httpx.QueryParams(parameters), content=data)
        return DetectResponse.model_validate_json(answer.content)

    def model(self) -> Manifest:
        """Returns the manifest of the model that answers.

        Raises:
            ClientError: The service refused or cannot be reached.
        """
        return Manifest.model_validate(self._ask("GET", "/models").json()[0])

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: httpx.QueryParams | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        for tried in range(1, _TRIES + 1):
            try:
                answer = self._client.request(method, path, params=params, content=content)
            except httpx.TransportError as error:
                reason = f"{self._client.base_url} cannot be reached: {error}"
                raise ClientError(reason) from error
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or tried == _TRIES:
                break
            time.sleep(float(answer.headers.get("retry-after", 1)) * random.uniform(0.5, 1))
        if answer.is_error:
            raise ClientError(_reason(answer))
        return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {answer.status_code}"
