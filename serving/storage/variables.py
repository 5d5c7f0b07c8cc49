"""Variables of the clouds' tools, checked before obstore reads them: it panics at some values."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from serving.storage.errors import StorageError

_SENT = ("AWS_", "AZURE_")
_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


def require_usable(variables: Mapping[str, str]) -> None:
    """Refuses values that cannot be sent, such as a key with the line break of its file.

    Args:
        variables: The environment.

    Raises:
        StorageError: There is one; the message names the variable, and never shows its value.
    """
    for name, value in variables.items():
        if name.startswith(_SENT) and not (value.isascii() and value.isprintable()):
            raise StorageError(f"{name} has characters that cannot be sent, such as a line break")
        if name in _ENDPOINTS and not is_server(value):
            raise StorageError(f"{name} must name a server, as in https://storage.example.com:9000")


def is_server(url: str) -> bool:
    """Whether a URL names a server of the web."""
    try:
        parts = urlsplit(url)
        known_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and known_port
    return is_whole and " " not in url
