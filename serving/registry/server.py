"""An MLflow server, by its REST API (https://mlflow.org/docs/latest/api_reference/rest-api.html)."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from serving.registry.cutoff import Cutoff
from serving.storage import StorageError
from serving.storage.errors import WORTH_ANOTHER_TRY

if TYPE_CHECKING:
    import httpx

_API = "api/2.0/mlflow"
_ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
_MOST_BYTES = 2**20
"""Of an answer that is not an artifact."""
_MOST_LETTERS = 300
_SECONDS, _SECONDS_TO_CONNECT = 60.0, 5.0
_LEAST_BYTES_PER_SECOND = 2**16
_ENTRY = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to those "
    "of a user who may"
)
_PLACE = (
    "MLFLOW_TRACKING_URI must name MLflow's server, as in https://mlflow.example.com; no query or "
    "fragment follows, and in a password / ? # @ are %2F %3F %23 %40"
)


class RefusedError(StorageError):
    """MLflow does not do what it was asked.

    Attributes:
        code: MLflow's name for why, such as ``RESOURCE_DOES_NOT_EXIST``; empty where it has none.
    """

    def __init__(self, message: str, code: str, *, is_temporary: bool) -> None:
        super().__init__(message, is_temporary=is_temporary)
        self.code = code


class MlflowServer:
    """The server that ``MLFLOW_TRACKING_URI`` names; credentials are in MLflow's own variables.

    Redirects are not followed: credentials go only to this server.

    Args:
        variables: The environment.

    Attributes:
        url: Its address, for people.

    Raises:
        StorageError: The variables name no such server.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        import httpx  # a quarter of a second

        self._failures = (httpx.HTTPError, httpx.StreamError, TimeoutError)
        place = _place(variables)
        try:
            self._client = httpx.Client(
                base_url=place,
                timeout=httpx.Timeout(_SECONDS, connect=_SECONDS_TO_CONNECT),
                limits=httpx.Limits(max_keepalive_connections=0),
                **_entry(variables),
            )
        except (httpx.InvalidURL, ValueError):  # which may quote a password
            raise StorageError("a variable of MLflow or of a proxy is not valid") from None
        self.url = str(self._client.base_url.copy_with(userinfo=b"")).rstrip("/")

    def get(self, what: str, **parameters: str) -> dict[str, Any]:
        """Asks for something.

        Args:
            what: Such as ``registered-models/alias``.
            parameters: Go into the query.

        Raises:
            RefusedError: MLflow says no.
            StorageError: It does not answer, or not as MLflow does.
        """
        with self._answer("GET", f"{_API}/{what}", seconds_for(0), params=parameters) as answer:
            return self._json(answer)

    def post(self, what: str, **fields: object) -> dict[str, Any]:
        """Has something done; see ``get``."""
        with self._answer("POST", f"{_API}/{what}", seconds_for(0), json=fields) as answer:
            return self._json(answer)

    def download(self, path: str, start: int, seconds: float) -> Iterator[bytes]:
        """Yields an artifact from a byte on; see ``get``.

        Args:
            path: Below the root of what the server keeps.
            start: Where to begin.
            seconds: For all of it; see ``seconds_for``.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        url = f"{_ARTIFACTS}/{quote(path)}"
        with self._answer("GET", url, seconds, headers=headers) as answer:
            skipped = start if answer.status_code != 206 else 0
            for part in answer.iter_bytes():
                yield part[skipped:]
                skipped = max(0, skipped - len(part))

    def upload(self, path: str, content: IO[bytes]) -> None:
        """Writes an artifact; see ``get``."""
        seconds = seconds_for(os.fstat(content.fileno()).st_size)
        with self._answer("PUT", f"{_ARTIFACTS}/{quote(path)}", seconds, content=content):
            return

    @contextmanager
    def _answer(
        self, method: str, path: str, seconds: float, **options: Any
    ) -> Iterator[httpx.Response]:
        cutoff = Cutoff(seconds)
        options["extensions"] = {"trace": cutoff.trace}
        try:
            with cutoff, self._client.stream(method, path, **options) as answer:
                if not answer.is_success:
                    raise self._refusal(answer)
                yield answer
        except self._failures as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StorageError:
        import httpx

        is_ours = isinstance(error, httpx.LocalProtocolError)  # it quotes headers, and so secrets
        reason = "" if is_ours else str(error)
        return StorageError(
            f"MLflow at {self.url} does not answer: {reason or type(error).__name__}",
            is_temporary=not is_ours,
        )

    def _refusal(self, answer: httpx.Response) -> StorageError:
        status = answer.status_code
        if answer.has_redirect_location:
            place = answer.headers["location"].partition("?")[0]
            return StorageError(
                f"MLflow at {self.url} redirects to {place}: set MLFLOW_TRACKING_URI to where it is"
            )
        if status in (401, 403):
            return StorageError(f"MLflow at {self.url} denies access ({status}): {_ENTRY}")
        code, message = self._reason(answer)
        return RefusedError(
            f"MLflow at {self.url} answers {status}{message}",
            code,
            is_temporary=status >= 500 or str(status) in WORTH_ANOTHER_TRY,
        )

    def _reason(self, answer: httpx.Response) -> tuple[str, str]:
        """MLflow's name for an error, and what it says of it."""
        try:
            found = self._json(answer)
        except StorageError:
            return "", ""
        message = " ".join(str(found.get("message", "")).split())[:_MOST_LETTERS]
        return str(found.get("error_code", "")), f": {message}" if message else ""

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        content = b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                break
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise StorageError(f"{self.url} does not answer as MLflow does: is it a server of it?")
        return found


def seconds_for(size: int) -> float:
    """How long an artifact of so many bytes may take."""
    return _SECONDS + size / _LEAST_BYTES_PER_SECOND


def _place(variables: Mapping[str, str]) -> httpx.URL:
    """Where the server is; what is wrong with it is not quoted: it may hold a password."""
    import httpx

    try:
        place = httpx.URL(variables.get("MLFLOW_TRACKING_URI", ""))
    except (httpx.InvalidURL, ValueError):
        raise StorageError(_PLACE) from None
    more = place.query or place.fragment or "@" in place.path
    if place.scheme not in ("http", "https") or not place.host or more:
        raise StorageError(_PLACE)
    return place


def _entry(variables: Mapping[str, str]) -> dict[str, Any]:
    """What the client shows the server, and trusts it by; as in MLflow, a password goes first."""
    entry: dict[str, Any] = {"headers": {"Accept-Encoding": "identity"}}
    user = variables.get("MLFLOW_TRACKING_USERNAME")
    password = variables.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        entry["auth"] = (user, password)
    elif token := variables.get("MLFLOW_TRACKING_TOKEN", "").strip():
        if not (token.isascii() and token.isprintable()):
            raise StorageError("MLFLOW_TRACKING_TOKEN has characters that no token has")
        entry["headers"]["Authorization"] = f"Bearer {token}"
    if authority := variables.get("MLFLOW_TRACKING_SERVER_CERT_PATH"):
        entry["verify"] = _trusting(authority)
    return entry


def _trusting(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        reason = f"{authority}: {error.strerror or error}"
        raise StorageError(f"MLFLOW_TRACKING_SERVER_CERT_PATH cannot be used: {reason}") from error
