"""Fetches images from the web, where ``UMOP_ALLOW_URLS`` is on."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Iterable
from urllib.parse import urljoin, urlsplit

import httpcore

from serving.guards.admission import OverloadedError
from serving.guards.budget import Held
from serving.guards.lookups import Lookups

_IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_CONNECTIONS = 16
_MOST_LOOKUPS = 16
_MOST_REDIRECTS = 3
_HTTPS = 443
_REDIRECTS = {301, 302, 303, 307, 308}
# All of the internet's IPv6 addresses are in here (RFC 4291, section 2.5.4) but for the exceptions.
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_EXCEPTIONS = (
    ipaddress.IPv6Network("2001::/23"),  # protocols: Teredo, which leads to an IPv4 address, …
    ipaddress.IPv6Network("2002::/16"),  # 6to4, which does, too
    ipaddress.IPv6Network("3fff::/20"),  # documentation, newer than Python's list
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocols, some of which Python calls public
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4's relays
    ipaddress.IPv4Network("168.63.129.16/32"),  # the host of an Azure machine
)


class ImageFetchError(Exception):
    """The image cannot be fetched; the message is one line that says why."""


def is_public(address: _IpAddress) -> bool:
    """Whether an address is on the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in _GLOBAL_IPV6:
            return False
    is_exception = any(address in network for network in _EXCEPTIONS)
    return address.is_global and not address.is_multicast and not is_exception


class Fetcher:
    """Fetches images over https from public addresses.

    A name is resolved once and the address that was checked is the one connected to, for
    every redirect again, so that DNS rebinding gains nothing.

    Args:
        max_bytes: Most bytes that one request may hold, its body included.
        timeout: Seconds for all of it.
        allow: Says which addresses may be connected to.
        context: Checks the servers' certificates.
    """

    def __init__(
        self,
        max_bytes: int,
        timeout: float,
        *,
        allow: Callable[[_IpAddress], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._allow = allow
        self._lookups = Lookups(_MOST_LOOKUPS)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context or ssl.create_default_context(),
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=0,
        )

    async def fetch(self, url: str, held: Held) -> bytes:
        """Returns what is at an address.

        Args:
            url: The address.
            held: What the request holds already; what is fetched is added.

        Raises:
            ImageFetchError: The address is not allowed, does not answer in time, or has too much.
            OverloadedError: All requests together hold too much, or too many names are looked up.
        """
        try:
            return await asyncio.wait_for(self._follow(url, held), self._timeout)
        except asyncio.TimeoutError:
            raise ImageFetchError("the image's server did not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise ImageFetchError("the image's server cannot be reached") from error
        except ValueError as error:  # of urljoin, or of a name that IDNA refuses
            raise ImageFetchError("the image's address is not valid") from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()

    async def _follow(self, url: str, held: Held) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._get(url, held)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        raise ImageFetchError(f"the image's address redirects more than {_MOST_REDIRECTS} times")

    async def _get(self, url: str, held: Held) -> bytes | str:
        """Returns the body, or where a redirect leads."""
        _check_url(url)
        named = httpcore.URL(url)
        host = named.host.decode("ascii")
        address = await self._resolve(host, named.origin.port)
        headers = [
            ("Host", _host_header(host, named.port)),
            ("Accept", "image/*"),
            ("User-Agent", "umop-serve"),
        ]
        async with self._pool.stream(
            "GET",
            httpcore.URL(scheme="https", host=address, port=named.port, target=named.target),
            headers=headers,
            extensions={"sni_hostname": host},
        ) as response:
            if response.status in _REDIRECTS:
                return _location(response.headers)
            if response.status != 200:
                raise ImageFetchError(f"the image's server answered {response.status}")
            body = bytearray()
            async for part in response.aiter_stream():
                held.add(len(part))
                if held.size > self._max_bytes:
                    raise ImageFetchError(
                        f"the request and its images have over {self._max_bytes} bytes"
                    )
                if held.is_too_much:
                    raise OverloadedError("too much is being fetched; try again soon")
                body += part
            return bytes(body)

    async def _resolve(self, host: str, port: int) -> str:
        """Returns an allowed address of a host; it takes none of the connections meanwhile."""
        try:
            addresses = await self._lookups.addresses(host, port)
        except OSError as error:
            raise ImageFetchError(f"no such host: {host}") from error
        if not all(self._allow(ipaddress.ip_address(address)) for address in addresses):
            raise ImageFetchError(f"{host} is not on the public internet")
        return addresses[0]


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        url.encode("ascii")
        has_port = parts.port != 0  # reading it raises ValueError where it is none
        is_anonymous = parts.username is None and parts.password is None
        sound = parts.scheme == "https" and parts.hostname and has_port and is_anonymous
    except ValueError:
        sound = False
    if not sound:
        raise ImageFetchError("an image's address must be https, without user and password")


def _host_header(host: str, port: int | None) -> str:
    """What ``Host`` says (RFC 9110, section 7.2), without the port that is https's own."""
    name = f"[{host}]" if ":" in host else host
    return name if port in (None, _HTTPS) else f"{name}:{port}"


def _location(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name.lower() == b"location":
            return value.decode("latin-1")
    raise ImageFetchError("the image's server redirects to nowhere")
