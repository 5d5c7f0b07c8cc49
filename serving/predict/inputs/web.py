"""An image on the web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

from serving.predict.inputs.errors import InputError
from serving.predict.inputs.item import MOST_FILE_BYTES, Item, broken, too_large

_SECONDS_WITHOUT_A_BYTE = 30
_SECONDS = 300
_MOST_REDIRECTS = 5


def is_url(path: str) -> bool:
    """Whether a path is an address."""
    return path.lower().startswith(("https://", "http://"))


@dataclass(frozen=True)
class WebImage:
    """An image's address. The user chose it, so that it may be anywhere."""

    url: str

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        try:
            name = _without_password(self.url)
        except ValueError as error:
            yield broken("a web address", InputError(f"is not valid: {error}"))
            return
        yield Item(name, "", self._fetch)

    def count(self) -> int:
        """See ``PathInput.count``."""
        return 1

    def _fetch(self) -> bytes:
        import httpx  # a quarter of a second

        try:
            with (
                httpx.Client(
                    follow_redirects=True,
                    max_redirects=_MOST_REDIRECTS,
                    timeout=_SECONDS_WITHOUT_A_BYTE,
                    headers={"Accept": "image/*", "Accept-Encoding": "identity"},
                ) as client,
                client.stream("GET", self.url) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise InputError(f"the server answered {response.status_code}")
                return _joined(response.iter_raw())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(f"cannot be fetched: {error or type(error).__name__}") from error


def _joined(parts: Iterable[bytes]) -> bytes:
    body = bytearray()
    end = monotonic() + _SECONDS
    for part in parts:
        body += part
        if len(body) > MOST_FILE_BYTES:
            raise too_large()
        if monotonic() > end:
            raise InputError(f"did not arrive in {_SECONDS} s")
    return bytes(body)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
