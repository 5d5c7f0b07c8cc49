"""What the service answers, read in bounds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import monotonic

import httpx

_MOST_BYTES = 2**26


class ClientError(Exception):
    """The service refused or cannot be reached; the message is one line that says why."""


@dataclass(frozen=True)
class ServiceAnswer:
    """An answer of the service, whole.

    Attributes:
        status: HTTP's.
        content: The body.
        retry_after: Seconds after which the service asks to be asked again.
    """

    status: int
    content: bytes
    retry_after: float

    @property
    def reason(self) -> str:
        """Why the service refused."""
        try:
            return str(json.loads(self.content)["detail"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return f"the service answered {self.status}"


def receive(response: httpx.Response, address: str, seconds: float) -> ServiceAnswer:
    """Reads the whole of an answer that has begun.

    Args:
        response: The answer.
        address: The service's, for the errors.
        seconds: For all of it, however steadily it comes.

    Raises:
        ClientError: It takes longer, is far larger than any of umop-serve, or leads elsewhere.
        httpx.RequestError: The connection broke.
    """
    if response.next_request is not None:
        place = str(response.next_request.url.copy_with(userinfo=b"", query=None, fragment=None))
        asked = response.request.url.path.rpartition("/")[2]
        base = place.removesuffix(f"/{asked}")
        advice = "" if base == place else f": give {base} in place of it"
        raise ClientError(f"{address} leads to another address, {place}{advice}")
    end = monotonic() + seconds
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            raise ClientError(f"{address} is not umop-serve: its answer is too large")
        if monotonic() > end:
            raise ClientError(f"{address} did not answer to the end in {seconds:g} s")
    return ServiceAnswer(response.status_code, bytes(body), _retry_after(response))


def _retry_after(response: httpx.Response) -> float:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else 1
